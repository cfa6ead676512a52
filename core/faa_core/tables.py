"""Results as tables: for pandas, and for notebooks.

pandas is used where it is installed and asked for, and never otherwise.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from faa_core.errors import UsageError
from faa_core.records import STATUSES, Analysis

if TYPE_CHECKING:
    from faa_core.comparison.records import Comparison

ROWS = 24
"""Rows of a table in a notebook."""
SHOWN = ("D1", "D0", "entropy", "first_token", "distance")
"""Statistics in a notebook, as far as they were measured."""


def frame_of_analysis(analysis: Analysis) -> Any:
    """pandas.DataFrame with a row for each head.

    Columns are ``kind``, ``layer``, ``head``, ``label``, and for each statistic its key, with ``_null``, ``_error`` and
    ``_status`` behind it; undefined numbers are NaN. ``attrs`` says which model they are of.

    Raises:
        UsageError: pandas is not installed.
    """
    pandas = _pandas()
    parts = []
    for layer in analysis.layers:
        statistics = layer.statistics
        columns: dict[str, Any] = {
            "kind": layer.info.kind,
            "layer": layer.info.layer,
            "head": np.arange(layer.info.heads),
            "label": [label.name for label in layer.labels],
        }
        for row, name in enumerate(statistics.names):
            columns |= {
                name: statistics.value[row],
                f"{name}_null": statistics.null[row],
                f"{name}_error": statistics.error[row],
                f"{name}_status": [STATUSES[code] for code in statistics.status[row]],
            }
        parts.append(pandas.DataFrame(columns))
    frame = pandas.concat(parts, ignore_index=True) if parts else pandas.DataFrame()
    model = analysis.model
    frame.attrs = {
        "model": model.reference,
        "revision": model.revision,
        "dtype": model.dtype,
        "device": model.device,
        "tokens": len(analysis.tokens),
        "versions": dict(model.versions),
    }
    return frame


def frame_of_comparison(comparison: Comparison) -> Any:
    """pandas.DataFrame with a row for each pair of heads and statistic; the columns are those of the CSV.

    Raises:
        UsageError: pandas is not installed.
    """
    pandas = _pandas()
    differences, pairs = comparison.differences, comparison.matching.pairs
    heads = pandas.DataFrame(
        {
            "a": comparison.a.reference,
            "b": comparison.b.reference,
            "kind": [pair.a.kind for pair in pairs],
            "layer_a": [pair.a.layer for pair in pairs],
            "head_a": [pair.a.head for pair in pairs],
            "label_a": list(comparison.labels_a),
            "layer_b": [pair.b.layer for pair in pairs],
            "head_b": [pair.b.head for pair in pairs],
            "label_b": list(comparison.labels_b),
            "method": [pair.method for pair in pairs],
            "divergence": comparison.divergence,
        }
    )
    parts = [
        heads.assign(
            statistic=name,
            value_a=differences.a[row],
            value_b=differences.b[row],
            difference=differences.difference[row],
            se=differences.error[row],
            low=differences.low[row],
            high=differences.high[row],
            p=differences.p[row],
            q=differences.q[row],
            effect=differences.effect[row],
            texts=differences.used[row],
        )
        for row, name in enumerate(differences.names)
    ]
    frame = pandas.concat(parts, ignore_index=True) if parts else heads
    frame.attrs = {"seed": comparison.seed, "aligned": comparison.aligned, "texts": len(comparison.a.tokens)}
    return frame


def html_of_analysis(analysis: Analysis) -> str:
    """A table of the first heads, each number beside its null, with everything from outside escaped."""
    model = analysis.model
    heads = sum(layer.info.heads for layer in analysis.layers)
    known = [name for name in SHOWN if any(name in layer.statistics.names for layer in analysis.layers)]
    rows = []
    for layer in analysis.layers:
        statistics = layer.statistics
        for head in range(layer.info.heads):
            row = [f"{layer.info.name}.{head}", layer.labels[head].name]
            for name in known:
                if name not in statistics.names:
                    row.append("")
                    continue
                place = statistics.names.index(name)
                row.append(_beside(float(statistics.value[place, head]), float(statistics.null[place, head])))
            rows.append(row)
    title = (
        f"{model.reference}: {heads} heads in {len(analysis.layers)} layers, {len(analysis.tokens)} tokens, "
        f"{model.device}, {model.dtype}, {analysis.seconds:.2f} s"
    )
    return _table(title, ["head", "label", *(f"{name} (null)" for name in known)], rows, heads, analysis.notes)


def html_of_comparison(comparison: Comparison) -> str:
    """A table of the largest differences in one number, with everything from outside escaped."""
    differences, pairs = comparison.differences, comparison.matching.pairs
    told = [
        name
        for name in ("D1", *differences.names)
        if name in differences.names and np.isfinite(differences.difference[differences.row(name)]).any()
    ]
    name = told[0] if told else ""
    rows = []
    if name:
        row = differences.row(name)
        size = np.abs(differences.difference[row])
        for place in np.argsort(np.where(np.isfinite(size), -size, np.inf), kind="stable"):
            pair = pairs[place]
            numbers = (differences.a, differences.b, differences.difference, differences.error, differences.q)
            cells = [f"{pair.a.layer}.{pair.a.head}", f"{pair.b.layer}.{pair.b.head}"]
            cells += [_number(float(array[row, place])) for array in numbers]
            rows.append([*cells, _number(float(comparison.divergence[place]))])
    title = f"{comparison.a.reference} and {comparison.b.reference}: {len(pairs)} pairs of heads" + (
        f", by difference in {name}" if name else ""
    )
    header = ["head of a", "head of b", f"{name} of a", f"{name} of b", "difference", "error", "q", "divergence"]
    return _table(title, header, rows, len(rows), (*comparison.warnings, *comparison.notes))


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], count: int, notes: Iterable[str]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows[:ROWS])
    more = f"<p>{count - ROWS} more: <code>to_frame()</code> has all.</p>" if count > ROWS else ""
    said = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    head = line(header, "th")
    return (
        f"<div><p>{html.escape(title)}</p><table><thead>{head}</thead><tbody>{body}</tbody></table>{more}{said}</div>"
    )


def _beside(value: float, null: float) -> str:
    return f"{_number(value)} ({_number(null)})" if math.isfinite(null) else _number(value)


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _pandas() -> Any:
    try:
        return import_module("pandas")
    except ImportError as error:
        raise UsageError(
            "A frame needs pandas, which is not installed.", "Install it with: pip install pandas"
        ) from error
