"""Rows of the file of kept runs, made from records and read again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.origin import Origin
from faa_core.records import LayerResult, MapKind, ModelInfo
from faa_core.store.records import Entry, RunKind

_TITLE_CHARACTERS = 80
_PLAIN = (
    "id, time, kind, models, revisions, tokenizers, hosts, texts, tokens, seconds, parameters, seed, versions, "
    "part_of, note"
)
_FIRST_TEXT = "select own.text from part join run own on own.id = part.run where whole = run.id order by side, place"
_MADE = {
    # More than a title is long, for a text that begins with empty lines.
    "title": f"substr(case kind when 'analysis' then text else coalesce(({_FIRST_TEXT} limit 1), '') end, 1, 1000)",
    "maps": "(select count(*) from overview where overview.run = run.id) + "
    "(select count(*) from segment_overview where comparison = run.id)",
    "examined": "(select count(*) from examination where examination.run = run.id)",
}
_NAMES = (*_PLAIN.split(", "), *_MADE)
COLUMNS = ", ".join((_PLAIN, *_MADE.values()))
"""What is asked of the table of runs for an `Entry`."""
_JSON = frozenset({"models", "revisions", "tokenizers", "hosts", "texts", "tokens", "parameters", "versions"})


def row_of(
    kind: RunKind,
    models: Sequence[ModelInfo],
    origin: Origin,
    tokens: Sequence[int],
    seconds: float,
    part_of: int | None,
    text: str,
) -> dict[str, Any]:
    """Column to value of a run that is kept now."""
    versions: dict[str, str] = {}
    for model in reversed(models):
        versions |= model.versions
    values = {
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "kind": kind,
        "models": [model.reference for model in models],
        "revisions": [model.revision for model in models],
        "tokenizers": [model.tokenizer_hash for model in models],
        "hosts": list(origin.hosts) or [""] * len(models),
        "texts": list(origin.texts),
        "tokens": list(tokens),
        "seconds": seconds,
        "parameters": origin.parameters,
        "seed": origin.seed,
        "versions": versions,
        "part_of": part_of,
        "text": text,
    }
    return {name: msgspec.json.encode(value).decode() if name in _JSON else value for name, value in values.items()}


def entry_of(row: tuple[Any, ...]) -> Entry:
    """What a row of `COLUMNS` says."""
    plain = {name: json.loads(v) if name in _JSON else v for name, v in zip(_NAMES, row, strict=True)}
    lines = (line.strip() for line in plain["title"].splitlines())
    return msgspec.convert(plain | {"title": next(filter(None, lines), "")[:_TITLE_CHARACTERS]}, Entry)


def sum_up_parts(connection: sqlite3.Connection, whole: int) -> None:
    """Write what a run takes from those that it rests on, some of which were kept before: its texts and its time."""
    kept = connection.execute(
        "select side, texts, seconds from part join run on run.id = part.run where whole = ? order by place", (whole,)
    ).fetchall()
    texts = [text for side, found, _ in kept if side == 0 for text in json.loads(found)]
    connection.execute(
        "update run set texts = ?, seconds = ? where id = ?",
        (json.dumps(texts), sum(seconds for *_, seconds in kept), whole),
    )


def by_metric(layers: Sequence[LayerResult]) -> dict[tuple[MapKind, str], NDArray[np.float32]]:
    """Every statistic over all layers of a kind: float32 [layers, heads], NaN where a layer has fewer heads."""
    found: dict[tuple[MapKind, str], NDArray[np.float32]] = {}
    for kind in dict.fromkeys(layer.info.kind for layer in layers):
        own = [layer for layer in layers if layer.info.kind == kind]
        widest = max(layer.info.heads for layer in own)
        for place, layer in enumerate(own):
            effective = layer.effective
            for row, name in enumerate(layer.statistics.names):
                values = found.setdefault((kind, name), np.full((len(own), widest), np.nan, np.float32))
                values[place, : layer.info.heads] = effective[row]
    return found
