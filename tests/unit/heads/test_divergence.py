from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from faa_core.geometry import Support
from faa_core.heads.divergence import head_divergence


def _attention(heads: int, support: Support, seed: int = 0, sharpness: float = 2.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    logits = sharpness * torch.randn(heads, support.queries, support.keys, generator=generator)
    return torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1)


def test_heads_that_share_no_key_are_ln_2_apart() -> None:
    a = torch.zeros(3, 6, 8)
    a[0, :, 2] = 1
    a[1, :, 5] = 1
    a[2, :, [5, 6]] = 0.5
    found = head_divergence(a)
    assert found.value[0] == pytest.approx([0, math.log(2), math.log(2)])
    # (0, 1) against (1/2, 1/2): the mean is (1/4, 3/4).
    expected = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75)) - 0.5 * math.log(2)
    assert found.value[1, 2] == pytest.approx(expected)
    assert np.diag(found.value).tolist() == [0, 0, 0]
    assert (found.rows == 6).all()
    assert (found.null == 0).all()


@settings(max_examples=20, deadline=None)
@given(
    h=st.integers(1, 4),
    g=st.integers(1, 4),
    n=st.integers(1, 12),
    m=st.integers(1, 12),
    sharpness=st.floats(0, 60),
    seed=st.integers(0, 99),
)
def test_pairs_of_two_sets_are_those_of_scipy(h: int, g: int, n: int, m: int, sharpness: float, seed: int) -> None:
    support = Support.full(n, m)
    a, b = _attention(h, support, seed, sharpness), _attention(g, support, seed + 100, 1.0)
    found = head_divergence(a, b)
    assert found.value.shape == (h, g)
    expected = jensenshannon(a.double().numpy()[:, None], b.double().numpy()[None], axis=-1) ** 2
    np.testing.assert_allclose(found.value, expected.mean(-1), atol=1e-7)
    np.testing.assert_allclose(head_divergence(b, a).value, found.value.T, atol=1e-14)
    assert (found.value >= -1e-14).all()
    assert (found.value <= math.log(2) + 1e-14).all()


def test_one_set_against_itself_is_symmetric() -> None:
    support = Support.causal(40)
    a = _attention(5, support)
    alone = head_divergence(a, support=support)
    np.testing.assert_array_equal(alone.value, alone.value.T)
    assert np.diag(alone.value) == pytest.approx(np.zeros(5), abs=1e-15)
    np.testing.assert_allclose(head_divergence(a, a.clone(), support).value, alone.value, atol=1e-14)


@pytest.mark.parametrize(
    "support",
    [Support.causal(700), Support.sliding(700, 40), Support.full(700, 600)],
    ids=["causal", "sliding", "full"],
)
def test_long_texts_are_compared_block_by_block(support: Support) -> None:
    a, b = _attention(3, support), _attention(2, support, 1)
    expected = jensenshannon(a.double().numpy()[:, None], b.double().numpy()[None], axis=-1) ** 2
    np.testing.assert_allclose(head_divergence(a, b, support).value, expected.mean(-1), rtol=1e-6)


def test_a_learned_sink_and_rounding_do_not_count() -> None:
    support = Support.causal(20)
    a = _attention(2, support)
    taken = a * torch.linspace(0.3, 1, 20)[:, None]
    np.testing.assert_allclose(head_divergence(a, taken, support).value.diagonal(), 0, atol=1e-12)


def test_only_rows_with_mass_in_both_are_compared() -> None:
    a = torch.zeros(3, 4, 4)
    a[0, :, 0] = 1
    a[1, :2, 0] = 1
    a[1, 1] = torch.tensor([0.0, 1, 0, 0])
    found = head_divergence(a, support="causal")
    assert found.rows.tolist() == [[4, 2, 0], [2, 2, 0], [0, 0, 0]]
    assert found.value[0, 1] == pytest.approx(math.log(2) / 2)
    assert found.status.tolist() == [["ok", "ok", "no_rows"], ["ok", "ok", "no_rows"], ["no_rows"] * 3]
    assert np.isnan(found.value[2]).all()
    assert np.isnan(found.null[2]).all()


def test_a_bad_head_spoils_its_own_pairs_alone() -> None:
    a = _attention(3, Support.full(5, 5))
    a[1, 2, 2] = torch.inf
    found = head_divergence(a)
    assert (found.status == "non_finite").tolist() == [[False, True, False], [True] * 3, [False, True, False]]
    assert np.isnan(found.value[:, 1]).all()
    assert np.isfinite(found.value[[0, 2]][:, [0, 2]]).all()


def test_other_shapes_are_refused() -> None:
    a = torch.eye(4)[None]
    with pytest.raises(ValueError, match=r"\[heads, n, m\]"):
        head_divergence(a[0])
    with pytest.raises(ValueError, match=r"\(4, 4\) and \(5, 5\) cannot be compared"):
        head_divergence(a, torch.eye(5)[None])
