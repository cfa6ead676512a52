"""The head-to-head table: one row for each pair of heads, its columns, and how they are sorted and filtered."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from faa_core.catalogue import Entry
from faa_core.comparison.records import Comparison, Head
from faa_tui.rendering.text import visible
from faa_tui.row_filter import Columns

NAN: Final = float("nan")


@dataclass(frozen=True)
class PairRow:
    """One pair of heads and one statistic.

    Attributes:
        index: Index of the pair.
        a: Head of the first model.
        b: Head of the other model.
        label_a: Label of the first head.
        label_b: Label of the other head.
        divergence: Jensen-Shannon divergence in nats; NaN where it is not known.
        value_a: Statistic of the first head.
        value_b: Statistic of the other head.
        difference: Difference of the excesses, other minus first.
        low: Lower end of its interval; NaN for one text.
        high: Upper end.
        q: Smallest false discovery rate at which the difference is a discovery; NaN where there is no test.
        effect: d_z; NaN for one text.
    """

    index: int
    a: Head
    b: Head
    label_a: str
    label_b: str
    divergence: float
    value_a: float
    value_b: float
    difference: float
    low: float
    high: float
    q: float
    effect: float


def pair_rows(comparison: Comparison, statistic: str) -> tuple[PairRow, ...]:
    """A row for each pair, in their order; the numbers of a statistic that was not measured are NaN."""
    differences, pairs = comparison.differences, comparison.matching.pairs
    if statistic in differences.names:
        row = differences.row(statistic)
        columns = [
            getattr(differences, name)[row].tolist() for name in ("a", "b", "difference", "low", "high", "q", "effect")
        ]
        numbers = list(zip(*columns, strict=True))
    else:
        numbers = [(NAN,) * 7] * len(pairs)
    return tuple(
        PairRow(index, pair.a, pair.b, visible(label_a), visible(label_b), divergence, *found)
        for index, (pair, label_a, label_b, divergence, found) in enumerate(
            zip(pairs, comparison.labels_a, comparison.labels_b, comparison.divergence.tolist(), numbers, strict=True)
        )
    )


def head_name(head: Head) -> str:
    """For example ``L2H3``; ``e`` or ``x`` before it for encoder and cross-attention."""
    return {"decoder": "", "encoder": "e", "cross": "x"}[head.kind] + f"L{head.layer}H{head.head}"


@dataclass(frozen=True)
class PairColumn:
    """A column of the table.

    Attributes:
        key: Its name, for numbers the one that a filter knows.
        title: What its head says.
        width: Cells.
        text: What a row has there; numbers get the digits of the statistic.
        order: What rows are sorted by; NaN goes last.
        falling: Whether the largest comes first unless one asks otherwise.
        rank: Columns of a high rank go first where there is no room for all.
        right: Whether it is aligned to the right.
    """

    key: str
    title: str
    width: int
    text: Callable[[PairRow, Entry], str]
    order: Callable[[PairRow], float | str | tuple[object, ...]]
    falling: bool = False
    rank: int = 0
    right: bool = True


def number(value: float, digits: int, signed: bool = False) -> str:
    """``value`` in few cells: no nought before the point, a true minus sign; a middle dot where it is undefined."""
    if not math.isfinite(value):
        return "·"
    text = f"{value:{'+' if signed else ''}z.{digits}f}".replace("-", "−")
    return text.replace("0.", ".", 1) if abs(value) < 1 and digits and not text.lstrip("+−").startswith("1") else text


def _interval(row: PairRow, entry: Entry) -> str:
    if not math.isfinite(row.low):
        return "·"
    return f"{number(row.low, entry.decimals)} {number(row.high, entry.decimals)}"


def _statistic(key: str, title: str, value: Callable[[PairRow], float], rank: int) -> PairColumn:
    return PairColumn(key, title, 8, lambda row, entry: number(value(row), entry.decimals), value, True, rank)


PAIR_COLUMNS: Final[tuple[PairColumn, ...]] = (
    PairColumn("heads", "A", 7, lambda row, _: head_name(row.a), lambda row: row.index, right=False),
    PairColumn("partners", "B", 7, lambda row, _: head_name(row.b), lambda row: (row.b, row.index), right=False),
    PairColumn("label_a", "label A", 15, lambda row, _: row.label_a, lambda row: row.label_a, rank=4, right=False),
    PairColumn("label_b", "label B", 15, lambda row, _: row.label_b, lambda row: row.label_b, rank=5, right=False),
    PairColumn("js", "JS", 6, lambda row, _: number(row.divergence, 3), lambda row: row.divergence, True, 1),
    _statistic("a", "value A", lambda row: row.value_a, 3),
    _statistic("b", "value B", lambda row: row.value_b, 3),
    PairColumn(
        "d",
        "B−A",
        8,
        lambda row, entry: number(row.difference, entry.decimals, True),
        lambda row: abs(row.difference),
        True,
    ),
    PairColumn("interval", "95 %", 14, _interval, lambda row: row.high - row.low, rank=6),
    PairColumn("q", "q", 6, lambda row, _: number(row.q, 3), lambda row: row.q, rank=1),
    PairColumn("dz", "d_z", 7, lambda row, _: number(row.effect, 2, True), lambda row: abs(row.effect), True, 2),
)
"""Every column. Differences are sorted by their size."""


def columns_for(width: int) -> tuple[PairColumn, ...]:
    """The columns that stand side by side in ``width`` cells, the first two always."""
    shown = list(PAIR_COLUMNS)
    while sum(column.width + 1 for column in shown) - 1 > width and any(column.rank for column in shown):
        shown.remove(max(shown, key=lambda column: column.rank))
    return tuple(shown)


def sorted_rows(rows: Sequence[PairRow], column: PairColumn | None, falling: bool) -> list[PairRow]:
    """``rows`` in the order of a column, undefined ones last; in the order of the pairs where there is no column."""
    if column is None:
        return list(rows)
    undefined = [row for row in rows if column.order(row) != column.order(row)]  # NaN is not equal to itself
    defined = [row for row in rows if column.order(row) == column.order(row)]
    return sorted(defined, key=column.order, reverse=falling) + undefined


PAIR_FILTER: Final[Columns[PairRow]] = Columns(
    numbers={
        "js": lambda row: row.divergence,
        "a": lambda row: row.value_a,
        "b": lambda row: row.value_b,
        "d": lambda row: row.difference,
        "q": lambda row: row.q,
        "dz": lambda row: row.effect,
        "layer": lambda row: (float(row.a.layer), float(row.b.layer)),
        "head": lambda row: (float(row.a.head), float(row.b.head)),
    },
    names=lambda row: (
        head_name(row.a),
        head_name(row.b),
        f"{row.a.layer}.{row.a.head}",
        f"{row.b.layer}.{row.b.head}",
    ),
    texts=lambda row: (row.label_a, row.label_b),
)
"""What a filter can ask of a pair of heads."""
