"""Where faa keeps its files: the XDG folders of the user."""

from __future__ import annotations

from pathlib import Path

from platformdirs import PlatformDirs

from faa_core import configuration

_DIRS = PlatformDirs("faa", appauthor=False)


def state() -> Path:
    """Folder of what the application remembers between two starts; it may not exist yet."""
    return _DIRS.user_state_path


def runs() -> Path:
    """The file of kept runs; it may not exist yet."""
    return state() / "runs.sqlite"


def reports() -> Path:
    """Folder of reports that could not be put into the current one; it may not exist yet."""
    return _DIRS.user_data_path / "reports"


def all_paths() -> dict[str, Path]:
    """Name to file or folder, for ``faa doctor``."""
    return {"config": configuration.path(), "state": state(), "runs": runs()}
