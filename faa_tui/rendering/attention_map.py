"""One head's attention as far as it is here: from tiles and support to levels of a ramp."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from textual.geometry import Region

from faa_core.records import MapKind
from faa_tui.rendering.ramps import MASKED, MISSING, OUTSIDE, Ramp
from faa_tui.rendering.scales import Scale, levels, levels_of_halves, pooled_support, row_lengths
from faa_tui.rendering.tiles import TileCache, cells_at, pool
from faa_tui.rendering.viewport import Viewport

_CROSS: Final = frozenset((step, 0) for step in (-2, -1, 1, 2)) | frozenset((0, step) for step in (-2, -1, 1, 2))
"""Pixels around a cursor of one pixel, in rows and columns."""


class MapAddress(NamedTuple):
    """Which map: one head of one layer of one run.

    Attributes:
        run: The run.
        kind: Kind of the map.
        layer: Layer within the kind.
        head: Head within the layer.
        without_first: Whether key 0 is left out and rows are scaled up; rows with too little left are NaN.
    """

    run: int
    kind: MapKind
    layer: int
    head: int
    without_first: bool = False


class MapShape(Protocol):
    """Size and support of a map; a `LayerResult` has it, and so has a map of common segments.

    Attributes:
        queries: Number of rows.
        keys: Number of columns.
        first_key: int [queries]: first key that each row may see.
        stop_key: int [queries]: one past the last key that each row may see.
    """

    @property
    def queries(self) -> int: ...  # noqa: D102
    @property
    def keys(self) -> int: ...  # noqa: D102
    @property
    def first_key(self) -> NDArray[np.integer]: ...  # noqa: D102
    @property
    def stop_key(self) -> NDArray[np.integer]: ...  # noqa: D102


@dataclass(frozen=True)
class Reading:
    """What is known about one pair of tokens.

    Attributes:
        weight: Attention of the query to the key; NaN where it is not here or undefined, 0 outside the support.
        lift: Weight times the number of keys that the query sees; NaN outside the support.
        exact: Whether they belong to exactly this pair; if not they are the largest of the cell around it.
    """

    weight: float
    lift: float
    exact: bool


class Lack(NamedTuple):
    """Tiles that a view needs and that are not here.

    Attributes:
        address: Of which map.
        level: Of which level of it.
        tiles: Row and column of each tile.
    """

    address: MapAddress
    level: int
    tiles: list[tuple[int, int]]


class MapSource(Protocol):
    """What a map widget draws: one head's attention, or what two heads have between them."""

    pooling: str
    """What a pixel shows of the tokens it covers, before "of 4×4"."""

    @property
    def addresses(self) -> tuple[MapAddress, ...]:
        """Maps in the cache that it is made from."""

    def tiles_came(self) -> None:
        """Look at the cache afresh."""

    def visible_keys(self, query: int) -> range:
        """Keys that ``query`` may see."""

    def reading(self, view: Viewport, query: int, key: int) -> Reading:
        """What is known about a pair: about itself, or about the cell of ``view`` around it."""

    def strongest(self, view: Viewport, row: int, column: int) -> tuple[int, int]:
        """The pair that a cell of ``view`` stands for."""

    def lacking(self, view: Viewport) -> Iterator[Lack]:
        """What ``view`` needs and the cache lacks."""

    def picture(self, view: Viewport, scale: Scale) -> NDArray[np.uint16]:
        """uint16 [pixel rows, pixel columns]: levels of the pixels of ``view``; an even number of rows."""


class _Support(NamedTuple):
    first: NDArray[np.int64]
    stop: NDArray[np.int64]
    lengths: NDArray[np.float32]


class Cells(NamedTuple):
    """Cells of one head's map, [rows, columns].

    Attributes:
        weights: float16: the largest weight in each; anything where it is not known.
        known: Which are here.
        masked: Which hold no key that their rows may see.
        lengths: float32 [rows, 1]: mean number of keys that the rows of each row of cells see.
    """

    weights: NDArray[np.float16]
    known: NDArray[np.bool_]
    masked: NDArray[np.bool_]
    lengths: NDArray[np.float32]

    @property
    def lifts(self) -> NDArray[np.float32]:
        """float32: weight times the number of visible keys."""
        return self.weights * self.lengths


