"""A map in little, in a corner of a map that does not show whole, with the part that shows marked in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from faa_tui.rendering.attention_map import MapSource
from faa_tui.rendering.ramps import MISSING, OUTSIDE, Ramp
from faa_tui.rendering.scales import Scale
from faa_tui.rendering.viewport import Viewport

LARGEST: Final = 32
"""Most pixels along a side of it."""
LEAST: Final = 10
"""Pixels that its longer side must have, so that it shows anything."""
_LEAST_SHORT: Final = 4
_SHARE: Final = 3
"""It takes at most one part in so many of the pane along each side."""
_AROUND: Final = 3
"""Pixels around the cursor that stay free."""


@dataclass(frozen=True)
class MiniMap:
    """Where in the pixels of a pane a map in little lies.

    Attributes:
        view: The whole map as it shows in it.
        top: First row of pixels, its margin included; even.
        left: First column of pixels, its margin included.
        height: Rows of pixels, its margin included; even.
        width: Columns of pixels, its margin included.
        upper: Whether it lies at the upper edge of the pane, so that its margin is below it.
        right: Whether it lies at the right edge.
    """

    view: Viewport
    top: int
    left: int
    height: int
    width: int
    upper: bool
    right: bool

    def covers(self, y: int, x: int) -> bool:
        """Whether a pixel of the pane belongs to it."""
        return self.top <= y < self.top + self.height and self.left <= x < self.left + self.width

    def drawn(
        self, picture: NDArray[np.uint16], view: Viewport, source: MapSource, scale: Scale, ramp: Ramp
    ) -> NDArray[np.uint16]:
        """``picture``, which shows ``view``, with the map in little on it, once its overview is here."""
        rows, columns = _extent(self.view)
        little = source.picture(self.view, scale)[:rows, :columns]
        if (little == MISSING).any():
            return picture
        little = _framed(little, self.view, view, ramp)
        block = np.full((self.height, self.width), OUTSIDE, np.uint16)
        at_row = 0 if self.upper else self.height - rows
        at_column = self.width - columns if self.right else 0
        block[at_row : at_row + rows, at_column : at_column + columns] = little
        result = picture.copy()
        result[self.top : self.top + self.height, self.left : self.left + self.width] = block
        return result


def placed(view: Viewport, shape: tuple[int, ...], query: int, key: int) -> MiniMap | None:
    """Where a map in little goes: the upper right corner, or another one where it would hide the cursor.

    Args:
        view: What shows.
        shape: Rows and columns of its pixels.
        query: Row of the cursor in tokens.
        key: Its column.

    Returns:
        ``None`` where the whole map shows, or there is no room.
    """
    room = min(LARGEST, shape[0] // _SHARE, shape[1] // _SHARE)
    if view.whole or room < LEAST:
        return None
    little = replace(view, height=room, width=room).fitted()
    rows, columns = _extent(little)
    if max(rows, columns) < LEAST or min(rows, columns) < _LEAST_SHORT:
        return None
    height, width = rows + 1 + (rows + 1) % 2, columns + 1
    y, x = view.pixel(query, key)
    for upper, right in ((True, True), (False, False), (True, False), (False, True)):
        top, left = 0 if upper else shape[0] - height, shape[1] - width if right else 0
        beside = (
            y + view.factor + _AROUND <= top
            or y - _AROUND >= top + height
            or x + view.factor + _AROUND <= left
            or x - _AROUND >= left + width
        )
        if beside:
            return MiniMap(little, top, left, height, width, upper, right)
    return None


def _extent(view: Viewport) -> tuple[int, int]:
    """Rows and columns of pixels that a whole map takes."""
    return view.rows * view.factor, view.columns * view.factor


def _framed(little: NDArray[np.uint16], whole: Viewport, part: Viewport, ramp: Ramp) -> NDArray[np.uint16]:
    """The map in little with a frame around what ``part`` shows."""
    rows = _span(part.top, part.bottom, part.size, whole, little.shape[0])
    columns = _span(part.left, part.right, part.size, whole, little.shape[1])
    result = little.copy()
    window = result[rows, columns]
    ink = ramp.ink[window]
    edge = np.ones(window.shape, np.bool_)
    edge[1:-1, 1:-1] = False
    window[edge] = ink[edge]
    return result


def _span(first: int, stop: int, size: int, whole: Viewport, pixels: int) -> slice:
    """Pixels of a map in little that stand for cells ``first`` to ``stop`` of ``size`` tokens."""
    low = first * size // whole.size * whole.factor
    high = -(-stop * size // whole.size) * whole.factor
    return slice(min(low, pixels - 1), max(min(high, pixels), min(low, pixels - 1) + 1))
