from __future__ import annotations

import numpy as np
import pytest
from rich.cells import cell_len

from faa_core.records import Tokens
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
        app.widget.show(tokens(4, "a", "b", "c", "d"), row=np.array([0.25, 1.0, 0.0, np.nan]), query=9, key=9)
        await pilot.pause()
        ramp = RAMPS["viridis"]
        styles = [app.style_at(x, 0) for x in range(4)]
        assert [style.bgcolor.triplet for style in styles[:3]] == [ramp.rgb[128], ramp.rgb[255], ramp.rgb[0]]
        assert styles[3].bgcolor == app.style_at(10, 0).bgcolor  # not visible to the query: no colour
        assert [tuple(style.color.triplet) for style in styles[:3]] == [(0, 0, 0), (0, 0, 0), (255, 255, 255)]

    drive(TokenStrip(), scenario)


def test_the_query_and_the_key_are_marked(drive, tokens):
    async def scenario(app, pilot):
        app.widget.show(tokens(4, "a", "b", "c", "d"), row=np.full(4, 0.25), query=2, key=1)
        await pilot.pause()
        styles = [app.style_at(x, 0) for x in range(4)]
        assert [bool(style.reverse) for style in styles] == [False, False, True, False]
        assert [bool(style.underline) for style in styles] == [False, True, False, False]

    drive(TokenStrip(), scenario)


def test_while_the_weights_are_not_here_nothing_is_coloured(drive, tokens):
    async def scenario(app, pilot):
        app.widget.show(tokens(4), query=9, key=9)
        await pilot.pause()
        assert app.style_at(0, 0).bgcolor == app.style_at(79, 0).bgcolor

    drive(TokenStrip(), scenario)


def test_hostile_tokens_are_harmless(drive, tokens):
    hostile = ("\x1b[2J", "[bold]", "[/]", "\u202e", "\u200b", "日本", "\x00", "x" * 500, "\u0301")

    async def scenario(app, pilot):
        app.widget.show(tokens(len(hostile), *hostile), row=np.full(len(hostile), 0.1))
        await pilot.pause()
        text = "".join(app.lines)
        assert text.replace(" ", "").startswith("␛[2J[bold][/]\\u{202e}\\u{200b}日本␀")
        assert "x" * 39 + "…" in text
        assert all(cell_len(line) == 80 for line in app.lines)

    drive(TokenStrip(), scenario)


def test_it_scrolls_to_the_query(drive, tokens):
    async def scenario(app, pilot):
        app.widget.show(tokens(3000), query=0)
        await pilot.pause()
        assert app.lines[0].startswith("·t0·t1")
        app.widget.show(tokens(3000), query=2500)
        await pilot.pause()
        assert "·t2500·" in "".join(app.lines)
        app.widget.show(tokens(3000), query=2999)
        await pilot.pause()
        assert app.lines[-1].rstrip().endswith("·t2999")

    drive(TokenStrip(), scenario)


def test_a_click_selects_the_token(drive, tokens):
    async def scenario(app, pilot):
        app.widget.show(tokens(5, "the", " golden", "\n", "日本", "x"))
        await pilot.pause()
        for offset in ((5, 0), (10, 0), (3, 1), (4, 1), (30, 0), (0, 5)):
            await pilot.click(app.widget, offset=offset)
        assert [(message.index, message.role) for message in app.sent] == [
            (1, "query"),
            (2, "query"),
            (3, "query"),
            (4, "query"),
        ]

    drive(TokenStrip(), scenario)


async def press(app, pilot, *keys):
    for key in keys:
        await pilot.press(key)
    await pilot.pause()
    return app.widget.cursor


def test_the_keys_of_vim_and_the_arrows_move_the_cursor_over_tokens(drive, tokens):
    async def scenario(app, pilot):
        app.widget.show(tokens(7, "the", " golden", "\n", "ra", "tio", "日本", "."), query=0)
        assert await press(app, pilot, "l", "right") == 2
        assert await press(app, pilot, "l", "h", "left") == 1
        assert await press(app, pilot, "j") == 5  # the token below the middle of the one above
        assert await press(app, pilot, "j") == 5
        assert await press(app, pilot, "home") == 3
        assert await press(app, pilot, "end", "l") == 6
        assert await press(app, pilot, "up") == 2
        assert await press(app, pilot, "G") == 6
        assert await press(app, pilot, "g", "h") == 0
        assert [message.index for message in app.sent] == [1, 2, 3, 2, 1, 5, 3, 6, 2, 6, 0]

    drive(TokenStrip(), scenario)


def test_a_page_down_in_a_long_text_keeps_the_cursor_in_view(drive, tokens, size):
    async def scenario(app, pilot):
        app.widget.show(tokens(3000), query=0)
        first = await press(app, pilot, "pagedown")
        assert first > size[0] * (size[1] - 2) / 7
        assert f"·t{first}·" in "".join(app.lines)
        assert await press(app, pilot, "ctrl+u") == 0

    drive(TokenStrip(), scenario, size)


