from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support
from faa_core.geometry.renyi import renyi_dimensions
from faa_core.known.measures import BINOMIAL, TRINOMIAL, cascade, cascade_dimension, sink, uniform_causal

ORDERS = np.array([-5, -2, -1, 0, 0.5, 1, 1.5, 2, 2.3, 5, 100, np.inf])


@pytest.mark.parametrize(
    ("n", "generator", "unfold"),
    [
        (32, BINOMIAL, True),
        (64, BINOMIAL, False),
        (256, BINOMIAL, True),
        (256, BINOMIAL, False),
        (243, TRINOMIAL, False),
    ],
)
def test_cascades_on_their_own_grid_are_exact(n: int, generator: np.ndarray, unfold: bool) -> None:
    result = renyi_dimensions(cascade(n, generator), ORDERS, unfold=unfold)
    np.testing.assert_allclose(result.value, [cascade_dimension(generator, q) for q in ORDERS], atol=1e-12)
    assert (result.status == "ok").all()


@pytest.mark.parametrize("n", [50, 60, 77, 100, 250, 500])
def test_cascades_off_the_grid(n: int) -> None:
    q = (0, 0.5, 1, 2, 3, 5)
    errors = renyi_dimensions(cascade(n), q).effective - [cascade_dimension(BINOMIAL, v) for v in q]
    assert np.abs(errors[:4]).max() < 0.03
    assert np.abs(errors).max() < 0.04


@pytest.mark.parametrize(
    "support",
    [Support.causal(33), Support.causal(77), Support.sliding(100, 16), Support.full(50, 200), Support.causal(64, 100)],
)
def test_even_attention_has_two_for_every_order(support: Support) -> None:
    q = (0, 0.5, 1, 2, 5, 10)
    result = renyi_dimensions(support.uniform(), q, support)
    np.testing.assert_allclose(result.value, 2, atol=1e-9)
    np.testing.assert_allclose(result.null, 2, atol=1e-12)
    np.testing.assert_allclose(result.difference, 0, atol=1e-9)


def test_the_mask_bends_the_spectrum_of_what_is_not_unfolded() -> None:
    causal = uniform_causal(512)
    raw = renyi_dimensions(causal, (3, 5), "causal", unfold=False)
    np.testing.assert_allclose(raw.effective, [1.5, 1.25], atol=0.1)
    np.testing.assert_allclose(raw.difference, 0, atol=1e-12)


def test_noise_is_below_two_by_more_the_sharper_it_is() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 128, 128, generator=generator).masked_fill(~Support.causal(128).mask(), -torch.inf)
    soft, sharp = (renyi_dimensions(torch.softmax(s * logits, -1), (1,), "causal") for s in (1, 4))
    np.testing.assert_allclose(soft.effective, 1.983, atol=0.005)
    np.testing.assert_allclose(sharp.effective, 1.777, atol=0.04)


def test_a_sink_does_not_scale() -> None:
    result = renyi_dimensions(sink(512, 0.6), (0, 1, 2), "causal")
    assert result.status.tolist() == ["ok", "no_scaling", "no_scaling"]
    assert 1.4 < result.effective[1] < 1.7


@pytest.mark.parametrize("q", [0.0, 1.0, 2.0, np.inf])
def test_a_column_and_a_row_have_dimension_one(q: float) -> None:
    column = np.zeros((64, 64))
    column[:, 5] = 1
    np.testing.assert_allclose(renyi_dimensions(np.stack([column, column.T]), (q,)).value, 1, atol=1e-12)


def test_chain_rule_of_rows() -> None:
    # Rows of one and the same distribution p: D_1 = 1 + D_1(p), and p is a binomial measure on the line.
    p = np.ones(1)
    for _ in range(8):
        p = np.kron(p, [0.7, 0.3])
    d = -(0.7 * np.log2(0.7) + 0.3 * np.log2(0.3))
    assert float(renyi_dimensions(np.tile(p, (256, 1)), (1,)).value[0]) == pytest.approx(1 + d, abs=1e-12)


def test_statuses() -> None:
    one, nan = np.zeros((64, 64)), np.ones((64, 64))
    one[3, 5] = 1
    nan[2, 2] = np.nan
    result = renyi_dimensions(np.stack([np.zeros((64, 64)), one, nan, np.eye(64)]), (1, -1))
    assert result.status[:, 0].tolist() == ["empty", "degenerate", "non_finite", "ok"]
    assert result.status[3, 1] == "negative_q_undefined"
    assert np.isnan(result.value[3, 1])
    assert result.value[1, 0] == 0
    assert set(renyi_dimensions(np.ones((31, 31))).status) == {"too_few_scales"}
    blind = Support(torch.zeros(40, dtype=torch.int64), torch.zeros(40, dtype=torch.int64), 40)
    assert set(renyi_dimensions(np.zeros((40, 40)), support=blind).status) == {"too_few_scales"}


def test_negative_orders_need_more_digits_than_float32_has() -> None:
    measure = cascade(512)
    assert renyi_dimensions(measure.astype(np.float32), (-5,)).status[0] == "negative_q_undefined"
    assert renyi_dimensions(measure, (-5,)).status[0] == "ok"


def test_the_shape_of_a_batch_is_kept() -> None:
    batch = np.stack([cascade(64, seed=s) for s in range(6)]).reshape(2, 3, 64, 64)
    result = renyi_dimensions(batch, (1, 2))
    assert result.value.shape == result.status.shape == (2, 3, 2)
    assert result.curve.shape == (2, 3, 2, 5)
    assert result.scales.tolist() == [4, 8, 16, 32, 64]
    np.testing.assert_allclose(result.effective[1, 2], renyi_dimensions(batch[1, 2], (1, 2)).effective, rtol=1e-14)


@pytest.mark.parametrize("q", [(), (np.nan,), (-np.inf,)])
def test_bad_orders_are_refused(q: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="order"):
        renyi_dimensions(np.ones((64, 64)), q)


@settings(max_examples=30, deadline=None)
@given(st.integers(32, 130), st.integers(0, 999), st.floats(0.0, 6.0), st.floats(1e-6, 1e6))
def test_properties(n: int, seed: int, sharpness: float, mass: float) -> None:
    x = np.exp(sharpness * np.random.default_rng(seed).standard_normal((n, n)))
    q = np.array([-1, 0, 0.3, 1, 2, 4, np.inf])
    result = renyi_dimensions(x, q)
    # The entropies never rise with q at any grid.
    assert (np.diff(result.curve, axis=0) <= 1e-9).all()
    np.testing.assert_allclose(renyi_dimensions(mass * x, q).effective, result.effective, atol=1e-9)
    np.testing.assert_allclose(renyi_dimensions(x.T, q).effective, result.effective, atol=1e-9)
