"""Every action of the application and its keys, in one place.

Screens take their bindings from here, the palette lists all of it, and the help shows the live ones. ``g`` is
left free on purpose, and flow-control keys (ctrl+s, ctrl+q as the only way) are not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

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
    "left_parenthesis": "(",
    "right_parenthesis": ")",
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
"""Ids and names of the panes of the main screen, in the order of their numbers from 1."""

COMPARE_PANES: tuple[tuple[str, str], ...] = (
    ("matrix", "Differences of heads"),
    ("first", "The first model's map"),
    ("other", "The other model's map"),
    ("difference", "Difference of the maps"),
    ("plot", "Plots"),
    ("pairs", "Pairs of heads"),
)
"""The same of the comparison."""


def _moves(scope: Scope, prefix: str) -> tuple[Action, ...]:
    """Keys that lead to another layer or head, the same on every screen."""
    return (
        Action(
            f"{prefix}layer.previous", "left_square_bracket", "layer(-1)", "layer -", "Previous layer", scope, "Move"
        ),
        Action(f"{prefix}layer.next", "right_square_bracket", "layer(1)", "layer +", "Next layer", scope, "Move"),
        Action(f"{prefix}head.previous", "less_than_sign,comma", "head(-1)", "head -", "Previous head", scope, "Move"),
        Action(f"{prefix}head.next", "greater_than_sign,full_stop", "head(1)", "head +", "Next head", scope, "Move"),
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


def _jumps(scope: Scope, prefix: str, panes: tuple[tuple[str, str], ...]) -> tuple[Action, ...]:
    """Digits that lead to panes."""
    return tuple(
        Action(
            f"{prefix}pane.{pane}",
            str(number),
            f"pane('{pane}')",
            f"{name.split()[0].lower()} pane",
            f"Go to pane {number}, {name}",
            scope,
            "Move",
        )
        for number, (pane, name) in enumerate(panes, 1)
    )


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
    ),
    Action("maximise", "z", "maximise", "zoom pane", "Fill the screen with this pane, or put it back", group="Look"),
    *_moves("main", ""),
    *_jumps("main", "", PANES),
    Action(
        "compare",
        "c",
        "app.compare",
        "compare",
        "Compare this model with its untrained twin, or with others",
        group="Look",
        footer=True,
    ),
    Action(
        "report",
        "e",
        "app.report",
        "report",
        "Write what is shown as one HTML file that opens offline",
        group="Look",
        footer=True,
    ),
    Action(
        "login",
        "I",
        "app.login",
        "log in",
        "Log in to the machine of the model: the terminal is ssh's meanwhile",
        scope="app",
        group="Run",
    ),
    Action(
        "host",
        "M",
        "app.add_host",
        "add machine",
        "Name another machine, and how faa is started there",
        scope="app",
        group="Run",
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
    Action("picture", "E", "picture", "picture", "Save what is on the screen as an SVG", scope="app", group="Look"),
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
    *_moves("compare", "compare."),
    *_jumps("compare", "compare.", COMPARE_PANES),
    Action(
        "compare.back",
        "escape,c",
        "back",
        "back",
        "Cancel what runs, else go back to the one model",
        "compare",
        "Run",
        True,
        "esc",
    ),
    Action("compare.text", "t", "edit_text", "text", "Type, paste or choose the text to compare on", "compare", "Run"),
    Action(
        "compare.texts",
        "f",
        "open_texts",
        "text set",
        "Compare on a set of texts: a file with one on each line, or a folder",
        "compare",
        "Run",
    ),
    Action("compare.run", "r", "run_again", "run", "Run again what failed", "compare", "Run"),
    Action("compare.open", "o", "open_model", "model", "Put another model on the other side", "compare", "Run", True),
    Action(
        "compare.open_first", "O", "open_first", "first model", "Put another model on the first side", "compare", "Run"
    ),
    Action(
        "compare.add",
        "a",
        "add_model",
        "add model",
        "Compare a third or a fourth model with the first",
        "compare",
        "Run",
    ),
    Action(
        "compare.remove",
        "D",
        "remove_model",
        "remove model",
        "Take the other model away, where there are three or more",
        "compare",
        "Run",
    ),
    Action(
        "compare.report",
        "e",
        "app.report",
        "report",
        "Write the comparison as one HTML file that opens offline",
        "compare",
        "Look",
        True,
    ),
    Action(
        "compare.message",
        "m",
        "message",
        "remarks",
        "Show the last message in full, or what is to be said about the comparison",
        "compare",
        "Run",
    ),
    Action("compare.swap", "w", "swap", "swap", "Let the two models change sides", "compare", "Look", True),
    Action(
        "compare.statistic", "s", "statistic(1)", "statistic", "Compare by the next statistic", "compare", "Look", True
    ),
    Action(
        "compare.statistic_list",
        "S",
        "statistic_list",
        "statistics",
        "Choose the statistic from a list",
        "compare",
        "Look",
    ),
    Action(
        "compare.largest",
        "n",
        "largest(1)",
        "largest",
        "Go to the next largest difference",
        "compare",
        "Move",
        True,
    ),
    Action(
        "compare.larger",
        "N",
        "largest(-1)",
        "larger",
        "Go back to the next larger difference",
        "compare",
        "Move",
    ),
    Action(
        "compare.lock",
        "u",
        "lock",
        "unlock",
        "Let the two sides show heads that do not belong together, or lock them again",
        "compare",
        "Look",
    ),
    Action(
        "compare.pair",
        "p",
        "pair",
        "pair by hand",
        "Compare the two heads on the screen with each other from now on",
        "compare",
        "Look",
    ),
    Action(
        "compare.match", "P", "match", "match", "Match heads by divergence, or by their places again", "compare", "Look"
    ),
    Action(
        "compare.next_other",
        "b",
        "other(1)",
        "other side",
        "Look at the next of the models that are compared with the first",
        "compare",
        "Look",
    ),
    Action(
        "compare.next_text",
        "right_parenthesis",
        "text(1)",
        "text +",
        "Show the maps of the next text of the set",
        "compare",
        "Move",
    ),
    Action(
        "compare.previous_text",
        "left_parenthesis",
        "text(-1)",
        "text -",
        "Show the maps of the previous text of the set",
        "compare",
        "Move",
    ),
    Action(
        "compare.filter",
        "slash",
        "filter",
        "filter",
        "Show only some pairs of heads: js>.1, induction, layer=3",
        "compare",
        "Look",
    ),
    Action("compare.scale", "C", "scale(1)", "colours", "Colour all maps by the next scale", "compare", "Look"),
    Action(
        "compare.maximise",
        "z",
        "maximise",
        "zoom pane",
        "Fill the screen with this pane, or put it back",
        "compare",
        "Look",
    ),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}
"""Actions by id."""


def bindings(scope: Scope) -> list[BindingType]:
    """Bindings of all actions that belong to ``scope``."""
    return [action.binding() for action in ACTIONS if action.scope == scope]
