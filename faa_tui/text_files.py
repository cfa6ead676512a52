"""Text files and the folders that they lie in: what is offered, how a path is completed, how a file is read."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from faa_core.errors import TextError
from faa_tui.cli.text import given_text

MOST_BYTES = 256 * 1024
"""Longest text that an editor in a terminal handles well."""
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


def above(typed: str) -> str:
    """What is typed for the folder above the one that ``typed`` leads to."""
    head = typed.rpartition("/")[0]
    if typed.startswith("/") and not head:
        return "/"
    if head.rpartition("/")[2] in ("", ".", "..", "~"):
        return f"{head}/../" if head else "../"
    return typed[: len(head) - len(head.rpartition("/")[2])]


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


def completed(typed: str, places: tuple[Place, ...]) -> str:
    """``typed`` with all that the names of ``places``, which begin with its last part, have in common."""
    if not places:
        return typed
    names = [f"{place.name}/" if place.folder else place.name for place in places]
    first, last = min(names), max(names)
    agreed = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    head, slash, name = typed.rpartition("/")
    return f"{head}{slash}{first[:agreed]}" if agreed >= len(name) else typed


def check(path: Path, most: int = MOST_BYTES) -> None:
    """Refuse what is no text file before it is read.

    Args:
        path: The file.
        most: Bytes that it may have.

    Raises:
        TextError: It is no regular file, too large, or not there.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise TextError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    except ValueError:  # a null byte in the path
        raise TextError("There is no such file.", "Check the path.") from None
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise TextError(f"{path} is {what}.", "Choose a text file.")
    if status.st_size > most:
        raise TextError(
            f"{path} has {size_in_words(status.st_size)}, and at most {size_in_words(most)} are read.",
            "Cut a part of it into a file of its own, for example with head -c.",
        )


def read(path: Path) -> str:
    """The text of a file.

    Raises:
        TextError: It is no regular file, too large, not text, or cannot be read.
    """
    check(path)
    text = given_text(None, str(path.absolute())) or ""
    if "\0" in text:
        raise TextError(f"{path} is no text: it holds null bytes.", "Choose a text file.")
    if not text.strip():
        raise TextError(f"{path} is empty.", "Choose another file.")
    return text


def size_in_words(size: int) -> str:
    """``812 B``, ``3.4 KiB``, ``1.5 MiB``."""
    if size < 1024:
        return f"{size} B"
    if size < 1024**2:
        return f"{size / 1024:.1f} KiB"
    return f"{size / 1024**2:.1f} MiB"
