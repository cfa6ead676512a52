"""Maps in little as rows of the file: those of runs over their tokens, those of comparisons over common segments."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from faa_core.store.overview import Overview, packed, unpacked

_COLUMNS = "kind, layer, head, cell, height, width, blob"


def _keep(connection: sqlite3.Connection, table: str, owner: dict[str, int], overviews: Iterable[Overview]) -> None:
    """Of one head the finer stays, of two as fine the later."""
    names = ", ".join(owner)
    rows = (
        (*owner.values(), item.kind, item.layer, item.head, item.cell, *item.weights.shape, packed(item.weights))
        for item in overviews
    )
    connection.executemany(
        f"insert into {table} ({names}, {_COLUMNS}) values ({', '.join('?' * (len(owner) + 7))}) "
        f"on conflict ({names}, kind, layer, head) do update "
        "set cell = excluded.cell, height = excluded.height, width = excluded.width, "
        "blob = excluded.blob where excluded.cell <= cell",
        rows,
    )


def _read(connection: sqlite3.Connection, table: str, owner: dict[str, int]) -> tuple[Overview, ...]:
    where = " and ".join(f"{name} = ?" for name in owner)
    rows = connection.execute(
        f"select {_COLUMNS} from {table} where {where} order by rowid", tuple(owner.values())
    ).fetchall()
    return tuple(
        Overview(kind, layer, head, cell, unpacked(blob, height, width))
        for kind, layer, head, cell, height, width, blob in rows
    )


def keep_of_run(connection: sqlite3.Connection, run: int, overviews: Iterable[Overview]) -> None:
    """Keep maps of a run over its tokens."""
    _keep(connection, "overview", {"run": run}, overviews)


def of_run(connection: sqlite3.Connection, run: int) -> tuple[Overview, ...]:
    """The maps of a run over its tokens, as `keep_of_run` kept them.

    Raises:
        ValueError: One of them cannot be read.
    """
    return _read(connection, "overview", {"run": run})


def keep_over_segments(
    connection: sqlite3.Connection, comparison: int, side: int, place: int, overviews: Iterable[Overview]
) -> None:
    """Keep maps of one side of a comparison, on one of its texts, over the common segments."""
    _keep(connection, "segment_overview", {"comparison": comparison, "side": side, "place": place}, overviews)


def over_segments(connection: sqlite3.Connection, comparison: int, side: int, place: int) -> tuple[Overview, ...]:
    """The maps of one side of a comparison on one text, as `keep_over_segments` kept them.

    Raises:
        ValueError: One of them cannot be read.
    """
    return _read(connection, "segment_overview", {"comparison": comparison, "side": side, "place": place})
