"""A comparison of two models as plain data: nested for programs, and one row for each number for tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faa_core.comparison.order import RATE, discoveries
from faa_core.comparison.records import SCHEMA, Comparison, Differences, Head, Side
from faa_core.export.plain import Columns, as_csv, columns_of, compact, json_of, number, provenance
from faa_core.origin import UNKNOWN, Origin
from faa_core.replication import LEVEL

SCHEMA_SEVERAL = "faa.comparisons/1"
"""Name and major version of the shape of several comparisons with the same first model."""

COLUMNS: tuple[str, ...] = (
    "a",
    "b",
    "kind",
    "layer_a",
    "head_a",
    "label_a",
    "layer_b",
    "head_b",
    "label_b",
    "method",
    "divergence",
    "statistic",
    "value_a",
    "value_b",
    "difference",
    "se",
    "low",
    "high",
    "p",
    "q",
    "effect",
    "texts",
    "revision_a",
    "revision_b",
    "tokenizer_hash_a",
    "tokenizer_hash_b",
    "text_sha256",
    "seed",
    "parameters",
    "versions_a",
    "versions_b",
)
"""Columns of the tables; where the numbers come from is in every row, so that a row can stand alone."""

_NUMBERS: tuple[tuple[str, str], ...] = (
    ("a", "a"),
    ("b", "b"),
    ("difference", "difference"),
    ("se", "error"),
    ("low", "low"),
    ("high", "high"),
    ("p", "p"),
    ("q", "q"),
    ("effect", "effect"),
)
"""Names in the JSON, and attributes of `Differences`."""


def comparison_to_dict(comparison: Comparison, origin: Origin = UNKNOWN) -> dict[str, Any]:
    """One comparison as nested dictionaries and lists of plain numbers and strings; undefined numbers are ``None``."""
    matching, differences = comparison.matching, comparison.differences
    return {
        "schema": SCHEMA,
        **origin.as_dict(),
        "texts_sha256": list(origin.texts),
        "a": _side(comparison.a),
        "b": _side(comparison.b),
        "texts": len(comparison.a.tokens),
        "aligned": comparison.aligned,
        "segments": list(comparison.segments),
        "seed": comparison.seed,
        "level": LEVEL,
        "family": "all pairs of one statistic, Benjamini-Hochberg",
        "discovery_rate": RATE,
        "discoveries": discoveries(comparison),
        "warnings": list(comparison.warnings),
        "notes": list(comparison.notes),
        "matched_layers": [{"kind": kind, "a": a, "b": b} for kind, a, b in matching.layers],
        "alone_a": [_head(head) for head in matching.alone_a],
        "alone_b": [_head(head) for head in matching.alone_b],
        "pairs": [
            {
                "a": _head(pair.a) | {"label": comparison.labels_a[place]},
                "b": _head(pair.b) | {"label": comparison.labels_b[place]},
                "method": pair.method,
                "cost": number(pair.cost),
                "divergence": {
                    "value": number(float(comparison.divergence[place])),
                    "low": number(float(comparison.divergence_low[place])),
                    "high": number(float(comparison.divergence_high[place])),
                },
                "statistics": {name: _numbers(differences, row, place) for row, name in enumerate(differences.names)},
            }
            for place, pair in enumerate(matching.pairs)
        ],
    }


def comparisons_to_json(comparisons: Sequence[Comparison], origin: Origin = UNKNOWN) -> bytes:
    """Indented UTF-8 JSON: `comparison_to_dict` of the one, or an object that lists several."""
    if len(comparisons) == 1:
        return json_of(comparison_to_dict(comparisons[0], origin))
    plain = [comparison_to_dict(comparison, origin) for comparison in comparisons]
    return json_of({"schema": SCHEMA_SEVERAL, "comparisons": plain})


def comparisons_to_csv(comparisons: Sequence[Comparison], origin: Origin = UNKNOWN) -> bytes:
    """UTF-8 CSV with `COLUMNS`: a row for each pair and statistic; undefined numbers are empty."""
    return as_csv(comparison_columns(comparisons, origin))


def comparison_columns(comparisons: Sequence[Comparison], origin: Origin = UNKNOWN) -> Columns:
    """`COLUMNS`: a row for each comparison, pair of heads and statistic."""
    rows: list[tuple[Any, ...]] = []
    for comparison in comparisons:
        differences, models = comparison.differences, (comparison.a.model, comparison.b.model)
        source = (
            *(model.revision for model in models),
            *(model.tokenizer_hash for model in models),
            origin.text_sha256,
            comparison.seed,
            compact(origin.parameters),
            *(compact(model.versions) for model in models),
        )
        for place, pair in enumerate(comparison.matching.pairs):
            head = (
                comparison.a.reference,
                comparison.b.reference,
                pair.a.kind,
                pair.a.layer,
                pair.a.head,
                comparison.labels_a[place],
                pair.b.layer,
                pair.b.head,
                comparison.labels_b[place],
                pair.method,
                number(float(comparison.divergence[place])),
            )
            for row, name in enumerate(differences.names):
                rows.append((*head, name, *_numbers(differences, row, place).values(), *source))
    return columns_of(COLUMNS, rows)


def _numbers(differences: Differences, row: int, place: int) -> dict[str, float | int | None]:
    numbers: dict[str, float | int | None] = {
        name: number(float(getattr(differences, attribute)[row, place])) for name, attribute in _NUMBERS
    }
    return numbers | {"texts": int(differences.used[row, place])}


def _side(side: Side) -> dict[str, Any]:
    model = side.model
    return provenance(model) | {
        "model": side.reference,
        "host": side.host,
        "attention": model.attention,
        "route": model.route,
        "tokens": list(side.tokens),
    }


def _head(head: Head) -> dict[str, Any]:
    return {"kind": head.kind, "layer": head.layer, "head": head.head}
