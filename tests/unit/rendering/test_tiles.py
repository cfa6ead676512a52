from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faa_tui.rendering.tiles import TILE, TileCache, cells_at, overview_level, pool


@pytest.mark.parametrize(("tokens", "level"), [(1, 0), (256, 0), (257, 1), (512, 1), (4096, 4), (131072, 9)])
def test_an_overview_is_the_finest_level_of_at_most_256_cells(tokens: int, level: int) -> None:
    assert overview_level(tokens, 7) == overview_level(7, tokens) == level
    assert cells_at(tokens, level) <= 256


def test_pooling_keeps_the_largest_and_lets_nan_win() -> None:
    cells = np.array([[0.1, 0.9, 0.2], [0.3, 0.4, 0.5], [np.nan, 0.0, 0.7]], np.float16)
    pooled = pool(cells, 2)
    assert pooled.dtype == np.float16
    assert pooled[0].tolist() == [np.float16(0.9), np.float16(0.5)]
    assert np.isnan(pooled[1, 0])
    assert pooled[1, 1] == np.float16(0.7)
    assert pool(cells, 1) is cells


@given(st.data())
def test_what_was_put_is_read_back_and_nothing_else(data: st.DataObject) -> None:
    rows, columns = 9 * TILE // 4, 2 * TILE + 5
    truth = np.arange(rows * columns, dtype=np.float64).reshape(rows, columns) % 2048
    truth = truth.astype(np.float16)
    here = np.zeros((rows, columns), bool)
    cache = TileCache(1 << 30)
    spans = st.tuples(
        st.integers(0, rows - 1), st.integers(1, TILE + 9), st.integers(0, columns - 1), st.integers(1, TILE + 9)
    )
    for row, height, column, width in data.draw(st.lists(spans, min_size=1, max_size=4)):
        block = truth[row : row + height, column : column + width]
        cache.put("a", 0, row, column, block)
        here[row : row + height, column : column + width] = True
    values, known = cache.read("a", 0, 0, rows, 0, columns)
    assert (known == here).all()
    assert (values[known] == truth[here]).all()
    absent = cache.missing("a", 0, 0, rows, 0, columns)
    assert absent == [
        (y, x)
        for y in range(-(-rows // TILE))
        for x in range(-(-columns // TILE))
        if not here[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE].all()
    ]
    assert not cache.read("b", 0, 0, 5, 0, 5)[1].any()
    assert not cache.read("a", 1, 0, 5, 0, 5)[1].any()


def test_the_budget_drops_what_was_used_longest_ago() -> None:
    block = np.ones((TILE, TILE), np.float16)
    cost = TileCache(1 << 30)
    cost.put("x", 0, 0, 0, block)
    cache = TileCache(3 * cost.nbytes)
    for name in "abc":
        cache.put(name, 0, 0, 0, block)
    cache.read("a", 0, 0, 1, 0, 1)
    cache.put("d", 0, 0, 0, block)
    assert cache.nbytes <= 3 * cost.nbytes
    here = {name: bool(cache.read(name, 0, 0, 1, 0, 1)[1].all()) for name in "abcd"}
    assert here == {"a": True, "b": False, "c": True, "d": True}


def test_putting_a_tile_twice_costs_no_more() -> None:
    cache = TileCache(1 << 30)
    cache.put("a", 0, 0, 0, np.zeros((10, 10), np.float16))
    first = cache.nbytes
    cache.put("a", 0, 0, 0, np.ones((10, 10), np.float16))
    assert cache.nbytes == first
    assert cache.read("a", 0, 0, 10, 0, 10)[0].all()
