"""The keys of the user's configuration: which actions there are, and whether keys that were chosen can be."""

from __future__ import annotations

import difflib
import pkgutil
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import combinations, product
from pathlib import Path
from typing import Final

from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from faa_core.errors import UsageError
from faa_tui.actions import ACTIONS
from faa_tui.actions.action import named

_MODIFIERS: Final = re.compile(r"^(?:(?:ctrl|shift|alt|meta|super|hyper)\+)+(?=.)")
_NAMES: Final = frozenset({*(key.value for key in Keys), *KEY_NAME_REPLACEMENTS.values()})
_WORDS: Final = {"main": "One model", "compare": "Comparison"}
IN_FOCUS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "main": {
        "Models": ("ModelPane",),
        "Layers": ("LayerPane",),
        "Heads": ("HeadMatrix",),
        "Attention": ("MapView",),
        "Statistics": ("ListPane",),
        "Text": ("TokenStrip", "TextPane"),
        "All heads": ("RowGrid", "HeadsTable"),
        "Runs": ("RowGrid", "RunsPane"),
    },
    "compare": {
        "Heads": ("HeadMatrix",),
        "Maps": ("MapView",),
        "Plot": ("ComparisonPlot",),
        "Pairs of heads": ("RowGrid", "FilteredTable"),
    },
}
"""By screen and pane the classes with bindings of their own that a key passes between the focus and the screen."""
_CANDIDATES: Final[tuple[str, ...]] = (*string.ascii_letters, *(f"f{number}" for number in range(2, 13)))
"""Keys to be proposed."""


@dataclass(frozen=True)
class Bound:
    """An action that a key can be chosen for.

    Attributes:
        id: Its id in the configuration.
        keys: Its keys, between commas, unless others are chosen.
        words: What it does.
        place: Where it works.
    """

    id: str
    keys: str
    words: str
    place: str


def places() -> dict[str, tuple[Bound, ...]]:
    """Actions by the place in which no two of them may share a key: the two screens, each pane, each dialog."""
    found: dict[str, tuple[Bound, ...]] = {}
    for scope, name in _WORDS.items():
        found[name] = tuple(
            Bound(action.id, action.keys, action.tooltip, "Everywhere" if action.scope == "app" else name)
            for action in ACTIONS
            if action.scope in ("app", scope)
        )
    return found | _of_widgets()


@cache
def _of_widgets() -> dict[str, tuple[Bound, ...]]:
    """The bindings of panes and dialogs that carry an id, by the name of their class."""
    for package in ("faa_tui.widgets", "faa_tui.screens"):
        for module in pkgutil.iter_modules(import_module(package).__path__):
            import_module(f"{package}.{module.name}")
    registered = {action.id for action in ACTIONS}
    found = {}
    for cls in sorted(set(_classes(DOMNode)), key=lambda cls: cls.__name__):
        bound = {
            binding.id: Bound(binding.id, binding.key, binding.tooltip or binding.description, _spaced(cls.__name__))
            for parent in reversed(cls.__mro__)
            if parent.__module__.startswith("faa_tui.")
            for binding in parent.__dict__.get("BINDINGS", ())
            if isinstance(binding, Binding) and binding.id and binding.id not in registered
        }
        if bound and any("BINDINGS" in parent.__dict__ for parent in (cls,)):
            found[_spaced(cls.__name__)] = tuple(bound.values())
    return found


