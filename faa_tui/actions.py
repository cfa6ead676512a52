"""Every action of the application and its keys, in one place.

Screens take their bindings from here, the palette lists all of it, and the help shows the live ones. ``c``, ``e``,
``g`` and ``/`` are left free on purpose, and flow-control keys (ctrl+s, ctrl+q as the only way) are not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Scope = Literal["app", "main"]


@dataclass(frozen=True)
class Action:
    """One thing that a user can do.

    Attributes:
        id: Stable name; the id of its bindings.
        keys: Comma-separated keys.
        action: Action string, resolved on the application or on the main screen.
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
        return "  ".join(_NAMES.get(key, key) for key in self.keys.split(","))

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


_NAMES = {
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "comma": ",",
    "full_stop": ".",
    "colon": ":",
    "escape": "esc",
}

PANES: tuple[tuple[str, str], ...] = (
    ("models", "Models"),
    ("layers", "Layers"),
    ("heads", "Heads"),
    ("attention", "Attention"),
    ("numbers", "Box counting and statistics"),
    ("text", "Text"),
)
"""Ids and names of the panes, in the order of their numbers from 1."""

ACTIONS: tuple[Action, ...] = (
    Action(
        "help",
        "question_mark,f1",
        "help",
        "help",
        "Keys that work here, and what every number means",
        scope="app",
        footer=True,
        key_display="?",
    ),
    Action("text", "t", "app.edit_text", "text", "Type, paste or choose the text to analyse", group="Run", footer=True),
    Action(
        "run",
        "r",
        "app.run_again",
        "run",
        "Analyse the text again; starts a new worker if it died",
        group="Run",
        footer=True,
    ),
    Action("back", "escape", "app.cancel", "cancel", "Cancel the running job, else close the message", group="Run"),
    Action("open", "o", "app.open_model", "open model", "Type a model reference or a path", group="Run"),
    Action("message", "m", "app.message", "message", "Show the last message in full", group="Run"),
    Action(
        "statistic",
        "s",
        "statistic(1)",
        "statistic",
        "Colour the heads by the next statistic",
        group="Look",
        footer=True,
    ),
    Action("statistic.list", "S", "app.statistic_list", "statistics", "Choose the statistic from a list", group="Look"),
    Action(
        "examine",
        "x",
        "app.examine",
        "examine",
        "Measure all that needs the whole map of this head",
        group="Look",
        footer=True,
    ),
    Action("maximise", "z", "maximise", "zoom pane", "Fill the screen with this pane, or put it back", group="Look"),
    Action("layer.previous", "left_square_bracket", "layer(-1)", "layer -", "Previous layer", group="Move"),
    Action("layer.next", "right_square_bracket", "layer(1)", "layer +", "Next layer", group="Move"),
    Action("head.previous", "less_than_sign,comma", "head(-1)", "head -", "Previous head", group="Move"),
    Action("head.next", "greater_than_sign,full_stop", "head(1)", "head +", "Next head", group="Move"),
    Action("pane.next", "tab", "app.focus_next", "next pane", "Go to the next pane", group="Move"),
    Action(
        "pane.previous", "shift+tab", "app.focus_previous", "previous pane", "Go to the previous pane", group="Move"
    ),
    *(
        Action(
            f"pane.{pane}",
            str(number),
            f"pane('{pane}')",
            f"{name.split()[0].lower()} pane",
            f"Go to pane {number}, {name}",
            group="Move",
        )
        for number, (pane, name) in enumerate(PANES, 1)
    ),
    Action(
        "palette",
        "ctrl+p,colon",
        "command_palette",
        "commands",
        "Find and run any command by its name",
        scope="app",
        footer=True,
        key_display="^p",
    ),
    Action("theme", "T", "change_theme", "theme", "Choose light, dark and other colours", scope="app", group="Look"),
    Action(
        "suspend",
        "ctrl+z",
        "suspend_process",
        "suspend",
        "Back to the shell; the command fg returns here",
        scope="app",
    ),
    Action("interrupt", "ctrl+c", "interrupt", "interrupt", "Cancel the running job; twice quits", scope="app"),
    Action("quit", "q", "quit", "quit", "Leave the application", scope="app", footer=True),
    Action(
        "quit.anywhere",
        "ctrl+q",
        "quit",
        "quit",
        "Leave the application, also from inside an editor",
        scope="app",
        priority=True,
    ),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}
"""Actions by id."""


def bindings(scope: Scope) -> list[BindingType]:
    """Bindings of all actions that belong to ``scope``."""
    return [action.binding() for action in ACTIONS if action.scope == scope]
