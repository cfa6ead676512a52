from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support
from faa_core.geometry.gliding import gliding_sums, integral_image, jackknife_error
from faa_core.geometry.lacunarity import box_lacunarity, lacunarity

WEIGHTS = np.array([[0.4, 0.3], [0.2, 0.1]])


def _cascade(levels: int) -> np.ndarray:
    x = np.ones((1, 1))
    for _ in range(levels):
        x = np.kron(x, WEIGHTS)
    return x


def _bernoulli(n: int, p: float, seed: int) -> np.ndarray:
    """Zeros and ones, exactly a share p of ones."""
    return np.random.default_rng(seed).permutation(n * n).reshape(n, n) < round(p * n * n)


# --- closed forms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_independent_entries(seed: int) -> None:
    p = 0.2
    result = lacunarity(_bernoulli(512, p, seed).astype(np.float32), sides=(1, 2, 3, 4, 8, 16, 32))
    np.testing.assert_allclose(result.value, 1 + (1 - p) / (p * result.sides**2.0), atol=0.005)
    assert (result.status == "ok").all()


@pytest.mark.parametrize("n", [33, 64, 100, 250])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_even_attention_has_lacunarity_one_at_every_side(n: int, dtype: type) -> None:
    for support in (Support.causal(n), Support.sliding(n, 16), Support.causal(n, n + 20), Support.full(n, n)):
        result = lacunarity(support.uniform().numpy().astype(dtype), support)
        held = result.status != "no_rows"
        assert result.status[held].tolist() == ["degenerate"] * int(held.sum())
        np.testing.assert_allclose(result.value[held], 1, atol=1e-12)
        assert result.null[held].tolist() == [1.0] * int(held.sum())
        assert np.isnan(result.normalised).all()
        np.testing.assert_allclose(box_lacunarity(support.uniform().numpy(), support).value, 1, atol=1e-9)


def test_a_hand_computed_causal_map() -> None:
    # Lift 1 | 2 0 | 0 3 0. Boxes of side 2 with an area of at least 2: all four but the one at (0, 1), with mass
    # 3, 5, 3 and 0 over an area of 3, 4, 3 and 1 in turn.
    x = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]])
    result = lacunarity(x, "causal", sides=(1, 2))
    assert result.value[0] == pytest.approx((1 + 4 + 9) * 6 / (1 + 2 + 3) ** 2)
    assert result.value[1] == pytest.approx((9 / 3 + 25 / 4 + 9 / 3) * 10 / 11**2)
    assert result.normalised.tolist() == pytest.approx([1, np.log(result.value[1]) / np.log(result.value[0])])


def test_one_key_of_m_is_m_times_as_uneven_as_all() -> None:
    x = np.zeros((40, 40))
    x[:, 7] = 1
    assert lacunarity(x, sides=(1,)).value[0] == pytest.approx(40)


@pytest.mark.parametrize("levels", [5, 9])
def test_cascade(levels: int) -> None:
    result = box_lacunarity(_cascade(levels))
    assert result.boxes.tolist() == [2**k for k in range(levels + 1)]
    expected = (4 * (WEIGHTS**2).sum()) ** np.arange(levels + 1)
    np.testing.assert_allclose(result.value, expected, rtol=1e-12)


