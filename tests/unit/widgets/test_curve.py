from __future__ import annotations

import numpy as np
import pytest

from faa_tui.rendering.curves import box_counting
from faa_tui.rendering.profiles import CursorLines
from faa_tui.rendering.ramps import luminance
from faa_tui.widgets.curve import CurveView


def test_it_draws_what_the_adapter_draws(drive, layer, size):
    async def scenario(app, pilot):
        app.widget.show(layer(256), 0)
        await pilot.pause()
        assert "D0 1.50 ± 0.10" in app.lines[0]
        assert "null 1.90" in app.lines[0]
        assert sum(line.count("●") for line in app.lines[2:]) == 6
        assert [len(line) for line in app.lines] == [size[0]] * size[1]

    drive(CurveView(), scenario, size)


def test_a_resize_draws_it_again_in_the_new_size(drive, layer):
    async def scenario(app, pilot):
        app.widget.show(layer(256), 0)
        await pilot.pause()
        await pilot.resize_terminal(50, 15)
        await pilot.pause()
        assert [len(line) for line in app.lines] == [50] * 15
        assert app.lines[-1].split()[0] == "1"

    drive(CurveView(), scenario, (200, 50))


def test_two_curves_do_not_get_into_each_other(layer):
    # Plotext has one figure for the whole process.
    page = box_counting(layer(256), 0)
    first = [line.plain for line in page.lines(60, 20)]
    page.lines(90, 33)
    assert [line.plain for line in page.lines(60, 20)] == first


def test_without_a_result_it_says_why_and_what_to_do(drive, layer):
    async def scenario(app, pilot):
        assert "no data: no run yet; t takes a text" in app.lines[1]
        app.widget.show(layer(256), 0)
        await pilot.pause()
        app.widget.show(None)
        await pilot.pause()
        assert "no data: this layer is not measured yet" in app.lines[1]

    drive(CurveView(), scenario)


@pytest.mark.parametrize("pane", [(34, 10), (90, 25), (1, 1), (25, 7)])
def test_every_page_has_exactly_the_size_of_the_pane(drive, layer, pane):
    async def scenario(app, pilot):
        app.widget.show(layer(256), 0)
        seen = []
        for _ in CurveView.PAGES:
            await pilot.pause()
            assert [len(line) for line in app.lines] == [pane[0]] * pane[1]
            seen.append(app.widget.page)
            app.widget.action_step(1)
        assert seen == list(CurveView.PAGES)
        assert app.widget.page == "boxes"

    drive(CurveView(), scenario, pane)


def test_the_page_stays_when_the_head_changes_and_what_comes_is_drawn(drive, layer):
    async def scenario(app, pilot):
        first, other = layer(256), layer(256)
        app.widget.show(first, 0)
        app.widget.page = "row"
        await pilot.pause()
        assert "the map is not here yet" in app.lines[1]
        row = np.full(256, 1 / 256, np.float32)
        app.widget.show_cursor(CursorLines(200, 7, (" a", " b"), row))
        await pilot.pause()
        assert 'query 200 "·a" over keys' in app.lines[0]
        assert any("◆" in line for line in app.lines[2:])
        app.widget.show(other, 0)
        await pilot.pause()
        assert app.widget.page == "row"
        assert "the map is not here yet" in app.lines[1]  # a row of another map is no row of this one

    drive(CurveView(), scenario)


def test_boxes_of_a_size_are_lit_and_put_out(drive, layer):
    async def scenario(app, pilot):
        app.widget.show(layer(256), 0)
        app.widget.light(16)
        await pilot.pause()
        assert "s 16 N 64" in app.lines[0]
        assert sum(line.count("◆") for line in app.lines[2:]) == 1
        app.widget.light(None)
        await pilot.pause()
        assert not any("◆" in line for line in app.lines)

    drive(CurveView(), scenario)


def test_the_theme_colours_it(drive, layer):
    async def scenario(app, pilot):
        app.widget.show(layer(256), 0)
        await pilot.pause()
        y = next(y for y, line in enumerate(app.lines) if "●" in line and y > 1)
        dark = app.style_at(app.lines[y].index("●"), y)
        app.theme = "textual-light"
        await pilot.pause()
        light = app.style_at(app.lines[y].index("●"), y)
        assert dark.color != light.color
        assert dark.bgcolor != light.bgcolor
        title = app.style_at(app.lines[0].index("D0"), 0)
        assert luminance(title.color.triplet) < 0.2 < 0.5 < luminance(title.bgcolor.triplet)

    drive(CurveView(), scenario)


@pytest.mark.parametrize("pane", [(1, 1), (10, 3), (25, 7)])
def test_panes_of_any_size(drive, layer, pane):
    async def scenario(app, pilot):
        app.widget.show(layer(256), 0)
        await pilot.pause()
        assert [len(line) for line in app.lines] == [pane[0]] * pane[1]

    drive(CurveView(), scenario, pane)


def test_no_color_means_no_colour(drive, layer, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(app, pilot):
        app.widget.show(layer(256), 0)
        await pilot.pause()
        y = next(y for y, line in enumerate(app.lines) if "●" in line)
        style = app.style_at(app.lines[y].index("●"), y)
        assert style.color is None or style.color.is_default

    drive(CurveView(), scenario)
