"""The table of all heads: one row for each head that is measured, every statistic of the run, and what can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from faa_core.catalogue import BY_KEY, RUN_KEYS, Entry
from faa_core.comparison.order import RATE
from faa_core.findings import HeadTests
from faa_core.records import STATUSES, LayerResult, status_code
from faa_tui.head_address import named, numbered
from faa_tui.rendering.row_table import Column, RowTable, number, words
from faa_tui.rendering.text import visible
from faa_tui.row_filter import Columns
from faa_tui.session import Position

FIXED: Final = ("head", "label")
"""Columns that stay where the others are scrolled."""
_NUMBER: Final = 6
"""Cells of the narrowest column of numbers."""
_LABEL: Final = 15
"""Cells of the column of labels: the longest one."""


def column_titles() -> dict[str, str]:
    """What every column that can be shown or hidden is, in words, by its key and in the order of the table."""
    titles = {"score": "Score of the label", "q": "Least false discovery rate, of each test"}
    for key in RUN_KEYS:
        entry = BY_KEY[key]
        titles[key] = entry.title
        if entry.dimension:
            titles[f"delta {key}"] = f"{entry.title} minus null"
    titles["status"] = "Status of the statistic that colours the heads"
    return titles


def column_symbol(key: str) -> str:
    """Head of a column."""
    name = key.removeprefix("delta ")
    return ("Δ" if name != key else "") + (BY_KEY[name].symbol if name in BY_KEY else name)


def shown_column(entry: Entry) -> str:
    """Key of the column with what the matrix of heads shows of a statistic."""
    return f"delta {entry.key}" if entry.dimension else entry.key


def head_rows(layers: Sequence[LayerResult], statistic: Entry, tests: Sequence[HeadTests] = ()) -> RowTable:
    """A row for each head of ``layers``.

    A dimension has its value and its difference from the null. Where no one power law holds, both are of the slope
    over the sizes, in parentheses: that satisfies no comparison, and is sorted after the dimensions.

    Args:
        layers: What is measured, in the order of the forward pass.
        statistic: What colours the matrix of heads; its column is marked, and ``status`` is about it.
        tests: Tests of all heads, each of which has a column of its q.
    """
    heads = [result.info.heads for result in layers]
    keys = [
        Position(result.info.kind, result.info.layer, head) for result in layers for head in range(result.info.heads)
    ]
    count = len(keys)
    labels = [label for result in layers for label in result.labels]
    shown = {name: visible(name) for name in {label.name for label in labels}}
    texts = [shown[label.name] for label in labels]
    # "mixed" says that no rule holds; the score of one that does not hold would read as evidence for it.
    score = np.array([np.nan if label.name == "mixed" else label.score for label in labels], np.float64)
    measured = [key for key in RUN_KEYS if any(key in result.statistics.names for result in layers)]
    values, nulls, statuses = (_gathered(layers, measured, part) for part in ("value", "null", "status"))
    slopes = _gathered(layers, [key for key in measured if BY_KEY[key].dimension], "effective")
    kinds = np.array([key.kind for key in keys], str)
    number_of = {"layer": np.repeat([float(result.info.layer) for result in layers], heads)}
    number_of["head"] = np.array([float(key.head) for key in keys])
    columns = [
        Column("head", "L.H", 6, lambda at: numbered(*keys[at]), np.arange(count), right=False),
        Column("label", "label", _LABEL, texts.__getitem__, np.array(texts, str), right=False),
        _numbers("score", score, 2),
    ]
    number_of["score"] = score
    found = {f"q {BY_KEY[test.statistic].symbol}": _tested(layers, test) for test in tests}
    for key, q in found.items():
        number_of[key.replace(" ", "") if len(found) > 1 else "q"] = q
        columns.append(Column(key, key, _NUMBER + 3, words(q, 3), q))
    others = {}
    for key in measured:
        entry, value = BY_KEY[key], values[key]
        slope = (statuses[key] == status_code("no_scaling")) if key in slopes else np.zeros(count, bool)
        number_of[key] = value
        others[column_symbol(key).replace(" ", "")] = key
        drawn = np.where(slope, slopes[key], value) if key in slopes else value
        columns.append(_numbers(key, drawn, entry.decimals, slope, marked=not entry.dimension and entry is statistic))
        if entry.dimension:
            name = f"d{key}"
            number_of[name] = value - nulls[key]
            others[f"Δ{key}"] = name
            columns.append(
                _numbers(
                    f"delta {key}", drawn - nulls[key], entry.decimals, slope, signed=True, marked=entry is statistic
                )
            )
    state = statuses.get(statistic.key, np.full(count, float(status_code("not_measured"))))
    said = [STATUSES[int(code)] for code in state.tolist()]
    columns.append(
        Column("status", "status", 14, lambda at: said[at].replace("_", " "), np.array(said, str), right=False)
    )
    if "D0" in measured:
        others["D"] = "D0"
    several = len(set(kinds.tolist())) > 1
    asked = Columns(
        count,
        number_of,
        {"label": texts, "status": said} | ({"kind": kinds.tolist()} if several else {}),
        lambda at: (numbered(*keys[at]), named(*keys[at])),
        others,
        {} if found else {"q": "the heads of this run are not tested"},
    )
    discovered = np.any([q < RATE for q in found.values()], axis=0) if found else np.zeros(count, bool)
    return RowTable(keys, tuple(columns), asked, discovered, "heads")


def _tested(layers: Sequence[LayerResult], test: HeadTests) -> NDArray[np.float64]:
    """float64 [heads of all layers]: q of each head; NaN where it was not tested."""
    by_layer = {(layer.info.kind, layer.info.layer): layer.q for layer in test.layers}
    lacking = [np.full(result.info.heads, np.nan) for result in layers]
    parts = [by_layer.get((layer.info.kind, layer.info.layer), nan) for layer, nan in zip(layers, lacking, strict=True)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _gathered(layers: Sequence[LayerResult], keys: Sequence[str], part: str) -> dict[str, NDArray[np.float64]]:
    """By statistic float64 [heads of all layers]: one part of it; NaN in layers that lack it."""
    found: dict[str, list[NDArray[np.float64]]] = {key: [] for key in keys}
    for result in layers:
        statistics = result.statistics
        array = result.effective if part == "effective" else getattr(statistics, part)
        rows = {name: row for row, name in enumerate(statistics.names)}
        lacking = float(status_code("not_measured")) if part == "status" else np.nan
        for key in keys:
            row = rows.get(key)
            found[key].append(np.full(result.info.heads, lacking) if row is None else array[row].astype(np.float64))
    return {key: np.concatenate(parts) if parts else np.zeros(0) for key, parts in found.items()}


def _numbers(
    key: str,
    values: NDArray[np.float64],
    decimals: int,
    slope: NDArray[np.bool_] | None = None,
    *,
    signed: bool = False,
    marked: bool = False,
) -> Column:
    def text(at: int) -> str:
        written = number(float(values[at]), decimals, signed)
        return f"({written})" if slope is not None and slope[at] else written

    title = column_symbol(key)
    # Room for the arrow, for the mark where there can be one, and for parentheses where there are some.
    longest = decimals + (3 if signed else 2) + (2 if slope is not None and slope.any() else 0)
    width = max(len(title) + (1 if key == "score" else 2), longest, _NUMBER)
    return Column(key, title, width, text, values, slope, falling=True, marked=marked)
