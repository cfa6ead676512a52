"""What a map that moves sends to a terminal, and what it sends when it rests."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from textual.app import ComposeResult
from textual.drivers.headless_driver import HeadlessDriver

from faa_tui._compat import PacedApp
from faa_tui.rendering.ramps import RAMPS
from faa_tui.widgets.heat_map import HeatMap, MapAddress

HEAD, OTHER = MapAddress(1, "decoder", 0, 0), MapAddress(1, "decoder", 0, 1)
TOKENS = 512
MOVING_BYTES = 75_000


class Wire(HeadlessDriver):
    """Keeps what goes to the terminal, frame by frame."""

    def write(self, data: str) -> None:
        self._app.wire.append(data.encode())


class Wired(PacedApp):
    """A map that fills a screen of which every byte is seen."""

    CSS = "HeatMap { width: 100%; height: 100%; }"
    is_headless = False

    def __init__(self, layer, pieces, weights, ramp="viridis"):
        super().__init__()
        self.wire: list[bytes] = []
        self._layer, self._pieces, self._weights, self._ramp = layer, pieces, weights, ramp

    def compose(self) -> ComposeResult:
        yield HeatMap()

    def show(self, address: MapAddress) -> HeatMap:
        heat_map = self.query_one(HeatMap)
        heat_map.show(address, self._layer, self._pieces, self._pieces)
        return heat_map

    def on_mount(self) -> None:
        heat_map = self.show(HEAD)
        heat_map.scale, heat_map.ramp = "log", self._ramp
        for address, weights in zip((HEAD, OTHER), self._weights, strict=True):
            heat_map.put(address, 0, 0, 0, weights)
        heat_map.focus()

    def picture(self) -> list[str]:
        """What the map shows, as bytes."""
        heat_map = self.query_one(HeatMap)
        return [strip.render(self.console) for strip in heat_map.render_lines(heat_map.size.region)]


@pytest.fixture
def moving(monkeypatch, layer, pieces, weights):
    monkeypatch.setattr("textual.drivers.headless_driver.HeadlessDriver", Wire)
    noise = [weights(TOKENS, seed).astype(np.float16) for seed in (0, 1)]

    def run(scenario, ramp="viridis"):
        async def main():
            app = Wired(layer(TOKENS), pieces(TOKENS), noise, ramp)
            async with app.run_test(size=(200, 50)) as pilot:
                await pilot.pause()
                heat_map = app.query_one(HeatMap)
                while heat_map.cell_size > 1:
                    heat_map.action_zoom(True)
                heat_map.move_cursor(TOKENS // 2, 0)
                await rest(app)
                await scenario(app, heat_map, pilot)

        asyncio.run(main())

    return run


async def frame(app):
    """Wait for the next frame, and return its size."""
    await until(lambda: app.wire)
    size = sum(map(len, app.wire))
    app.wire.clear()
    return size


async def until(condition):
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("waited in vain")


async def rest(app):
    """Wait until the map is drawn exactly."""
    heat_map = app.query_one(HeatMap)
    await until(lambda: not heat_map.is_moving)
    await until(lambda: app.wire)
    app.wire.clear()


@pytest.mark.parametrize("ramp", sorted(RAMPS))
def test_frames_of_a_held_key_stay_within_their_budget(moving, ramp):
    async def scenario(app, heat_map, pilot):
        heat_map.action_pan(1, 0)
        app.wire.clear()
        sizes = []
        for _ in range(8):
            heat_map.action_pan(1, 0)
            assert heat_map.is_moving
            sizes.append(await frame(app))
        assert max(sizes) <= MOVING_BYTES
        assert min(sizes) > 10_000  # they were frames

    moving(scenario, ramp)


def test_zooming_and_other_heads_are_movement_too(moving):
    async def scenario(app, heat_map, pilot):
        steps = [
            lambda: heat_map.action_zoom(True),
            lambda: heat_map.action_zoom(False),
            lambda: app.show(OTHER),
            lambda: app.show(HEAD),
            lambda: heat_map.action_fit(),
        ]
        steps[0]()
        app.wire.clear()
        for step in steps[1:]:
            step()
            assert heat_map.is_moving
            assert await frame(app) <= MOVING_BYTES

    moving(scenario)


def test_what_rests_is_drawn_exactly(moving, layer, pieces):
    async def scenario(app, heat_map, pilot):
        for _ in range(5):
            heat_map.action_pan(1, 0)
        await frame(app)
        draft = app.picture()
        await until(lambda: not heat_map.is_moving)
        settled = await frame(app)
        assert settled > 3 * MOVING_BYTES
        shown, view, cursor = app.picture(), heat_map.view_state, heat_map.cursor
        # The same place in a map that never moved.
        still = HeatMap()
        await app.screen.mount(still)
        heat_map.display = False
        still.scale, still.ramp = heat_map.scale, heat_map.ramp
        still.show(HEAD, layer(TOKENS), pieces(TOKENS), pieces(TOKENS))
        still.put(HEAD, 0, 0, 0, app._weights[0])
        await until(lambda: still.size == app.size)
        await pilot.pause()  # it has heard of its size
        still.look(view, *cursor)
        await until(lambda: not still.is_moving)
        exact = [strip.render(app.console) for strip in still.render_lines(still.size.region)]
        assert [y for y, (a, b) in enumerate(zip(shown, exact, strict=True)) if a != b] == []
        assert shown == exact
        assert draft != exact

    moving(scenario)


def test_one_step_from_rest_is_exact_at_once(moving):
    async def scenario(app, heat_map, pilot):
        await until(lambda: heat_map._motion.until_rest() == 0)
        app.wire.clear()
        heat_map.action_pan(1, 0)
        assert not heat_map.is_moving
        assert await frame(app) > 3 * MOVING_BYTES

    moving(scenario)


def test_without_colour_nothing_is_drafted(moving, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(app, heat_map, pilot):
        heat_map.action_pan(1, 0)
        heat_map.action_pan(1, 0)
        assert not heat_map.is_moving
        assert await frame(app) <= 2 * 200 * 50

    moving(scenario)
