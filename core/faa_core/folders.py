"""What lies in a folder, and how a path that is being typed is continued."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from faa_core.errors import TextError

MOST_ENTRIES = 2000
"""Files of one folder that are listed."""


@dataclass(frozen=True)
class Place:
    """A file or a folder.

    Attributes:
        name: Its name.
        folder: Whether it is a folder.
        size: Bytes of a file; ``None`` where that is not known.
    """

    name: str
    folder: bool
    size: int | None = None


def split(typed: str) -> tuple[Path, str]:
    """The folder that a typed path leads to, and the beginning of a name in it."""
    head, _, name = typed.rpartition("/")
    return Path(f"{head}/" if "/" in typed else ".").expanduser(), name


def places_in(folder: Path, beginning: str = "") -> tuple[tuple[Place, ...], int]:
    """What a folder holds: folders first, then files, by name; hidden ones only where ``beginning`` has their dot.

    Names that nobody can type, since they hold control characters or are no UTF-8, are left out.

    Args:
        folder: The folder.
        beginning: What names begin with; upper and lower case count as one.

    Returns:
        The places, `MOST_ENTRIES` at most, and how many there are more.

    Raises:
        TextError: The folder cannot be read.
    """
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                hidden = entry.name.startswith(".") and not beginning.startswith(".")
                if not hidden and entry.name.isprintable() and entry.name.lower().startswith(beginning.lower()):
                    found.append(entry)
    except OSError as error:
        raise TextError(f"{folder} cannot be read: {error.strerror}.", "Check the path.") from error
    places = sorted((_place(entry) for entry in found), key=lambda place: (not place.folder, place.name.lower()))
    return tuple(places[:MOST_ENTRIES]), max(len(places) - MOST_ENTRIES, 0)


def _place(entry: os.DirEntry[str]) -> Place:
    try:
        if entry.is_dir():
            return Place(entry.name, True)
        return Place(entry.name, False, entry.stat().st_size)
    except OSError:  # gone meanwhile, or a link to nothing
        return Place(entry.name, False)
