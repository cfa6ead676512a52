"""What panes say while they have nothing to show."""

import asyncio
import sys

from faa_core import configuration
from faa_tui.application import FaaApp
from faa_tui.screens import main_empty
from faa_tui.session import Phase
from faa_tui.widgets.notice import Notice
from faa_tui.widgets.pane import Pane

from .conftest import Session


def said(session, pane):
    """What a pane says of its emptiness; "" where it shows something."""
    notes = [note for note in session.app.main.query_one(f"#{pane}", Pane).query(".pane--empty") if note.display]
    return str(notes[0].render()) if notes else ""


def test_while_the_first_run_is_under_way_each_pane_says_what_comes(start, tmp_path):
    go = tmp_path / "go"

    async def body():
        async with start(text=f"%wait {go}\nsome words", wait=False) as session:
            await session.until_phase("RUNNING")
            focused = session.app.focused
            go.touch()
            await session.until(lambda: session.app.at_rest and session.app.main.is_drawn)
            assert session.app.focused is focused
            assert not any(said(session, pane) for pane in ("layers", "heads", "attention", "numbers", "text"))

    asyncio.run(body())


def test_before_anything_came_the_panes_say_so_and_keep_the_focus():
    async def body():
        command = [sys.executable, "-c", "import sys; sys.stdin.read()"]  # a worker that never says hello
        app = FaaApp(command=command)
        async with app.run_test(size=(120, 40)) as pilot:
            session = Session(app, pilot)
            await session.until(lambda: said(session, "heads") != "")
            assert "as they are measured" in said(session, "heads")
            assert "as they are measured" in session.text
            assert "no data: the first layer" in session.text
            assert app.focused is app.main._map

    asyncio.run(body())


def test_after_a_failure_the_next_step_is_said_with_the_keys_in_use(start, size):
    file = configuration.path()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[keys]\nrun = "W"\n')

    async def body():
        async with start(text="%long 9\nsome words", wait=False, size=size) as session:
            await session.until_phase("FAILED")
            await session.press("escape")
            assert "[m] details, cut the text" in str(session.app.main.query_one(Notice).render())
            assert said(session, "heads").startswith("Nothing was measured. m says why. W runs again")
            assert "Nothing was measured" in session.text
            assert said(session, "text") == "Nothing yet."

    asyncio.run(body())


def test_there_are_words_for_every_end_of_a_run():
    assert main_empty._NEXT.keys() == {phase for phase in Phase if not phase.under_way}


def test_results_that_are_here_stay_when_the_next_run_fails(start):
    async def body():
        async with start(layers=2, heads=2) as session:
            session.app.submit(session.app._order("demo", "%long 9\nsome words", session.app.order.options))
            await session.until_phase("FAILED")
            assert said(session, "heads") == ""

    asyncio.run(body())