@pytest.mark.parametrize("n", [64, 256])
def test_the_slope_is_two_minus_the_correlation_dimension(n: int) -> None:
    x = np.random.default_rng(0).lognormal(sigma=2, size=(n, n))
    result = box_lacunarity(x)
    masses = [x.reshape(m, n // m, m, n // m).sum((1, 3)) / x.sum() for m in result.boxes]
    correlation = np.polyfit(np.log(result.boxes), np.log([(p**2).sum() for p in masses]), 1)[0]
    slope = np.polyfit(np.log(result.boxes), np.log(result.value), 1)[0]
    assert -correlation == pytest.approx(2 - slope, abs=1e-12)
    cascade = box_lacunarity(_cascade(6))
    slope = np.polyfit(np.log(cascade.boxes), np.log(cascade.value), 1)[0]
    assert 2 - slope == pytest.approx(-np.log2((WEIGHTS**2).sum()), abs=1e-12)


# --- the estimator ------------------------------------------------------------------------------------------------


def test_gliding_sums_are_the_sums_of_every_box() -> None:
    x = torch.randn(2, 9, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for side in (1, 2, 7):
        expected = x.unfold(-2, side, 1).unfold(-2, side, 1).sum((-2, -1))
        torch.testing.assert_close(gliding_sums(integral_image(x), side), expected, rtol=0, atol=1e-12)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    x = np.random.default_rng(0).normal(size=20)
    without = (x.sum() - x) / 19
    error = jackknife_error(np.asarray(x.mean()), without, np.full(20, 1 / 20))
    assert float(error) == pytest.approx(x.std(ddof=1) / np.sqrt(20))


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.floats(1e-3, 1e3), st.integers(0, 1000))
def test_lacunarity_is_at_least_one_and_blind_to_scale(n: int, m: int, scale: float, seed: int) -> None:
    x = np.random.default_rng(seed).exponential(size=(n, m))
    one, other = lacunarity(x), lacunarity(x * scale)
    assert (one.value >= 1 - 1e-12).all()
    np.testing.assert_allclose(other.value, one.value, rtol=1e-9)
    box = box_lacunarity(x)
    assert box.value[0] == pytest.approx(1)
    assert (box.value >= 1 - 1e-12).all()


def test_intervals_cover_independent_entries_up_to_a_block() -> None:
    sides = (2, 4, 8, 16)
    fields = np.stack([_bernoulli(128, 0.3, seed) for seed in range(60)]).astype(np.float32)
    result = lacunarity(fields, sides=(*sides, 17))
    covered = np.abs(result.value - (1 + 0.7 / (0.3 * result.sides**2.0))) < 1.96 * result.error
    assert (covered[:, :3].mean(0) >= 0.8).all()
    assert np.isnan(result.error[:, -1]).all()
    assert np.isfinite(result.error[:, :-1]).all()


def test_batches_tensors_and_supports() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, 3, 90, 90, generator=generator)
    a = torch.softmax(logits.masked_fill(~Support.causal(90).mask(), -torch.inf), -1)
    batch = lacunarity(a, "causal")
    assert batch.value.shape == batch.error.shape == batch.status.shape == (2, 3, 6)
    one = lacunarity(a[1, 2].numpy(), "causal")
    np.testing.assert_array_equal(one.value, batch.value[1, 2])
    padded = torch.zeros(90, 120)
    padded[:, :90] = a[1, 2]
    wider = Support(torch.zeros(90, dtype=torch.int64), torch.arange(1, 91), 120)
    np.testing.assert_allclose(lacunarity(padded, wider, sides=(1, 4, 16)).value, one.value[[0, 2, 4]], rtol=1e-9)


# --- where there is nothing to measure ------------------------------------------------------------------------------


def test_statuses() -> None:
    nan = np.ones((40, 40))
    nan[3, 3] = np.nan
    x = np.stack([np.zeros((40, 40)), nan, np.eye(40)])
    result = lacunarity(x, sides=(1, 4))
    assert result.status.tolist() == [["empty"] * 2, ["non_finite"] * 2, ["ok"] * 2]
    assert np.isnan(result.value[:2]).all()
    assert box_lacunarity(x).status.tolist() == ["empty", "non_finite", "ok"]
    narrow = lacunarity(np.eye(40), Support.sliding(40, 2), sides=(1, 2, 16))
    assert narrow.status.tolist() == ["ok", "ok", "no_rows"]
    assert np.isnan(narrow.value[-1])
    assert np.isnan(narrow.null[-1])
    nothing = Support(torch.zeros(4, dtype=torch.int64), torch.zeros(4, dtype=torch.int64), 4)
    assert lacunarity(np.zeros((4, 4)), nothing).status.tolist() == ["no_rows"] * 2
    assert str(box_lacunarity(np.zeros((4, 4)), nothing).status) == "empty"


def test_one_entry_is_constant() -> None:
    result = lacunarity(np.ones((1, 1)))
    assert result.sides.tolist() == [1]
    assert result.status.tolist() == ["degenerate"]


@pytest.mark.parametrize("side", [0, -1, 41])
def test_boxes_that_do_not_fit_are_refused(side: int) -> None:
    with pytest.raises(ValueError, match=f"side {side} does not fit"):
        lacunarity(np.ones((40, 50)), sides=(side,))
