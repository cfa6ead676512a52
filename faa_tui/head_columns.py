"""Which columns of the table of heads are shown, remembered between two starts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from faa_tui import paths, state_file
from faa_tui.rendering.head_rows import column_titles


class HeadColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns that are shown.

    Attributes:
        shown: Their keys, in the order of the table.
        schema: Name and version of this shape.
    """

    shown: tuple[str, ...]
    schema: Literal["faa.head-columns/1"] = "faa.head-columns/1"


def _file() -> Path:
    return paths.state() / "head-columns.json"


def load() -> frozenset[str] | None:
    """Keys of the columns that were chosen; ``None``, for all, where no readable file names one."""
    try:
        found = msgspec.json.decode(_file().read_bytes(), type=HeadColumns)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return frozenset(found.shown) & column_titles().keys() or None


def save(shown: frozenset[str]) -> None:
    """Remember ``shown``; a folder that cannot be written is no reason to stop."""
    kept = HeadColumns(shown=tuple(key for key in column_titles() if key in shown))
    state_file.write(_file(), msgspec.json.encode(kept) + b"\n")


def group(key: str) -> str:
    """The column that is chosen where ``key`` is meant: that of q stands for those of all tests."""
    return "q" if key.startswith("q ") else key
