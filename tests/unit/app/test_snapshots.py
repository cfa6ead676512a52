"""Every screen as it was when somebody last looked at it.

The pictures are text, one file for each screen and size in ``__snapshots__``: what a terminal would show, without its
colours. A screen with a map is half a megabyte as SVG and some kilobytes as text, and a text can be read in a review.
Colours are tested where they are made, and here by SVGs of a small map in each scheme.

    pytest tests/unit/app/test_snapshots.py --snapshot-update

writes them anew; read what changed before it is committed. Only the Python of the baseline may do so.
"""

import asyncio
import re
import sys

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from faa_tui.application import FaaApp
from faa_tui.colour import Display
from faa_tui.screens.tour import TourScreen

from .conftest import WORKER, Session

BASELINE = (3, 11)
TEXT = "one two three four five six seven one two three four five"
CLOCK = re.compile(r"\b\d\d:\d\d\b")
BEATS = re.compile(r" \d+ MiB|, busy|(?<=starting the worker) \d+ s")
"""What the top line says of a worker's sign of life, which comes when it comes."""
FONTS = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
UNIQUE = re.compile(r"\bterminal-\d+-")


class Text(SingleFileSnapshotExtension):
    """A screen as plain text."""

    _file_extension = "txt"
    _write_mode = WriteMode.TEXT


class Picture(SingleFileSnapshotExtension):
    """A screen as SVG without the fonts, which a picture from elsewhere would load over the network."""

    _file_extension = "svg"
    _write_mode = WriteMode.TEXT


def without_beats(line):
    """A line of the screen; in short the one about the worker, wherever it stands."""
    if not line.startswith(" faa  "):
        return line
    return re.sub(" {2,}", "  ", BEATS.sub("", line))  # what is to its right moves with it


@pytest.fixture
def baseline(snapshot, request):
    """What is kept; changed by one Python only, so that no change of another's is taken for one of the screens."""
    if request.config.option.update_snapshots and sys.version_info[:2] != BASELINE:
        pytest.fail(f"The baseline is that of Python {BASELINE[0]}.{BASELINE[1]}; update it with that one.")
    return snapshot


@pytest.fixture
def kept(baseline, tmp_path, monkeypatch):
    """Compares a screen with the one that is kept under a name."""
    monkeypatch.chdir(tmp_path)  # the dialog of models completes paths from here

    def compare(session, name):
        lines = CLOCK.sub("HH:MM", session.text).splitlines()
        text = "".join(f"{without_beats(line).rstrip()}\n" for line in lines)
        assert text == baseline(name=name, extension_class=Text), f"The screen {name!r} changed."

    return compare


at_the_ends = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"], indirect=True)


async def settled(session):
    """Until the screen says the same twice in a row."""
    before = ""
    for _ in range(100):
        await session.pilot.pause(0.05)
        if (now := session.text) == before:
            return
        before = now


async def show(session, *keys):
    await session.press(*keys)
    await settled(session)


def test_the_panes(start, size, kept):
    async def body():
        async with start(text=TEXT, size=size) as session:
            await show(session)
            kept(session, "main")
            for pane, name in (("2", "layers"), ("6", "text"), ("7", "heads-table"), ("8", "runs")):
                await show(session, pane)
                kept(session, name)
            await show(session, "4", "z")
            kept(session, "map-alone")

    asyncio.run(body())


def test_the_pages_of_curves(start, kept):
    async def body():
        async with start(text=TEXT) as session:
            for page in range(1, 10):
                await show(session)
                kept(session, f"curve-{page}")
                await session.press("v")
            assert "1/9" in session.text

    asyncio.run(body())


DIALOGS = {
    "help": ("question_mark",),
    "palette": ("colon",),
    "text": ("t",),
    "models": ("o",),
    "statistics": ("S",),
    "explain": ("5", "i"),
    "copy": ("4", "Y"),
    "jump": ("ctrl+o",),
    "go-to": ("number_sign",),
}


