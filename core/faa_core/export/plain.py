"""What every export shares: numbers that JSON has, and where they come from."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import msgspec

from faa_core.records import ModelInfo

Chosen = set[tuple[str, int, int]] | None
"""Addresses (kind, layer, head) to export; ``None`` for all."""


Columns = dict[str, list[Any]]
"""A table: the cells of each column, from the top; ``None`` where there is none."""


def number(value: float) -> float | None:
    """``value``, or ``None`` where it is not finite, which JSON cannot say."""
    return value if math.isfinite(value) else None


def provenance(model: ModelInfo) -> dict[str, Any]:
    """All that is needed to say which model produced a number."""
    return {
        "model": model.reference,
        "architecture": model.architecture,
        "revision": model.revision,
        "device": model.device,
        "dtype": model.dtype,
        "versions": dict(model.versions),
        "tokenizer_hash": model.tokenizer_hash,
    }


def json_of(plain: dict[str, Any]) -> bytes:
    """Indented UTF-8 JSON."""
    return msgspec.json.format(msgspec.json.encode(plain), indent=2)


def compact(plain: dict[str, Any]) -> str:
    """JSON in one cell of a table."""
    return msgspec.json.encode(plain).decode()


def columns_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Columns:
    """A table from its rows."""
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def as_csv(columns: Columns) -> bytes:
    """UTF-8 CSV with a header; ``None`` is empty."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue().encode()
