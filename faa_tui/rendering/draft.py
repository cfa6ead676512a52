"""Maps while they move: fewer colours, larger pixels, and so few bytes that a slow link keeps up.

What one sees of a map that flies past is its large structure. A draft shows that in sixteen levels, and in squares of
2 x 2 pixels or more where sixteen levels alone take too many bytes. When the map rests it is drawn exactly.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from faa_tui.rendering.ramps import LEVELS, PALETTE, Ramp

REST_SECONDS: Final = 0.12
"""A map that has not moved for so long rests; more than a held key takes to repeat."""
FRAME_BYTES: Final = 60_000
"""What the maps of one frame may take while they move; the text around them takes some more."""
_STEP: Final = 17
"""Distance of the levels of a draft: 0, 17, ... 255, or to both sides of the middle of a diverging ramp."""
_SIDES: Final = (1, 2, 4, 8)
"""Sides of the squares, in pixels, from the finest on."""


class Motion:
    """Whether a map moves: it has been elsewhere a moment ago, or the next frame would take long to show.

    Args:
        clock: Seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moved = -REST_SECONDS
        self.drafting = False
        """Whether frames are drafts."""

    def move(self, slow: bool) -> None:
        """The map is elsewhere; ``slow`` makes already the first frame of a movement a draft."""
        now = self._clock()
        self.drafting = self.drafting or slow or now - self._moved < REST_SECONDS
        self._moved = now

    def until_rest(self) -> float:
        """Seconds until the map rests if it does not move again; 0 where it rests."""
        return max(0.0, self._moved + REST_SECONDS - self._clock())

    def rest(self) -> None:
        """The next frame is exact."""
        self.drafting = False


def draft(picture: NDArray[np.uint16], ramp: Ramp, budget: float = FRAME_BYTES) -> NDArray[np.uint16]:
    """The picture in sixteen levels, in the finest squares with which it takes ``budget`` bytes in 256 colours.

    A square has the level in it that stands out: the highest, or of a diverging ramp the farthest from the middle.

    Args:
        picture: uint16 [even number of pixel rows, pixel columns]: levels of the pixels.
        ramp: Its colours.
        budget: Bytes; where even the largest squares take more, those are drawn.

    Returns:
        uint16, the same shape.
    """
    few = _few_levels(ramp.diverging)[picture]
    drawn = few
    for side in _SIDES:
        drawn = few if side == 1 else _squares(few, side, ramp.diverging)
        if estimated_bytes(drawn, ramp) <= budget:
            break
    return drawn


def estimated_bytes(picture: NDArray[np.uint16], ramp: Ramp) -> int:
    """About how many bytes a picture takes in the 256 colours of xterm: rather too many than too few."""
    colours = np.asarray(ramp.xterm, np.uint8)[picture]
    top, bottom = colours[0::2], colours[1::2]
    upper, lower = top[:, 1:] != top[:, :-1], bottom[:, 1:] != bottom[:, :-1]
    plain = (top == bottom)[:, 1:]
    one, both = np.count_nonzero(upper ^ lower), np.count_nonzero(upper & lower & ~plain)
    filled, kept = np.count_nonzero(upper & lower & plain), np.count_nonzero(~(upper | lower | plain))
    # A byte a cell; more for the half block and for each colour that is said; and the two of the first cell.
    return int(top.size + 16 * one + 20 * both + 12 * filled + 2 * kept + 30 * len(top))


@cache
def _few_levels(diverging: bool) -> NDArray[np.uint16]:
    """uint16 [PALETTE]: the level that a draft has for each level; special ones stay."""
    few = np.arange(PALETTE)
    middle = LEVELS // 2 if diverging else 0
    few[:LEVELS] = np.clip(middle + np.rint((few[:LEVELS] - middle) / _STEP) * _STEP, 0, LEVELS - 1)
    return few.astype(np.uint16)


def _squares(picture: NDArray[np.uint16], side: int, diverging: bool) -> NDArray[np.uint16]:
    """The picture in squares of ``side`` pixels; a special level fills those that hold no other."""
    rows, columns = picture.shape
    padded = np.pad(picture, ((0, -rows % side), (0, -columns % side)), mode="edge").astype(np.int32)
    # Sorted by how much a level stands out, the special ones below all others; the maximum brings its level along.
    out = np.abs(2 * padded - (LEVELS - 1)) if diverging else padded
    key = np.where(padded < LEVELS, (out + 1) * PALETTE, 0) + padded
    height, width = key.shape[0] // side, key.shape[1] // side
    largest = key.reshape(height, side, width, side).max(axis=(1, 3)) % PALETTE
    drawn: NDArray[np.uint16] = largest.astype(np.uint16).repeat(side, axis=0).repeat(side, axis=1)[:rows, :columns]
    return drawn
