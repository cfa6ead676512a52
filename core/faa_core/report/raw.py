"""The raw numbers of a report as files inside of it: the public JSON shapes, and one row a number as CSV.

What is large is packed with gzip, and what is larger still is left out part by part, which the page says.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from faa_core.comparison.records import Comparison
from faa_core.export import comparisons_to_csv, comparisons_to_json, replication_to_json, to_dict
from faa_core.records import STATUSES
from faa_core.report.png import data_uri
from faa_core.report.records import MeasuredPart, ReplicatedPart, Report

PLAIN_BYTES = 300_000
"""A larger file is packed."""
JSON_BUDGET, CSV_BUDGET = 1_700_000, 600_000
"""Characters that the JSON and the CSV of a page may take."""

COLUMNS = ("kind", "layer", "head", "label", "statistic", "value", "se", "effective", "null", "status")
"""Columns of the CSV of a run: ``effective`` is the slope of a dimension even where no one power law holds."""
MEAN_COLUMNS = ("kind", "layer", "head", "label", "statistic", "mean", "excess", "se", "low", "high", "texts")
"""Columns of the CSV of one model over several texts; the label is that of most of them."""


class Download(msgspec.Struct, frozen=True):
    """A file inside the page.

    Attributes:
        name: What it is called when it is saved.
        source: Its content, as a data URI; "" where it had no room.
        said: What is in it, and what is not.
    """

    name: str
    source: str
    said: str


def downloads(report: Report) -> tuple[Download, ...]:
    """The numbers of every run, of every model over texts and of all comparisons, within the budget of the page."""
    share = max(1, len(report.measured) + len(report.replicated) + bool(report.compared))
    found: list[Download] = []
    for place, part in enumerate(report.measured):
        stem = "run" if len(report.measured) == 1 else f"run-{place + 1}"
        found += [_run_json(part, stem, JSON_BUDGET // share), _run_csv(part, stem, CSV_BUDGET // share)]
    for place, replicated in enumerate(report.replicated):
        stem = "texts" if len(report.replicated) == 1 else f"texts-{place + 1}"
        found += [
            _json(
                f"{stem}.json",
                replication_to_json(replicated.replication),
                "faa analyze --texts",
                JSON_BUDGET // share,
            ),
            _texts_csv(replicated, stem, CSV_BUDGET // share),
        ]
    if report.compared:
        found += _comparisons([part.comparison for part in report.compared], share)
    return tuple(found)


def _run_json(part: MeasuredPart, stem: str, budget: int) -> Download:
    plain = to_dict(part.analysis, findings=part.findings)
    said = "every number, as 'faa analyze --json' prints it"
    for make_smaller, how in (
        (None, ""),
        (_round, ", rounded to the seven digits that weights have"),
        (_curves, ", without the curves of the spectra"),
        (_text, ", without the text"),
    ):
        if make_smaller is not None:
            make_smaller(plain)
            said += how
        if (found := _packed(f"{stem}.json", "application/json", msgspec.json.encode(plain), said, budget)) is not None:
            return found
    return Download(f"{stem}.json", "", "too large for this page; 'faa analyze --json' prints it")


def _round(plain: dict[str, Any]) -> None:
    plain["heads"] = _rounded(plain["heads"])


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value


def _curves(plain: dict[str, Any]) -> None:
    for head in plain["heads"]:
        head.get("spectrum", {}).pop("curves", None)


def _text(plain: dict[str, Any]) -> None:
    for key in ("text", "tokens", "decoder_tokens"):
        plain.pop(key, None)


def _json(name: str, content: bytes, command: str, budget: int) -> Download:
    """JSON as ``command`` prints it, rounded where it has no room else."""
    said = f"every number, as '{command} --json' prints it"
    found = _packed(name, "application/json", content, said, budget)
    if found is None:
        rounded = msgspec.json.encode(_rounded(msgspec.json.decode(content)))
        said += ", rounded to the seven digits that weights have"
        found = _packed(name, "application/json", rounded, said, budget)
    return found or Download(name, "", f"too large for this page; '{command} --json' prints it")


def _texts_csv(part: ReplicatedPart, stem: str, budget: int) -> Download:
    rows = []
    for layer in part.replication.layers:
        numbers = (layer.mean, layer.excess, layer.error, layer.low, layer.high)
        for head, labels in enumerate(layer.labels):
            address = (layer.info.kind, layer.info.layer, head, labels[0][0] if labels else "")
            for row, name in enumerate(layer.names):
                told = [_number(float(values[row, head])) for values in numbers]
                rows.append((*address, name, *told, int(layer.used[row, head])))
    return _csv(stem, MEAN_COLUMNS, rows, budget)


def _run_csv(part: MeasuredPart, stem: str, budget: int) -> Download:
    rows = []
    for layer in part.analysis.layers:
        statistics, effective = layer.statistics, layer.effective
        for head, label in enumerate(layer.labels):
            for row, name in enumerate(statistics.names):
                numbers = (statistics.value, statistics.error, effective, statistics.null)
                told = [_number(float(values[row, head])) for values in numbers]
                status = STATUSES[statistics.status[row, head]]
                address = (layer.info.kind, layer.info.layer, head, label.name, name)
                rows.append((*address, *told, status))
    return _csv(stem, COLUMNS, rows, budget)


def _csv(stem: str, columns: Sequence[str], rows: Sequence[Sequence[object]], budget: int) -> Download:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(columns)
    writer.writerows(rows)
    said = "a row for each head and number"
    found = _packed(f"{stem}.csv", "text/csv", stream.getvalue().encode(), said, budget)
    return found or Download(f"{stem}.csv", "", "too large for this page")


def _comparisons(comparisons: Sequence[Comparison], share: int) -> list[Download]:
    plain = msgspec.json.format(comparisons_to_json(comparisons), indent=0)
    rows = comparisons_to_csv(comparisons)
    table = _packed("comparison.csv", "text/csv", rows, "a row for each pair of heads and number", CSV_BUDGET // share)
    lost = Download("comparison.csv", "", "too large for this page; 'faa compare --csv' prints it")
    return [_json("comparison.json", plain, "faa compare", JSON_BUDGET // share), table or lost]


def _packed(name: str, kind: str, content: bytes, said: str, budget: int) -> Download | None:
    """A file that fits the budget, packed if that is needed; ``None`` if it does not fit."""
    if len(content) > min(PLAIN_BYTES, budget * 3 // 4):
        # No time of writing in it: the same numbers make the same page.
        content, name, kind = gzip.compress(content, 9, mtime=0), f"{name}.gz", "application/gzip"
    source = data_uri(kind, content)
    return Download(name, source, said) if len(source) <= budget else None


def _number(value: float) -> str:
    """Seven digits, which is what weights of float32 have; empty where undefined."""
    return f"{value:.7g}" if np.isfinite(value) else ""
