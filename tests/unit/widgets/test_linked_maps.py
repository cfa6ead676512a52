from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.containers import Horizontal

from faa_tui.rendering.tiles import CACHE_BYTES, TileCache, pool
from faa_tui.widgets.heat_map import HeatMap, MapAddress

FIRST, SECOND = MapAddress(1, "decoder", 0, 0), MapAddress(2, "decoder", 0, 0)


class Pair(App[None]):
    """Two maps side by side over one cache, linked as a screen links them."""

    CSS = "HeatMap { width: 1fr; height: 1fr; }"

    def __init__(self, source: np.ndarray) -> None:
        super().__init__()
        self.source = source
        self.cache = TileCache(CACHE_BYTES)
        self.left, self.right = HeatMap(cache=self.cache), HeatMap(cache=self.cache)
        self.changes: list[HeatMap] = []
        self.moves: list[HeatMap] = []
        self.wishes: list[MapAddress] = []

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self.left
            yield self.right

    def on_heat_map_view_changed(self, event: HeatMap.ViewChanged) -> None:
        self.changes.append(event.heat_map)
        other = self.right if event.heat_map is self.left else self.left
        other.look(event.view, event.query, event.key)

    def on_heat_map_cursor_moved(self, event: HeatMap.CursorMoved) -> None:
        self.moves.append(event.heat_map)

    def on_heat_map_block_wanted(self, event: HeatMap.BlockWanted) -> None:
        self.wishes.append(event.address)
        cells = pool(self.source.astype(np.float16), 1 << event.level)
        block = cells[event.row : event.row_stop, event.column : event.column_stop]
        event.heat_map.put(event.address, event.level, event.row, event.column, block)


def run(app, scenario, size=(121, 40)):
    async def main():
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await scenario(pilot)

    asyncio.run(main())


@pytest.mark.parametrize("size", [(80, 24), (121, 40), (200, 50)])
def test_what_the_user_does_in_one_map_the_other_shows_and_nothing_comes_back(layer, pieces, weights, size):
    app = Pair(weights(300))

    async def scenario(pilot):
        for heat_map, address in ((app.left, FIRST), (app.right, SECOND)):
            heat_map.show(address, layer(300), pieces(300), pieces(300))
        await pilot.pause()
        app.left.focus()
        keys = ["J", "J", "right", "plus", "plus", "plus", "L", "down", "minus", "end", "0", "plus", "k"]
        for key in keys:
            await pilot.press(key)
            assert app.right.view_state == app.left.view_state
            assert app.right.cursor == app.left.cursor
        app.right.focus()
        await pilot.press("h", "plus")
        await pilot.pause()
        assert app.left.view_state == app.right.view_state
        assert app.changes == [app.left] * len(keys) + [app.right] * 2

    run(app, scenario, size)


def test_looking_is_silent_and_the_value_can_be_read(layer, pieces, weights):
    app = Pair(weights(60))

    async def scenario(pilot):
        for heat_map, address in ((app.left, FIRST), (app.right, SECOND)):
            heat_map.show(address, layer(60), pieces(60), pieces(60))
        await pilot.pause()
        app.moves.clear()
        app.left.focus()
        await pilot.press("down", "down", "right")
        assert app.moves == [app.left] * 3
        assert app.right.reading == app.left.reading
        assert app.right.reading.weight == np.float16(app.source[app.right.cursor])

    run(app, scenario)


def test_a_move_by_the_application_is_no_change_by_the_user(layer, pieces, weights):
    app = Pair(weights(60))

    async def scenario(pilot):
        app.left.show(FIRST, layer(60), pieces(60), pieces(60))
        await pilot.pause()
        app.left.move_cursor(20, 10)
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert app.left.cursor == (20, 10)
        assert not app.changes

    run(app, scenario)


def test_a_fitted_map_takes_the_zoom_of_a_pane_that_is_a_cell_wider(layer, pieces, weights):
    # 31 tokens fit 31 pixels twice over in a map of 62 pixels, but not in one of 61.
    app = Pair(weights(40))

    async def scenario(pilot):
        for heat_map, address in ((app.left, FIRST), (app.right, SECOND)):
            heat_map.show(address, layer(40), pieces(40), pieces(40))
        await pilot.pause()
        for width in range(90, 110):
            await pilot.resize_terminal(width, 60)
            await pilot.pause()
            app.right.look(app.left.view_state, *app.left.cursor)
            assert app.right.view_state == app.left.view_state

    run(app, scenario)


def test_maps_that_share_a_cache_ask_once(layer, pieces, weights):
    app = Pair(weights(60))

    async def scenario(pilot):
        app.left.show(FIRST, layer(60), pieces(60), pieces(60))
        app.right.show(FIRST, layer(60), pieces(60), pieces(60))
        await pilot.pause()
        assert app.wishes == [FIRST]
        assert app.right.has_overview(FIRST)
        assert np.isnan(app.right.reading.weight) == np.isnan(app.left.reading.weight)
        app.right.arrived(FIRST)
        await pilot.pause()
        shown = [
            ["".join(s.text for s in strip) for strip in m.render_lines(m.size.region)] for m in (app.left, app.right)
        ]
        assert shown[0][5].rstrip() == shown[1][5].rstrip()

    run(app, scenario)


def test_a_map_without_a_result_has_only_size_and_support(layer, pieces, weights):
    @dataclass(frozen=True)
    class Segments:
        queries: int
        keys: int
        first_key: np.ndarray
        stop_key: np.ndarray

    app = Pair(weights(12))

    async def scenario(pilot):
        rows = np.arange(12, dtype=np.int32)
        app.left.show(FIRST, Segments(12, 12, np.zeros_like(rows), rows + 1), ("a", "b"), ("a", "b"))
        await pilot.pause()
        app.left.move_cursor(7, 3)
        assert app.left.reading.weight == np.float16(app.source[7, 3])
        assert app.left.reading.lift == pytest.approx(8 * app.left.reading.weight)

    run(app, scenario)
