"""One head's attention as far as it was kept: the largest weight in each cell of a map in little."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from faa_tui.rendering.attention_map import AttentionMap, Lack, MapAddress, MapShape, Reading
from faa_tui.rendering.tiles import TileCache
from faa_tui.rendering.viewport import Viewport

_ROUNDED: Final = 0.5 / 255 + 2.0**-11
"""How far the root of a kept weight may be from that of the true one: in a byte each, then a half float."""


class KeptMap(AttentionMap):
    """A map of which no finer cells are to be had than those that were kept; nobody is asked for any.

    A pixel shows the largest of the kept cells that it lies in or covers, so that it is never below the weight of a
    pair in it. What is read of a pair is a bound, also where cells are single pairs: kept weights are rounded.

    Args:
        address: Which map.
        shape: Its size and support, in tokens.
        weights: float32 [rows, columns]: the largest weight in each cell.
        cell: Tokens along the side of a cell.
    """

    def __init__(self, address: MapAddress, shape: MapShape, weights: NDArray[np.float32], cell: int) -> None:
        super().__init__(address, shape, TileCache(0))
        self._kept = weights.astype(np.float16)
        self._side = cell

    @property
    def cell(self) -> int:
        """Tokens along the side of a kept cell."""
        return self._side

    def lacking(self, view: Viewport) -> Iterator[Lack]:
        """Nothing: there is nobody to ask."""
        return iter(())

    def pairs(self, row: int, row_stop: int, column: int, column_stop: int) -> NDArray[np.float16] | None:
        """``None``: no exact weights were kept."""
        return None

    def cell_reading(self, view: Viewport, query: int, key: int) -> Reading:
        """What is known about the cell of ``view`` around a pair: what its weights are not above."""
        known = super().cell_reading(view, query, key)
        if math.isnan(known.lift):  # no key of the cell may be seen
            return known
        most = min((math.sqrt(known.weight) + _ROUNDED) ** 2, 1.0)
        return Reading(most, most * float(self._cell_support(view.size).lengths[query // view.size]), False)

    def _cells(
        self, view: Viewport, row: int, row_stop: int, column: int, column_stop: int
    ) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
        rows = self._spans(row, row_stop, view.size, self._kept.shape[0])
        columns = self._spans(column, column_stop, view.size, self._kept.shape[1])
        values = _largest(_largest(self._kept, *rows, axis=0), *columns, axis=1)
        return values, np.ones(values.shape, np.bool_)

    def _spans(self, start: int, stop: int, size: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """First and last kept cell that each cell of the view touches."""
        cells = np.arange(start, stop)
        last = np.minimum(((cells + 1) * size - 1) // self._side, count - 1)
        return np.minimum(cells * size // self._side, last), last


def _largest(
    values: NDArray[np.float16], first: NDArray[np.intp], last: NDArray[np.intp], axis: int
) -> NDArray[np.float16]:
    """The largest from ``first`` to ``last`` along an axis, for each pair of them."""
    largest = values.take(first, axis)
    for step in range(1, int((last - first).max(initial=0)) + 1):
        np.maximum(largest, values.take(np.minimum(first + step, last), axis), out=largest)
    return largest