def _classes(cls: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for derived in cls.__subclasses__():
        if derived.__module__.startswith("faa_tui."):
            yield derived
        yield from _classes(derived)


@cache
def keys_of_widgets(id: str) -> str:
    """Keys, between commas, of the binding ``id`` of a pane or dialog; of those that are imported already.

    Raises:
        KeyError: None has it.
    """
    for cls in _classes(DOMNode):
        for binding in cls.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id == id:
                return binding.key
    raise KeyError(id)


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def checked(chosen: Mapping[str, str], file: Path) -> dict[str, str]:
    """Keys by action as Textual names them.

    Args:
        chosen: The table ``keys`` of the configuration.
        file: Where it stands.

    Raises:
        UsageError: There is no such action or key, two actions of one place would share a key, or a pane has a use of
            its own for a key, so that it would not do everywhere what it is chosen for.
    """
    if not chosen:
        return {}
    everywhere = places()
    ids = {bound.id for bounds in everywhere.values() for bound in bounds}
    found = {}
    for id, keys in chosen.items():
        if id not in ids:
            near = difflib.get_close_matches(id, ids, n=1, cutoff=0.5)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(f"{file}: keys: there is no action {id!r}.", f"{meant}The configuration page has all.")
        found[id] = ",".join(_named(key.strip(), id, file) for key in keys.split(","))
    for place, bounds in everywhere.items():
        taken: dict[str, str] = {}
        for bound in bounds:
            for key in names_of(found.get(bound.id, bound.keys)):
                other = taken.setdefault(key, bound.id)
                if other != bound.id and {other, bound.id} & found.keys():
                    another = _free(found)
                    raise UsageError(
                        f"{file}: keys: {other} and {bound.id} would share the key {key} ({place.lower()}).",
                        f"Choose another key for one of them; {another} is free.",
                    )
    for scope, panes in IN_FOCUS.items():
        for pane, classes in panes.items():
            ways = [*(everywhere[_spaced(name)] for name in classes), everywhere[_WORDS[scope]]]
            _check_pane(pane, ways, found, file)
    return found


def _check_pane(pane: str, ways: Iterable[tuple[Bound, ...]], chosen: Mapping[str, str], file: Path) -> None:
    """Refuse a key that would not come to the action that it is chosen for while ``pane`` is in focus.

    Actions that share a key by themselves, as those of the screen and of a pane that name the same thing, may go on.

    Args:
        pane: Its name.
        ways: What takes keys there, the first one first.
        chosen: Keys that were chosen, by action.
        file: Where they were.
    """
    for nearer, farther in combinations(ways, 2):
        for first, second in product(nearer, farther):
            if first.id == second.id or not {first.id, second.id} & chosen.keys():
                continue
            if set(names_of(first.keys)) & set(names_of(second.keys)):
                continue
            shared = set(names_of(chosen.get(first.id, first.keys))) & set(names_of(chosen.get(second.id, second.keys)))
            if shared:
                action, key, other, another = second.id, named(min(shared)), first.id, _free(chosen)
                raise UsageError(
                    f"{file}: keys: {action} would not get the key {key} in the pane {pane}, where it is {other}'s.",
                    f"Choose another key for one of them; {another} is free. {other}: {first.words}.",
                )


def _free(chosen: Mapping[str, str]) -> str:
    """A key that nothing uses, whatever is in focus."""
    bounds = (bound for place in places().values() for bound in place)
    taken = {key for bound in bounds for key in names_of(chosen.get(bound.id, bound.keys))}
    return next(key for key in _CANDIDATES if key not in taken)


def names_of(keys: str) -> tuple[str, ...]:
    """Keys between commas as Textual names them: ``question_mark`` for ``?``."""
    return tuple(BindingsMap([Binding(keys, "", "")]).key_to_bindings)


def _named(key: str, id: str, file: Path) -> str:
    if not key:
        raise UsageError(f"{file}: keys: {id} has an empty key.", "A comma is called comma, a space is called space.")
    (name,) = names_of(key)
    base = _MODIFIERS.sub("", name)
    if len(base) > 1 and name not in _NAMES and base not in _NAMES and not _is_character(base):
        near = difflib.get_close_matches(base, _NAMES, n=1, cutoff=0.5)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"{file}: keys: {id}: there is no key {key!r}.", f"{meant}For example: r, R, f5, ctrl+r, ?.")
    return name


def _is_character(name: str) -> bool:
    """Whether ``name`` is that of a character, as ``question_mark`` is."""
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return True