def pixels(levels: NDArray[np.uint16], view: Viewport) -> NDArray[np.uint16]:
    """Levels of cells as pixels of ``view``: an even number of rows, and no more of either than the pane has."""
    if view.factor > 1:
        levels = levels.repeat(view.factor, axis=0).repeat(view.factor, axis=1)
    levels = levels[: view.height, : view.width]
    if levels.shape[0] % 2:
        levels = np.pad(levels, ((0, 1), (0, 0)), constant_values=OUTSIDE)
    return levels


class AttentionMap:
    """The map of one head, read from a cache that many heads share.

    Args:
        address: Its address in the cache.
        shape: Its size and support.
        cache: Tiles that are here.
    """

    pooling = "max"

    def __init__(self, address: MapAddress, shape: MapShape, cache: TileCache) -> None:
        self._address, self._shape, self._cache = address, shape, cache
        self._support: dict[int, _Support] = {}
        self._whole: dict[int, NDArray[np.float16]] = {}

    @property
    def addresses(self) -> tuple[MapAddress, ...]:
        """Its address, alone."""
        return (self._address,)

    def tiles_came(self) -> None:
        """Look at the cache afresh."""
        self._whole.clear()

    def visible_keys(self, query: int) -> range:
        """Keys that ``query`` may see."""
        return range(int(self._shape.first_key[query]), int(self._shape.stop_key[query]))

    def reading(self, view: Viewport, query: int, key: int) -> Reading:
        """What is known about a pair: its own weight, or that of the cell of ``view`` around it."""
        exact = self.exact_reading(query, key)
        return self.cell_reading(view, query, key) if exact is None else exact

    def exact_reading(self, query: int, key: int) -> Reading | None:
        """What is known about exactly this pair; ``None`` where that is not here."""
        keys = self.visible_keys(query)
        if key not in keys:
            return Reading(0.0, math.nan, True)
        exact = self.pairs(query, query + 1, key, key + 1)
        if exact is None:
            return None
        weight = float(exact[0, 0])
        return Reading(weight, weight * len(keys), True)

    def cell_reading(self, view: Viewport, query: int, key: int) -> Reading:
        """What is known about the cell of ``view`` around a pair."""
        row, column = query // view.size, key // view.size
        support = self._cell_support(view.size)
        if not support.first[row] <= column < support.stop[row]:
            return Reading(0.0, math.nan, False)
        values, known = self._cells(view, row, row + 1, column, column + 1)
        weight = float(values[0, 0]) if known[0, 0] else math.nan
        return Reading(weight, weight * float(support.lengths[row]), False)

    def strongest(self, view: Viewport, row: int, column: int) -> tuple[int, int]:
        """The pair whose colour a cell has; the first pair of the cell where single weights are not here."""
        query, key, size = row * view.size, column * view.size, view.size
        if size > 1:
            exact = self.pairs(query, query + size, key, key + size)
            if exact is not None and self._address.without_first:
                exact = np.nan_to_num(exact, nan=-1)  # rows without a weight of their own
            if exact is not None and not np.isnan(exact).any():
                inside = np.unravel_index(int(exact.argmax()), exact.shape)
                query, key = query + int(inside[0]), key + int(inside[1])
        return query, key

    def lacking(self, view: Viewport) -> Iterator[Lack]:
        """Tiles that ``view`` needs and the cache lacks: of the overview, and of finer cells on screen."""
        level = view.overview
        rows, columns = cells_at(view.queries, level), cells_at(view.keys, level)
        yield Lack(self._address, level, self._cache.missing(self._address, level, 0, rows, 0, columns))
        if view.level < level:
            span = (view.top, view.bottom, view.left, view.right)
            yield Lack(self._address, view.level, self._cache.missing(self._address, view.level, *span))

    def picture(self, view: Viewport, scale: Scale) -> NDArray[np.uint16]:
        """uint16 [pixel rows, pixel columns]: levels of the pixels of the map in ``view``; an even number of rows."""
        cells = self.cells(view)
        picture = levels(cells.lifts, scale) if scale.of_lift else levels_of_halves(cells.weights, scale)
        picture[~cells.known] = MISSING
        picture[cells.masked] = MASKED
        return pixels(picture, view)

    def cells(self, view: Viewport) -> Cells:
        """The cells of ``view`` that show."""
        row, row_stop, column, column_stop = view.top, view.bottom, view.left, view.right
        weights, known = self._cells(view, row, row_stop, column, column_stop)
        support = self._cell_support(view.size)
        keys = np.arange(column, column_stop)
        masked = (keys < support.first[row:row_stop, None]) | (keys >= support.stop[row:row_stop, None])
        return Cells(weights, known, masked, support.lengths[row:row_stop, None])

    def pairs(self, row: int, row_stop: int, column: int, column_stop: int) -> NDArray[np.float16] | None:
        """Weights of a rectangle of pairs, clipped to the map, if all of them are here."""
        row_stop, column_stop = min(row_stop, self._shape.queries), min(column_stop, self._shape.keys)
        values, known = self._cache.read(self._address, 0, row, row_stop, column, column_stop)
        return values if known.all() else None

    def _cell_support(self, size: int) -> _Support:
        support = self._support.get(size)
        if support is None:
            first, stop = self._shape.first_key, self._shape.stop_key
            support = _Support(*pooled_support(first, stop, size), row_lengths(first, stop, size))
            self._support[size] = support
        return support

    def _cells(
        self, view: Viewport, row: int, row_stop: int, column: int, column_stop: int
    ) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
        """Cells of ``view``, and which of them are here."""
        if view.level < view.overview:
            return self._cache.read(self._address, view.level, row, row_stop, column, column_stop)
        whole = self._reduced(view)
        values = np.zeros((view.rows, view.columns), np.float16) if whole is None else whole
        values = values[row:row_stop, column:column_stop]
        return values, np.full(values.shape, whole is not None)

    def _reduced(self, view: Viewport) -> NDArray[np.float16] | None:
        """The whole map in cells of ``view``, from its overview, if that is here."""
        whole = self._whole.get(view.size)
        if whole is None:
            rows, columns = cells_at(view.queries, view.overview), cells_at(view.keys, view.overview)
            values, known = self._cache.read(self._address, view.overview, 0, rows, 0, columns)
            if not known.all():
                return None
            combine = np.fmax if self._address.without_first else np.maximum
            whole = self._whole[view.size] = pool(values, view.size >> view.overview, combine)
        return whole


