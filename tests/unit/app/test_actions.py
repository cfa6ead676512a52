import asyncio
import subprocess
import sys

import pytest
from textual.command import CommandPalette
from textual.widgets import OptionList

from faa_core.catalogue import RUN_KEYS
from faa_tui.actions import ACTIONS, bindings
from faa_tui.application import FaaApp
from faa_tui.commands import Commands
from faa_tui.screens.compare import CompareScreen
from faa_tui.screens.help import HelpScreen
from faa_tui.screens.main import MainScreen
from faa_tui.screens.text_editor import TextEditor

RESERVED = {"g"}
UNSAFE = {"ctrl+s", "ctrl+i", "ctrl+m", "ctrl+j", "ctrl+h", "ctrl+b", "ctrl+a"}


def test_ids_and_keys_are_unique_and_safe():
    ids = [action.id for action in ACTIONS]
    assert len(ids) == len(set(ids))
    for scope in ("main", "compare"):
        keys = [key for action in ACTIONS if action.scope in ("app", scope) for key in action.keys.split(",")]
        assert len(keys) == len(set(keys))
        assert not set(keys) & (RESERVED | UNSAFE)
    assert all(action.description and action.tooltip for action in ACTIONS)


def test_every_binding_carries_an_id_of_the_registry():
    known = {action.id for action in ACTIONS}
    assert {binding.id for owner in (FaaApp, MainScreen, CompareScreen) for binding in owner.BINDINGS} == known
    assert sum(len(bindings(scope)) for scope in ("app", "main", "compare")) == len(ACTIONS)


@pytest.mark.parametrize("pane", ["1", "2", "3", "4", "5", "6", "8"])
def test_help_lists_exactly_the_live_bindings(start, pane):
    async def body():
        async with start(size=(120, 40)) as session:
            await session.press(pane)
            await session.pilot.pause()
            live = session.app.screen.active_bindings
            expected = {
                session.app.get_key_display(active.binding)
                for active in live.values()
                if active.enabled and active.binding.description and not active.binding.system
            }
            await session.press("?")
            screen = session.app.screen
            assert isinstance(screen, HelpScreen)
            lines = [line for section in screen._sections for line in section.lines]
            assert {key for line in lines for key in line.keys.split("  ")} == expected
            assert screen._sections[0].title == session.app.main.pane_name or pane == "6"
            await session.press("escape")
            assert session.app.screen is session.app.main

    asyncio.run(body())


def test_help_follows_a_changed_key(start):
    async def body():
        async with start() as session:
            session.app.set_keymap({"run": "W"})
            await session.press("?")
            lines = {line.tooltip: line.keys for section in session.app.screen._sections for line in section.lines}
            assert lines["Analyse the text again; starts a new worker if it died"] == "W"

    asyncio.run(body())


def test_help_explains_the_numbers(start):
    async def body():
        async with start(size=(200, 50)) as session:
            await session.press("?", "end")
            await session.pilot.pause()
            assert "status: not measured" in session.text

    asyncio.run(body())


def test_help_of_a_dialog_is_about_the_dialog(start):
    async def body():
        async with start() as session:
            await session.press("t", "f1")
            assert "Analyse this text" in session.text
            assert "Previous layer" not in session.text
            await session.press("escape")
            assert isinstance(session.app.screen, TextEditor)

    asyncio.run(body())


def test_the_palette_holds_every_action_and_runs_it(start):
    async def body():
        async with start() as session:
            provider = Commands(session.app.main)
            titles = {command.title for command in provider._commands()}
            for action in ACTIONS:
                if action.scope != "compare" and action.id not in ("palette", "quit.anywhere"):
                    assert any(action.tooltip in title for title in titles)
            assert "Colour heads by: Induction score" in titles
            assert "Open model: demo@init" in titles
            assert any("Zoom in" in title for title in titles)
            for opener in ("ctrl+p", "colon"):
                await session.press(opener)
                assert isinstance(session.app.screen, CommandPalette)
                await session.press(*"induction score")
                await session.until(lambda: session.app.screen.query_one(OptionList).option_count > 0)
                await session.press("enter")
                if isinstance(session.app.screen, CommandPalette):
                    await session.press("enter")
                await session.until(lambda: session.app.main.statistic == "induction")
                session.app.main.statistic = "D0"

    asyncio.run(body())


def test_a_command_of_the_palette_acts_on_the_main_screen(start):
    async def body():
        async with start() as session:
            await session.app.perform(next(action for action in ACTIONS if action.id == "layer.next"))
            assert session.position == ("decoder", 1, 0)

    asyncio.run(body())


def test_the_list_of_statistics_colours_the_heads(start):
    async def body():
        async with start() as session:
            await session.press("S", "j", "enter")
            assert session.app.main.statistic == RUN_KEYS[1]

    asyncio.run(body())


@pytest.mark.parametrize("module", ["faa_tui.app", "faa_tui.application"])
def test_the_screen_never_imports_the_engine(module):
    code = f"import sys, {module}; print(sorted({{'torch', 'transformers', 'scipy'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_the_way_in_does_not_import_textual():
    code = "import sys, faa_tui.app; print('textual' in sys.modules, 'rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False False"
