from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from faa_tui.rendering.attention_map import AttentionMap, MapAddress
from faa_tui.rendering.minimap import placed
from faa_tui.rendering.ramps import OUTSIDE, RAMPS
from faa_tui.rendering.scales import SCALES
from faa_tui.rendering.tiles import TileCache, overview_level, pool
from faa_tui.rendering.viewport import Viewport

HEAD = MapAddress(1, "decoder", 0, 0)
RAMP = RAMPS["viridis"]


@dataclass
class Shape:
    queries: int
    keys: int
    first_key: NDArray[np.int32]
    stop_key: NDArray[np.int32]


def source(weights: NDArray[np.float32]) -> AttentionMap:
    n = len(weights)
    cache = TileCache(2**24)
    level = overview_level(n, n)
    cache.put(HEAD, level, 0, 0, pool(weights.astype(np.float16), 1 << level))
    return AttentionMap(HEAD, Shape(n, n, np.zeros(n, np.int32), np.arange(1, n + 1, dtype=np.int32)), cache)


def test_a_whole_map_needs_none() -> None:
    assert placed(Viewport(100, 100, 60, 100).fitted(), (50, 50), 0, 0) is None


@pytest.mark.parametrize("shape", [(28, 100), (60, 29), (4, 4)])
def test_a_small_pane_has_none(shape: tuple[int, int]) -> None:
    assert placed(Viewport(400, 400, *shape), shape, 0, 0) is None


def test_a_map_of_few_rows_has_none() -> None:
    assert placed(Viewport(5, 900, 60, 100), (60, 100), 0, 0) is None


def test_it_lies_in_the_upper_right_unless_the_cursor_is_there() -> None:
    view = Viewport(400, 400, 60, 100, top=200, left=200)
    first = placed(view, (60, 100), 250, 210)
    assert first is not None
    assert (first.upper, first.right) == (True, True)
    assert (first.top + first.height, first.left + first.width) == (first.height, 100)
    assert max(first.height, first.width) <= 60 // 3 + 2
    other = placed(view, (60, 100), 203, 297)
    assert other is not None
    assert (other.upper, other.right) == (False, False)
    assert not other.covers(3, 97)


def test_it_never_covers_the_cursor() -> None:
    view = Viewport(100, 100, 60, 90, factor=8, top=10, left=10)
    for query in range(10, 18):
        for key in range(10, 22):
            found = placed(view, (60, 90), query, key)
            top, left = view.pixel(query, key)
            assert found is not None
            assert not any(found.covers(y, x) for y in range(top, top + 8) for x in range(left, left + 8))


def test_where_every_corner_has_the_cursor_there_is_none() -> None:
    view = Viewport(100, 100, 36, 36, factor=32, top=10, left=10)
    assert placed(view, (36, 36), 10, 10) is None


@pytest.mark.parametrize("n", [150, 1000])
def test_it_shows_the_whole_map_and_frames_what_is_in_view(causal: Callable[..., NDArray[np.float32]], n: int) -> None:
    view = Viewport(n, n, 60, 100, top=n // 2, left=n // 4)
    map_, scale = source(causal(n)), SCALES["sqrt"]
    found = placed(view, (60, 100), n // 2 + 55, n // 4 + 1)
    assert found is not None
    picture = np.full((60, 100), 7, np.uint16)
    drawn = found.drawn(picture, view, map_, scale, RAMP)
    rows, columns = found.view.rows, found.view.columns
    assert max(rows, columns) <= 20
    little = drawn[:rows, 100 - columns :]
    plain = map_.picture(found.view, scale)[:rows, :columns]
    changed = np.argwhere(little != plain)
    size = found.view.size
    assert changed.min(0).tolist() == [view.top // size, view.left // size]
    assert changed.max(0).tolist() == [-(-view.bottom // size) - 1, -(-view.right // size) - 1]
    assert (drawn[rows : found.height, found.left :] == OUTSIDE).all()
    assert (drawn[:, : found.left] == 7).all()
    assert (picture == 7).all()


def test_before_its_overview_is_here_nothing_is_drawn() -> None:
    view = Viewport(300, 300, 60, 100)
    found = placed(view, (60, 100), 30, 30)
    assert found is not None
    empty = AttentionMap(
        HEAD, Shape(300, 300, np.zeros(300, np.int32), np.arange(1, 301, dtype=np.int32)), TileCache(9)
    )
    picture = np.full((60, 100), 7, np.uint16)
    assert found.drawn(picture, view, empty, SCALES["sqrt"], RAMP) is picture


def test_the_frame_of_a_place_at_the_far_edge_stays_inside(causal: Callable[..., NDArray[np.float32]]) -> None:
    map_ = source(causal(500))
    for factor in (1, 3, 32):
        view = replace(Viewport(500, 500, 60, 100, factor=factor), top=500, left=500).clamped()
        found = placed(view, (60, 100), 0, 0)
        assert found is not None
        found.drawn(np.zeros((60, 100), np.uint16), view, map_, SCALES["log"], RAMP)
