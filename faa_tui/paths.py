"""Where faa keeps its files: the XDG folders of the user."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs

_DIRS = PlatformDirs("faa", appauthor=False)


CONFIG_VARIABLE = "FAA_CONFIG"
"""Environment variable that names another configuration file."""


def config() -> Path:
    """The file that the user writes; it may not exist."""
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named).expanduser() if named else _DIRS.user_config_path / "config.toml"


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
    return {"config": config(), "state": state(), "runs": runs()}
