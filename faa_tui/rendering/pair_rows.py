"""The head-to-head table: one row for each pair of heads, its columns, and what can be asked of it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from faa_core.catalogue import Entry
from faa_core.comparison.order import RATE
from faa_core.comparison.records import Comparison, Head
from faa_tui.head_address import named
from faa_tui.rendering.row_table import Column, RowTable, joined_width, number, words
from faa_tui.rendering.text import visible
from faa_tui.row_filter import Columns

_NUMBERS: Final = ("a", "b", "difference", "low", "high", "q", "effect")


def pair_table(comparison: Comparison, entry: Entry) -> RowTable:
    """A row for each pair, in their order; the numbers of a statistic that was not measured are NaN."""
    differences, pairs = comparison.differences, comparison.matching.pairs
    count = len(pairs)
    if entry.key in differences.names:
        row = differences.row(entry.key)
        found = [getattr(differences, name)[row] for name in _NUMBERS]
    else:
        found = [np.full(count, np.nan)] * len(_NUMBERS)
    a, b, difference, low, high, q, effect = found
    labels_a, labels_b = ([visible(label) for label in labels] for labels in (comparison.labels_a, comparison.labels_b))
    # Places of the other heads in their own order: two pairs may share one.
    partners = np.empty(count, int)
    partners[sorted(range(count), key=lambda at: (pairs[at].b, at))] = np.arange(count)

    def written(head: Head) -> str:
        return named(head.kind, head.layer, head.head)

    def statistic(key: str, title: str, values: NDArray[np.float64], rank: int) -> Column:
        return Column(key, title, 8, words(values, entry.decimals), values, falling=True, rank=rank)

    def interval(at: int) -> str:
        ends = (number(float(end[at]), entry.decimals) for end in (low, high))
        return " ".join(ends) if np.isfinite(low[at]) else number(float("nan"), 0)

    def label(key: str, title: str, labels: list[str], rank: int) -> Column:
        return Column(key, title, 15, labels.__getitem__, np.array(labels, str), rank=rank, right=False)

    columns = (
        Column("heads", "A", 7, lambda at: written(pairs[at].a), np.arange(count), right=False),
        Column("partners", "B", 7, lambda at: written(pairs[at].b), partners, right=False),
        label("label_a", "label A", labels_a, 4),
        label("label_b", "label B", labels_b, 5),
        Column("js", "JS", 6, words(comparison.divergence, 3), comparison.divergence, falling=True, rank=1),
        statistic("a", "value A", a, 3),
        statistic("b", "value B", b, 3),
        # Differences are sorted by their size.
        Column("d", "B−A", 8, words(difference, entry.decimals, True), np.abs(difference), falling=True),
        Column("interval", "95 %", 14, interval, high - low, rank=6),
        Column("q", "q", 6, words(q, 3), q, rank=1),
        Column("dz", "d_z", 7, words(effect, 2, True), np.abs(effect), falling=True, rank=2),
    )
    numbers = {"js": comparison.divergence, "a": a, "b": b, "d": difference, "q": q, "dz": effect}
    for part in ("layer", "head"):
        numbers[part] = np.array(
            [(getattr(pair.a, part), getattr(pair.b, part)) for pair in pairs], np.float64
        ).reshape(count, 2)

    def names(at: int) -> tuple[str, ...]:
        one, other = pairs[at].a, pairs[at].b
        return written(one), written(other), f"{one.layer}.{one.head}", f"{other.layer}.{other.head}"

    texts = {"label": ["\n".join(both) for both in zip(labels_a, labels_b, strict=True)]}
    return RowTable(range(count), columns, Columns(count, numbers, texts, names), q < RATE, "pairs")


def columns_for(columns: tuple[Column, ...], width: int) -> tuple[Column, ...]:
    """Those of ``columns`` that stand side by side in ``width`` cells, those of rank 0 always."""
    shown = list(columns)
    while joined_width(shown) > width and any(column.rank for column in shown):
        shown.remove(max(shown, key=lambda column: column.rank))
    return tuple(shown)
