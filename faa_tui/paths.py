"""Where faa keeps its files: the XDG folders of the user."""

from __future__ import annotations

from pathlib import Path

from platformdirs import PlatformDirs

_DIRS = PlatformDirs("faa", appauthor=False)


def state() -> Path:
    """Folder of what the application remembers between two starts; it may not exist yet."""
    return _DIRS.user_state_path


def all_paths() -> dict[str, Path]:
    """Name to folder, for ``faa doctor``."""
    return {"state": state()}
