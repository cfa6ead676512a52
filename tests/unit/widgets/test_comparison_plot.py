from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faa_core.catalogue import BY_KEY
from faa_tui.rendering.comparison_plots import HeadCurve, Profile
from faa_tui.rendering.ramps import luminance
from faa_tui.widgets.comparison_plot import ComparisonPlot, ComparisonView


@pytest.fixture
def view(layer):
    random = np.random.default_rng(0)
    a = random.uniform(0, 1, 32)
    b = a + random.normal(0, 0.2, 32)
    depth = np.linspace(0, 1, 4)
    return ComparisonView(
        "Entropy",
        BY_KEY["D0"],
        ("demo", "demo@init"),
        a,
        b,
        np.abs(b - a) > 0.2,
        3,
        tuple(Profile(name, depth, depth + at, depth, depth + 2) for at, name in enumerate("ab")),
        (HeadCurve("demo", layer(256), 0), HeadCurve("demo@init", layer(256), 0)),
    )


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_v_steps_through_every_plot_and_back(drive, view, size):
    async def scenario(app, pilot):
        app.widget.show(view)
        seen = []
        for _ in ComparisonPlot.PAGES:
            await pilot.pause()
            assert [len(line) for line in app.lines] == [size[0]] * size[1]
            seen.append((app.widget.page, app.widget.title, app.lines[0].strip()))
            await pilot.press("v")
        assert [plot for plot, _, _ in seen] == list(ComparisonPlot.PAGES)
        assert [title for _, title, _ in seen] == list(ComparisonPlot.PAGES.values())
        assert len({line for _, _, line in seen}) == len(ComparisonPlot.PAGES)
        assert app.widget.page == "scatter"
        await pilot.press("V")
        assert app.widget.page == "spectrum"

    drive(ComparisonPlot(), scenario, size)


def test_a_click_picks_the_nearest_pair(drive, view):
    async def scenario(app, pilot):
        app.widget.show(view)
        await pilot.pause()
        y = next(y for y, line in enumerate(app.lines) if y > 2 and "○" in line)
        x = app.lines[y].index("○")
        await pilot.click(app.widget, offset=(x, y))
        await pilot.pause()
        index = app.sent[-1].index
        assert app.widget._places[index].tolist() == [x, y]
        await pilot.click(app.widget, offset=(4, 3))  # far from every point
        await pilot.press("v")
        await pilot.click(app.widget, offset=(x, y))
        assert len(app.sent) == 1

    drive(ComparisonPlot(), scenario)


def test_a_resize_draws_it_again(drive, view):
    async def scenario(app, pilot):
        app.widget.show(view)
        await pilot.pause()
        await pilot.resize_terminal(50, 15)
        await pilot.pause()
        assert [len(line) for line in app.lines] == [50] * 15
        assert "Entropy" in app.lines[0]

    drive(ComparisonPlot(), scenario, (200, 50))


def test_other_numbers_and_nothing(drive, view):
    async def scenario(app, pilot):
        assert not "".join(app.lines).strip()
        app.widget.show(replace(view, a=view.a * np.nan, reason="no row has what it needs"))
        await pilot.pause()
        assert "no row has what it needs" in app.lines[1]
        app.widget.show(None)
        await pilot.pause()
        assert not "".join(app.lines).strip()
        with pytest.raises(ValueError, match="no page"):
            app.widget.page = "pie"

    drive(ComparisonPlot(), scenario)


def test_the_theme_colours_it(drive, view):
    async def scenario(app, pilot):
        app.widget.show(view)
        await pilot.pause()
        y = next(y for y, line in enumerate(app.lines) if y > 2 and "○" in line)
        dark = app.style_at(app.lines[y].index("○"), y)
        app.theme = "textual-light"
        await pilot.pause()
        light = app.style_at(app.lines[y].index("○"), y)
        assert luminance(light.color.triplet) < luminance(dark.color.triplet)
        assert luminance(dark.bgcolor.triplet) < luminance(light.bgcolor.triplet)

    drive(ComparisonPlot(), scenario)


def test_no_color_means_no_colour(drive, view, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(app, pilot):
        app.widget.show(view)
        await pilot.pause()
        for strip in app.widget.render_lines(app.widget.size.region):
            for segment in strip:
                assert segment.style is None or segment.style.color is None or segment.style.color.is_default

    drive(ComparisonPlot(), scenario)


@pytest.mark.parametrize("pane", [(1, 1), (10, 3), (25, 7)])
def test_panes_of_any_size(drive, view, pane):
    async def scenario(app, pilot):
        app.widget.show(view)
        for _ in ComparisonPlot.PAGES:
            await pilot.press("v")
            assert [len(line) for line in app.lines] == [pane[0]] * pane[1]

    drive(ComparisonPlot(), scenario, pane)
