"""What the user's configuration says of the screen: checked against what there is, and in words."""

from __future__ import annotations

import difflib
from pathlib import Path

from textual.theme import BUILTIN_THEMES

from faa_core.configuration import Config
from faa_core.errors import UsageError
from faa_tui import keymap


def checked_theme(name: str, file: Path) -> str:
    """A theme of the configuration.

    Args:
        name: Its name.
        file: Where it stands.

    Raises:
        UsageError: There is no such theme.
    """
    if name not in BUILTIN_THEMES:
        near = difflib.get_close_matches(name, BUILTIN_THEMES, n=1, cutoff=0.5)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"{file}: there is no theme {name!r}.", f"{meant}Known: {', '.join(sorted(BUILTIN_THEMES))}.")
    return name


def check(config: Config, file: Path) -> None:
    """Check what only the application can check.

    Raises:
        UsageError: There is no such theme, action or key, or two actions would share a key.
    """
    if config.theme:
        checked_theme(config.theme, file)
    keymap.checked(config.keys, file)


def in_words(config: Config) -> str:
    """What a configuration sets, for example ``theme nord; keys of run, text; machines gpu7``."""
    parts = [f"theme {config.theme}"] if config.theme else []
    if config.keys:
        parts.append(f"keys of {', '.join(config.keys)}")
    if not config.screen.mouse:
        parts.append("no mouse")
    if config.hosts:
        parts.append(f"machines {', '.join(config.hosts)}")
    return "; ".join(parts) or "nothing"
