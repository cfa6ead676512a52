from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support
from faa_core.geometry.matrices import matrices_of
from faa_core.geometry.unfolding import (
    UnfoldedMassStream,
    boxes_per_side,
    even_masses,
    finest_boxes,
    masses_of,
    row_bands,
)


@st.composite
def supports(draw: st.DrawFn) -> Support:
    rows, keys, seed = draw(st.integers(1, 150)), draw(st.integers(1, 150)), draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    ends = np.sort(random.integers(0, keys + 1, (rows, 2)))
    ends[random.random(rows) < 0.1] = 0
    return Support(torch.tensor(ends[:, 0]), torch.tensor(ends[:, 1]), keys)


def _attention(support: Support, seed: int, heads: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(heads, support.queries, support.keys, generator=generator, dtype=torch.float64) ** 4
    return weights * support.mask()


def _by_interpolation(weights: np.ndarray, support: Support, boxes: int) -> np.ndarray:
    """The definition, row by row: differences of the interpolated cumulative sum, shared out over the bands."""
    rows = [i for i in range(support.queries) if support.stop[i] > support.first[i]]
    masses = np.zeros((boxes, boxes))
    for rank, i in enumerate(rows):
        seen = weights[i, int(support.first[i]) : int(support.stop[i])]
        cumulative = np.interp(
            np.arange(boxes + 1) * len(seen) / boxes, np.arange(len(seen) + 1), np.r_[0, seen.cumsum()]
        )
        low, high = np.array([rank, rank + 1]) * boxes / len(rows)
        for band in range(boxes):
            share = (min(high, band + 1) - max(low, band)) / (high - low)
            masses[band] += max(share, 0) * np.diff(cumulative)
    return masses / max(masses.sum(), 1e-300)


@settings(max_examples=40, deadline=None)
@given(supports(), st.integers(0, 99))
def test_masses_are_those_of_the_definition(support: Support, seed: int) -> None:
    weights = _attention(support, seed)
    masses = masses_of(matrices_of(weights, support), unfold=True)
    expected = _by_interpolation(weights[0].numpy(), support, masses.finest.shape[-1])
    np.testing.assert_allclose(masses.finest[0].numpy(), expected, atol=1e-14)


@settings(max_examples=40, deadline=None)
@given(supports())
def test_even_attention_is_the_even_measure_under_any_support(support: Support) -> None:
    masses = even_masses(support, unfold=True).finest
    boxes = masses.shape[-1]
    expected = 1 / boxes**2 if (support.lengths > 0).any() else 0
    np.testing.assert_allclose(masses.numpy(), expected, rtol=1e-13)


@pytest.mark.parametrize("n", [32, 33, 77, 100, 300])
def test_strips_give_what_the_matrix_gives(n: int) -> None:
    support = Support.causal(n)
    weights = _attention(support, n, heads=19)
    stream = UnfoldedMassStream(19, support)
    for row in range(0, n, 64):
        stop = min(row + 64, n)
        column = 64 if row >= 128 else 0
        if column:
            weights[:, row:stop, :column] = 0
        stream.add(row, weights[:, row:stop, column:stop].to(torch.float32), column)
    whole = masses_of(matrices_of(weights, support), unfold=True)
    streamed = stream.finish()
    assert streamed.side == whole.side == n
    np.testing.assert_allclose(streamed.finest.numpy(), whole.finest.numpy(), rtol=1e-6, atol=1e-30)


def test_light_boxes_beside_heavy_ones_keep_their_digits() -> None:
    weights = torch.full((64, 64), 1e-20)
    weights[:, 0] = 1
    masses = masses_of(matrices_of(weights), unfold=True).finest[0]
    np.testing.assert_allclose((masses[:, 1:] / masses[:, :1]).numpy(), 4e-20, rtol=1e-6)


def test_padding_changes_nothing() -> None:
    weights = _attention(Support.causal(100), 0)[0]
    padded = torch.zeros(128, 128, dtype=torch.float64)
    padded[28:, 28:] = weights
    stop = torch.cat([torch.full((28,), 28), torch.arange(29, 129)])
    support = Support(torch.full((128,), 28), stop, 128)
    inside, outside = (
        masses_of(matrices_of(x, s), unfold=True) for x, s in ((weights, Support.causal(100)), (padded, support))
    )
    assert inside.side == outside.side
    np.testing.assert_allclose(inside.finest.numpy(), outside.finest.numpy(), rtol=1e-13)


def test_as_it_stands_a_measure_keeps_its_place() -> None:
    x = torch.arange(32 * 32, dtype=torch.float64).reshape(32, 32)
    masses = masses_of(matrices_of(x), unfold=False).finest[0]
    expected = x.reshape(8, 4, 8, 4).sum((1, 3))
    np.testing.assert_allclose(masses.numpy(), (expected / x.sum()).numpy(), rtol=1e-14)


@pytest.mark.parametrize(
    ("shape", "base", "boxes"),
    [((32, 32), 2, 8), ((50, 50), 2, 8), ((512, 80), 2, 16), ((3, 9), 2, 1), ((243, 243), 2, 32), ((243, 243), 3, 27)],
)
def test_the_finest_boxes_have_four_tokens_or_more(shape: tuple[int, int], base: int, boxes: int) -> None:
    assert finest_boxes(*shape, base) == boxes


def test_only_a_map_as_it_stands_has_a_grid_of_its_own() -> None:
    x = matrices_of(torch.ones(243, 243))
    assert masses_of(x, unfold=False).finest.shape[-1] == 27
    assert masses_of(x, unfold=True).finest.shape[-1] == 32
    assert masses_of(matrices_of(torch.ones(242, 243)), unfold=False).finest.shape[-1] == 32


def test_grids_run_to_a_single_box() -> None:
    assert boxes_per_side(8) == [8, 4, 2, 1]
    assert boxes_per_side(27) == [27, 9, 3, 1]


def test_a_divided_row_has_shares_in_two_bands() -> None:
    rows = row_bands(torch.tensor([True, False, True, True]), 2)
    assert [values.tolist() for values in rows] == [[0, 2, 2, 3], [0, 0, 1, 1], [2, 1, 1, 2]]


def test_strips_that_do_not_fit_are_refused() -> None:
    stream = UnfoldedMassStream(2, Support.full(100, 100))
    for row, shape in ((10, (2, 64, 100)), (64, (2, 64, 100)), (0, (1, 64, 100)), (0, (2, 50, 100))):
        with pytest.raises(ValueError, match="no aligned strip"):
            stream.add(row, torch.zeros(shape))
