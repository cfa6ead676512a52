from __future__ import annotations

import numpy as np
import pytest

from faa_tui.rendering.ramps import RAMPS, luminance
from faa_tui.widgets.head_matrix import HeadMatrix


def shown(matrix, rows=4, heads=8, **options):
    values = np.linspace(0, 1, rows * heads).reshape(rows, heads)
    dimmed = np.zeros((rows, heads), bool)
    values, dimmed = options.pop("values", values), options.pop("dimmed", dimmed)
    matrix.show([str(row) for row in range(rows)], values, dimmed, 0.0, 1.0, **options)
    return values


def selected(app):
    return [(message.row, message.head) for message in app.sent]


def cell(app, row, head):
    """Column and line of the middle of a head's cell, found by the number above it."""
    header = app.lines[0]
    column = header.index(f" {head} ") + 1 if f" {head} " in header else header.index(str(head))
    return column, 1 + row


def test_values_have_their_colour_and_their_number(drive, size):
    async def scenario(app, pilot):
        values = shown(app.widget)
        app.widget.select(3, 0)
        await pilot.pause()
        ramp = RAMPS["viridis"]
        for row, head in ((0, 1), (1, 5), (2, 7)):
            column, line = cell(app, row, head)
            style = app.style_at(column, line)
            level = round(values[row, head] * 255)
            assert style.bgcolor.triplet == ramp.rgb[level]
            assert f"{values[row, head]:.2f}"[1:] in app.lines[line]
        assert app.lines[0].split() == [str(head) for head in range(8)]
        assert app.lines[-1].split()[0] == "0"

    drive(HeadMatrix(), scenario, size)


def test_diverging_values_are_white_in_the_middle(drive):
    async def scenario(app, pilot):
        app.widget.show(["0"], np.array([[-1.0, 0.0, 1.0, 0.0]]), np.zeros((1, 4), bool), -1, 1, True)
        app.widget.select(0, 3)
        await pilot.pause()
        colours = [app.style_at(*cell(app, 0, head)).bgcolor.triplet for head in range(3)]
        assert colours == [RAMPS["diverging"].rgb[0], RAMPS["diverging"].rgb[128], RAMPS["diverging"].rgb[255]]
        assert "-1.00" in app.lines[1]
        assert ".00" in app.lines[1]

    drive(HeadMatrix(), scenario)


def test_undefined_late_and_doubtful_heads_look_different(drive):
    async def scenario(app, pilot):
        values = np.full((3, 4), 0.5)
        values[0, 1] = np.nan
        dimmed = np.zeros((3, 4), bool)
        dimmed[1, 2] = True
        shown(app.widget, 3, 4, values=values, dimmed=dimmed, arrived=[True, True, False])
        await pilot.pause()
        assert "··" in app.lines[1]
        assert not app.lines[3].replace("2", "", 1).strip()
        sure, doubtful = app.style_at(*cell(app, 1, 1)), app.style_at(*cell(app, 1, 2))
        assert sure.bgcolor.triplet == RAMPS["viridis"].rgb[128]
        assert doubtful.bgcolor != sure.bgcolor
        light, dark = luminance(doubtful.color.get_truecolor()), luminance(doubtful.bgcolor.get_truecolor())
        assert (light + 0.05) / (dark + 0.05) >= 4.5, "a doubtful number can be read"
        assert "doubtful" in app.lines[-1]
        assert "undefined" in app.lines[-1]

    drive(HeadMatrix(), scenario)


def test_the_cursor_selects_and_stops_at_the_edges(drive):
    async def scenario(app, pilot):
        shown(app.widget)
        await pilot.press("down", "l", "l", "up", "up", "left", "home", "h")
        assert selected(app) == [(1, 0), (1, 1), (1, 2), (0, 2), (0, 1), (0, 0)]
        await pilot.press("G", "end", "J", "L")
        assert app.widget.selected == (3, 7)
        await pilot.press("g")
        assert app.widget.selected == (0, 7)

    drive(HeadMatrix(), scenario)


@pytest.mark.parametrize("marked", [False, True])
def test_the_selected_number_keeps_its_sign_and_its_point(drive, size, marked):
    async def scenario(app, pilot):
        values = np.array([[-1.02, 0.65, -0.65, 0.5]])
        app.widget.show(["0"], values, np.zeros((1, 4), bool), -2, 2, True, marked=np.full((1, 4), marked))
        for head, number in enumerate(("-1.02", ".65", "-.65", ".50")):
            app.widget.select(0, head)
            await pilot.pause()
            assert f"▐{number:>5}{'*' if marked else '▌'}" in app.lines[1]

    drive(HeadMatrix(), scenario, size)


