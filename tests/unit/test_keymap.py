"""Keys of the user's own: which are taken, and how a mistake is told."""

import asyncio
import sys
from pathlib import Path

import pytest
from textual.widgets import Input

from faa_core.configuration import parse
from faa_core.errors import UsageError
from faa_tui import keymap, preferences
from faa_tui.actions import ACTIONS
from faa_tui.application import FaaApp

FILE = Path("/x/config.toml")


def test_keys_are_taken_as_one_would_type_them():
    chosen = {"run": "W, f5", "layer.next": "?", "help": "f1", "map.left": "U,ctrl+e", "quit": "ctrl+r"}
    assert keymap.checked(chosen, FILE) == {
        "run": "W,f5",
        "layer.next": "question_mark",
        "help": "f1",
        "map.left": "U,ctrl+e",
        "quit": "ctrl+r",
    }
    assert keymap.checked({}, FILE) == {}


def test_two_actions_may_change_keys_with_each_other():
    assert keymap.checked({"run": "t", "text": "r"}, FILE) == {"run": "t", "text": "r"}


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"rnu": "W"}, ("there is no action 'rnu'", "Did you mean run?")),
        ({"run": "esape"}, ("there is no key 'esape'", "Did you mean escape?")),
        ({"run": "hyper+nonsense"}, ("there is no key",)),
        ({"run": ""}, ("run has an empty key", "comma")),
        ({"run": "t"}, ("text and run would share the key t", "one model")),
        ({"run": "?"}, ("run and help would share the key question_mark",)),
        ({"compare.swap": "y"}, ("compare.swap and copy would share the key y", "comparison")),
        ({"map.left": "j"}, ("map.left and map.down would share the key j", "map view", "A is free")),
        ({"run": "j"}, ("run would not get the key j in the pane Models", "list.down", "Next line", "A is free")),
        ({"layer.next": "n"}, ("layer.next", "the key n in the pane Text", "tokens.next", "is free")),
        ({"quit": "left"}, ("quit", "the key left in the pane Layers", "layers.head_previous")),
        ({"compare.swap": "="}, ("compare.swap", "the key = in the pane Maps", "map.zoom_in", "Zoom in")),
        ({"map.left": "r"}, ("run would not get the key r in the pane Attention", "map.left", "Move to the key")),
        ({"runs.note": "k"}, ("runs.note would not get the key k in the pane Runs", "rows.up")),
    ],
)
def test_a_mistake_names_file_action_and_cure(chosen, words):
    with pytest.raises(UsageError) as caught:
        keymap.checked(chosen, FILE)
    assert str(FILE) in caught.value.message
    assert caught.value.hint
    for word in words:
        assert word in str(caught.value)


def test_a_pane_and_the_screen_go_on_sharing_what_they_share_by_themselves():
    assert keymap.checked({"compare": "W", "runs.compare": "W"}, FILE) == {"compare": "W", "runs.compare": "W"}
    assert keymap.checked({"compare": "c,W"}, FILE) == {"compare": "c,W"}
    chosen = {"run": "j", **dict.fromkeys(("list.down", "heads.down", "map.down", "tokens.down", "rows.down"), "X")}
    assert keymap.checked(chosen, FILE) == chosen


def test_the_panes_are_those_of_the_two_screens():
    async def body():
        app = FaaApp(command=[sys.executable, "-c", "import sys; sys.stdin.read()"])
        async with app.run_test(size=(200, 50)) as pilot:
            found = {"main": ways(app.screen)}
            app.action_compare()
            await pilot.pause()
            found["compare"] = ways(app.screen)
        for scope, panes in keymap.IN_FOCUS.items():
            assert found[scope] == set(panes.values()), scope

    def ways(screen):
        """The classes with bindings of their own that a key passes from each widget that can have it."""
        return {
            tuple(
                next(cls.__name__ for cls in type(node).__mro__ if "BINDINGS" in cls.__dict__)
                for node in widget.ancestors_with_self
                if node.is_attached and node not in (screen, screen.app) and node._bindings.key_to_bindings
            )
            for widget in screen.query("*")
            if widget.can_focus and not isinstance(widget, Input)
        }

    asyncio.run(body())


def test_no_two_actions_of_one_place_share_a_key_by_themselves():
    for place, bounds in keymap.places().items():
        if place in ("One model", "Comparison"):
            keys = [key for bound in bounds for key in keymap.names_of(bound.keys)]
            assert len(keys) == len(set(keys)), place


def test_every_action_of_the_registry_and_of_the_panes_has_a_place():
    ids = {bound.id for bounds in keymap.places().values() for bound in bounds}
    assert {action.id for action in ACTIONS} <= ids
    assert {"map.left", "heads.left", "list.down", "rows.down", "plot.next", "dialog.close", "help.search"} <= ids


def test_a_theme_that_is_not_there_names_the_nearest():
    assert preferences.checked_theme("nord", FILE) == "nord"
    with pytest.raises(UsageError, match="Did you mean nord"):
        preferences.checked_theme("nrod", FILE)


def test_what_a_configuration_sets_is_said_in_words():
    text = 'theme = "nord"\n[keys]\nrun = "W"\ntext = "r"\n[screen]\nmouse = false\n[hosts.gpu7]\n'
    config = parse(text, FILE)
    preferences.check(config, FILE)
    assert preferences.in_words(config) == "theme nord; keys of run, text; no mouse; machines gpu7"
    assert preferences.in_words(parse("", FILE)) == "nothing"
