"""What a table of thousands of rows is made of: arrays to sort and filter by, and words for the rows on screen only."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from faa_tui.row_filter import Columns


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: Its name.
        title: What its head says.
        width: Cells.
        text: What a row has there, by its index.
        order: [rows]: what rows are sorted by; NaN goes last.
        doubtful: bool [rows]: rows that are sorted after the others, before those that are undefined; ``None`` for no
            such rows.
        falling: Whether the largest comes first unless one asks otherwise.
        rank: Columns of a high rank go first where there is no room for all.
        right: Whether it is aligned to the right.
        marked: Whether it is the column that something else on the screen shows.
    """

    key: str
    title: str
    width: int
    text: Callable[[int], str]
    order: NDArray[np.generic]
    doubtful: NDArray[np.bool_] | None = None
    falling: bool = False
    rank: int = 0
    right: bool = True
    marked: bool = False

    def rows(self, falling: bool) -> NDArray[np.intp]:
        """Every row in the order of this column; those that are alike keep the order that they had."""
        order = self.order
        undefined = np.isnan(order) if order.dtype.kind == "f" else np.zeros(len(order), bool)
        place = np.unique(order, return_inverse=True)[1]
        later = undefined if self.doubtful is None else undefined.astype(int) * 2 + self.doubtful
        return np.lexsort((-place if falling else place, later))


@dataclass(frozen=True)
class RowTable:
    """Rows, before they are sorted and filtered.

    Attributes:
        keys: What each row is about: the same for the same thing, whatever other rows there are.
        columns: All columns.
        filter: What can be asked of a row.
        strong: bool [rows]: those that stand out.
        noun: What a row is, in the plural.
    """

    keys: Sequence[Hashable]
    columns: tuple[Column, ...]
    filter: Columns
    strong: NDArray[np.bool_]
    noun: str

    @cached_property
    def places(self) -> dict[Hashable, int]:
        """Row by what it is about."""
        return {key: row for row, key in enumerate(self.keys)}


def number(value: float, digits: int, signed: bool = False) -> str:
    """``value`` in few cells: no nought before the point, a true minus sign; a middle dot where it is undefined."""
    if not math.isfinite(value):
        return "·"
    text = f"{value:{'+' if signed else ''}z.{digits}f}".replace("-", "−")
    return text.replace("0.", ".", 1) if abs(value) < 1 and digits and not text.lstrip("+−").startswith("1") else text


def words(values: NDArray[np.float64], digits: int, signed: bool = False) -> Callable[[int], str]:
    """What a column of numbers has in a row."""
    return lambda at: number(float(values[at]), digits, signed)


def joined_width(columns: Sequence[Column]) -> int:
    """Cells of ``columns`` side by side, a space between two."""
    return sum(column.width + 1 for column in columns) - 1
