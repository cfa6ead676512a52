"""Means over texts as plain data."""

from __future__ import annotations

from typing import Any

from faa_core.export.plain import Chosen, json_of, number, provenance
from faa_core.origin import UNKNOWN, Origin
from faa_core.replication import LEVEL, SCHEMA, LayerReplication, Replication


def replication_to_json(replication: Replication, heads: Chosen = None, origin: Origin = UNKNOWN) -> bytes:
    """Means, intervals and labels of every head over texts, as indented UTF-8 JSON; undefined numbers are ``null``."""
    plain = {
        "schema": SCHEMA,
        **provenance(replication.model),
        **origin.as_dict(),
        "texts_sha256": list(origin.texts),
        "texts": len(replication.tokens),
        "tokens": list(replication.tokens),
        "seed": replication.seed,
        "level": LEVEL,
        "notes": list(replication.notes),
        "heads": [
            _head(layer, head)
            for layer in replication.layers
            for head in range(layer.info.heads)
            if heads is None or (layer.info.kind, layer.info.layer, head) in heads
        ],
    }
    return json_of(plain)


def _head(layer: LayerReplication, head: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "layer": layer.info.layer,
        "head": head,
        "kind": layer.info.kind,
        "labels": dict(layer.labels[head]),
        "variability": number(float(layer.variability[head])),
    }
    for row, name in enumerate(layer.names):
        entry[name] = {
            "mean": number(float(layer.mean[row, head])),
            "excess": number(float(layer.excess[row, head])),
            "se": number(float(layer.error[row, head])),
            "low": number(float(layer.low[row, head])),
            "high": number(float(layer.high[row, head])),
            "texts": int(layer.used[row, head]),
        }
    return entry
