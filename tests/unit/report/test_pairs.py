"""The pairs of heads that a report of a comparison shows, and their maps: of A, of B, and B minus A."""

from __future__ import annotations

from base64 import b64decode

import msgspec
import numpy as np
import pytest

from faa_core.comparison.alignment import align
from faa_core.comparison.compare import compare
from faa_core.report import PairFrame, chosen_pairs
from faa_core.report.choice import MOST_PAIR_CELLS
from faa_core.report.pictures import (
    DIFFERENCE_MASKED,
    DIFFERENCE_STEPS,
    DIFFERENCE_UNDEFINED,
    difference_palette,
    difference_steps,
    pair_pictures,
)

WORDS = [f" {word}" for word in range(300)]


def over(runs):
    return align([run.tokens for run in runs], runs[0].text), align([run.tokens for run in runs], runs[0].text)


def frame_of(runs, place=0):
    pair = compare([runs[0]], [runs[1]]).matching.pairs[place]
    return PairFrame.of(pair, over(runs), (0, 1), runs)


def test_pairs_come_by_difference_then_by_divergence_each_once_with_all_reasons(run_of) -> None:
    comparison = compare([run_of()], [run_of(dimension=1.5)])
    values = comparison.differences.difference[comparison.differences.row("D1")]
    values[:] = [0.1, -0.5, 0.3, 0.2, 0.0, 0.15]
    divergence = np.array([0.0, 0.1, np.nan, 0.2, 0.6, 0.3])
    found = chosen_pairs(msgspec.structs.replace(comparison, divergence=divergence), "D1")
    assert [(one.place, one.reason) for one in found] == [
        (1, "largest difference in D1"),
        (2, "second largest difference in D1"),
        (3, "third largest difference in D1"),
        (5, "fourth largest difference in D1; second largest divergence of the maps"),
        (4, "largest divergence of the maps"),
    ]
    assert all(one.pair == comparison.matching.pairs[one.place] for one in found)


def test_models_that_do_not_differ_have_no_pair_to_show(run_of) -> None:
    assert chosen_pairs(compare([run_of()], [run_of()])) == ()


def test_over_several_texts_a_difference_counts_by_how_sure_it_is(run_of) -> None:
    a = [run_of(("one", " two", f" {place}") * 5) for place in range(3)]
    b = [run_of(("one", " two", f" {place}") * 5, dimension=1.3 + 0.1 * place) for place in range(3)]
    assert chosen_pairs(compare(a, b))[0].reason == "surest difference in D1"


@pytest.mark.parametrize(("tokens", "level", "cells"), [(1, 0, 1), (128, 0, 128), (300, 2, 75), (129, 1, 65)])
def test_maps_of_pairs_have_at_most_128_cells_along_a_side(run_of, tokens, level, cells) -> None:
    runs = run_of(WORDS[:tokens]), run_of(WORDS[:tokens], dimension=1.5)
    frame = frame_of(runs)
    assert MOST_PAIR_CELLS == 128
    assert (frame.level, frame.shape, frame.segments) == (level, (cells, cells), False)


def test_the_maps_of_the_same_tokens_are_masked_as_the_models_mask_them(run_of) -> None:
    runs = run_of(), run_of(dimension=1.5)
    maps = frame_of(runs).maps(np.ones((16, 16), np.float16), np.zeros((16, 16), np.float16))
    assert maps.a.dtype == np.float32
    assert (maps.masked_a == ~np.tri(16, dtype=bool)).all()
    assert (maps.masked_b == maps.masked_a).all()
    assert maps.rows == runs[0].tokens.pieces
    assert (maps.size, maps.segments) == (1, False)


def test_models_with_other_tokens_meet_in_segments_of_the_text(run_of) -> None:
    runs = run_of(("the", " golden", " ratio")), run_of(("the", " gol", "den", " ratio"), dimension=1.5)
    frame = frame_of(runs)
    assert frame.segments
    assert frame.shape == (3, 3)
    maps = frame.maps(np.zeros((3, 3)), np.zeros((3, 3)))
    assert maps.rows == maps.columns == ("the", " golden", " ratio")
    assert (maps.masked_a == ~np.tri(3, dtype=bool)).all()
    assert (maps.masked_b == maps.masked_a).all()


def test_a_difference_is_b_minus_a_by_its_root_and_white_in_the_middle() -> None:
    a = np.array([[0.0, 1.0, 0.25], [0.5, 0.3, np.nan]])
    b = np.array([[1.0, 0.0, 0.5], [0.5, 0.3, 0.1]])
    hidden = np.zeros((2, 3), bool)
    middle = DIFFERENCE_STEPS // 2
    assert difference_steps(a, b, hidden, hidden).tolist() == [
        [2 * middle, 0, middle + middle // 2],
        [middle, middle, DIFFERENCE_UNDEFINED],
    ]
    assert difference_palette()[middle] == (247, 247, 247)


def test_what_one_model_may_not_see_counts_as_nothing_there_and_what_none_sees_is_no_cell() -> None:
    a, b = np.array([[0.7, 0.7, 0.7]]), np.array([[1.0, 1.0, 1.0]])
    masked_a, masked_b = np.array([[True, False, True]]), np.array([[False, True, True]])
    middle = DIFFERENCE_STEPS // 2
    down = round(middle - middle * 0.7**0.5)
    assert difference_steps(a, b, masked_a, masked_b).tolist() == [[2 * middle, down, DIFFERENCE_MASKED]]


def test_the_three_pictures_of_a_pair_stay_of_one_size_when_they_become_coarser(run_of) -> None:
    runs = run_of(WORDS), run_of(WORDS, dimension=1.5)
    rng = np.random.default_rng(0)
    maps = [frame_of(runs, place).maps(*rng.uniform(0, 1, (2, 75, 75))) for place in range(3)]
    names = [("0.0", "0.0"), ("0.1", "0.1"), ("0.2", "0.2")]
    whole = pair_pictures(maps, names, 10**6)
    size = sum(len(picture.source) for pair in whole for picture in pair)
    tight = pair_pictures(maps, names, size // 2)
    assert sum(len(picture.source) for pair in tight for picture in pair) <= size // 2
    for pair in (*whole, *tight):
        assert len({(picture.width, picture.height, picture.size, picture.row_names) for picture in pair}) == 1
        assert [picture.scale for picture in pair] == ["weight", "weight", "difference"]
    assert {picture.size for pair in whole for picture in pair} == {4}
    assert max(picture.size for pair in tight for picture in pair) > 4
    assert b64decode(tight[0][2].source.partition("base64,")[2]).startswith(b"\x89PNG")
