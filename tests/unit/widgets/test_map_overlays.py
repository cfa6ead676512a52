"""What lies above a map: boxes, and the map in little."""

from __future__ import annotations

import numpy as np

from faa_tui.rendering.boxes import CountedBoxes
from faa_tui.rendering.ramps import INK_DARK, INK_LIGHT, OUTSIDE
from faa_tui.widgets.heat_map import HeatMap, MapAddress

HEAD = MapAddress(1, "decoder", 0, 0)
OTHER = MapAddress(1, "decoder", 0, 1)


def drawn(heat_map):
    heat_map.render_lines(heat_map.size.region)
    return heat_map._marked


def test_boxes_stay_until_another_head_shows(drive, layer, pieces, weights):
    n = 20

    async def scenario(app, pilot):
        app.source = weights(n)
        result, text = layer(n), pieces(n)
        heat_map = app.widget
        heat_map.show(HEAD, result, text, text)
        heat_map.move_cursor(n - 1, 0)
        await pilot.pause()
        plain = drawn(heat_map)
        boxes = np.zeros((5, 5), bool)
        boxes[1, 0] = True
        heat_map.draw_boxes(CountedBoxes(4, boxes))
        await pilot.pause()
        factor = heat_map._view.factor
        changed = np.argwhere(drawn(heat_map) != plain)
        assert changed.min(0).tolist() == [4 * factor, 0]
        assert changed.max(0).tolist() == [8 * factor - 1, 4 * factor - 1]
        await pilot.press("right")
        assert (drawn(heat_map)[4 * factor, : 4 * factor] >= INK_LIGHT).all()
        heat_map.show(OTHER, result, text, text)
        await pilot.pause()
        assert not np.isin(drawn(heat_map)[4 * factor, : 4 * factor], (INK_LIGHT, INK_DARK)).any()

    drive(HeatMap(), scenario, (120, 40))


def test_boxes_show_without_colour(drive, layer, pieces, weights, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(app, pilot):
        app.source = weights(20)
        app.widget.show(HEAD, layer(20), pieces(20), pieces(20))
        app.widget.move_cursor(19, 0)
        await pilot.pause()

        def reversed_lines():
            lines = app.widget.render_lines(app.widget.size.region)
            return [y for y, line in enumerate(lines) if "\x1b[7m" in line.render(app.console)]

        before = reversed_lines()
        app.widget.draw_boxes(CountedBoxes(8, np.array([[True, False, False], [False] * 3, [False] * 3])))
        await pilot.pause()
        assert set(reversed_lines()) > set(before)

    drive(HeatMap(), scenario, (120, 40))


def test_a_map_in_little_appears_with_the_zoom_and_makes_way(drive, layer, pieces, weights):
    n = 300

    async def scenario(app, pilot):
        app.source = weights(n)
        heat_map = app.widget
        heat_map.show(HEAD, layer(n), pieces(n), pieces(n))
        await pilot.pause()
        assert heat_map._corner is None
        heat_map.move_cursor(150, 20)
        while heat_map.cell_size > 1:
            await pilot.press("plus")
        await pilot.pause()
        picture, corner = drawn(heat_map), heat_map._corner
        assert (corner.upper, corner.right) == (True, True)
        assert (picture[corner.top : corner.height, corner.left] == OUTSIDE).all()
        view = heat_map._view
        query, key = view.top + 4, view.left + view.width - 6
        heat_map.move_cursor(query, key)
        await pilot.pause()
        assert heat_map._view == view
        picture, corner = drawn(heat_map), heat_map._corner
        assert (corner.upper, corner.right) == (False, False)
        assert not corner.covers(4, view.width - 6)
        await pilot.press("0")
        drawn(heat_map)
        assert heat_map._corner is None

    drive(HeatMap(), scenario, (120, 40))


def test_a_long_text_can_be_looked_at_from_all_distances(drive, layer, pieces, size):
    n = 4096

    async def scenario(app, pilot):
        app.source = np.tril(np.full((n, n), 0.001, np.float32))
        app.source[3000, 2000] = 1
        heat_map = app.widget
        heat_map.show(HEAD, layer(n), pieces(n), pieces(n))
        await pilot.pause()
        assert heat_map._view.whole
        assert heat_map.cell_size >= 32
        heat_map.move_cursor(3000, 2000)
        seen = []
        while not seen or seen[-1] != heat_map.view_state:
            seen.append(heat_map.view_state)
            drawn(heat_map)
            await pilot.press("plus")
        await pilot.pause()
        assert (heat_map.cell_size, seen[-1].factor) == (1, 32)
        assert heat_map.reading.weight == 1
        assert {1, 2, 4, 8, 16} <= {view.size for view in seen}
        for _ in seen:
            await pilot.press("minus")
        assert heat_map._view.whole
        assert heat_map.cursor == (3000, 2000)

    drive(HeatMap(), scenario, size)


def test_the_bar_names_scale_and_ramp(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(30)
        app.widget.show(HEAD, layer(30), pieces(30), pieces(30))
        app.widget.scale, app.widget.ramp = "lift", "magma"
        await pilot.pause()
        assert "lift, log" in app.lines[-1]
        assert "magma" in app.lines[-1]

    drive(HeatMap(), scenario)
