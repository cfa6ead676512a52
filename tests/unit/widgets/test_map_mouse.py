"""The mouse on a map: wheel, click, and the two ways to drag."""

from __future__ import annotations

import numpy as np
import pytest
from textual import events

from faa_tui.rendering.ramps import INK_DARK, INK_LIGHT
from faa_tui.widgets.heat_map import HeatMap, MapAddress

HEAD = MapAddress(1, "decoder", 0, 0)


def show(app, layer, pieces, weights, n=300):
    app.source = weights(n)
    app.widget.show(HEAD, layer(n), pieces(n), pieces(n))


def at(heat_map, y, x):
    """Place in the widget of a line and a column of its map."""
    area = heat_map._area()
    return (area.x + x, area.y + y)


def wheel(kind, heat_map, y, x, **keys):
    x, y = at(heat_map, y, x)
    pressed = [keys.get(name, False) for name in ("shift", "meta", "ctrl")]
    heat_map.post_message(kind(heat_map, x, y, 0, 0, 0, *pressed))


async def drag(pilot, heat_map, start, stop, button=1):
    await pilot.mouse_down(heat_map, offset=at(heat_map, *start), button=button)
    await pilot.hover(heat_map, offset=at(heat_map, *stop))
    await pilot.mouse_up(heat_map, offset=at(heat_map, *stop))
    await pilot.pause()


def inked(heat_map):
    return np.isin(heat_map._marked, (INK_LIGHT, INK_DARK))


def views(app):
    return [m.view for m in app.sent if isinstance(m, HeatMap.ViewChanged)]


def test_the_wheel_pans_and_with_shift_goes_sideways(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        show(app, layer, pieces, weights)
        await pilot.pause()
        while app.widget.cell_size > 1:
            await pilot.press("plus")
        before = app.widget.view_state
        wheel(events.MouseScrollUp, app.widget, 5, 5)
        await pilot.pause()
        up = app.widget.view_state
        assert up.top < before.top or before.top == 0
        wheel(events.MouseScrollDown, app.widget, 5, 5)
        wheel(events.MouseScrollDown, app.widget, 5, 5, shift=True)
        await pilot.pause()
        after = app.widget.view_state
        assert after.top == up.top + 6
        assert after.left == before.left + 6
        assert (after.size, after.factor) == (before.size, before.factor)

    drive(HeatMap(), scenario)


def test_the_wheel_with_ctrl_zooms_about_the_mouse(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        show(app, layer, pieces, weights)
        await pilot.pause()
        heat_map = app.widget
        cursor = heat_map.cursor
        view = heat_map._view
        under = view.cell(16, 5)
        pair = under[0] * view.size, under[1] * view.size
        for _ in range(3):
            wheel(events.MouseScrollUp, heat_map, 8, 5, ctrl=True)
            await pilot.pause()
            assert heat_map._view.cell(16, 5) == (pair[0] // heat_map.cell_size, pair[1] // heat_map.cell_size)
        assert heat_map.cell_size == 1
        assert heat_map.cursor == cursor
        assert views(app)[-1] == heat_map.view_state
        for _ in range(4):
            wheel(events.MouseScrollDown, heat_map, 8, 5, ctrl=True)
        await pilot.pause()
        assert heat_map._view.whole

    drive(HeatMap(), scenario, (60, 24))


def test_a_drag_picks_a_region_and_zooms_to_it(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        show(app, layer, pieces, weights)
        await pilot.pause()
        heat_map, size = app.widget, app.widget.cell_size
        assert size > 1
        x, y = at(heat_map, 6, 4)
        await pilot.mouse_down(heat_map, offset=(x, y))
        await pilot.hover(heat_map, offset=(x + 7, y + 3))
        heat_map.render_lines(heat_map.size.region)
        frame = inked(heat_map)
        assert frame[12, 4:12].all()
        assert frame[19, 4:12].all()
        assert frame[12:20, 4].all()
        assert frame[12:20, 11].all()
        await pilot.mouse_up(heat_map, offset=(x + 7, y + 3))
        await pilot.pause()
        view = heat_map._view
        assert view.size < size
        for query in (12 * size, 20 * size - 1):
            for key in (4 * size, 12 * size - 1):
                row, column = view.pixel(query, key)
                assert 0 <= row < view.height
                assert 0 <= column < view.width
        query, key = heat_map.cursor  # the click that ends a drag picks no cell, but the cursor is in the region
        assert 12 * size <= query < 20 * size
        assert 4 * size <= key < 12 * size
        assert views(app)[-1] == heat_map.view_state
        assert not views(app)[-1].fitted

    drive(HeatMap(), scenario)


def test_a_drag_that_goes_nowhere_is_a_click(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        show(app, layer, pieces, weights, 30)
        await pilot.pause()
        zoom = app.widget.view_state
        x, y = at(app.widget, 6, 9)
        await pilot.mouse_down(app.widget, offset=(x, y))
        await pilot.hover(app.widget, offset=(x, y + 1))
        await pilot.mouse_up(app.widget, offset=(x, y + 1))
        await pilot.pause()
        assert app.widget.view_state == zoom
        assert app.widget.cursor == (14, 9)
        await drag(pilot, app.widget, (2, 2), (6, 20))
        assert app.widget.view_state != zoom
        cursor = app.widget.cursor
        await pilot.click(app.widget, offset=at(app.widget, 0, 0))
        assert app.widget.cursor != cursor  # the next click counts again

    drive(HeatMap(), scenario)


@pytest.mark.parametrize("button", [2, 3])
def test_a_drag_with_another_button_moves_the_map_along(drive, layer, pieces, weights, button):
    async def scenario(app, pilot):
        show(app, layer, pieces, weights)
        await pilot.pause()
        heat_map = app.widget
        while heat_map.cell_size > 1:
            await pilot.press("plus")
        heat_map.move_cursor(150, 150)
        await pilot.pause()
        before = heat_map.view_state
        await drag(pilot, heat_map, (10, 30), (5, 20), button)
        after = heat_map.view_state
        assert (after.top, after.left) == (before.top + 10, before.left + 10)
        assert heat_map.cursor == (150, 150)
        await drag(pilot, heat_map, (0, 0), (15, 40), button)
        assert (heat_map.view_state.top, heat_map.view_state.left) == (after.top - 30, after.left - 40)

    drive(HeatMap(), scenario)


def test_a_drag_on_nothing_does_nothing(drive):
    async def scenario(app, pilot):
        await drag(pilot, app.widget, (1, 1), (9, 9))
        await drag(pilot, app.widget, (1, 1), (9, 9), 2)
        wheel(events.MouseScrollUp, app.widget, 5, 5, ctrl=True)
        await pilot.pause()
        assert not app.sent

    drive(HeatMap(), scenario)
