"""The boxes that a box count counts, drawn on a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from faa_tui.rendering.ramps import INK_LIGHT, Ramp
from faa_tui.rendering.viewport import Viewport

LEAST_OUTLINE: Final = 4
"""Pixels along the side of a box from which on it is outlined; smaller ones are filled."""


@dataclass(frozen=True, eq=False)
class CountedBoxes:
    """Boxes of one size, from the first query and the first key.

    Attributes:
        size: Their side in tokens.
        occupied: bool [rows, columns]: those that are counted.
    """

    size: int
    occupied: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """How many are counted."""
        return int(self.occupied.sum())


def with_boxes(picture: NDArray[np.uint16], view: Viewport, boxes: CountedBoxes, ramp: Ramp) -> NDArray[np.uint16]:
    """The picture with the counted boxes on it: outlined, or filled where they are too small for that.

    A pixel that stands for several boxes is filled where one of them is counted. Boxes side by side share an edge.

    Args:
        picture: uint16 [pixel rows, pixel columns]: levels of the pixels of ``view``.
        view: What part of the map it shows.
        boxes: The boxes, which cover the map.
        ramp: Its colours.

    Returns:
        uint16, the same shape.
    """
    rows = _Cells.along(view.top, view.bottom, view.size, view.queries, boxes.size)
    columns = _Cells.along(view.left, view.right, view.size, view.keys, boxes.size)
    held = _any_held(boxes.occupied, rows, columns)
    if boxes.size * view.factor < LEAST_OUTLINE * view.size:
        inside, ink = _pixels(held, view), np.full(picture.shape, INK_LIGHT, np.uint16)
    else:
        inside, ink = _edges(held, rows, columns, view), ramp.ink[picture]
    inside = inside[: picture.shape[0], : picture.shape[1]]
    result = picture.copy()
    result[: inside.shape[0], : inside.shape[1]][inside] = ink[: inside.shape[0], : inside.shape[1]][inside]
    return result


@dataclass(frozen=True)
class _Cells:
    """Cells of a view along one axis: the first and the last box that each touches, and where boxes begin and end."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    begins: NDArray[np.bool_]
    ends: NDArray[np.bool_]

    @classmethod
    def along(cls, start: int, stop: int, size: int, tokens: int, box: int) -> _Cells:
        first = np.arange(start, stop) * size
        low = first // box
        return cls(
            low,
            (np.minimum(first + size, tokens) - 1) // box,
            (first - size) // box != low,
            ((first + size) // box != low) | (first + size >= tokens),
        )


def _any_held(occupied: NDArray[np.bool_], rows: _Cells, columns: _Cells) -> NDArray[np.bool_]:
    """Bool [rows, columns] of cells: whether one of the boxes that a cell touches is counted."""
    top, left = int(rows.low[0]), int(columns.low[0])
    part = occupied[top : int(rows.high[-1]) + 1, left : int(columns.high[-1]) + 1]
    sums = np.zeros((part.shape[0] + 1, part.shape[1] + 1), np.int32)
    np.cumsum(np.cumsum(part, axis=0, dtype=np.int32), axis=1, out=sums[1:, 1:])
    above, below = sums[rows.low - top], sums[rows.high + 1 - top]
    low, high = columns.low - left, columns.high + 1 - left
    held: NDArray[np.bool_] = below[:, high] - below[:, low] - above[:, high] + above[:, low] > 0
    return held


def _edges(held: NDArray[np.bool_], rows: _Cells, columns: _Cells, view: Viewport) -> NDArray[np.bool_]:
    """Pixels on the edges of boxes: above and left of each, below and right where no other box follows."""
    next_row = np.pad(held[1:], ((0, 1), (0, 0)))
    next_column = np.pad(held[:, 1:], ((0, 0), (0, 1)))
    factor = view.factor
    edges = np.zeros((held.shape[0], factor, held.shape[1], factor), np.bool_)
    edges[:, 0] |= (held & rows.begins[:, None])[:, :, None]
    edges[:, -1] |= (held & rows.ends[:, None] & ~next_row)[:, :, None]
    edges[:, :, :, 0] |= (held & columns.begins)[:, None]
    edges[:, :, :, -1] |= (held & columns.ends & ~next_column)[:, None]
    return edges.reshape(held.shape[0] * factor, held.shape[1] * factor)


def _pixels(cells: NDArray[np.bool_], view: Viewport) -> NDArray[np.bool_]:
    return cells.repeat(view.factor, axis=0).repeat(view.factor, axis=1)
