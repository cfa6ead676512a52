"""What the help says: the keys that are live now, and a word on every number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from textual.app import App
from textual.binding import ActiveBinding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from faa_core.catalogue import ENTRIES
from faa_core.records import STATUS_MEANING
from faa_tui.actions import BY_ID


@dataclass(frozen=True)
class KeyLine:
    """One line of the key table.

    Attributes:
        keys: Every key that does it, as the user would name it.
        description: A word or two.
        tooltip: A sentence; may be empty.
    """

    keys: str
    description: str
    tooltip: str


@dataclass(frozen=True)
class Section:
    """Keys that belong together."""

    title: str
    lines: tuple[KeyLine, ...]


def key_sections(app: App[None], active: Mapping[str, ActiveBinding], pane: str) -> tuple[Section, ...]:
    """Group ``active`` by where a key works: in the focused pane ``pane`` first, then by the groups of the registry."""
    groups: dict[str, dict[tuple[str, str], tuple[list[str], str]]] = {}
    for node, binding, enabled, tooltip in active.values():
        if not enabled or not binding.description or binding.system:
            continue
        title = _title(node, binding.id, pane)
        # One line for all keys of an action; two actions that merely share a description stay apart.
        keys, _ = groups.setdefault(title, {}).setdefault((binding.action, binding.description), ([], tooltip))
        display = app.get_key_display(binding)
        if display not in keys:
            keys.append(display)
    return tuple(
        Section(
            title,
            tuple(
                KeyLine("  ".join(keys), description, tooltip) for (_, description), (keys, tooltip) in lines.items()
            ),
        )
        for title, lines in sorted(groups.items(), key=lambda item: _rank(item[0], pane))
    )


def _title(node: DOMNode, id: str | None, pane: str) -> str:
    if id in BY_ID:
        return BY_ID[id].group
    if isinstance(node, Screen):
        return "This dialog" if node.is_modal else "Screen"
    return pane if isinstance(node, Widget) else "Application"


def _rank(title: str, pane: str) -> int:
    order = ["This dialog", pane, "Move", "Run", "Look", "Screen", "Application"]
    return order.index(title) if title in order else len(order)


def numbers() -> Iterator[tuple[str, str]]:
    """Title and explanation of every number on the screen, then of every status."""
    yield "weight", "A_ij: attention that query i gives to key j. The visible keys of a row share 1."
    yield "lift", "A_ij times the number of keys that row i may see: attention spread evenly has lift 1."
    yield "null", "The value that attention spread evenly over the visible keys has, at this length and mask."
    yield "excess", "Value minus null: what the head does, beyond what the mask alone would give."
    yield "± error", "Standard error of the value, where the statistic is a fit."
    yield (
        "label (0.92)",
        "The textbook pattern that a head matches best, with the score that decided. Where it can, the score leaves "
        "the first token out, on which most heads rest.",
    )
    for entry in ENTRIES:
        bounds = f" Range {entry.low:g} to {entry.high:g}." if entry.low is not None and entry.high is not None else ""
        unit = f" [{entry.unit}]" if entry.unit else ""
        yield f"{entry.title} ({entry.symbol})", f"{entry.definition}{unit}{bounds} Null: {entry.null} {entry.source}."
    for name, meaning in STATUS_MEANING.items():
        yield f"status: {name.replace('_', ' ')}", meaning
