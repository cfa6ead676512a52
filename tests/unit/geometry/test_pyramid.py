from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry.pyramid import ALIGN, PyramidStream, mass_pyramid, max_pyramid


def test_a_matrix_by_hand() -> None:
    x = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert [level.tolist() for level in max_pyramid(x)] == [x.tolist(), [[5, 6], [8, 9]], [[9]]]
    assert [level.tolist() for level in mass_pyramid(x)] == [x.tolist(), [[12, 9], [15, 9]], [[45]]]


def test_levels_end_with_one_cell() -> None:
    assert [tuple(level.shape) for level in max_pyramid(torch.rand(2, 5, 12))] == [
        (2, 5, 12), (2, 3, 6), (2, 2, 3), (2, 1, 2), (2, 1, 1)
    ]  # fmt: skip
    assert len(max_pyramid(torch.rand(1, 1))) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8, torch.int16])
def test_types_are_kept(dtype: torch.dtype) -> None:
    x = (torch.rand(7, 9) * 100).to(dtype)
    assert all(level.dtype == dtype for level in max_pyramid(x))
    assert max_pyramid(x)[-1].item() == x.max().item()


def test_mass_is_conserved_on_large_matrices() -> None:
    x = torch.rand(3, 300, 257)
    for level in mass_pyramid(x):
        torch.testing.assert_close(level.double().sum((1, 2)), x.double().sum((1, 2)), rtol=1e-6, atol=0)


def test_the_input_is_left_as_it_is() -> None:
    x = torch.rand(2, 300, 300)
    before = x.clone()
    max_pyramid(x)
    assert torch.equal(x, before)


@settings(max_examples=40, deadline=None)
@given(
    heads=st.integers(1, 3),
    n=st.integers(1, 300),
    m=st.integers(1, 300),
    cuts=st.sets(st.integers(1, 4)),
    reduction=st.sampled_from(["max", "mass"]),
    levels=st.integers(0, 6),
    seed=st.integers(0, 99),
)
def test_strips_yield_the_levels_of_the_whole(
    heads: int, n: int, m: int, cuts: set[int], reduction: str, levels: int, seed: int
) -> None:
    # Integers, so that the order of a sum does not matter.
    x = torch.from_numpy(np.random.default_rng(seed).integers(0, 50, (heads, n, m))).float()
    whole = (max_pyramid if reduction == "max" else mass_pyramid)(x)
    stream = PyramidStream(reduction, n, m, levels)  # type: ignore[arg-type]
    edges = [0, *sorted(cut * ALIGN for cut in cuts if cut * ALIGN < n), n]
    parts = [stream.add(start, x[:, start:stop]) for start, stop in pairwise(edges)]
    streamed = [torch.cat(level, 1) for level in zip(*parts, strict=True)] + stream.finish()
    assert len(streamed) == len(whole)
    assert all(torch.equal(a, b) for a, b in zip(streamed, whole, strict=True))


def test_columns_left_out_of_a_strip_are_zero() -> None:
    x = torch.zeros(2, 128, 200)
    x[:, :64, 64:128] = torch.rand(2, 64, 64)
    x[:, 64:, 128:] = torch.rand(2, 64, 72)
    stream = PyramidStream("max", 128, 200)
    stream.add(0, x[:, :64, 64:128], 64)
    stream.add(64, x[:, 64:, 128:], 128)
    assert all(torch.equal(a, b) for a, b in zip(stream.finish(), max_pyramid(x)[7:], strict=True))


@pytest.mark.parametrize(("row", "rows"), [(32, 64), (0, 65), (64, 128)])
def test_strips_off_the_grid_are_refused(row: int, rows: int) -> None:
    with pytest.raises(ValueError, match="not an aligned strip"):
        PyramidStream("max", 130, 130).add(row, torch.zeros(1, rows, 130))
