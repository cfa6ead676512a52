from __future__ import annotations

import pytest

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
    from faa_tui.rendering.curves import curve_lines

    first = [line.plain for line in curve_lines(layer(256), 0, 60, 20)]
    curve_lines(layer(256), 0, 90, 33)
    assert [line.plain for line in curve_lines(layer(256), 0, 60, 20)] == first


def test_nothing_is_blank(drive, layer):
    async def scenario(app, pilot):
        assert not "".join(app.lines).strip()
        app.widget.show(layer(256), 0)
        await pilot.pause()
        app.widget.show(None)
        await pilot.pause()
        assert not "".join(app.lines).strip()

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
