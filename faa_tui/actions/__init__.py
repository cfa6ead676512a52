"""Every action of the application and its keys, a file for each screen.

Screens take their bindings from here, the palette lists all of it, and the help shows the live ones. ``g`` is
left free on purpose, and flow-control keys (ctrl+s, ctrl+q as the only way) are not used.
"""

from __future__ import annotations

from textual.binding import BindingType

from faa_tui.actions.action import Action, Scope
from faa_tui.actions.compare import COMPARE, COMPARE_PANES
from faa_tui.actions.everywhere import EVERYWHERE
from faa_tui.actions.main import MAIN, PANES

__all__ = ["ACTIONS", "BY_ID", "COMPARE_PANES", "PANES", "Action", "Scope", "bindings"]

ACTIONS: tuple[Action, ...] = (*MAIN, *COMPARE, *EVERYWHERE)
"""All of them."""

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}
"""Actions by id."""


def bindings(scope: Scope) -> list[BindingType]:
    """Bindings of all actions that belong to ``scope``."""
    return [action.binding() for action in ACTIONS if action.scope == scope]
