"""Keys of the user's own: which are taken, and how a mistake is told."""

from pathlib import Path

import pytest

from faa_core.configuration import parse
from faa_core.errors import UsageError
from faa_tui import keymap, preferences
from faa_tui.actions import ACTIONS

FILE = Path("/x/config.toml")


def test_keys_are_taken_as_one_would_type_them():
    chosen = {"run": "W, f5", "layer.next": "?", "help": "f1", "map.left": "a,ctrl+e", "quit": "ctrl+r"}
    assert keymap.checked(chosen, FILE) == {
        "run": "W,f5",
        "layer.next": "question_mark",
        "help": "f1",
        "map.left": "a,ctrl+e",
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
        ({"map.left": "j"}, ("map.left and map.down would share the key j", "map view")),
    ],
)
def test_a_mistake_names_file_action_and_cure(chosen, words):
    with pytest.raises(UsageError) as caught:
        keymap.checked(chosen, FILE)
    assert str(FILE) in caught.value.message
    assert caught.value.hint
    for word in words:
        assert word in str(caught.value)


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
