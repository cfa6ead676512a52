"""Keys that come in one read, as over a slow link, do what they would do one by one."""

import asyncio

import pytest
from textual import events
from textual.widgets import Input


@pytest.mark.parametrize("pane", ["6", "7", "8"])
def test_what_is_typed_behind_a_slash_is_typed_into_the_line_that_it_opens(start, size, pane):
    async def body():
        async with start(size=size) as session:
            before = session.app.run_number
            await session.type_at_once(pane, "slash", "r", "d", "x")
            await session.until(lambda: isinstance(session.app.focused, Input) and session.app.focused.value == "rdx")
            assert session.app.run_number == before
            assert session.app.screen is session.app.main

    asyncio.run(body())


def test_what_is_typed_behind_the_key_of_a_dialog_is_typed_into_the_dialog(start, size):
    async def body():
        async with start(size=size) as session:
            await session.type_at_once("number_sign", "2", "full_stop", "3", "enter", "right_square_bracket")
            await session.until(lambda: session.position == ("decoder", 3, 3))
            assert session.app.screen is session.app.main

    asyncio.run(body())


def test_a_paste_goes_where_the_key_before_it_leads(start):
    async def body():
        async with start() as session:
            session.app.post_message(events.Key("o", "o"))
            session.app.post_message(events.Paste("./somewhere"))
            await session.until(lambda: isinstance(session.app.focused, Input))
            await session.until(lambda: session.app.focused.value == "./somewhere")

    asyncio.run(body())
