"""What the matrix and the plots of a comparison show, made from its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faa_core.catalogue import BY_KEY, Entry
from faa_core.comparison.order import RATE
from faa_core.comparison.records import Comparison
from faa_core.records import LayerInfo
from faa_tui.comparing import Comparing
from faa_tui.rendering.comparison_plots import HeadCurve, Profile
from faa_tui.session import HeadTable, Position, Results, head_table
from faa_tui.widgets.comparison_plot import ComparisonView

LETTERS = "ABCD"
"""Names of the sides."""


@dataclass(frozen=True)
class DifferenceTable:
    """Differences of one statistic over the heads of the first side.

    Attributes:
        values: float64 [rows, most heads]; NaN for heads without a partner, or without the number.
        discovered: bool [rows, most heads]: whether the difference is a discovery.
        reach: The largest absolute difference, at least one unit of the last digit shown.
    """

    values: NDArray[np.float64]
    discovered: NDArray[np.bool_]
    reach: float


def difference_table(comparison: Comparison | None, rows: Sequence[LayerInfo], statistic: str) -> DifferenceTable:
    """Collect the differences of ``statistic`` over the layers ``rows`` of the first side."""
    values = np.full((len(rows), max((info.heads for info in rows), default=0)), np.nan)
    discovered = np.zeros(values.shape, bool)
    if comparison is not None and statistic in comparison.differences.names:
        places = {(info.kind, info.layer): index for index, info in enumerate(rows)}
        row = comparison.differences.row(statistic)
        for index, pair in enumerate(comparison.matching.pairs):
            place = places[pair.a.kind, pair.a.layer], pair.a.head
            values[place] = comparison.differences.difference[row, index]
            discovered[place] = comparison.differences.q[row, index] <= RATE
    defined = np.abs(values[np.isfinite(values)])
    return DifferenceTable(
        values, discovered, max(float(defined.max(initial=0.0)), 10.0 ** -BY_KEY[statistic].decimals)
    )


def plot_view(
    comparing: Comparing, other: int, statistic: str, chosen: int | None, heads: Mapping[int, Position]
) -> ComparisonView:
    """What the plots show of the first side and the side ``other``.

    Args:
        comparing: The comparison.
        other: The other side.
        statistic: What is compared.
        chosen: Index of the pair that is looked at.
        heads: For each side the head that is looked at.
    """
    entry, comparison = BY_KEY[statistic], comparing.comparisons.get(other)
    sides = range(len(comparing.sides))
    shown = [(side, run.results) for side in sides if (run := comparing.shown(side)) is not None and run.results]
    names = [f"{letter} {side.reference}" for letter, side in zip(LETTERS, comparing.sides, strict=False)]
    nothing = np.zeros(0)
    a, b, discovered = nothing, nothing, np.zeros(0, bool)
    if comparison is not None and statistic in comparison.differences.names:
        row = comparison.differences.row(statistic)
        a, b = comparison.differences.a[row], comparison.differences.b[row]
        discovered = comparison.differences.q[row] <= RATE
    curves = tuple(
        HeadCurve(f"{LETTERS[side]} L{heads[side].layer}H{heads[side].head}", result, heads[side].head, side)
        for side, results in shown
        if side in heads and (result := results.at(heads[side])) is not None
    )
    return ComparisonView(
        title=entry.title,
        entry=entry,
        names=(names[0], names[other]),
        a=a,
        b=b,
        discovered=discovered,
        chosen=chosen,
        profiles=tuple(_profile(names[side], results, entry, side) for side, results in shown),
        heads=curves,
        bars="lowest to highest head",
        reason="no head has this number" if comparison is not None else "not worked out yet",
        other=other,
    )


def _profile(name: str, results: Results, entry: Entry, side: int) -> Profile:
    table: HeadTable = head_table(results, entry.key)
    values, layers = table.values, len(table.names)
    found = np.isfinite(values)
    count = found.sum(1)
    mean = np.where(found, values, 0.0).sum(1) / np.where(count > 0, count, np.nan)
    low = np.where(found, values, np.inf).min(1, initial=np.inf)
    high = np.where(found, values, -np.inf).max(1, initial=-np.inf)
    depth = np.linspace(0.0, 1.0, layers) if layers > 1 else np.zeros(layers)
    return Profile(name, depth, mean, np.where(count > 0, low, np.nan), np.where(count > 0, high, np.nan), side)
