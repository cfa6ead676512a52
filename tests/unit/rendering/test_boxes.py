from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faa_tui.rendering.boxes import CountedBoxes, with_boxes
from faa_tui.rendering.ramps import INK_LIGHT, OUTSIDE, RAMPS
from faa_tui.rendering.viewport import Viewport

RAMP = RAMPS["viridis"]


def occupied(tokens: int, size: int, *held: tuple[int, int]) -> CountedBoxes:
    side = -(-tokens // size)
    boxes = np.zeros((side, side), bool)
    for row, column in held:
        boxes[row, column] = True
    return CountedBoxes(size, boxes)


def marks(view: Viewport, boxes: CountedBoxes, rows: int, columns: int) -> list[str]:
    """Which pixels of a picture of level 0 everywhere are changed."""
    picture = np.zeros((rows, columns), np.uint16)
    drawn = with_boxes(picture, view, boxes, RAMP)
    assert not picture.any()
    return ["".join("#" if level else "." for level in line) for line in drawn]


def test_small_boxes_are_filled() -> None:
    view = Viewport(4, 4, 4, 4)
    assert marks(view, occupied(4, 2, (1, 0)), 4, 4) == ["....", "....", "##..", "##.."]
    assert marks(view, occupied(4, 1, (0, 3), (2, 1)), 4, 4) == ["...#", "....", ".#..", "...."]


def test_large_boxes_are_outlined_and_share_an_edge() -> None:
    view = Viewport(8, 8, 8, 8)
    assert marks(view, occupied(8, 4, (0, 0), (0, 1), (1, 1)), 8, 8) == [
        "########",
        "#...#..#",
        "#...#..#",
        "#####..#",
        "....####",
        "....#..#",
        "....#..#",
        "....####",
    ]


def test_a_box_of_one_token_is_outlined_where_a_token_is_large() -> None:
    view = Viewport(3, 3, 12, 12, factor=4)
    assert marks(view, occupied(3, 1, (1, 1)), 12, 12)[3:9] == [
        "............",
        "....####....",
        "....#..#....",
        "....#..#....",
        "....####....",
        "............",
    ]


def test_a_box_that_goes_on_beyond_the_pane_has_no_edge_there() -> None:
    view = Viewport(16, 16, 6, 6, top=2, left=2)
    assert marks(view, occupied(16, 8, (0, 0)), 6, 6) == [".....#"] * 5 + ["######"]


def test_a_pixel_of_several_boxes_is_filled_where_one_of_them_is_counted() -> None:
    view = Viewport(12, 12, 3, 3, size=4)
    assert marks(view, occupied(12, 1, (5, 11), (0, 0)), 3, 3) == ["#..", "..#", "..."]


def test_ink_stands_out_and_the_half_line_below_the_map_stays() -> None:
    view = Viewport(5, 5, 8, 8)
    picture = np.full((6, 5), 255, np.uint16)
    picture[5] = OUTSIDE
    drawn = with_boxes(picture, view, occupied(5, 4, (0, 0), (1, 1)), RAMP)
    assert set(drawn[0].tolist()) == {255, int(RAMP.ink[255])}
    assert (drawn[5] == OUTSIDE).all()
    assert with_boxes(picture, view, occupied(5, 1, (0, 0)), RAMP)[0, 0] == INK_LIGHT


def test_the_count_is_that_of_the_boxes() -> None:
    assert occupied(9, 2, (0, 0), (4, 4)).count == 2


@given(st.data())
def test_every_counted_box_in_view_is_marked_and_nothing_outside_of_one(data: st.DataObject) -> None:
    tokens = data.draw(st.integers(1, 40))
    size = 1 << data.draw(st.integers(0, 6))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    side = -(-tokens // size)
    boxes = CountedBoxes(size, random.random((side, side)) < 0.3)
    cell = data.draw(st.integers(1, 6))
    factor = data.draw(st.integers(1, 5)) if cell == 1 else 1
    pane = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 30))
    view = Viewport(tokens, tokens, *pane, size=cell, factor=factor, top=data.draw(st.integers(0, 40))).clamped()
    rows = min((view.bottom - view.top) * factor, pane[0])
    columns = min((view.right - view.left) * factor, pane[1])
    drawn = with_boxes(np.zeros((rows, columns), np.uint16), view, boxes, RAMP) > 0
    fine = boxes.occupied.repeat(size, 0).repeat(size, 1)[:tokens, :tokens]
    shown = np.zeros((rows, columns), bool)
    for y, x in np.ndindex(rows, columns):
        row, column = (view.top + y // factor) * cell, (view.left + x // factor) * cell
        shown[y, x] = fine[row : row + cell, column : column + cell].any()
    assert not (drawn & ~shown).any()
    if size * factor < 4 * cell:
        assert (drawn == shown).all()


@pytest.mark.parametrize("tokens", [4096])
def test_single_cells_of_a_long_text_on_a_whole_map(tokens: int) -> None:
    view = Viewport(tokens, tokens, 60, 110).fitted()
    boxes = CountedBoxes(1, np.tri(tokens, dtype=bool))
    drawn = with_boxes(np.zeros((view.rows, view.columns), np.uint16), view, boxes, RAMP)
    assert (drawn > 0).tolist() == np.tri(view.rows, view.columns, dtype=bool).tolist()
