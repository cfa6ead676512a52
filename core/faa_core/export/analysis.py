"""An analysis as plain data: the public JSON shape of ``faa analyze --json``."""

from __future__ import annotations

import math
from typing import Any

from faa_core import catalogue
from faa_core.export.findings import add_findings
from faa_core.export.plain import Chosen, json_of, number, provenance
from faa_core.findings import Findings
from faa_core.origin import UNKNOWN, Origin
from faa_core.records import STATUSES, Analysis, LayerResult, Statistics

SCHEMA = "faa.analysis/1"
"""Name and major version of the shape; a change that would break a reader raises the number."""


def to_dict(
    analysis: Analysis, heads: Chosen = None, findings: Findings | None = None, origin: Origin = UNKNOWN
) -> dict[str, Any]:
    """One analysis as nested dictionaries and lists of plain numbers and strings; undefined numbers are ``None``.

    Args:
        analysis: The run.
        heads: Only these (kind, layer, head); all of them when ``None``.
        findings: What else was asked about the run; each head and the whole get keys of their own for it.
        origin: What was asked for.
    """
    model = analysis.model
    plain = {
        "schema": SCHEMA,
        **provenance(model),
        **origin.of_texts([analysis]).as_dict(),
        "text": analysis.text,
        "tokens": list(analysis.tokens.pieces),
        "decoder_tokens": None if analysis.decoder_tokens is None else list(analysis.decoder_tokens.pieces),
        "truncated_from": analysis.truncated_from,
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
    if findings is not None:
        add_findings(plain, analysis, findings)
    return plain


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
            "score": number(label.score),
            "threshold": number(label.threshold),
            "runner_up": label.runner_up,
            "runner_up_score": number(label.runner_up_score),
            "without_first_token": label.without_first,
        },
    }
    statistics, effective = layer.statistics, layer.effective
    for row, name in enumerate(statistics.names):
        measured: dict[str, Any]
        if catalogue.BY_KEY[name].dimension:
            value, null = float(statistics.value[row, head]), float(statistics.null[row, head])
            measured = {
                "value": number(value),
                "se": number(float(statistics.error[row, head])),
                "null": number(null),
                "delta": number(value - null),
                "status": STATUSES[statistics.status[row, head]],
                "effective": number(float(effective[row, head])),
            }
        else:
            measured = _beside_null(statistics, row, head)
        if name == "D0":
            boxes = layer.boxes
            measured |= {
                "sizes": boxes.sizes.tolist(),
                "counts": boxes.counts[head].tolist(),
                "null_counts": boxes.null_counts.tolist(),
                "thresholds": boxes.thresholds.tolist(),
                "dimensions": [number(value) for value in boxes.dimensions[head].tolist()],
                "fitted_sizes": boxes.sizes[int(boxes.first[head]) : int(boxes.last[head]) + 1].tolist(),
            }
        entry[name] = measured
    if layer.spectrum is not None:
        spectrum = layer.spectrum
        entry["spectrum"] = {
            # Infinity is no JSON number.
            "q": [order if math.isfinite(order) else "inf" for order in spectrum.q.tolist()],
            "boxes": spectrum.boxes.tolist(),
            "effective": [number(value) for value in spectrum.effective[head].tolist()],
            "se": [number(value) for value in spectrum.error[head].tolist()],
            "status": [STATUSES[code] for code in spectrum.status[head]],
            "curves": [[number(value) for value in curve] for curve in spectrum.curves[head].tolist()],
        }
    if layer.distance is not None:
        profile = layer.distance
        entry["by_distance"] = {
            "start": profile.start.tolist(),
            "mean": [number(value) for value in profile.mean[head].tolist()],
            "null": [number(value) for value in profile.null.tolist()],
        }
    without = layer.without_first
    entry["without_first_token"] = {name: _beside_null(without, row, head) for row, name in enumerate(without.names)}
    return entry


def _beside_null(statistics: Statistics, row: int, head: int) -> dict[str, Any]:
    value, null = float(statistics.value[row, head]), float(statistics.null[row, head])
    return {
        "value": number(value),
        "null": number(null),
        "excess": number(value - null),
        "status": STATUSES[statistics.status[row, head]],
    }


def to_json(
    analysis: Analysis, heads: Chosen = None, findings: Findings | None = None, origin: Origin = UNKNOWN
) -> bytes:
    """`to_dict` as indented UTF-8 JSON; undefined numbers are ``null``."""
    return json_of(to_dict(analysis, heads, findings, origin))