def test_f_colours_by_the_attention_that_the_token_gets(drive, tokens):
    async def scenario(app, pilot):
        row, column = np.array([0.5, 0.5, np.nan, np.nan]), np.array([np.nan, 1.0, 0.25, 0.0])
        app.widget.show(tokens(4, "a", "b", "c", "d"), row=row, column=column, query=3, key=0)
        await press(app, pilot, "f")
        styles, ramp = [app.style_at(x, 0) for x in range(4)], RAMPS["viridis"]
        assert [style.bgcolor.triplet for style in styles[1:3]] == [ramp.rgb[255], ramp.rgb[128]]
        assert [bool(style.reverse) for style in styles] == [True, False, False, False]
        assert [bool(style.underline) for style in styles] == [False, False, False, True]
        await press(app, pilot, "l")
        assert [(message.index, message.role) for message in app.sent] == [(1, "key")]
        await press(app, pilot, "f")
        assert app.widget.cursor == 3

    drive(TokenStrip(), scenario)


def test_special_tokens_have_names_in_brackets_and_are_in_italics(drive, tokens):
    async def scenario(app, pilot):
        plain = tokens(5, "bos", "[CLS]", "<|im_end|>", "<s>", "x")
        given = Tokens(plain.ids, plain.pieces, plain.offsets, (True, True, True, False, False))
        app.widget.show(given, row=np.full(5, 0.1), query=4)
        await pilot.pause()
        assert app.lines[0].rstrip() == "<bos>[CLS]<|im_end|><s>x"
        assert [bool(app.style_at(x, 0).italic) for x in (0, 6, 12, 21)] == [True, True, True, False]

    drive(TokenStrip(), scenario)


def test_of_two_texts_the_queries_stand_above_the_keys_and_each_scrolls_by_itself(drive, tokens):
    async def scenario(app, pilot):
        decoder, encoder = tokens(2000, *(f" d{i}" for i in range(2000))), tokens(3000)
        row = np.zeros(3000)
        row[2500] = 1.0
        app.widget.show(decoder, encoder, row=row, query=1500, key=2500, names=("decoder", "encoder"))
        await pilot.pause()
        upper, lower = app.lines[:8], app.lines[8:]
        assert upper[0].startswith("decoder ")
        assert lower[0].startswith("encoder ")
        assert "·d1500·" in "".join(upper)
        assert "·t2500·" in "".join(lower)
        at = next((line.index("·t2500·"), y) for y, line in enumerate(app.lines) if "·t2500·" in line)
        assert app.style_at(*at).bgcolor.triplet == RAMPS["viridis"].rgb[255]
        at = next((line.index("·d1500·"), y) for y, line in enumerate(app.lines) if "·d1500·" in line)
        assert app.style_at(*at).reverse
        assert await press(app, pilot, "l") == 1501
        assert await press(app, pilot, "f") == 2500
        assert app.lines[16].startswith("encoder ")  # what is coloured has more room
        await press(app, pilot, "h")
        assert [(message.index, message.role) for message in app.sent] == [(1501, "query"), (2499, "key")]
        await pilot.click(app.widget, offset=(12, 3))
        assert app.sent[-1].role == "query"

    drive(TokenStrip(), scenario)


def test_a_cell_that_the_cursor_has_left_since_does_not_bring_it_back(drive, tokens):
    async def scenario(app, pilot):
        given = tokens(20)
        app.widget.show(given, query=4, key=2)
        await press(app, pilot, "l", "l")
        for late in (4, 5):  # what the map says of the way here
            app.widget.show(given, query=late, key=2)
            assert app.widget.cursor == 6
        app.widget.show(given, query=6, key=2)
        app.widget.show(given, query=4, key=2)  # the cursor of the map has been moved
        assert app.widget.cursor == 4

    drive(TokenStrip(), scenario)


def test_n_goes_round_the_places_of_what_was_found(drive, tokens):
    async def scenario(app, pilot):
        given = tokens(8, "Gold", "en", " gold", " x", "日", "本", " golden", ".")
        app.widget.show(given, query=3)
        app.widget.look_for("golden", 3)
        assert app.widget.cursor == 6
        assert await press(app, pilot, "n") == 0
        assert await press(app, pilot, "N", "N") == 0
        app.widget.look_for("Gold", 0)  # upper case means upper case
        assert await press(app, pilot, "n") == 0
        app.widget.look_for("日本", 0)
        assert app.widget.cursor == 4
        app.widget.look_for("nowhere", 0)
        assert await press(app, pilot, "n") == 4

    drive(TokenStrip(), scenario)


@pytest.mark.parametrize("pane", [(1, 1), (5, 2), (12, 4)])
def test_panes_of_any_size(drive, tokens, pane):
    async def scenario(app, pilot):
        assert not "".join(app.lines).strip()
        app.widget.show(tokens(30, "日本", " interpretability"), row=np.full(30, 0.1), query=29)
        await pilot.pause()
        assert [cell_len(line) for line in app.lines] == [pane[0]] * pane[1]
        app.widget.show(tokens(0))
        await pilot.pause()
        app.widget.show(None)

    drive(TokenStrip(), scenario, pane)


def test_no_color_means_no_colour(drive, tokens, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(app, pilot):
        app.widget.show(tokens(3, "a", "b", "c"), row=np.array([0.9, 0.0, np.nan]), query=2)
        await pilot.pause()
        styles = [app.style_at(x, 0) for x in range(3)]
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles)
        assert styles[0].bold
        assert styles[1].dim

    drive(TokenStrip(), scenario)
