from __future__ import annotations

import numpy as np
import pytest
from rich.cells import cell_len

from faa_tui.rendering.ramps import RAMPS
from faa_tui.widgets.token_strip import TokenStrip


def test_tokens_wrap_and_show_their_white_space(drive, tokens, size):
    async def scenario(app, pilot):
        app.widget.show(tokens(6, "the", " golden", "\n", "ra", "tio", " of"))
        await pilot.pause()
        assert app.lines[0].rstrip() == "the·golden⏎"
        assert app.lines[1].rstrip() == "ratio·of"
        app.widget.show(tokens(400))
        await pilot.pause()
        assert all(cell_len(line) == size[0] for line in app.lines)
        assert len(app.lines[0].rstrip()) > size[0] - 6

    drive(TokenStrip(), scenario, size)


def test_backgrounds_are_the_weights_on_a_square_root_scale(drive, tokens):
    async def scenario(app, pilot):
        app.widget.show(tokens(4, "a", "b", "c", "d"), np.array([0.25, 1.0, 0.0, np.nan]), query=9, key=9)
        await pilot.pause()
        ramp = RAMPS["viridis"]
        styles = [app.style_at(x, 0) for x in range(4)]
        assert [style.bgcolor.triplet for style in styles[:3]] == [ramp.rgb[128], ramp.rgb[255], ramp.rgb[0]]
        assert styles[3].bgcolor == app.style_at(10, 0).bgcolor  # not visible to the query: no colour
        assert [tuple(style.color.triplet) for style in styles[:3]] == [(0, 0, 0), (0, 0, 0), (255, 255, 255)]

    drive(TokenStrip(), scenario)


def test_the_query_and_the_key_are_marked(drive, tokens):
    async def scenario(app, pilot):
        app.widget.show(tokens(4, "a", "b", "c", "d"), np.full(4, 0.25), query=2, key=1)
        await pilot.pause()
        styles = [app.style_at(x, 0) for x in range(4)]
        assert [bool(style.reverse) for style in styles] == [False, False, True, False]
        assert [bool(style.underline) for style in styles] == [False, True, False, False]

    drive(TokenStrip(), scenario)


def test_while_the_weights_are_not_here_nothing_is_coloured(drive, tokens):
    async def scenario(app, pilot):
        app.widget.show(tokens(4), None, query=9, key=9)
        await pilot.pause()
        assert app.style_at(0, 0).bgcolor == app.style_at(79, 0).bgcolor

    drive(TokenStrip(), scenario)


def test_hostile_tokens_are_harmless(drive, tokens):
    hostile = ("\x1b[2J", "[bold]", "[/]", "\u202e", "\u200b", "日本", "\x00", "x" * 500, "\u0301")

    async def scenario(app, pilot):
        app.widget.show(tokens(len(hostile), *hostile), np.full(len(hostile), 0.1))
        await pilot.pause()
        text = "".join(app.lines)
        assert text.replace(" ", "").startswith("␛[2J[bold][/]\\u{202e}\\u{200b}日本␀")
        assert "x" * 39 + "…" in text
        assert all(cell_len(line) == 80 for line in app.lines)

    drive(TokenStrip(), scenario)


def test_it_scrolls_to_the_query(drive, tokens):
    async def scenario(app, pilot):
        app.widget.show(tokens(3000), None, query=0)
        await pilot.pause()
        assert app.lines[0].startswith("·t0·t1")
        app.widget.show(tokens(3000), None, query=2500)
        await pilot.pause()
        assert "·t2500·" in "".join(app.lines)
        app.widget.show(tokens(3000), None, query=2999)
        await pilot.pause()
        assert app.lines[-1].rstrip().endswith("·t2999")

    drive(TokenStrip(), scenario)


def test_a_click_selects_the_token(drive, tokens):
    async def scenario(app, pilot):
        app.widget.show(tokens(5, "the", " golden", "\n", "日本", "x"))
        await pilot.pause()
        for offset in ((5, 0), (10, 0), (3, 1), (4, 1), (30, 0), (0, 5)):
            await pilot.click(app.widget, offset=offset)
        assert [message.index for message in app.sent] == [1, 2, 3, 4]

    drive(TokenStrip(), scenario)


@pytest.mark.parametrize("pane", [(1, 1), (5, 2), (12, 4)])
def test_panes_of_any_size(drive, tokens, pane):
    async def scenario(app, pilot):
        assert not "".join(app.lines).strip()
        app.widget.show(tokens(30, "日本", " interpretability"), np.full(30, 0.1), query=29)
        await pilot.pause()
        assert [cell_len(line) for line in app.lines] == [pane[0]] * pane[1]
        app.widget.show(tokens(0))
        await pilot.pause()
        app.widget.show(None)

    drive(TokenStrip(), scenario, pane)


def test_no_color_means_no_colour(drive, tokens, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(app, pilot):
        app.widget.show(tokens(3, "a", "b", "c"), np.array([0.9, 0.0, np.nan]), query=2)
        await pilot.pause()
        styles = [app.style_at(x, 0) for x in range(3)]
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles)
        assert styles[0].bold
        assert styles[1].dim

    drive(TokenStrip(), scenario)
