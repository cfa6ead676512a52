"""The list of kept runs: a row for each, what it says in little room and in much, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from faa_core.reference import parse
from faa_tui.rendering.row_table import Column, RowTable, joined_width
from faa_tui.rendering.text import visible
from faa_tui.row_filter import Columns

if TYPE_CHECKING:
    from faa_core.store import Entry, RunKind

WIDE: Final = 80
"""Cells from which there is room for a column of each thing."""
_SHARES: Final = {"model": 0.3, "text": 0.45, "note": 0.25}
"""What the columns of words have of the room that the others leave."""

_BRIEF: Final = "model, text"
"""Title of the column of both where it is narrow, so that a mark of its order has room beside it."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """What the list holds of a kept run; there may be many thousands.

    Attributes:
        id: Its number.
        time: When it was kept, UTC, as ``2026-11-25T09:40:59Z``.
        kind: What it is.
        models: References as they were asked for.
        texts: How many texts.
        tokens: Tokens of all of them.
        title: How the first text begins.
        note: What the user wrote beside it.
    """

    id: int
    time: str
    kind: RunKind
    models: tuple[str, ...]
    texts: int
    tokens: int
    title: str
    note: str

    @classmethod
    def of(cls, entry: Entry) -> RunRow:
        """The row of an entry."""
        return cls(
            entry.id,
            entry.time,
            entry.kind,
            entry.models,
            len(entry.texts),
            sum(entry.tokens),
            entry.title,
            entry.note,
        )

    @property
    def when(self) -> datetime:
        """When it was kept, by the clock here."""
        return datetime.fromisoformat(self.time).astimezone()


def when_short(when: datetime, today: date) -> str:
    """A time in six cells: of today ``09:40``, of this year ``25 Nov``, else ``2024``."""
    if when.date() == today:
        return f"{when:%H:%M}"
    return f"{when.day} {when:%b}" if when.year == today.year else f"{when.year}"


def when_words(when: datetime) -> str:
    """A time to the minute: ``2026-11-25 09:40``."""
    return f"{when:%Y-%m-%d %H:%M}"


def short_reference(reference: str) -> str:
    """A reference without the folders or the organisation before the name: ``gpu7:Llama-3.2-1B``."""
    parsed = parse(reference)
    host = f"{parsed.host}:" if parsed.host else ""
    return host + reference.removeprefix(host).rstrip("/").rpartition("/")[2]


def models_of(row: RunRow, shorten: Callable[[str], str] = str) -> str:
    """The models of a run in words: ``demo``, ``demo, 5 texts``, ``demo vs gpt2``."""
    words = " vs ".join(shorten(reference) for reference in row.models)
    return visible(words if row.texts == 1 else f"{words}, {row.texts} texts")


def run_table(rows: Sequence[RunRow], shown: int | None, today: date) -> RowTable:
    """All kept runs.

    Args:
        rows: Them, the newest first.
        shown: The one that is on the screen, if any; it stands out.
        today: The day of which times are told by the hour.
    """
    count = len(rows)
    ids = np.array([row.id for row in rows], np.int64)
    tokens = np.array([row.tokens for row in rows], np.float64)
    models = [" vs ".join(row.models) for row in rows]
    titles, notes = [row.title for row in rows], [row.note for row in rows]
    digits = max(3, len(str(ids.max(initial=0)))) + 1

    def number(at: int) -> str:
        return f"{'▸' if rows[at].id == shown else ''}{rows[at].id}"

    def what(at: int) -> str:
        return f"{models_of(rows[at], short_reference)}  {visible(notes[at] or titles[at])}"

    columns = (
        Column("run", "run", digits, number, ids, falling=True),
        Column("when", "when", 6, lambda at: when_short(rows[at].when, today), ids, falling=True),
        Column("date", "when", 16, lambda at: when_words(rows[at].when), ids, falling=True),
        Column("what", "model and text", 12, what, np.array(models, str), right=False),
        Column("model", "model", 12, lambda at: models_of(rows[at]), np.array(models, str), right=False),
        Column("tokens", "tokens", 7, lambda at: f"{rows[at].tokens}", tokens, falling=True),
        Column("text", "text", 12, lambda at: visible(titles[at]), np.array(titles, str), right=False),
        Column("note", "note", 12, lambda at: visible(notes[at]), np.array(notes, str), right=False),
    )
    kinds: list[str] = [row.kind for row in rows]
    texts = {"model": models, "text": titles, "note": notes, "kind": kinds}
    asked = Columns(count, {"run": ids.astype(np.float64), "tokens": tokens}, texts, lambda at: (str(rows[at].id),))
    return RowTable(ids.tolist(), columns, asked, ids == (shown or 0), "run" if count == 1 else "runs")


def columns_for(columns: Sequence[Column], width: int) -> tuple[Column, ...]:
    """The columns that say most in ``width`` cells, those of words as wide as the others let them be."""
    by_key = {column.key: column for column in columns}
    if width < WIDE:
        run, when, what = by_key["run"], by_key["when"], by_key["what"]
        room = max(what.width, width - joined_width((run, when)) - 1)
        return run, when, replace(what, width=room, title=what.title if len(what.title) < room else _BRIEF)
    fixed = [by_key[key] for key in ("run", "date", "tokens")]
    room = width - joined_width(fixed) - len(_SHARES)
    words = {key: replace(by_key[key], width=int(room * share)) for key, share in _SHARES.items()}
    return fixed[0], fixed[1], words["model"], fixed[2], words["text"], words["note"]
