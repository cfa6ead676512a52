"""The cells of attention maps that are already here: a mip-map in tiles, within a budget of bytes.

A map at level l has cells of 2^l x 2^l tokens, each the largest weight in it. The overview of a map is the finest
level whose whole is at most 256 x 256 cells; every coarser level is made from it here, and only finer ones are asked
for in tiles.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Float = TypeVar("Float", bound=np.floating)

TILE: Final = 64
"""Side of a tile in cells. Small, so that a screen of single weights asks for little beyond its edges."""
CACHE_BYTES: Final = 128 * 1024 * 1024
"""Budget for a cache: enough for the overviews of a few hundred heads."""
OVERVIEW: Final = 256
"""Longest side of an overview in cells: one is 57 kB at most as it travels from another machine."""


def overview_level(rows: int, columns: int) -> int:
    """Level of the overview of a map of ``rows`` x ``columns`` tokens."""
    level = 0
    while max(cells_at(rows, level), cells_at(columns, level)) > OVERVIEW:
        level += 1
    return level


def cells_at(tokens: int, level: int) -> int:
    """Number of cells of 2^level tokens that cover ``tokens``."""
    return -(-tokens >> level)


def pool(cells: NDArray[Float], size: int, combine: np.ufunc = np.maximum) -> NDArray[Float]:
    """The largest of each ``size`` x ``size`` cells; fewer at the far edges.

    Args:
        cells: [rows, columns].
        size: How many cells along a side become one.
        combine: `numpy.maximum`, to which NaN is larger than every number, or `numpy.fmax`, which prefers any number.
    """
    if size == 1:
        return cells
    wide = cells.astype(np.float32, copy=False)  # half floats have no vector instructions
    for axis in (0, 1):
        wide = combine.reduceat(wide, np.arange(0, wide.shape[axis], size), axis=axis)
    return wide.astype(cells.dtype, copy=False)


@dataclass
class _Tile:
    values: NDArray[np.float16]
    known: NDArray[np.bool_]

    @property
    def nbytes(self) -> int:
        return self.values.nbytes + self.known.nbytes


class TileCache:
    """Tiles of any number of maps; the least recently used go first when the budget is spent.

    Args:
        budget: Bytes that the tiles may take. One that is larger by itself is kept until the next one comes.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._tiles: OrderedDict[tuple[Hashable, int, int, int], _Tile] = OrderedDict()
        self._asked: set[tuple[Hashable, int, int, int]] = set()
        self._nbytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes that the tiles take."""
        return self._nbytes

    def put(self, address: Hashable, level: int, row: int, column: int, block: NDArray[np.float16]) -> None:
        """Keep ``block``, whose top left cell is ``(row, column)`` at ``level`` of the map ``address``."""
        stop_row, stop_column = row + block.shape[0], column + block.shape[1]
        for tile_row in range(row // TILE, -(-stop_row // TILE)):
            for tile_column in range(column // TILE, -(-stop_column // TILE)):
                top, left = tile_row * TILE, tile_column * TILE
                low, high = max(row, top), min(stop_row, top + TILE)
                start, stop = max(column, left), min(stop_column, left + TILE)
                key = (address, level, tile_row, tile_column)
                self._asked.discard(key)
                tile = self._grown(key, high - top, stop - left)
                inside = np.s_[low - top : high - top, start - left : stop - left]
                tile.values[inside] = block[low - row : high - row, start - column : stop - column]
                tile.known[inside] = True
        while self._nbytes > self._budget and len(self._tiles) > 1:
            _, dropped = self._tiles.popitem(last=False)
            self._nbytes -= dropped.nbytes

    def read(
        self, address: Hashable, level: int, row: int, row_stop: int, column: int, column_stop: int
    ) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
        """The rectangle of cells asked for: float16 values, and which of them are here."""
        values = np.zeros((row_stop - row, column_stop - column), np.float16)
        known = np.zeros(values.shape, np.bool_)
        for tile_row in range(row // TILE, -(-row_stop // TILE)):
            for tile_column in range(column // TILE, -(-column_stop // TILE)):
                key = (address, level, tile_row, tile_column)
                tile = self._tiles.get(key)
                if tile is None:
                    continue
                self._tiles.move_to_end(key)
                top, left = tile_row * TILE, tile_column * TILE
                low, high = max(row, top), min(row_stop, top + tile.values.shape[0])
                start, stop = max(column, left), min(column_stop, left + tile.values.shape[1])
                if low >= high or start >= stop:
                    continue
                source = np.s_[low - top : high - top, start - left : stop - left]
                target = np.s_[low - row : high - row, start - column : stop - column]
                values[target], known[target] = tile.values[source], tile.known[source]
        return values, known

    def missing(
        self, address: Hashable, level: int, row: int, row_stop: int, column: int, column_stop: int
    ) -> list[tuple[int, int]]:
        """Row and column of the tiles in the rectangle of which some cell inside the rectangle is not here."""
        absent: list[tuple[int, int]] = []
        for tile_row in range(row // TILE, -(-row_stop // TILE)):
            for tile_column in range(column // TILE, -(-column_stop // TILE)):
                top, left = tile_row * TILE, tile_column * TILE
                rectangle = (
                    max(row, top),
                    min(row_stop, top + TILE),
                    max(column, left),
                    min(column_stop, left + TILE),
                )
                if not self.read(address, level, *rectangle)[1].all():
                    absent.append((tile_row, tile_column))
        return absent

    def ask(self, address: Hashable, level: int, tiles: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those of ``tiles`` that are not on their way yet; from now on they are, until they come or are forgotten."""
        fresh = [tile for tile in tiles if (address, level, *tile) not in self._asked]
        self._asked.update((address, level, *tile) for tile in fresh)
        return fresh

    def clear(self) -> None:
        """Forget all tiles, and which are on their way."""
        self._tiles.clear()
        self._asked.clear()
        self._nbytes = 0

    def forget_asked(self) -> None:
        """Take nothing to be on its way any more."""
        self._asked.clear()

    def _grown(self, key: tuple[Hashable, int, int, int], rows: int, columns: int) -> _Tile:
        old = self._tiles.pop(key, None)
        if old is not None:
            if old.values.shape[0] >= rows and old.values.shape[1] >= columns:
                self._tiles[key] = old
                return old
            rows, columns = max(rows, old.values.shape[0]), max(columns, old.values.shape[1])
        tile = _Tile(np.zeros((rows, columns), np.float16), np.zeros((rows, columns), np.bool_))
        if old is not None:
            inside = np.s_[: old.values.shape[0], : old.values.shape[1]]
            tile.values[inside], tile.known[inside] = old.values, old.known
            self._nbytes -= old.nbytes
        self._nbytes += tile.nbytes
        self._tiles[key] = tile
        return tile
