"""An analysis as plain data: the public JSON shape of ``faa analyze --json``."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from faa_core import catalogue
from faa_core.records import STATUSES, Analysis, LayerResult

SCHEMA = "faa.analysis/1"
"""Name and major version of the shape; a change that would break a reader raises the number."""


def to_dict(analysis: Analysis, heads: set[tuple[str, int, int]] | None = None) -> dict[str, Any]:
    """One analysis as nested dictionaries and lists of plain numbers and strings; undefined numbers are ``None``.

    Args:
        analysis: The run.
        heads: Only these (kind, layer, head); all of them when ``None``.
    """
    model = analysis.model
    return {
        "schema": SCHEMA,
        "model": model.reference,
        "architecture": model.architecture,
        "revision": model.revision,
        "device": model.device,
        "dtype": model.dtype,
        "versions": dict(model.versions),
        "text": analysis.text,
        "tokens": list(analysis.tokens.pieces),
        "decoder_tokens": None if analysis.decoder_tokens is None else list(analysis.decoder_tokens.pieces),
        "truncated_from": analysis.truncated_from,
        "tokenizer_hash": model.tokenizer_hash,
        "layers": len(analysis.layers),
        "heads_per_layer": max((layer.info.heads for layer in analysis.layers), default=0),
        "attention_kinds": [
            {
                "kind": info.kind,
                "layer": info.layer,
                "heads": info.heads,
                "pattern": info.pattern,
                "window": info.window,
                "learned_sink": info.learned_sink,
                "note": info.note,
            }
            for info in model.layers
        ],
        "seconds": analysis.seconds,
        "notes": list(analysis.notes),
        "heads": [
            head_dict(layer, head)
            for layer in analysis.layers
            for head in range(layer.info.heads)
            if heads is None or (layer.info.kind, layer.info.layer, head) in heads
        ],
    }


def head_dict(layer: LayerResult, head: int) -> dict[str, Any]:
    """Every number of one head; a dimension has its curve beside it, other statistics value, null and excess."""
    label = layer.labels[head]
    entry: dict[str, Any] = {
        "layer": layer.info.layer,
        "head": head,
        "kind": layer.info.kind,
        "label": label.name,
        "label_evidence": {
            "statistic": label.statistic,
            "score": _number(label.score),
            "threshold": _number(label.threshold),
            "runner_up": label.runner_up,
            "runner_up_score": _number(label.runner_up_score),
        },
    }
    statistics = layer.statistics
    for row, name in enumerate(statistics.names):
        value, null = float(statistics.value[row, head]), float(statistics.null[row, head])
        measured: dict[str, Any] = {"value": _number(value)}
        if catalogue.BY_KEY[name].dimension:
            boxes = layer.boxes
            measured |= {
                "se": _number(float(statistics.error[row, head])),
                "null": _number(null),
                "delta": _number(value - null),
                "status": STATUSES[statistics.status[row, head]],
                "sizes": boxes.sizes.tolist(),
                "counts": boxes.counts[head].tolist(),
                "null_counts": boxes.null_counts.tolist(),
                "effective": _number(float(boxes.effective[head])),
                "fitted_sizes": boxes.sizes[int(boxes.first[head]) : int(boxes.last[head]) + 1].tolist(),
            }
        else:
            measured |= {
                "null": _number(null),
                "excess": _number(value - null),
                "status": STATUSES[statistics.status[row, head]],
            }
        entry[name] = measured
    return entry


def to_json(analysis: Analysis, heads: set[tuple[str, int, int]] | None = None) -> bytes:
    """`to_dict` as indented UTF-8 JSON; undefined numbers are ``null``."""
    return msgspec.json.format(msgspec.json.encode(to_dict(analysis, heads)), indent=2)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
