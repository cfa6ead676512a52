"""Keys in words: every text that names a key names the one that works, also where the configuration chose another."""

from __future__ import annotations

import re
from typing import Any, Final

from textual.app import App

from faa_tui import keymap
from faa_tui._compat import keymap_of
from faa_tui.actions import BY_ID
from faa_tui.actions.action import named

_PLACE: Final = re.compile(r"\{([a-z_]+(?:\.[a-z_-]+)*)\}")


def keys_of(app: App[Any], id: str) -> tuple[str, ...]:
    """Keys of an action as the user would name them: those of the configuration, or its own.

    Args:
        app: The application.
        id: Id of an action of the registry, or of a binding of a pane or dialog that was imported.

    Raises:
        KeyError: There is none of this id.
    """
    keys = keymap_of(app).get(id) or (BY_ID[id].keys if id in BY_ID else keymap.keys_of_widgets(id))
    return tuple(named(key) for key in keys.split(","))


def key_of(app: App[Any], id: str) -> str:
    """The first key of the action ``id``."""
    return keys_of(app, id)[0]


def with_keys(app: App[Any], text: str) -> str:
    """``text`` with keys in the place of ids in braces: ``{statistic}``. Only for the application's own words."""
    return _PLACE.sub(lambda match: key_of(app, match[1]), text)