async def keep_each(session, dialogs, kept):
    """Open one after the other, compare it, and close it."""
    for name, keys in dialogs.items():
        await show(session, *keys)
        assert session.app.screen is not session.app.main, name
        # A cursor that blinks is no part of the picture; the palette starts it anew.
        if (focused := session.app.focused) is not None and hasattr(focused, "cursor_blink"):
            focused.cursor_blink = False
        kept(session, name)
        while session.app.screen is not session.app.main:
            await session.press("escape")


@at_the_ends
def test_the_dialogs(start, size, kept):
    async def body():
        async with start(text=TEXT, size=size) as session:
            await settled(session)
            await keep_each(session, DIALOGS, kept)

    asyncio.run(body())


FORMS = {"text-set": ("F",), "machine": ("M",)}


def test_the_forms(start, size, kept):
    async def body():
        async with start(text=TEXT, size=size) as session:
            await settled(session)
            await keep_each(session, FORMS, kept)

    asyncio.run(body())


@at_the_ends
def test_the_tour(start, size, kept):
    async def body():
        async with start(text=TEXT, size=size) as session:
            await settled(session)
            session.app.action_tour()
            await session.until(lambda: isinstance(session.app.screen, TourScreen))
            await settled(session)
            kept(session, "tour")

    asyncio.run(body())


def test_two_models_side_by_side(start, size, kept):
    async def body():
        async with start(text=TEXT, size=size, wait=False, others=("tiny",)) as session:
            await session.until(lambda: session.app.desk and session.app.desk.comparing.comparisons)
            await session.until(lambda: session.app.at_rest and session.app.desk.comparing.comparisons)
            await settled(session)
            kept(session, "compare")

    asyncio.run(body())


@at_the_ends
def test_a_fault(start, size, kept):
    async def body():
        async with start(text="%fail The device is on fire.\nsome words", size=size, wait=False) as session:
            await session.until_phase("FAILED")
            await settled(session)
            kept(session, "fault")
            await show(session, "m")
            kept(session, "message")

    asyncio.run(body())


@at_the_ends
def test_nothing_yet(start, size, kept, tmp_path):
    async def body():
        gate = tmp_path / "gate"
        async with start(text=f"%wait {gate}\n{TEXT}", size=size, reference="missing", wait=False) as session:
            await session.until_phase("FAILED")
            await settled(session)
            kept(session, "nothing")

    asyncio.run(body())


def test_an_untouched_start(size, kept):
    """Nothing was ever run or kept here, no model is named, and the worker has not said a word."""

    async def body():
        app = FaaApp(command=[sys.executable, "-c", "import sys; sys.stdin.read()"])
        async with app.run_test(size=size) as pilot:
            session = Session(app, pilot)
            await session.until(lambda: "once it is measured" in session.text)
            await settled(session)
            kept(session, "untouched")

    asyncio.run(body())


def test_too_small(start, kept):
    async def body():
        async with start(text=TEXT, size=(50, 12)) as session:
            await settled(session)
            kept(session, "too-small")

    asyncio.run(body())


SCHEMES = {
    "dark": (Display(), None),
    "light": (Display(), "textual-light"),
    "256": (Display("256"), None),
    "none": (Display("none"), None),
    "ascii": (Display("16", ascii=True), None),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_colours(scheme, baseline):
    display, theme = SCHEMES[scheme]

    async def body():
        app = FaaApp("demo", TEXT, command=[sys.executable, "-P", str(WORKER)], display=display)
        app.restores = False
        async with app.run_test(size=(80, 24)) as pilot:
            session = Session(app, pilot)
            if theme:
                app.theme = theme
            await session.until(lambda: app.run_number > 0 and app.at_rest and app.main.is_drawn)
            await settled(session)
            picture = UNIQUE.sub("terminal-", FONTS.sub("", app.export_screenshot(title="")))
            assert picture == baseline(name=scheme, extension_class=Picture), f"The colours of {scheme} changed."

    asyncio.run(body())