def outlined(picture: NDArray[np.uint16], area: Region, ramp: Ramp) -> NDArray[np.uint16]:
    """The picture with a rectangle of pixels outlined on it, as far as it lies inside."""
    rows, columns = picture.shape
    area = area.intersection(Region(0, 0, columns, rows))
    result = picture.copy()
    window = result[area.y : area.bottom, area.x : area.right]
    edge = np.ones(window.shape, np.bool_)
    edge[1:-1, 1:-1] = False
    window[edge] = ramp.ink[window][edge]
    return result


def marked(picture: NDArray[np.uint16], view: Viewport, query: int, key: int, ramp: Ramp) -> NDArray[np.uint16]:
    """The picture with a cursor on it: a cross around one pixel, a box around or inside a larger cell."""
    size = view.factor
    top, left = view.pixel(query, key)
    marks: frozenset[tuple[int, int]] | set[tuple[int, int]] = _CROSS
    if size > 1:
        low, high = (0, size - 1) if size >= 4 else (-1, size)
        span = range(low, high + 1)
        marks = {(y, x) for y in span for x in span if y in (low, high) or x in (low, high)}
    rows, columns = picture.shape
    inside = [(top + y, left + x) for y, x in marks if 0 <= top + y < rows and 0 <= left + x < columns]
    result = picture.copy()
    if inside:
        where = tuple(np.array(inside).T)
        result[where] = ramp.ink[picture[where]]
    return result
