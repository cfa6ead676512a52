"""The texts that were analysed lately, remembered between two starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from faa_tui import paths, samples, state_file
from faa_tui.text_files import MOST_BYTES

KEPT = 12
"""Texts that are remembered."""


class RecentText(msgspec.Struct, frozen=True):
    """One text.

    Attributes:
        text: All of it.
        tokens: How many tokens it had in its last run.
    """

    text: str
    tokens: Annotated[int, msgspec.Meta(ge=0)]

    @property
    def first_line(self) -> str:
        """Its first line that is not blank."""
        return next((line.strip() for line in self.text.splitlines() if line.strip()), "")


def file() -> Path:
    """Where they are remembered; the file may not exist."""
    return paths.state() / "texts.json"


def load() -> tuple[RecentText, ...]:
    """The texts, the newest first; empty when there is no readable file."""
    try:
        found = msgspec.json.decode(file().read_bytes(), type=list[RecentText])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return ()
    return tuple(found)[:KEPT]


def remember(text: str, tokens: int) -> None:
    """Put ``text`` first; a folder that cannot be written is no reason to stop.

    One that comes with faa is not remembered, nor one that is longer than a file may be: cut it would be another text.
    """
    if not text.strip() or any(text == sample.text for sample in samples.samples()):
        return
    try:
        if len(text.encode()) > MOST_BYTES:
            return
        kept = [RecentText(text, tokens), *(other for other in load() if other.text != text)][:KEPT]
        state_file.write(file(), msgspec.json.encode(kept))
    except UnicodeEncodeError:  # half a surrogate pair, which no file holds as UTF-8
        return
