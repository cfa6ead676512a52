"""Box counts of many heads at many thresholds in one pass, from aligned blocks of lift.

The counts at all dyadic sizes are read off one max pyramid, for every threshold at once.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.pyramid import PyramidStream, halve, level_count
from faa_core.geometry.scaling import Floats

THRESHOLDS: Floats = 2.0 ** (np.arange(-12, 13) / 2)
"""float64 [25]: lifts 2^-6 to 2^6, two to the octave."""
UNIT = 12
"""Index of lift 1 in `THRESHOLDS`."""
NOT_COUNTED = -1
"""Stands for box counts that were not taken."""

_LEVELS_IN_CACHE = (
    3  # levels that are worth reducing while a block is at hand; the map above is 1/64 of a byte an entry
)
_BINS = 32  # len(THRESHOLDS) + 1 codes, rounded up
_MANTISSA = 23
# Root two lies between two neighbouring float32: a value exceeds it exactly if it is at least the upper one.
_ABOVE_ROOT = np.nextafter(np.float32(np.sqrt(2.0)), np.float32(2))
_HALF_OCTAVE = (1 << _MANTISSA) - (int(_ABOVE_ROOT.view(np.int32)) & ((1 << _MANTISSA) - 1)) + 1
_CODE_ORIGIN = 2 * 127 - 13  # so that the code of 2^-6 is 0 and that of the next float32 is 1


def threshold_codes(x: torch.Tensor) -> torch.Tensor:
    """How many of `THRESHOLDS` each value exceeds, exactly.

    Positive floats are ordered as their bits are. One less than the bits turns "greater than" a power of two into
    a step of the exponent field; a carry from the mantissa does the same for the powers in between.

    Args:
        x: float32 of any shape, contiguous, non-negative.

    Returns:
        int32 of the same shape, 0 to 25. It is monotone in ``x``, so it commutes with the maximum.
    """
    bits = x.view(torch.int32) - 1
    codes = bits >> _MANTISSA
    codes += bits.add_(_HALF_OCTAVE).bitwise_right_shift_(_MANTISSA)
    return codes.sub_(_CODE_ORIGIN).clamp_(0, len(THRESHOLDS))


class BoxCounter:
    """Box counts of every head at every threshold, from aligned blocks of lift.

    Args:
        heads: Number of heads.
        queries: Rows of each map.
        keys: Columns of each map.
    """

    def __init__(self, heads: int, queries: int, keys: int) -> None:
        self._heads = heads
        self._levels = level_count(queries, keys)
        # From level 1 on one byte per box says all: codes instead of lifts, a quarter of the traffic.
        self._codes = PyramidStream("max", (queries + 1) // 2, (keys + 1) // 2, _LEVELS_IN_CACHE - 1)
        self._histogram: torch.Tensor | None = None
        self._cells: torch.Tensor | None = None

    def add(self, row: int, lift: torch.Tensor, column: int = 0) -> None:
        """Count a block; what no block covers has lift 0.

        Args:
            row: First row, a multiple of 64.
            lift: float32 [heads, rows, columns], contiguous, at most 2^24 entries a head; overwritten.
            column: First column, a multiple of 64.
        """
        if self._histogram is None or self._cells is None:
            shape = (self._levels, self._heads * _BINS)
            self._histogram = torch.zeros(shape, dtype=torch.int64, device=lift.device)
            self._cells = torch.zeros(self._heads, dtype=torch.float64, device=lift.device)
        if self._levels > 1:
            codes = threshold_codes(halve(lift, "max"))
            below = self._codes.add(row // 2, codes.to(torch.uint8), column // 2)
            self._tally(1, codes)
            for level, part in enumerate(below[1:], 2):
                self._tally(level, part.to(torch.int32))
        self._cells += torch.gt(lift, 1, out=lift).sum((1, 2))

    def _tally(self, level: int, codes: torch.Tensor) -> None:
        """Add int32 codes [heads, rows, columns] to the level's histograms; overwrites them."""
        assert self._histogram is not None
        codes += torch.arange(0, self._heads * _BINS, _BINS, dtype=torch.int32, device=codes.device)[:, None, None]
        self._histogram[level] += torch.bincount(codes.view(-1), minlength=self._heads * _BINS)

    def finish(self) -> NDArray[np.int64]:
        """int64 [heads, thresholds, sizes]: boxes of each of `box_sizes` that hold a cell above each threshold.

        Cells (size 1) are counted at lift 1 only, elsewhere they are `NOT_COUNTED`: no fit uses them.
        """
        counts = np.zeros((self._heads, len(THRESHOLDS), self._levels), np.int64)
        if self._histogram is not None and self._cells is not None:
            for level, part in enumerate(self._codes.finish(), _LEVELS_IN_CACHE + 1):
                self._tally(level, part.to(torch.int32))
            histogram = self._histogram.view(self._levels, self._heads, _BINS).cpu().numpy()
            above = histogram[..., ::-1].cumsum(-1)[..., ::-1]
            counts[:] = above[..., 1 : len(THRESHOLDS) + 1].transpose(1, 2, 0)
            counts[:, UNIT, 0] = self._cells.cpu().numpy().astype(np.int64)
        counts[:, np.arange(len(THRESHOLDS)) != UNIT, 0] = NOT_COUNTED
        return counts
