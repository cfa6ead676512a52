from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support
from faa_core.heads.coverage import coverage
from faa_core.heads.without_key import without_key


def test_rows_by_hand() -> None:
    # k_.9: 1, 2, 2 (.6 and .3 are just enough); k_.99: 1, 2, 4 of 1, 2 and 4 visible keys.
    a = torch.tensor([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.3, 0.05, 0.05, 0.6]])
    support = Support(torch.tensor([0, 0, 0]), torch.tensor([1, 2, 4]), 4)
    found = coverage(a, support)
    assert found.shares == (0.9, 0.99)
    assert found.keys == pytest.approx([(1 + 2 + 2) / 3, (1 + 2 + 4) / 3])
    assert found.portion == pytest.approx([(1 + 1 + 2 / 4) / 3, 1])
    # Gini of the last row: mean absolute difference of all pairs over twice the mean.
    row = np.array([0.3, 0.05, 0.05, 0.6])
    gini = np.abs(row[:, None] - row).sum() / (2 * 4 * row.sum())
    assert found.gini == pytest.approx(gini / 3)


@pytest.mark.parametrize(
    "support", [Support.causal(50), Support.full(30, 40), Support.sliding(60, 10)], ids=["causal", "full", "sliding"]
)
def test_even_attention_is_its_own_null(support: Support) -> None:
    found = coverage(support.uniform(), support)
    needed = [np.mean(np.ceil(np.round(share * support.lengths.numpy(), 9))) for share in (0.9, 0.99)]
    assert found.keys == pytest.approx(needed)
    assert found.keys_null == pytest.approx(needed)
    assert found.gini == pytest.approx(0, abs=1e-6)
    assert found.gini_null == pytest.approx(0, abs=1e-6)


def test_one_key_holds_everything() -> None:
    a = torch.zeros(6, 20)
    a[:, 7] = 1
    found = coverage(a)
    assert found.keys.tolist() == [1, 1]
    assert found.portion == pytest.approx([1 / 20] * 2)
    assert found.gini == pytest.approx(1 - 1 / 20)


def test_hidden_keys_do_not_make_a_row_uneven() -> None:
    window = Support.sliding(40, 4)
    assert coverage(window.uniform(), window).gini == pytest.approx(0, abs=1e-6)
    assert coverage(window.uniform()).gini > 0.8


def test_a_learned_sink_takes_its_part_before() -> None:
    a = torch.softmax(torch.randn(2, 10, 10, generator=torch.Generator().manual_seed(3)), -1)
    whole, part = coverage(a), coverage(a * torch.linspace(0.2, 0.9, 10)[:, None])
    np.testing.assert_allclose(whole.keys, part.keys)
    np.testing.assert_allclose(whole.gini, part.gini, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 9), m=st.integers(1, 30), sharpness=st.floats(0, 20), seed=st.integers(0, 99))
def test_the_order_of_keys_does_not_matter(n: int, m: int, sharpness: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    a = torch.softmax(sharpness * torch.randn(n, m, generator=generator), -1)
    one, other = coverage(a), coverage(a[:, torch.randperm(m, generator=generator)])
    assert one.keys == pytest.approx(other.keys)
    assert one.gini == pytest.approx(float(other.gini), abs=1e-9)
    assert (one.keys <= one.keys_null).all()
    assert -1e-6 <= one.gini <= 1 - 1 / m + 1e-6
    assert 1 <= one.keys[0] <= one.keys[1] <= m


def test_rows_without_mass_do_not_count() -> None:
    a = torch.zeros(4, 4)
    a[:, 0] = 1
    a[3] = torch.tensor([0.6, 0.2, 0.1, 0.1])
    found = coverage(*without_key(a, "causal"))
    assert found.keys.tolist() == [3, 3]  # .5, .25, .25 of row 3 alone
    assert found.keys_null.tolist() == [3, 3]


def test_undefined_heads_say_why() -> None:
    a = Support.causal(5).uniform().repeat(3, 1, 1)
    a[1] = 0
    a[2, 4, 0] = torch.nan
    found = coverage(a, "causal")
    assert found.status.tolist() == ["ok", "no_rows", "non_finite"]
    for numbers in (found.gini, found.gini_null, found.keys[:, 0], found.keys_null[:, 0], found.portion[:, 1]):
        assert np.isnan(numbers).tolist() == [False, True, True]


def test_a_batch_keeps_its_shape() -> None:
    found = coverage(Support.causal(7).uniform().expand(2, 3, 7, 7), "causal")
    assert found.keys.shape == found.portion_null.shape == (2, 3, 2)
    assert found.gini.shape == found.status.shape == (2, 3)


def test_weight_on_a_hidden_key_is_refused() -> None:
    with pytest.raises(ValueError, match="Row 0 of matrix 0 has weight"):
        coverage(torch.full((3, 3), 1 / 3), "causal")
