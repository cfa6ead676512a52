import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events

from faa_tui.application import FaaApp

WORKER = Path(__file__).parent / "scripted_worker.py"
CHARACTERS = {"slash": "/", "number_sign": "#", "full_stop": ".", "right_square_bracket": "]"}
SIZES = [(80, 24), (120, 40), (200, 50)]


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request):
    return request.param


class Session:
    """A running application, and words for what a user does and sees."""

    def __init__(self, app, pilot):
        self.app, self.pilot = app, pilot

    async def until(self, condition, seconds=60.0):
        """Let the application go on until ``condition()`` holds."""
        for _ in range(int(seconds / 0.02)):
            if condition():
                await self.pilot.pause()
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"never came true; {self.app.phase}, {self.text}")

    async def until_phase(self, name):
        await self.until(lambda: self.app.phase.name == name)

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type_at_once(self, *keys):
        """All keys before any of them is handled, as they come over a slow link."""
        for key in keys:
            self.app.post_message(events.Key(key, CHARACTERS.get(key, key if len(key) == 1 else None)))
        await self.pilot.pause()
        await self.pilot.pause()

    @property
    def text(self):
        """Everything on the screen."""
        return "\n".join(
            "".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips()
        )

    @property
    def position(self):
        return tuple(self.app.main.position)


@pytest.fixture
def start():
    """Opens the application on a scripted worker; waits for the first run unless told not to."""

    @asynccontextmanager
    async def open_it(
        text=None, size=(120, 40), reference="demo", wait=True, layers=4, heads=8, others=(), restore=False
    ):
        command = [sys.executable, "-P", str(WORKER), "--layers", str(layers), "--heads", str(heads)]
        app = FaaApp(reference, text, command=command, others=others)
        app.restores = restore
        async with app.run_test(size=size) as pilot:
            session = Session(app, pilot)
            if wait:
                await session.until(lambda: app.run_number > 0 and app.at_rest and app.main.is_drawn)
            yield session

    return open_it
