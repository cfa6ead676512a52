"""Analyses and means over texts as tidy tables: a row for each head and statistic.

Where the numbers come from is in every row: a table that is read without options, filtered or joined with others says
it still.
"""

from __future__ import annotations

import math
from typing import Any

from faa_core.export.plain import Columns, columns_of, compact, number, provenance
from faa_core.findings import Findings, HeadTests
from faa_core.origin import UNKNOWN, Origin
from faa_core.records import STATUSES, Analysis, LayerResult, ModelInfo
from faa_core.replication import Replication

_SOURCE = (
    "model",
    "architecture",
    "revision",
    "device",
    "dtype",
    "tokenizer_hash",
    "text_sha256",
    "seed",
    "parameters",
    "versions",
)
_ADDRESS = ("kind", "layer", "head", "label", "statistic")
ANALYSIS_COLUMNS: tuple[str, ...] = (
    *_ADDRESS,
    "without_first_token",
    "value",
    "null",
    "se",
    "status",
    "effective",
    "p",
    "q",
    "tokens",
    *_SOURCE,
)
"""Columns of a run."""
TEXTS_COLUMNS: tuple[str, ...] = (
    *_ADDRESS,
    "mean",
    "excess",
    "se",
    "low",
    "high",
    "texts",
    "variability",
    *_SOURCE,
)
"""Columns of means over texts."""


def analysis_columns(analysis: Analysis, findings: Findings | None = None, origin: Origin = UNKNOWN) -> Columns:
    """`ANALYSIS_COLUMNS` of every head and statistic, with the first token and, where defined, without.

    Args:
        analysis: The run.
        findings: Tests give p and q; what else was asked has other shapes, and is in JSON and NPZ.
        origin: What was asked for.
    """
    tests = {test.statistic: test for test in findings.tests} if findings is not None else {}
    source = _source(analysis.model, origin.of_texts([analysis]))
    rows = [
        (layer.info.kind, layer.info.layer, head, layer.labels[head].name, *cells, len(analysis.tokens), *source)
        for layer in analysis.layers
        for head in range(layer.info.heads)
        for cells in _cells(layer, head, tests)
    ]
    return columns_of(ANALYSIS_COLUMNS, rows)


def texts_columns(replication: Replication, origin: Origin = UNKNOWN) -> Columns:
    """`TEXTS_COLUMNS` of every head and statistic; the label is that of most texts."""
    source = _source(replication.model, origin)
    rows = [
        (
            layer.info.kind,
            layer.info.layer,
            head,
            layer.labels[head][0][0],
            name,
            *(
                number(float(values[row, head]))
                for values in (layer.mean, layer.excess, layer.error, layer.low, layer.high)
            ),
            int(layer.used[row, head]),
            number(float(layer.variability[head])),
            *source,
        )
        for layer in replication.layers
        for head in range(layer.info.heads)
        for row, name in enumerate(layer.names)
    ]
    return columns_of(TEXTS_COLUMNS, rows)


def _cells(layer: LayerResult, head: int, tests: dict[str, HeadTests]) -> list[tuple[Any, ...]]:
    """From ``statistic`` to ``q``, for every number of one head."""
    rows: list[tuple[Any, ...]] = []
    effective = layer.effective
    for without, statistics in ((False, layer.statistics), (True, layer.without_first)):
        for row, name in enumerate(statistics.names):
            numbers = (statistics.value, statistics.null, statistics.error)
            p = q = math.nan
            if not without and name in tests:
                tested = next(item for item in tests[name].layers if item.info == layer.info)
                p, q = float(tested.p[head]), float(tested.q[head])
            rows.append(
                (
                    name,
                    without,
                    *(number(float(values[row, head])) for values in numbers),
                    STATUSES[statistics.status[row, head]],
                    number(float((statistics.value if without else effective)[row, head])),
                    number(p),
                    number(q),
                )
            )
    return rows


def _source(model: ModelInfo, origin: Origin) -> tuple[Any, ...]:
    plain = provenance(model) | origin.as_dict()
    return tuple(compact(plain[name]) if isinstance(plain[name], dict) else plain[name] for name in _SOURCE)
