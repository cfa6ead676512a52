"""What two heads have between them: the map of one minus that of another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faa_tui.rendering.attention_map import AttentionMap, Cells, Lack, MapAddress, Reading, pixels
from faa_tui.rendering.ramps import MASKED, MISSING
from faa_tui.rendering.scales import Scale, levels
from faa_tui.rendering.viewport import Viewport


@dataclass(frozen=True)
class DifferenceReading(Reading):
    """What is known about one pair of tokens on both sides.

    Attributes:
        weight: Weight of the other side minus that of the first; NaN where one of them is not known. What one side
            alone may not see counts as 0 there.
        lift: The same of the lifts; NaN where neither side may see the key.
        exact: Whether they belong to exactly this pair; if not, the largest of the cell around it are compared.
        a: What is known on the first side.
        b: What is known on the other side.
    """

    a: Reading
    b: Reading


class DifferenceOfMaps:
    """The map of ``other`` minus that of ``first``; both have the same size, and may have another support.

    Args:
        first: Map of the first side.
        other: Map of the other side.
    """

    pooling = "difference of max"

    def __init__(self, first: AttentionMap, other: AttentionMap) -> None:
        self._first, self._other = first, other

    @property
    def addresses(self) -> tuple[MapAddress, ...]:
        """Those of the two maps."""
        return (*self._first.addresses, *self._other.addresses)

    def tiles_came(self) -> None:
        """Look at the cache afresh."""
        self._first.tiles_came()
        self._other.tiles_came()

    def visible_keys(self, query: int) -> range:
        """From the first to the last key that either side may see."""
        seen = [keys for keys in (self._first.visible_keys(query), self._other.visible_keys(query)) if keys]
        return range(min(keys.start for keys in seen), max(keys.stop for keys in seen)) if seen else range(0)

    def reading(self, view: Viewport, query: int, key: int) -> DifferenceReading:
        """What is known about a pair on both sides, or about the cell of ``view`` around it."""
        first, other = self._first.exact_reading(query, key), self._other.exact_reading(query, key)
        if first is None or other is None:
            # An exact weight beside the largest of a cell would make a difference where there is none.
            first, other = self._first.cell_reading(view, query, key), self._other.cell_reading(view, query, key)
        masked = [reading.weight == 0 and math.isnan(reading.lift) for reading in (first, other)]
        lifts = [0.0 if hidden else reading.lift for hidden, reading in zip(masked, (first, other), strict=True)]
        return DifferenceReading(
            other.weight - first.weight,
            math.nan if all(masked) else lifts[1] - lifts[0],
            first.exact and other.exact,
            first,
            other,
        )

    def strongest(self, view: Viewport, row: int, column: int) -> tuple[int, int]:
        """The pair of a cell that differs most; its first pair where single weights are not here."""
        size = view.size
        query, key = row * size, column * size
        if size > 1:
            sides = [side.pairs(query, query + size, key, key + size) for side in (self._first, self._other)]
            if sides[0] is not None and sides[1] is not None:
                apart = np.abs(sides[1].astype(np.float32) - sides[0])
                if not np.isnan(apart).all():  # rows without a weight of their own, as without the first key
                    inside = np.unravel_index(int(np.nanargmax(apart)), apart.shape)
                    return query + int(inside[0]), key + int(inside[1])
        return query, key

    def lacking(self, view: Viewport) -> Iterator[Lack]:
        """What either side lacks."""
        yield from self._first.lacking(view)
        yield from self._other.lacking(view)

    def picture(self, view: Viewport, scale: Scale) -> NDArray[np.uint16]:
        """uint16 [pixel rows, pixel columns]: levels of the pixels of ``view``; an even number of rows.

        A cell larger than a token shows the difference of the largest weights on either side, which need not belong
        to the same pair. What one side alone may not see counts as 0 there.
        """
        first, other = self._first.cells(view), self._other.cells(view)
        if scale.of_lift:
            values = _ratio(_shown(first, first.lifts), _shown(other, other.lifts))
        else:
            values = _shown(other, other.weights) - _shown(first, first.weights)
        picture = levels(values, scale)
        picture[~((first.known | first.masked) & (other.known | other.masked))] = MISSING
        picture[first.masked & other.masked] = MASKED
        return pixels(picture, view)


def _shown(cells: Cells, values: NDArray[np.floating]) -> NDArray[np.float32]:
    shown: NDArray[np.float32] = np.where(cells.masked, np.float32(0), values.astype(np.float32, copy=False))
    return shown


def _ratio(first: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """``other / first``; 1 where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: NDArray[np.float32] = np.where((first == 0) & (other == 0), np.float32(1), other / first)
    return ratio
