"""Maps over segments, computed by hand and from a random map one cell at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faa_core.errors import Cancelled, UsageError
from faa_core.geometry.support import Support
from faa_core.segments import Grid


def grid(queries: list[int], keys: list[int]) -> Grid:
    return Grid(np.array(queries, np.int32), np.array(keys, np.int32), (len(queries), len(keys)))


def whole(grid: Grid, maps: torch.Tensor, step: int = 3, check=lambda: None) -> np.ndarray:
    heads = range(len(maps))
    return grid.block(lambda start, stop: maps[:, start:stop], step, heads, 0, grid.rows, check).numpy()


def test_a_map_that_was_computed_by_hand() -> None:
    weights = torch.tensor([[1.0, 0, 0, 0], [0.25, 0.75, 0, 0], [0.5, 0.25, 0.25, 0], [0.1, 0.2, 0.3, 0.4]])
    # The first token was added by the tokenizer; the next two are one word, the last is another.
    words = grid([-1, 0, 0, 1], [-1, 0, 0, 1])
    # Word 0 to word 0: ((0.75 + 0) + (0.25 + 0.25)) / 2; word 1 to word 0: 0.2 + 0.3; to itself: 0.4.
    np.testing.assert_allclose(whole(words, weights[None]), [[[0.625, 0], [0.5, 0.4]]], rtol=1e-6)


def test_queries_and_keys_are_cut_apart_in_cross_maps() -> None:
    weights = torch.tensor([[[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]])
    np.testing.assert_allclose(whole(grid([0, 1], [0, 0, 1]), weights), [[[1, 0], [0, 1]]])
    np.testing.assert_allclose(whole(grid([0, 0], [0, 1, 2]), weights), [[[0.25, 0.25, 0.5]]])


def test_where_every_token_is_a_segment_the_map_is_the_models_own() -> None:
    maps = torch.rand(3, 7, 7)
    np.testing.assert_array_equal(whole(grid(list(range(7)), list(range(7))), maps), maps.numpy())


def test_a_segment_without_queries_attends_to_nothing() -> None:
    np.testing.assert_allclose(whole(grid([0, 2], [0, 2]), torch.ones(1, 2, 2)), [[[1, 0, 1], [0, 0, 0], [1, 0, 1]]])


@st.composite
def axes(draw: st.DrawFn) -> list[int]:
    segments = sorted(draw(st.lists(st.integers(0, 6), min_size=1, max_size=20)))
    aside = draw(st.lists(st.booleans(), min_size=len(segments), max_size=len(segments)))
    kept = [-1 if out else segment for segment, out in zip(segments, aside, strict=True)]
    return kept if max(kept) >= 0 else [0, *kept[1:]]


@given(axes(), axes(), st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_mass_is_conserved_and_every_cell_is_the_mean_of_sums(
    queries: list[int], keys: list[int], step: int, seed: int
) -> None:
    rows = torch.rand(2, len(queries), len(keys), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    maps = (rows / rows.sum(-1, keepdim=True)).float()
    laid = grid(queries, keys)
    found = whole(laid, maps, step)
    exact, q, k = maps.double().numpy(), np.array(queries), np.array(keys)
    for i in range(laid.rows):
        mine = exact[:, q == i]
        if not mine.shape[1]:
            assert not found[:, i].any()
            continue
        for j in range(laid.columns):
            np.testing.assert_allclose(found[:, i, j], mine[:, :, k == j].sum(2).mean(1), rtol=1e-5, atol=1e-7)
        aside = mine[:, :, k < 0].sum(2).mean(1)
        np.testing.assert_allclose(found[:, i].sum(-1) + aside, mine.sum(2).mean(1), rtol=1e-5)


@given(axes(), axes(), st.integers(0, 2**32 - 1))
def test_a_part_is_that_part_of_the_whole(queries: list[int], keys: list[int], seed: int) -> None:
    maps = torch.rand(3, len(queries), len(keys), generator=torch.Generator().manual_seed(seed))
    laid = grid(queries, keys)
    start = laid.rows // 2
    part = laid.block(lambda a, b: maps[:, a:b], 2, range(1, 3), start, laid.rows, lambda: None)
    np.testing.assert_allclose(part, whole(laid, maps)[1:, start:], rtol=1e-5)


@given(axes(), axes(), st.integers(0, 2**32 - 1))
def test_what_a_segment_may_see_is_what_its_queries_may_see(queries: list[int], keys: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.integers(0, len(keys) + 1, (2, len(queries))), axis=0)
    support = Support(*torch.from_numpy(edges), len(keys))
    laid = grid(queries, keys)
    first, stop = laid.visible(support)
    mask = support.mask().numpy()
    for i in range(laid.rows):
        seen = np.array(keys)[mask[np.array(queries) == i].any(0)]
        seen = seen[seen >= 0]
        if len(seen):
            assert (first[i], stop[i]) == (seen.min(), seen.max() + 1)
        else:
            assert (first[i], stop[i]) == (0, 0)


@pytest.mark.parametrize(
    ("queries", "word"),
    [([0, 1], "2"), ([0, 1, 0], "ascend"), ([-2, 0, 1], "ascend"), ([-1, -1, -1], "ascend"), ([0, 1, 65536], "65,535")],
)
def test_segments_that_do_not_fit_are_refused(queries: list[int], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        Grid(np.array(queries, np.int32), np.arange(3, dtype=np.int32), (3, 3))
    with pytest.raises(UsageError, match=word):
        Grid(np.arange(3, dtype=np.int32), np.array(queries, np.int32), (3, 3))


def test_it_can_be_given_up_between_strips() -> None:
    checks = iter([None, Cancelled("The job was cancelled.")])

    def check() -> None:
        if (error := next(checks)) is not None:
            raise error

    with pytest.raises(Cancelled):
        whole(grid(list(range(9)), list(range(9))), torch.rand(1, 9, 9), 3, check)
