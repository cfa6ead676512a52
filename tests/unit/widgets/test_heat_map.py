from __future__ import annotations

import math
import re

import numpy as np
import pyte
import pytest
from textual import events

from faa_tui.rendering.ramps import MASKED, RAMPS
from faa_tui.rendering.scales import SCALES, levels
from faa_tui.rendering.tiles import TILE, TileCache
from faa_tui.widgets.heat_map import HeatMap, MapAddress

HEAD = MapAddress(1, "decoder", 0, 0)
OTHER = MapAddress(1, "decoder", 0, 1)


def wanted(app):
    return [
        (m.address, m.level, m.row, m.row_stop, m.column, m.column_stop)
        for m in app.sent
        if isinstance(m, HeatMap.BlockWanted)
    ]


def moved(app):
    return [m for m in app.sent if isinstance(m, HeatMap.CursorMoved)]


def scroll_down(widget):
    return events.MouseScrollDown(widget, 30, 10, 0, 1, 0, False, False, False)


def test_a_small_map_is_asked_for_once_and_whole(drive, layer, pieces, size):
    async def scenario(app, pilot):
        heat_map = app.widget
        heat_map.show(HEAD, layer(40), pieces(40), pieces(40))
        await pilot.pause()
        await pilot.press("plus", "plus", "minus", "down", "right")
        assert wanted(app) == [(HEAD, 0, 0, 40, 0, 40)]
        assert not heat_map.has_overview(HEAD)
        heat_map.forget_pending()
        await pilot.press("down")
        await pilot.press("0")
        assert wanted(app) == [(HEAD, 0, 0, 40, 0, 40)] * 2

    drive(HeatMap(), scenario, size)


