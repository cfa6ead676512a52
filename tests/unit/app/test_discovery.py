"""Explanations, the tour, keys and themes of the user's own, and the search of the help."""

import asyncio

import pytest
from textual.widgets import Input, Static

from faa_core import configuration, explain
from faa_core.catalogue import BY_KEY
from faa_core.records import STATUS_MEANING
from faa_tui import paths
from faa_tui.commands import Commands
from faa_tui.rendering.page import PLAIN
from faa_tui.screens.explain import ExplainScreen
from faa_tui.screens.help import HelpScreen
from faa_tui.screens.tour import STEPS, TourScreen


def told(session):
    return "\n".join(str(one.message) for one in session.app._notifications)


def configure(text):
    file = configuration.path()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


# --- explanations ----------------------------------------------------------------------------------------------------


def test_i_explains_the_statistic_that_is_marked_with_what_it_is_here(start):
    async def body():
        async with start(size=(140, 50)) as session:
            main = session.app.main
            await session.press("5", *"jjjj", "i")
            screen = session.app.screen
            assert isinstance(screen, ExplainScreen)
            key = main._statistics.marked_key
            assert screen.shown.name == key
            layer = main.results.at(main.position)
            value = layer.statistics.value[layer.statistics.row(key), main.position.head]
            facts = dict(screen.shown.facts)
            assert float(facts["value"]) == pytest.approx(value, abs=10.0 ** -max(BY_KEY[key].decimals, 3))
            assert "layer 0 head 0" in session.text
            assert "How it is estimated" in session.text
            assert f"faa explain {key}" in session.text
            await session.press("escape")
            assert session.app.screen is main

    asyncio.run(body())


def test_a_status_is_explained_above_the_page(start):
    async def body():
        async with start(text="%nan\nwords to look at", size=(140, 50)) as session:
            await session.press("5", "i")
            assert session.app.screen.shown.name == "D0"
            assert dict(session.app.screen.shown.facts)["value"] == "undefined"
            remark = session.app.screen.query_one("#explain-remark", Static)
            assert remark.region.height >= 1
            assert session.app.screen.shown.remark in STATUS_MEANING.values()
            assert "status" in dict(session.app.screen.shown.facts)

    asyncio.run(body())


@pytest.mark.parametrize("pane", ["1", "2", "3", "4", "6"])
def test_every_pane_has_something_to_explain(start, pane):
    async def body():
        async with start(layers=2, heads=2) as session:
            session.app.main.statistic = "entropy"
            await session.press(pane)
            session.app.action_explain()
            await session.pilot.pause()
            assert session.app.screen.shown.name == ("lift" if pane == "4" else "entropy")
            assert session.app.screen.shown.name in explain.NAMES

    asyncio.run(body())


def test_the_quantity_of_the_curves_is_one_key_further(start):
    async def body():
        async with start(size=(140, 50), layers=2, heads=2) as session:
            await session.press("v", "v", "v", "5", "j", "j", "i")
            screen = session.app.screen
            assert screen.shown.name == session.app.main._statistics.marked_key
            await session.press("i")
            assert screen.shown.name == "D1"  # of the page of dimensions
            await session.press("i")
            assert screen.shown.name == session.app.main._statistics.marked_key

    asyncio.run(body())


def test_the_table_of_heads_explains_the_column_that_it_is_sorted_by(start):
    async def body():
        async with start(size=(160, 50), layers=2, heads=2) as session:
            session.app.main._table_of_heads.sort_by("induction")
            await session.press("7", "i")
            assert session.app.screen.shown.name == "induction"
            assert session.app.screen.shown.where == "layer 0 head 0"

    asyncio.run(body())


def test_the_comparison_explains_its_statistic_with_both_sides(start):
    async def body():
        async with start(size=(160, 50), others=("demo@init",), wait=False) as session:
            await session.until(lambda: session.app.desk is not None and session.app.desk.screen.comparison is not None)
            screen = session.app.desk.screen
            await session.until(lambda: screen.pair_index is not None)
            await session.press("6", "i")
            shown = session.app.screen.shown
            assert shown.name == screen.statistic
            assert shown.where == "L0H0 and L0H0"
            assert {"first", "other", "difference"} <= dict(shown.facts).keys()

    asyncio.run(body())


# --- the tour --------------------------------------------------------------------------------------------------------


def test_the_tour_goes_from_pane_to_pane_and_does_not_come_by_itself_again(start, size):
    async def body():
        async with start(size=size, layers=2, heads=2) as session:
            app = session.app
            app.newcomer = True
            app.welcome()
            await session.pilot.pause()
            assert app.screen is app.main  # nobody looks at a screen without a terminal
            app.action_tour()
            await session.pilot.pause()
            for number, step in enumerate(STEPS):
                assert isinstance(app.screen, TourScreen)
                assert app.screen.at == number
                box = app.screen.query_one("#tour-box").region
                assert app.screen.region.contains_region(box)
                assert f"{number + 1} of {len(STEPS)}" in session.text
                pointed = [pane.id for pane in app.main.query("Pane.-pointed")]
                assert pointed == ([step.pane] if step.pane else [])
                if step.pane:
                    pane = app.main.query_one(f"#{step.pane}").region
                    assert pane.area > box.intersection(pane).area  # it does not hide what it points at
                if number == 1:
                    await session.press("left")
                    assert app.screen.at == 0
                    await session.press("right")
                await session.press("enter")
            assert app.screen is app.main
            assert not app.main.query("Pane.-pointed")
            assert (paths.state() / "tour-taken").exists()

    asyncio.run(body())


