from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faa_core.geometry.golden import PHI, golden_interpolation, golden_partition, golden_scales, golden_scoring


def _attention(n: int, m: int, seed: int = 0) -> torch.Tensor:
    return torch.softmax(torch.randn(2, 3, n, m, generator=torch.Generator().manual_seed(seed)), -1)


def test_the_blocks_meet_where_the_golden_ratio_cuts_the_rows() -> None:
    # Fibonacci numbers: 13 / phi = 8.03, 8 / phi = 4.94.
    first, second = golden_partition(torch.arange(13 * 13).reshape(13, 13))
    assert first.shape == (8, 8)
    assert second.shape == (5, 5)
    assert int(second[0, 0]) == 8 * 13 + 8
    wide = golden_partition(np.zeros((7, 8, 20)))
    assert [tuple(block.shape) for block in wide] == [(7, 4, 4), (7, 4, 16)]


def test_the_interpolation_of_two_rows_by_hand() -> None:
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    # With phi = 2 and s = 1: y = x / 2, both weights 1/2, so every row is the mean of y and the row of y before it.
    expected = torch.tensor([[0.25, 0.5], [0.25, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(golden_interpolation(x, 1.0, phi=2.0), expected)


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.1, 3))
def test_the_interpolation_turns_a_row_sum_of_one_into_s_over_phi(n: int, m: int, scale: float) -> None:
    mixed = golden_interpolation(_attention(n, m), scale)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed.sum(-1), torch.full((2, 3, n), scale / PHI))


def test_scales_are_powers_of_the_ratio() -> None:
    x = _attention(6, 6)
    scales = golden_scales(x, 4)
    assert [scale for scale, _ in scales] == pytest.approx([1, PHI, PHI + 1, 2 * PHI + 1])
    torch.testing.assert_close(scales[3][1] * scales[3][0], scales[0][1])
    assert golden_scales(x, 0) == []


def test_scoring_spreads_a_mass_of_one_over_the_rows() -> None:
    x = _attention(10, 7)
    scored = golden_scoring(x)
    assert scored.dtype == torch.float64
    torch.testing.assert_close(scored.sum((-2, -1)), torch.ones(2, 3, dtype=torch.float64), atol=1e-6, rtol=0)
    rows = scored.sum(-1) / x.double().sum(-1)
    torch.testing.assert_close(rows[..., 1:] / rows[..., :-1], torch.full((2, 3, 9), PHI**-0.1, dtype=torch.float64))


def test_a_batch_is_its_matrices_one_by_one() -> None:
    x = _attention(9, 5)
    assert torch.equal(golden_interpolation(x)[1, 2], golden_interpolation(x[1, 2]))
    assert torch.equal(golden_scoring(x)[1, 2], golden_scoring(x[1, 2]))
    assert torch.equal(golden_partition(x)[1][1, 2], golden_partition(x[1, 2])[1])


@pytest.mark.parametrize("transform", [golden_partition, golden_scoring, golden_interpolation, golden_scales])
def test_bad_input_is_named(transform) -> None:
    with pytest.raises(ValueError, match="phi must be above 0, not -1"):
        transform(np.ones((3, 3)), phi=-1.0)
    with pytest.raises(ValueError, match=r"not \(3,\)"):
        transform(np.ones(3))
