"""Every widget of a screen hears of its size, also those that Textual alone would forget."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from textual._compositor import Compositor
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from faa_tui._compat import tell_every_size


class Hearing(Widget):
    """Keeps the size that it was last told."""

    ALLOW_MAXIMIZE = True
    told = None

    def on_resize(self) -> None:
        self.told = self.size


class TwoPanes(Screen[None]):
    CSS = "#list { height: 4; } Hearing { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield VerticalScroll(*(Static(str(number)) for number in range(20)), id="list")
        yield Hearing()


class Told(TwoPanes):
    def __init__(self) -> None:
        super().__init__()
        tell_every_size(self)


def told(screen_type: type[Screen[None]]) -> tuple[object, object]:
    async def scenario() -> tuple[object, object]:
        app = App[None]()
        async with app.run_test(size=(80, 24)) as pilot:
            await app.push_screen(screen := screen_type())
            await pilot.pause()
            hearing = screen.query_one(Hearing)
            screen.query(Static).last().refresh()  # of which nothing shows
            await pilot.pause()
            screen.maximize(hearing)
            assert hearing.region  # something asks where it is before the screen is laid out
            await pilot.pause()
            return hearing.told, hearing.size

    return asyncio.run(scenario())


def test_a_widget_hears_of_its_size_although_something_asked_before() -> None:
    heard, size = told(Told)
    assert heard == size


def test_the_private_parts_of_layout_are_as_they_were() -> None:
    # If this fails, read textual/_compositor.py and Screen._refresh_layout, then faa_tui/_compat.py.
    heard, size = told(TwoPanes)
    if heard == size:
        pytest.fail("Textual tells every size by itself now: tell_every_size is not needed any more")
    assert "self._compositor.reflow(self, size)" in inspect.getsource(Screen._refresh_layout)
    assert "self._full_map = map" in inspect.getsource(Compositor.reflow)