def test_every_weight_has_its_colour_on_screen(drive, layer, pieces, weights):
    n = 30

    async def scenario(app, pilot):
        app.source = weights(n)
        heat_map = app.widget
        heat_map.show(HEAD, layer(n), pieces(n), pieces(n))
        await pilot.pause()
        heat_map.move_cursor(n - 1, n - 1)
        await pilot.pause()
        assert heat_map.has_overview(HEAD)
        terminal = pyte.Screen(80, 24)
        stream = pyte.Stream(terminal)
        for y, strip in enumerate(heat_map.render_lines(heat_map.size.region)):
            stream.feed(f"\x1b[{y + 1};1H{strip.render(app.console)}")
        mask = np.triu(np.ones((n, n), bool), 1)
        expected = levels(app.source.astype(np.float16), SCALES["sqrt"], mask)
        left = terminal.display[0].index("0")
        for i in range(n - 3):  # the last rows are under the cursor's cross
            for j in range(n):
                cell = terminal.buffer[1 + i // 2][left + j]
                front, back = {
                    "▀": (cell.fg, cell.bg),
                    "▄": (cell.bg, cell.fg),
                    "█": (cell.fg, cell.fg),
                    " ": (cell.bg, cell.bg),
                }[cell.data]
                assert (back if i % 2 else front) == "{:02x}{:02x}{:02x}".format(*RAMPS["viridis"].rgb[expected[i, j]])

    drive(HeatMap(), scenario, (80, 24))


def test_the_cursor_reads_exact_weights_and_lifts(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(30)
        app.widget.show(HEAD, layer(30), pieces(30), pieces(30))
        await pilot.pause()
        await pilot.press(*["down"] * 7, *["l"] * 3)
        last = moved(app)[-1]
        assert (last.query, last.key, last.exact) == (7, 3, True)
        assert last.weight == np.float16(app.source[7, 3])
        assert last.lift == pytest.approx(8 * last.weight)
        await pilot.press("end")
        last = moved(app)[-1]
        assert (last.query, last.key, last.weight) == (7, 29, 0)
        assert math.isnan(last.lift)
        await pilot.press("G", "home")
        assert app.widget.cursor == (29, 0)
        await pilot.press("g")
        assert app.widget.cursor == (0, 0)
        await pilot.press("L", "J", "K", "H")
        assert app.widget.cursor == (0, 0)

    drive(HeatMap(), scenario)


def test_before_the_cells_come_the_weight_is_not_known(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.widget.show(HEAD, layer(30), pieces(30), pieces(30))
        await pilot.pause()
        assert math.isnan(moved(app)[-1].weight)
        assert not moved(app)[-1].exact
        app.source = weights(30)
        app.grant(app.sent[0] if isinstance(app.sent[0], HeatMap.BlockWanted) else app.sent[1])
        await pilot.pause()
        assert moved(app)[-1].weight == 1
        assert moved(app)[-1].exact

    drive(HeatMap(), scenario)


def test_on_a_reduced_map_the_cursor_reads_the_strongest_pair_of_the_cell(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(200)
        heat_map = app.widget
        heat_map.show(HEAD, layer(200), pieces(200), pieces(200))
        await pilot.pause()
        assert heat_map.cell_size > 1
        await pilot.press(*["down"] * 5, *["right"] * 2)
        size = heat_map.cell_size
        last = moved(app)[-1]
        cell = app.source[5 * size : 6 * size, 2 * size : 3 * size].astype(np.float16)
        assert last.exact
        assert last.weight == cell.max()
        assert app.source.astype(np.float16)[last.query, last.key] == last.weight

    drive(HeatMap(), scenario)


def test_a_long_text_asks_for_an_overview_then_for_tiles_of_what_shows(drive, layer, pieces):
    n = 2000

    async def scenario(app, pilot):
        app.source = np.tril(np.full((n, n), 0.001, np.float32))
        app.source[1234, 567] = 1
        heat_map = app.widget
        heat_map.show(HEAD, layer(n), pieces(n), pieces(n))
        await pilot.pause()
        assert wanted(app) == [(HEAD, 3, 0, 250, 0, 250)]
        assert heat_map.has_overview(HEAD)
        heat_map.move_cursor(1234, 567)
        await pilot.pause()
        last = moved(app)[-1]
        assert (last.weight, last.exact) == (1, False)
        while heat_map.cell_size > 1:
            await pilot.press("plus")
        await pilot.pause()
        assert {level for _, level, *_ in wanted(app)} == {0, 1, 2, 3}
        for _, level, row, row_stop, column, column_stop in wanted(app)[1:]:
            assert row % TILE == 0
            assert row <= 1234 >> level < row_stop <= row + 256
            assert column % TILE == 0
            assert column <= 567 >> level < column_stop <= column + 256
        last = moved(app)[-1]
        assert (last.query, last.key, last.weight, last.exact) == (1234, 567, 1, True)
        assert last.lift == 1235

    drive(HeatMap(), scenario)


def test_going_back_to_a_head_asks_for_nothing(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(60)
        result, text = layer(60), pieces(60)
        for address in (HEAD, OTHER, HEAD, OTHER):
            app.widget.show(address, result, text, text)
            await pilot.pause()
        assert [address for address, *_ in wanted(app)] == [HEAD, OTHER]
        assert app.widget.has_overview(HEAD)

    drive(HeatMap(), scenario)


def test_cursor_and_zoom_stay_from_head_to_head(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(200)
        result, text = layer(200), pieces(200)
        app.widget.show(HEAD, result, text, text)
        await pilot.press("plus", "plus", "plus", "plus")
        app.widget.move_cursor(150, 90)
        await pilot.pause()
        zoom, before = app.widget.cell_size, app.lines[0]
        app.widget.show(OTHER, result, text, text)
        await pilot.pause()
        assert app.widget.cursor == (150, 90)
        assert (app.widget.cell_size, app.lines[0]) == (zoom, before)
        app.widget.show(HEAD, layer(20), pieces(20), pieces(20))
        await pilot.pause()
        assert app.widget.cursor == (19, 19)

    drive(HeatMap(), scenario)


def test_the_budget_makes_it_ask_again(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(100)
        result, text = layer(100), pieces(100)
        for address in (HEAD, OTHER, HEAD):
            app.widget.show(address, result, text, text)
            await pilot.pause()
        assert [address for address, *_ in wanted(app)] == [HEAD, OTHER, HEAD]

    drive(HeatMap(cache=TileCache(100 * 100 * 3)), scenario)


def test_labels_name_the_query_and_the_key_harmlessly(drive, layer, pieces, weights, size):
    hostile = pieces(12, "\x1b[2J", "[bold]x[/]", "\u202eabc", "日本", " the", "\n")

    async def scenario(app, pilot):
        app.source = weights(12)
        app.widget.show(HEAD, layer(12), hostile, hostile)
        await pilot.pause()
        for index, name in enumerate(("␛[2J", "[bold]x[/]", "\\u{202e}abc", "日本", "·the", "⏎")):
            app.widget.move_cursor(index, index)
            await pilot.pause()
            assert f"{index} {name}" in app.lines[0]
            assert any(line.strip().startswith(name) for line in app.lines[1:])
        assert not any("\x1b" in line for line in app.lines)

    drive(HeatMap(), scenario, size)


def test_a_click_puts_the_cursor_on_the_cell(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(30)
        app.widget.show(HEAD, layer(30), pieces(30), pieces(30))
        await pilot.pause()
        left = app.lines[0].index("▼")
        await pilot.click(app.widget, offset=(left + 9, 1 + 6))
        assert app.widget.cursor == (12, 9)
        await pilot.click(app.widget, offset=(left + 79 - left, 5))  # beyond the map
        assert app.widget.cursor == (12, 9)

    drive(HeatMap(), scenario)


def test_the_wheel_scrolls_and_leaves_the_cursor(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(300)
        app.widget.show(HEAD, layer(300), pieces(300), pieces(300))
        while app.widget.cell_size > 1:
            await pilot.press("plus")
        app.widget.move_cursor(0, 0)
        await pilot.pause()
        before = app.lines
        app.widget.post_message(scroll_down(app.widget))
        await pilot.pause()
        assert app.lines != before
        assert app.widget.cursor == (0, 0)

    drive(HeatMap(), scenario)


def test_a_small_cursor_move_redraws_few_lines(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(30)
        app.widget.show(HEAD, layer(30), pieces(30), pieces(30))
        await pilot.pause()
        before = app.lines
        styles = [app.widget.render_lines(app.widget.size.region)[y].render(app.console) for y in range(24)]
        await pilot.press("right")
        after = [app.widget.render_lines(app.widget.size.region)[y].render(app.console) for y in range(24)]
        assert [y for y in range(24) if styles[y] != after[y]] == [0, 1, 2]
        assert before[0] != app.lines[0]

    drive(HeatMap(), scenario)


@pytest.mark.parametrize(("n", "budget"), [(200, 30_000), (20, 24_000)])
def test_bytes_of_a_frame(drive, layer, pieces, weights, n, budget):
    # A fitted, peaked map at 200x50. Styling every cell by itself costs about 400 kB.
    async def scenario(app, pilot):
        app.source = np.tril(np.exp(-np.subtract.outer(np.arange(n), np.arange(n)) / 4.0)) * 0.2
        app.widget.show(HEAD, layer(n), pieces(n), pieces(n))
        await pilot.pause()
        frame = app.widget.render_lines(app.widget.size.region)
        assert sum(len(strip.render(app.console).encode()) for strip in frame) <= budget

    drive(HeatMap(), scenario, (200, 50))


def test_scale_and_ramp_change_the_picture_and_wrong_names_are_refused(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(30)
        app.widget.show(HEAD, layer(30), pieces(30), pieces(30))
        await pilot.pause()
        seen = set()
        for scale in SCALES:
            app.widget.scale = scale
            await pilot.pause()
            seen.add("".join(strip.render(app.console) for strip in app.widget.render_lines(app.widget.size.region)))
            assert SCALES[scale].title in app.lines[-1]
        for ramp in RAMPS:
            app.widget.ramp = ramp
            await pilot.pause()
            seen.add("".join(strip.render(app.console) for strip in app.widget.render_lines(app.widget.size.region)))
        assert len(seen) == len(SCALES) + len(RAMPS) - 1  # one ramp was there already
        with pytest.raises(ValueError, match="no scale"):
            app.widget.scale = "cubic"
        with pytest.raises(ValueError, match="no ramp"):
            app.widget.ramp = "jet"

    drive(HeatMap(), scenario)


def test_no_color_means_no_colour(drive, layer, pieces, weights, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(app, pilot):
        app.source = weights(30)
        app.widget.show(HEAD, layer(30), pieces(30), pieces(30))
        await pilot.pause()
        out = "".join(strip.render(app.console) for strip in app.widget.render_lines(app.widget.size.region))
        assert "38;" not in out
        assert "48;" not in out
        assert "@" in out
        assert "\x1b[7m" in out  # the cursor
        assert "▀" not in out

    drive(HeatMap(), scenario)


def test_256_colours_use_the_checked_ramp(drive, layer, pieces, weights, monkeypatch):
    monkeypatch.delenv("COLORTERM")

    async def scenario(app, pilot):
        app.source = weights(30)
        app.widget.show(HEAD, layer(30), pieces(30), pieces(30))
        await pilot.pause()
        line = app.widget.render_lines(app.widget.size.region)[10].render(app.console)
        used = {int(number) for number in re.findall(r"[34]8;5;(\d+)", line)}
        assert len(used & set(RAMPS["viridis"].xterm[:256])) > 3
        assert RAMPS["viridis"].xterm[MASKED] in used
        assert not any("8;2;{};{};{}".format(*colour) in line for colour in RAMPS["viridis"].rgb[:256])

    drive(HeatMap(), scenario)


def test_a_theme_change_reaches_the_ready_bytes(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(31)
        app.widget.show(HEAD, layer(31), pieces(31), pieces(31))
        await pilot.pause()
        before = app.widget.render_lines(app.widget.size.region)[16].render(app.console)
        app.theme = "textual-light"
        await pilot.pause()
        after = app.widget.render_lines(app.widget.size.region)[16].render(app.console)
        red, green, blue = app.widget.background_colors[1].rgb
        assert f"48;2;{red};{green};{blue}" in after
        assert f"48;2;{red};{green};{blue}" not in before

    drive(HeatMap(), scenario)


def test_screenshots_show_the_map(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(30)
        app.widget.show(HEAD, layer(30), pieces(30), pieces(30))
        await pilot.pause()
        svg = app.export_screenshot()
        assert "#{:02x}{:02x}{:02x}".format(*RAMPS["viridis"].rgb[255]) in svg
        assert svg.count("▀") > 200

    drive(HeatMap(), scenario)


def test_nan_in_the_weights_is_shown_as_such(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(10)
        app.source[4, 2] = np.nan
        app.widget.show(HEAD, layer(10), pieces(10), pieces(10))
        await pilot.pause()
        app.widget.move_cursor(4, 2)
        await pilot.pause()
        assert math.isnan(moved(app)[-1].weight)
        assert moved(app)[-1].exact

    drive(HeatMap(), scenario)


@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (1, 300), (300, 1), (5, 900)])
def test_maps_of_any_shape(drive, layer, pieces, queries, keys, size):
    async def scenario(app, pilot):
        app.source = np.full((queries, keys), 1 / keys, np.float32)
        app.widget.show(HEAD, layer(queries, keys), pieces(queries), pieces(keys))
        await pilot.pause()
        await pilot.press("G", "end", "plus", "plus", "plus", "minus", "minus", "g", "home", "0")
        app.widget.move_cursor(queries - 1, keys - 1)
        await pilot.pause()
        assert moved(app)[-1].lift == pytest.approx(1, rel=1e-3)
        assert all(len(line) <= size[0] for line in app.lines)

    drive(HeatMap(), scenario, size)


@pytest.mark.parametrize("pane", [(1, 1), (3, 2), (10, 3), (35, 7), (36, 8)])
def test_panes_of_any_size(drive, layer, pieces, weights, pane):
    async def scenario(app, pilot):
        app.source = weights(50)
        app.widget.show(HEAD, layer(50), pieces(50), pieces(50))
        await pilot.press("down", "right", "plus", "minus")
        assert len(app.lines) == pane[1]
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "▼" in app.lines[0]

    drive(HeatMap(), scenario, pane)


def test_without_tokens_rows_and_keys_are_numbers(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        app.source = weights(12)
        app.widget.show(HEAD, layer(12), pieces(0), pieces(0))
        app.widget.move_cursor(7, 3)
        await pilot.pause()
        assert "▼ 3" in app.lines[0]
        assert any(line.startswith("7 ") or line.strip().startswith("7 ") for line in app.lines)

    drive(HeatMap(), scenario)


def test_nothing_to_show_is_blank(drive):
    async def scenario(app, pilot):
        await pilot.press("down", "plus", "0", "G")
        assert not "".join(app.lines).strip()
        assert not app.sent

    drive(HeatMap(), scenario)
