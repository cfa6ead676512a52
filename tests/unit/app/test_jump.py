"""Jump mode: letters over whatever takes keys."""

import asyncio

import pytest

from faa_tui.screens.compare import CompareScreen
from faa_tui.screens.jump import JumpScreen


@pytest.mark.parametrize("size", [(200, 50)])
def test_every_letter_leads_to_what_it_stands_on(start, size):
    async def body():
        async with start(size=size) as session:
            await session.press("ctrl+o")
            targets = dict(session.app.screen.targets)
            wanted = {"head-matrix", "heat-map", "statistics-lines"}
            if size[0] > 100:
                wanted |= {"model-list", "layer-list", "token-strip"}
            assert wanted <= {widget.id for _, widget in targets.values()}
            for place, widget in targets.values():
                assert widget.region.offset == place
            await session.press("escape")
            for letter, (_, widget) in targets.items():
                await session.press("ctrl+o")
                assert isinstance(session.app.screen, JumpScreen)
                await session.press(letter)
                assert session.app.screen is session.app.main
                assert session.app.focused is widget

    asyncio.run(body())


def test_letters_show_and_other_keys_do_nothing(start):
    async def body():
        async with start() as session:
            before = session.app.focused
            await session.press("ctrl+o")
            for letter, (place, _) in session.app.screen.targets.items():
                assert session.text.splitlines()[place.y][place.x : place.x + 3] == f" {letter} "
            await session.press("9", "up")
            assert isinstance(session.app.screen, JumpScreen)
            await session.press("escape")
            assert session.app.focused is before

    asyncio.run(body())


def test_the_table_of_heads_has_a_letter_and_the_map_behind_it_has_none(start):
    async def body():
        async with start() as session:
            await session.press("7", "3", "ctrl+o")
            widgets = [widget for _, widget in session.app.screen.targets.values()]
            assert session.app.main.query_one("#heads-table").rows in widgets
            assert session.app.main.query_one("#heat-map") not in widgets

    asyncio.run(body())


def test_letters_work_on_the_comparison(start):
    async def body():
        async with start(size=(80, 24), others=("demo@init",), wait=False) as session:
            await session.until(lambda: isinstance(session.app.screen, CompareScreen))
            await session.until(lambda: session.app.screen.comparison is not None and session.app.screen.is_drawn)
            screen = session.app.screen
            await session.press("ctrl+o")
            targets = dict(session.app.screen.targets)
            letter = next(letter for letter, (_, widget) in targets.items() if widget.id == "compare-map-1")
            await session.press(letter)
            assert session.app.screen is screen
            assert screen.focused.id == "compare-map-1"

    asyncio.run(body())


def test_a_pane_that_fills_the_screen_has_the_only_letter(start):
    async def body():
        async with start() as session:
            await session.press("3", "z", "ctrl+o")
            await session.pilot.pause()
            assert [widget.id for _, widget in session.app.screen.targets.values()] == ["head-matrix"]

    asyncio.run(body())
