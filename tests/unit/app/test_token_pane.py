"""The text in tokens is linked with the map, in both directions, and is searched."""

import asyncio

import numpy as np
import pytest
from msgspec.structs import replace
from textual.command import CommandPalette
from textual.widgets import Input, OptionList

from faa_tui.commands import Commands
from faa_tui.messages import TileKey
from faa_tui.screens.main import MainScreen
from faa_tui.session import Position, Results
from faa_tui.widgets.token_strip import TokenStrip

WORDS = "the golden ratio is the limit of the ratio of neighbours in the golden sequence"


def weights(session, direction):
    return session.app.main.query_one(TokenStrip)._weights[direction]


def test_the_cursor_of_the_text_is_that_of_the_map(start, size):
    async def body():
        async with start(text=WORDS, size=size) as session:
            await session.press("6")
            strip = session.app.main.query_one(TokenStrip)
            await session.press("g", "l", "l", "l")
            await session.until(lambda: session.app.main._map.cursor[0] == 3)
            assert strip.cursor == 3
            assert "attention from ·is (3)" in session.text
            await session.press("4", "j")
            await session.until(lambda: session.app.main._map.cursor[0] > 3)
            assert strip.cursor == session.app.main._map.cursor[0]

    asyncio.run(body())


def test_keys_that_come_all_at_once_each_move_the_cursor(start):
    async def body():
        async with start(text=WORDS) as session:
            await session.press("6", "g")
            await session.type_at_once(*"lllllll")
            await session.until(lambda: session.app.main._map.cursor[0] == 7)
            assert session.app.main.query_one(TokenStrip).cursor == 7

    asyncio.run(body())


def test_f_colours_by_the_column_of_the_map_and_moves_its_key(start, size):
    async def body():
        async with start(text=WORDS, size=size) as session:
            await session.press("6", "f", "g", "l", "l")
            main = session.app.main
            await session.until(lambda: main._map.cursor[1] == 2 and weights(session, "to") is not None)
            column = weights(session, "to")
            tokens = len(main.results.tokens)
            assert np.isnan(column[:2]).all()  # those before it cannot see it
            assert np.isfinite(column[2:]).all()
            whole = main._blocks.column(main.address, 2, tokens)
            assert np.array_equal(column[2:], whole[2:])
            assert "attention to ·ratio (2)" in session.text

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24)])
def test_a_word_is_looked_for_while_it_is_typed_and_n_goes_on(start, size):
    async def body():
        async with start(text=WORDS, size=size) as session:
            await session.press("6", "g", "/", *"rati")
            strip = session.app.main.query_one(TokenStrip)
            assert strip.cursor == 2
            await session.press("o", "enter", "n")
            assert strip.cursor == 8
            assert session.app.focused is strip
            await session.until(lambda: "ratio  2 of 2" in session.text)
            await session.press("n")
            assert strip.cursor == 2
            await session.press("/", *"nowhere")
            await session.until(lambda: "no nowhere" in session.text)
            await session.press("escape")
            assert (strip.cursor, session.app.focused) == (2, strip)
            assert not isinstance(session.app.focused, Input)
            assert isinstance(session.app.screen, MainScreen)

    asyncio.run(body())


def encoder_decoder(results):
    """The results of a decoder as if they were those of a model with an encoder, which has read other tokens."""
    n = len(results.tokens)
    full = np.zeros(n, np.int32), np.full(n, n, np.int32)
    layers = {}
    for kind in ("encoder", "decoder", "cross"):
        found = results.layers["decoder", 0]
        info = replace(found.info, kind=kind)
        ends = {} if kind == "decoder" else {"first_key": full[0], "stop_key": full[1]}
        layers[kind, 0] = replace(found, info=info, **ends)
    shifted = ("</s>", *results.tokens.pieces[:-1])
    decoder = replace(results.tokens, pieces=shifted, special=(True,) + (False,) * (n - 1))
    model = replace(results.model, layers=tuple(layer.info for layer in layers.values()))
    return Results(99, model, results.tokens, decoder, layers=layers, seconds=1.0)


def test_decoder_and_encoder_are_told_apart_and_cross_maps_have_queries_of_one_and_keys_of_the_other(start, size):
    async def body():
        async with start(text=WORDS, size=size) as session:
            main = session.app.main
            main.begin(encoder_decoder(main.results))
            await session.press("6")
            for kind in ("encoder", "decoder"):
                main.position = Position(kind, 0, 0)
                await session.pilot.pause()
                assert f"Text  {kind}  attention from" in session.text
            assert "</s>·the·golden" not in session.text  # the first token of a text has no space before it
            assert "</s>the·golden" in session.text
            main.position = Position("cross", 0, 0)
            n = len(main.results.tokens)
            row = np.linspace(0, 1, n, dtype=np.float16)[None]
            main._map.move_cursor(3, 5)
            await session.pilot.pause()
            main.put_tile(TileKey(main.address, 0, 3, 4, 0, n), row)
            strip = main.query_one(TokenStrip)
            assert (strip.tokens, strip.cursor) == (main.results.decoder_tokens, 3)
            assert np.allclose(weights(session, "from"), row[0])
            lines = [line for line in session.text.splitlines() if "coder  " in line and "│" in line]
            assert any("decoder  </s>the·golden" in line for line in lines)
            assert any("encoder  the·golden" in line for line in lines)
            await session.press("f")
            assert (strip.tokens, strip.cursor) == (main.results.tokens, 5)
            assert "Text  encoder  attention to ·limit (5)" in session.text

    asyncio.run(body())


def test_the_palette_holds_what_the_pane_around_the_text_can_do(start):
    async def body():
        async with start(text=WORDS, layers=2, heads=2) as session:
            main = session.app.main
            await session.press("6", "g", "ctrl+p", *"look for text")
            await session.until(lambda: session.app.screen.query_one(OptionList).option_count > 0)
            await session.press("enter")
            if isinstance(session.app.screen, CommandPalette):
                await session.press("enter")
            await session.until(lambda: session.app.screen is main and isinstance(main.focused, Input))
            await session.press(*"golden")
            assert main.query_one(TokenStrip).cursor == 1
            await session.press("enter", "8")
            titles = {command.title for command in Commands(main)._commands()}
            assert "Runs: Write a note beside this run" in titles
            assert "Runs: Sort by the next column" in titles

    asyncio.run(body())