def test_select_tells_nobody(drive):
    async def scenario(app, pilot):
        shown(app.widget)
        app.widget.select(2, 5)
        app.widget.select(99, -4)
        await pilot.pause()
        assert app.widget.selected == (3, 0)
        assert not app.sent

    drive(HeadMatrix(), scenario)


def test_a_click_selects(drive):
    async def scenario(app, pilot):
        shown(app.widget)
        await pilot.pause()
        await pilot.click(app.widget, offset=cell(app, 2, 3))
        await pilot.click(app.widget, offset=(1, 2))
        await pilot.click(app.widget, offset=(79, 2))
        assert selected(app) == [(2, 3)]

    drive(HeadMatrix(), scenario)


def test_rows_may_have_different_numbers_of_heads_or_none(drive):
    async def scenario(app, pilot):
        values = np.full((3, 6), 0.5)
        values[0, 2:] = values[1] = np.nan
        shown(app.widget, 3, 6, values=values, counts=[2, 0, 6])
        await pilot.pause()
        assert "··" not in "".join(app.lines)
        app.widget.select(2, 5)
        await pilot.press("up")
        assert app.widget.selected == (0, 1)  # past the row that has no heads
        await pilot.press("right")
        assert app.widget.selected == (0, 1)
        await pilot.press("down")
        assert app.widget.selected == (2, 1)

    drive(HeadMatrix(), scenario)


def test_eighty_layers_of_sixty_four_heads_scroll(drive, size):
    async def scenario(app, pilot):
        shown(app.widget, 80, 64)
        app.widget.select(79, 63)
        await pilot.pause()
        assert "63" in app.lines[0]
        assert any(line.strip().startswith("79") for line in app.lines)
        assert all(len(line) == size[0] for line in app.lines)
        await pilot.press("g", "home")
        assert app.lines[0].split()[0] == "0"
        assert app.lines[1].split()[0] == "0"

    drive(HeadMatrix(), scenario, size)


def test_without_colour_there_are_glyphs_or_numbers(drive, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(app, pilot):
        shown(app.widget, 4, 8)
        await pilot.pause()
        assert ".97" in app.lines[4]
        assert app.style_at(*cell(app, 0, 5)).bgcolor is None
        shown(app.widget, 4, 40)
        await pilot.pause()
        assert "@" in app.lines[4]

    drive(HeadMatrix(), scenario)


@pytest.mark.parametrize("pane", [(1, 1), (4, 2), (9, 3), (20, 5)])
def test_panes_of_any_size(drive, pane):
    async def scenario(app, pilot):
        assert not "".join(app.lines).strip()
        shown(app.widget, 12, 12)
        await pilot.press("down", "right", "end", "G")
        assert [len(line) for line in app.lines] == [pane[0]] * pane[1]

    drive(HeadMatrix(), scenario, pane)


def test_no_layers_and_no_heads(drive):
    async def scenario(app, pilot):
        app.widget.show([], np.zeros((0, 0)), np.zeros((0, 0), bool), 0, 1)
        await pilot.press("down", "right", "G")
        app.widget.show(["0"], np.zeros((1, 0)), np.zeros((1, 0), bool), 0, 1)
        await pilot.press("down", "right", "end")
        assert not app.sent

    drive(HeadMatrix(), scenario)


def difference(app, marked=None, reach=0.5):
    values = np.array([[0.1, -0.5, np.nan, 0.0], [0.5, -0.02, 0.25, np.nan]])
    app.widget.show(
        ("0", "1"),
        values,
        np.zeros(values.shape, bool),
        -reach,
        reach,
        True,
        marked=marked,
        mark_means="q < .05",
    )


def test_marked_heads_have_a_star_and_the_legend_says_why(drive):
    marked = np.array([[False, True, False, False], [True, False, False, False]])

    async def scenario(app, pilot):
        difference(app, marked)
        await pilot.pause()
        assert [line.count("*") for line in app.lines[:3]] == [0, 1, 1]
        assert "-.50*" in app.lines[1]
        assert "* q < .05" in app.lines[-1]
        await pilot.press("down")  # the selected head keeps its star
        assert app.lines[2].count("*") == 1
        difference(app)
        await pilot.pause()
        assert not any("*" in line for line in app.lines)

    drive(HeadMatrix(), scenario)


def test_a_head_without_a_partner_is_undefined_among_differences(drive):
    async def scenario(app, pilot):
        difference(app)
        await pilot.pause()
        assert [line.count("··") for line in app.lines[:3]] == [0, 1, 1]
        assert "·· undefined" in app.lines[-1]

    drive(HeadMatrix(), scenario)


def test_without_colour_differences_keep_their_sign(drive, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(app, pilot):
        difference(app)
        await pilot.pause()
        assert "OO" in app.lines[1]
        assert ".." in app.lines[1]
        assert "@" in app.lines[2]
        assert "--" not in app.lines[1]

    drive(HeadMatrix(), scenario, (20, 6))
