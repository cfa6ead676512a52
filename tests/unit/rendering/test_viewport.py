from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faa_tui.rendering.viewport import Viewport

sizes = st.integers(1, 5000)
panes = st.tuples(st.integers(2, 200), st.integers(2, 300))


@given(sizes, sizes, panes)
def test_a_fitted_map_shows_whole_and_as_large_as_it_can(queries: int, keys: int, pane: tuple[int, int]) -> None:
    view = Viewport(queries, keys, *pane).fitted()
    assert view.whole
    assert (view.top, view.left) == (0, 0)
    assert (view.bottom, view.right) == (view.rows, view.columns)
    assert view.size == 1 or view.factor == 1
    if view.size > 1:
        larger = view.size - (1 << view.overview) if view.size > 1 << view.overview else view.size // 2
        assert -(-queries // larger) > pane[0] or -(-keys // larger) > pane[1]


@pytest.mark.parametrize(
    ("tokens", "pane", "size", "factor"),
    [
        (15, (40, 78), 1, 2),  # enlarged by a whole factor
        (15, (92, 187), 1, 6),
        (1, (92, 187), 1, 12),  # but not without end
        (40, (40, 78), 1, 1),  # life size
        (41, (40, 78), 2, 1),
        (384, (92, 187), 6, 1),  # not the power of two, which would leave the pane half empty
        (4096, (92, 187), 48, 1),  # a multiple of the overview's 16
    ],
)
def test_fitting(tokens: int, pane: tuple[int, int], size: int, factor: int) -> None:
    view = Viewport(tokens, tokens, *pane).fitted()
    assert (view.size, view.factor) == (size, factor)


@given(st.data())
def test_the_cursor_never_leaves_the_pane(data: st.DataObject) -> None:
    queries, keys = data.draw(sizes), data.draw(sizes)
    view = Viewport(queries, keys, *data.draw(panes)).fitted()
    for _ in range(data.draw(st.integers(1, 8))):
        query, key = data.draw(st.integers(0, queries - 1)), data.draw(st.integers(0, keys - 1))
        view = view.zoomed(data.draw(st.booleans()), query, key).showing(query, key)
        y, x = view.pixel(query, key)
        assert 0 <= y <= max(0, view.height - view.factor) or view.factor > view.height
        assert 0 <= x <= max(0, view.width - view.factor) or view.factor > view.width
        assert view.size & (view.size - 1) == 0 or view.size % (1 << view.overview) == 0
        assert 0 <= view.top < view.rows
        assert 0 <= view.left < view.columns
        if view.factor <= min(view.height, view.width):
            assert view.cell(y, x) == (query // view.size, key // view.size)


def test_zooming_out_ends_with_the_whole_map_and_in_with_large_tokens() -> None:
    fitted = view = Viewport(3000, 3000, 60, 100).fitted()
    for _ in range(40):
        view = view.zoomed(True, 1500, 700)
    assert (view.size, view.factor) == (1, 32)
    for _ in range(60):
        view = view.zoomed(False, 1500, 700)
    assert view.whole
    assert view.size <= fitted.size


def test_scrolling_to_the_cursor_moves_no_more_than_it_must() -> None:
    view = Viewport(100, 100, 20, 20)
    assert view.showing(10, 10) == view
    assert view.showing(19, 0).top == 2  # two rows of room below
    assert view.showing(99, 99).top == 80
    assert view.showing(99, 99).showing(95, 99).top == 80


def test_beyond_the_edge_there_is_no_cell() -> None:
    view = Viewport(3, 4, 20, 20, factor=2)
    assert view.cell(5, 7) == (2, 3)
    assert view.cell(6, 0) is None
    assert view.cell(0, 8) is None


@pytest.mark.parametrize("pane", [(20, 60), (44, 66), (78, 140), (400, 400)])
def test_a_long_text_zooms_from_the_whole_map_to_32_pixels_a_token(pane: tuple[int, int]) -> None:
    view = Viewport(4096, 4096, *pane).fitted()
    assert view.whole
    assert view.size >= 4
    assert view == view.zoomed(False, 1000, 1000)
    steps = [view]
    while steps[-1] != (nearer := steps[-1].zoomed(True, 3000, 2000).showing(3000, 2000)):
        steps.append(nearer)
    assert (steps[-1].size, steps[-1].factor) == (1, 32)
    assert all(a.size > b.size or a.factor < b.factor for a, b in pairwise(steps))
    assert {1, 2, 4} <= {step.size for step in steps}
    for step in steps:
        y, x = step.pixel(3000, 2000)
        assert 0 <= y < pane[0]
        assert 0 <= x < pane[1]
    while steps[-1] != (farther := steps[-1].zoomed(False, 3000, 2000)):
        steps.append(farther)
    assert steps[-1].whole


@given(st.data())
def test_a_rectangle_is_shown_whole_and_as_near_as_the_pane_allows(data: st.DataObject) -> None:
    queries, keys = data.draw(st.integers(1, 5000)), data.draw(st.integers(1, 5000))
    view = Viewport(queries, keys, data.draw(st.integers(1, 100)), data.draw(st.integers(1, 200)))
    first, last = (data.draw(st.integers(0, queries - 1)) for _ in range(2))
    left, right = (data.draw(st.integers(0, keys - 1)) for _ in range(2))
    first, stop, left, right = min(first, last), max(first, last) + 1, min(left, right), max(left, right) + 1
    near = view.around(first, stop, left, right)
    assert near == near.clamped()
    for query in (first, stop - 1):
        for key in (left, right - 1):
            y, x = near.pixel(query, key)
            assert 0 <= y <= view.height - near.factor
            assert 0 <= x <= view.width - near.factor
    if (stop - first) * 2 <= view.height and (right - left) * 2 <= view.width:
        assert near.factor >= 2


def test_a_pane_smaller_than_a_token_still_shows_one() -> None:
    view = Viewport(9, 9, 6, 6, factor=8, top=40, left=40).clamped()
    assert (view.top, view.bottom, view.left, view.right) == (8, 9, 8, 9)
