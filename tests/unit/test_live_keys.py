"""Texts name keys by the ids of their actions, so that they name those of the configuration; none does it by hand."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import App

import faa_tui
from faa_tui import keymap
from faa_tui.live_keys import key_of, with_keys

ROOT = Path(faa_tui.__file__).parent
ROOMS = [path for path in ROOT.rglob("*.py") if "cli" not in path.relative_to(ROOT).parts]
KEY = r"(?:[a-zA-Z]|[?/#%<>()\[\]{}]|esc|enter|tab|space|arrow keys|f\d|(?:ctrl|shift)\+\w+)"
BY_HAND = re.compile(
    rf"(?:^|[ .;:,(])(?!a |A |I ){KEY} (?:again )?[a-z]+[^s\W]s\b"  # "r runs it again", "ctrl+c goes back"
    rf"|\b{KEY} (?:and|or) {KEY} [a-z]"  # "h and l lead to"
    rf"|(?i:press) {KEY}(?!\w)| \({KEY}\)"  # "press q", "open a model (o)"
    rf"|(?:^|  ){KEY} [a-z]+  "  # the foot of a pane: "enter opens  c compare"
)
MEANT = {
    "A_ij: attention that query i gives to key j. The visible keys of a row share 1.": "i and j are indices",
    "Add a machine (enter writes it into the configuration)": "Textual's own key of a line",
    "The text is empty: type or paste one, or choose one of the others (tab).": "Textual's own key of a dialog",
    ". ssh asks what it must; ctrl+c goes back.": "the terminal is ssh's then",
}
"""Texts that look as if they named a key of the application, and why they do not."""


def texts(path: Path) -> Iterator[str]:
    """String constants of a source file, but for docstrings, style sheets and bindings."""
    tree = ast.parse(path.read_text())
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) or (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Binding"):
            strings = [node.value] if isinstance(node, ast.Expr) else node.args
            skipped |= {id(string) for string in strings if isinstance(string, ast.Constant)}
        elif isinstance(node, ast.Assign) and any(getattr(name, "id", "") == "DEFAULT_CSS" for name in node.targets):
            skipped.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


@pytest.mark.parametrize(
    "text",
    ["r runs it again", "no run yet; t takes a text", "j and k lead to other rows", "Make it larger, or press q.",
     "open a model first (o).", "enter opens  c compare  n note", "/ filter  s sort", "esc again ends the worker"],
)  # fmt: skip
def test_a_key_named_by_hand_is_found(text):
    assert BY_HAND.search(text)


def test_no_text_names_a_key_by_hand():
    found = {f"{path.relative_to(ROOT)}: {text}" for path in ROOMS for text in texts(path) if BY_HAND.search(text)}
    assert {line for line in found if line.partition(": ")[2] not in MEANT} == set()


def test_every_id_in_braces_is_that_of_an_action():
    ids = {bound.id for bounds in keymap.places().values() for bound in bounds}
    named = {
        match[1]
        for path in ROOMS
        for text in texts(path)
        for match in re.finditer(r"\{([a-z_]+(?:\.[a-z_-]+)*)\}", text)
    }
    assert {"run", "compare.run", "rows.filter"} <= named <= ids


def test_keys_are_those_that_work_now():
    app = App()
    assert with_keys(app, "{run} runs, {help} helps, {rows.filter} filters, {dialog.close} leaves, {map.down}") == (
        "r runs, ? helps, / filters, esc leaves, down"
    )
    app.set_keymap({"run": "W,f5", "rows.filter": "number_sign", "map.down": "ctrl+n"})
    assert with_keys(app, "{run} {rows.filter} {map.down}") == "W # ctrl+n"
    with pytest.raises(KeyError):
        key_of(app, "nothing.known")
