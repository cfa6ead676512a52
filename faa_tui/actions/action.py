"""What an action is: one thing that a user can do, with its keys and its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding
from textual.keys import format_key

Scope = Literal["app", "main", "compare"]


@dataclass(frozen=True)
class Action:
    """One thing that a user can do.

    Attributes:
        id: Stable name; the id of its bindings.
        keys: Comma-separated keys.
        action: Action string, resolved on the application or on the screen of its scope.
        description: A word or two for the footer and the help.
        tooltip: A sentence for the palette and the help.
        scope: Where it is defined.
        group: Heading in the help.
        footer: Whether the footer shows it.
        key_display: How the footer writes the key, where that differs.
        priority: Whether it wins over the keys of the focused widget.
    """

    id: str
    keys: str
    action: str
    description: str
    tooltip: str
    scope: Scope = "main"
    group: str = "Application"
    footer: bool = False
    key_display: str | None = None
    priority: bool = False

    @property
    def keys_display(self) -> str:
        """The keys as a person would name them."""
        return "  ".join(map(named, self.keys.split(",")))

    def binding(self) -> Binding:
        """The binding of this action."""
        return Binding(
            self.keys,
            self.action,
            self.description,
            show=self.footer,
            key_display=self.key_display,
            priority=self.priority,
            tooltip=self.tooltip,
            id=self.id,
        )


def named(key: str) -> str:
    """A key as a person would name it: ``?`` for ``question_mark``, and words for those that are no characters."""
    *modifiers, base = key.split("+")
    shown = format_key(base)
    return "+".join((*modifiers, shown if shown.isascii() or shown.isalpha() else base))


def moves(scope: Scope, prefix: str) -> tuple[Action, ...]:
    """Keys that lead to another layer or head, the same on every screen."""
    return (
        Action(
            f"{prefix}layer.previous", "left_square_bracket", "layer(-1)", "layer -", "Previous layer", scope, "Move"
        ),
        Action(f"{prefix}layer.next", "right_square_bracket", "layer(1)", "layer +", "Next layer", scope, "Move"),
        Action(f"{prefix}head.previous", "less_than_sign,comma", "head(-1)", "head -", "Previous head", scope, "Move"),
        Action(f"{prefix}head.next", "greater_than_sign,full_stop", "head(1)", "head +", "Next head", scope, "Move"),
        Action(f"{prefix}jump", "ctrl+o", "jump", "jump", "Show a letter on every pane; it leads there", scope, "Move"),
        Action(f"{prefix}pane.next", "tab", "app.focus_next", "next pane", "Go to the next pane", scope, "Move"),
        Action(
            f"{prefix}pane.previous",
            "shift+tab",
            "app.focus_previous",
            "previous pane",
            "Go to the previous pane",
            scope,
            "Move",
        ),
    )


def map_looks(scope: Scope, prefix: str) -> tuple[Action, ...]:
    """Keys that show maps otherwise, the same on every screen."""
    return (
        Action(f"{prefix}scale", "C", "scale(1)", "colours", "Colour maps by the next scale", scope, "Look"),
        Action(f"{prefix}ramp", "R", "ramp(1)", "ramp", "Colour maps and heads by the next ramp", scope, "Look"),
        Action(
            f"{prefix}without_first",
            "d",
            "without_first",
            "without key 0",
            "Leave the first key out of maps and scale the rows up, or put it back",
            scope,
            "Look",
        ),
        Action(
            f"{prefix}boxes.larger",
            "b",
            "boxes(1)",
            "boxes",
            "Draw the boxes that are counted on maps, then larger ones; none beyond the largest",
            scope,
            "Look",
        ),
        Action(
            f"{prefix}boxes.smaller",
            "B",
            "boxes(-1)",
            "smaller boxes",
            "Draw smaller boxes; none beyond single cells",
            scope,
            "Look",
        ),
        Action(
            f"{prefix}threshold.lower",
            "left_curly_bracket",
            "threshold(-1)",
            "threshold -",
            "Count boxes above the next lower lift",
            scope,
            "Look",
        ),
        Action(
            f"{prefix}threshold.higher",
            "right_curly_bracket",
            "threshold(1)",
            "threshold +",
            "Count boxes above the next higher lift",
            scope,
            "Look",
        ),
    )


def jumps(scope: Scope, prefix: str, panes: tuple[tuple[str, str], ...]) -> tuple[Action, ...]:
    """Digits that lead to panes."""
    return tuple(
        Action(
            f"{prefix}pane.{pane}",
            str(number),
            f"pane('{pane}')",
            f"{(name if len(name.split()) < 3 else name.split()[0]).lower()} pane",
            f"Go to pane {number}, {name}",
            scope,
            "Move",
        )
        for number, (pane, name) in enumerate(panes, 1)
    )