def test_the_tour_names_the_keys_that_are_in_use(start):
    configure('[keys]\nstatistic = "W"\n')

    async def body():
        async with start(layers=2, heads=2) as session:
            session.app.action_tour()
            await session.press("enter")
            assert "W colours" in str(session.app.screen.query_one("#tour-text", Static).render())
            await session.press("escape")
            assert (paths.state() / "tour-taken").exists()
            titles = {command.title for command in Commands(session.app.main)._commands()}
            assert any(title.startswith("Application: Take the tour") for title in titles)

    asyncio.run(body())


# --- keys and theme of the user's own --------------------------------------------------------------------------------


def test_keys_of_the_configuration_are_those_of_footer_help_and_palette(start):
    configure('theme = "nord"\n[keys]\ntext = "W"\nlayer.next = "w,f5"\nmap.right = "U"\n')

    async def body():
        async with start(size=(140, 40), layers=2, heads=2) as session:
            app = session.app
            assert app.theme == "nord"
            await session.press("4", "w")
            assert session.position[1] == 1
            await session.press("right_square_bracket")  # no longer bound
            await session.press("left_square_bracket")
            assert session.position[1] == 0
            assert "W text" in session.text
            before = app.main._map.cursor
            await session.press("g", "home", "G", "home", "U")
            assert app.main._map.cursor != before
            found = {command.title: command.help for command in Commands(app.main)._commands()}
            assert found["Move: Next layer"] == "w  f5"
            await session.press("question_mark")
            lines = {line.tooltip: line.keys for section in app.screen._sections for line in section.lines}
            assert lines["Next layer"] == "w  f5"

    asyncio.run(body())


def test_notices_panes_and_dialogs_name_the_keys_of_the_configuration(start):
    configure(
        '[keys]\nback = "f4"\nrun = "W"\nboxes.larger = "w"\nthreshold.lower = "f9"\nthreshold.higher = "f10"\n'
        'texts = "X"\npane.text = "f6"\nrows.filter = "ctrl+f"\ndialog.close = "f7"\nexamine = "Z"\n'
    )

    async def body():
        async with start(size=(200, 50), layers=2, heads=2) as session:
            app = session.app
            assert "f6 Text" in session.text
            await session.press("f10")
            assert "w draws the boxes that are counted; f9 and f10 change their threshold." in told(session)
            await session.press("right_parenthesis")
            assert "There is one text; X analyses on several." in told(session)
            app.main._curve.page = "strengths"
            assert app.main._curve.current(PLAIN).nothing.endswith("; Z measures it for this head")
            await session.press("7")
            assert "ctrl+f filter" in session.text
            await session.press("ctrl+o")
            assert "a letter goes there   f7 back" in session.text
            await session.press("f7")
            assert app.screen is app.main
            app.set_keymap({"pane.text": "f8"})
            await session.pilot.pause()
            assert "f8 Text" in session.text

    asyncio.run(body())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('theme = "nrod"', ("there is no theme 'nrod'", "Did you mean nord?")),
        ('[keys]\nrun = "t"', ("text and run would share the key t",)),
        ('[keys]\nrnu = "W"', ("there is no action 'rnu'", "Did you mean run?")),
        ("[keys]\nrun = 3", ("keys.run must be text",)),
        ("thema = 1", ("thema is not a known key",)),
    ],
)
def test_a_wrong_configuration_is_told_and_the_application_goes_on(start, text, words):
    file = configure(text)

    async def body():
        async with start(layers=2, heads=2) as session:
            for word in (str(file), *words):
                assert word in told(session)
            await session.press("greater_than_sign")
            assert session.position[2] == 1

    asyncio.run(body())


def test_without_a_terminal_the_mouse_cannot_be_left_to_it(start):
    async def body():
        async with start(layers=2, heads=2) as session:
            await session.press("percent_sign")
            assert "cannot be left" in told(session)
            assert session.app.takes_mouse

    asyncio.run(body())


# --- the help --------------------------------------------------------------------------------------------------------


def test_a_slash_in_the_help_shows_only_lines_with_the_words(start):
    async def body():
        async with start(size=(120, 40), layers=2, heads=2) as session:
            await session.press("question_mark", "slash", *"induction score")
            screen = session.app.screen
            assert isinstance(screen, HelpScreen)
            await session.pilot.pause()
            assert "Induction score" in session.text
            assert "Previous layer" not in session.text
            await session.press("enter")
            assert not isinstance(session.app.focused, Input)
            await session.press("escape")  # the search first, then the help
            assert session.app.screen is screen
            assert "Previous layer" in session.text
            await session.press("escape")
            assert session.app.screen is session.app.main

    asyncio.run(body())
