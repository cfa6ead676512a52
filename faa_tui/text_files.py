"""Text files and the folders that they lie in: what is offered, how a path is completed, how a file is read."""

from __future__ import annotations

import stat
from pathlib import Path

from faa_core.errors import TextError
from faa_core.folders import Place
from faa_tui.cli.text import given_text

MOST_BYTES = 256 * 1024
"""Longest text that an editor in a terminal handles well."""


def above(typed: str) -> str:
    """What is typed for the folder above the one that ``typed`` leads to."""
    head = typed.rpartition("/")[0]
    if typed.startswith("/") and not head:
        return "/"
    if head.rpartition("/")[2] in ("", ".", "..", "~"):
        return f"{head}/../" if head else "../"
    return typed[: len(head) - len(head.rpartition("/")[2])]


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
