from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support
from faa_core.heads.rank import ranks
from faa_core.heads.without_key import without_key


def _attention(heads: int, n: int, m: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.softmax(2 * torch.randn(heads, n, m, generator=generator), -1)


def test_even_causal_attention_of_16_tokens() -> None:
    found = ranks(Support.causal(16).uniform(), "causal")
    assert found.effective == pytest.approx(8.5837, abs=5e-5)
    assert found.stable == pytest.approx(1.5694, abs=5e-5)
    assert found.effective == found.effective_null
    assert found.status == "ok"


def test_an_identity_head_has_full_rank_and_no_gap() -> None:
    found = ranks(torch.eye(12), "causal")
    assert (found.effective, found.stable) == pytest.approx((12, 12))
    assert found.gap == pytest.approx(0, abs=1e-12)


def test_a_head_with_equal_rows_has_rank_one() -> None:
    row = torch.tensor([0.5, 0.3, 0.2, 0])
    found = ranks(row.expand(9, 4))
    assert (found.effective, found.stable) == pytest.approx((1, 1), abs=1e-6)
    assert found.gap == pytest.approx(3 * float(row.norm()), rel=1e-6)


def test_singular_values_by_hand() -> None:
    # Two blocks: sqrt(2) for the two equal rows, 1 for the other.
    found = ranks(torch.tensor([[1.0, 0], [1, 0], [0, 1]]))
    p = np.sqrt(2) / (np.sqrt(2) + 1)
    assert found.effective == pytest.approx(np.exp(-p * np.log(p) - (1 - p) * np.log(1 - p)))
    assert found.stable == pytest.approx(3 / 2)
    assert found.gap == pytest.approx(np.sqrt(2) - 1)


def test_a_single_key_leaves_one_singular_value() -> None:
    found = ranks(torch.ones(4, 1))
    assert (found.effective, found.stable, found.gap) == pytest.approx((1, 1, 2))


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 12), m=st.integers(1, 12), seed=st.integers(0, 99))
def test_the_order_of_rows_and_keys_does_not_matter(n: int, m: int, seed: int) -> None:
    a = _attention(1, n, m, seed)[0]
    random = np.random.default_rng(seed)
    shuffled = a[random.permutation(n)][:, random.permutation(m)]
    one, other = ranks(a), ranks(shuffled)
    assert one.effective == pytest.approx(float(other.effective), rel=1e-6)
    assert one.stable == pytest.approx(float(other.stable), rel=1e-6)
    assert one.gap == pytest.approx(float(other.gap), abs=1e-6)
    assert 1 - 1e-6 <= one.stable <= min(n, m) + 1e-6
    assert 1 - 1e-6 <= one.effective <= min(n, m) + 1e-6


def test_a_batch_gives_what_its_matrices_give() -> None:
    a = _attention(6, 10, 8).reshape(2, 3, 10, 8)
    found = ranks(a)
    assert found.effective.shape == found.gap_null.shape == found.status.shape == (2, 3)
    assert found.stable[1, 2] == pytest.approx(float(ranks(a[1, 2]).stable))


def test_the_null_has_the_rows_that_the_head_has() -> None:
    # All rows but two rest on the first token, and have nothing without it.
    a = torch.zeros(2, 8, 8)
    a[0, :, 0] = 1
    a[0, [3, 6]] = Support.causal(8).uniform()[[3, 6]]
    a[1] = Support.causal(8).uniform()
    found = ranks(*without_key(a, "causal"))
    assert found.effective == pytest.approx(found.effective_null, rel=1e-6)
    assert found.stable == pytest.approx(found.stable_null, rel=1e-6)
    assert found.effective_null[0] < 2 < found.effective_null[1]


def test_undefined_heads_say_why() -> None:
    a = Support.causal(5).uniform().repeat(3, 1, 1)
    a[1] = 0
    a[2, 4, 0] = torch.inf
    found = ranks(a, "causal")
    assert found.status.tolist() == ["ok", "no_rows", "non_finite"]
    for numbers in (found.effective, found.effective_null, found.stable, found.stable_null, found.gap, found.gap_null):
        assert np.isnan(numbers).tolist() == [False, True, True]


def test_negative_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="row 1, key 0 holds -1"):
        ranks(torch.tensor([[1.0, 0], [-1, 2]]))
