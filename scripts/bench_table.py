"""The table of a bench: figure, goal, verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table; ``limit`` is the goal, in the unit of ``value``.

    Where ``at_least`` holds the goal is a floor. A ``value`` of NaN was not measured; ``detail`` says why.
    """

    what: str
    value: float
    limit: float
    unit: str
    detail: str = ""
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """``ok``, ``MISSED``, or ``-`` where there is no figure or no goal."""
        if math.isnan(self.value) or math.isnan(self.limit):
            return "-"
        return "ok" if (self.value >= self.limit if self.at_least else self.value <= self.limit) else "MISSED"


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows below one another."""
    width = max(len(row.what) for row in rows)
    print(f"{'what':<{width}}  {'measured':>12}  {'goal':>12}  verdict  detail")
    for row in rows:
        measured = "-" if math.isnan(row.value) else f"{row.value:.3g} {row.unit}"
        goal = "-" if math.isnan(row.limit) else f"{'>=' if row.at_least else '<='} {row.limit:g} {row.unit}"
        print(f"{row.what:<{width}}  {measured:>12}  {goal:>12}  {row.verdict:<7}  {row.detail}")
