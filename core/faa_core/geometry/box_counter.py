"""Box counts of many heads at many thresholds in one pass, from aligned blocks of lift.

The counts at all dyadic sizes are read off one max pyramid, for every threshold at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry import compiled
from faa_core.geometry.pyramid import PyramidStream, halve, level_count
from faa_core.geometry.scaling import Floats

THRESHOLDS: Floats = 2.0 ** (np.arange(-12, 13) / 2)
"""float64 [25]: lifts 2^-6 to 2^6, two to the octave."""
UNIT = 12
"""Index of lift 1 in `THRESHOLDS`."""
NOT_COUNTED = -1
"""Stands for box counts that were not taken."""

_LEVELS_IN_CACHE = 3  # that are worth reducing while a block is at hand; the map above is 1/64 of a byte an entry
_BINS = len(THRESHOLDS) + 1
_MANTISSA = 23
# Root two lies between two neighbouring float32: a value exceeds it exactly if it is at least the upper one.
_ABOVE_ROOT = np.nextafter(np.float32(np.sqrt(2.0)), np.float32(2))
_HALF_OCTAVE = (1 << _MANTISSA) - (int(_ABOVE_ROOT.view(np.int32)) & ((1 << _MANTISSA) - 1)) + 1


class Grid(NamedTuple):
    """Thresholds 2^(first / 2) to 2^(last / 2), two to the octave; ``first`` is even, -252 or more."""

    first: int = -12
    last: int = 12

    @property
    def codes(self) -> int:
        """Number of codes: one more than thresholds."""
        return self.last - self.first + 2

    @property
    def steps(self) -> tuple[int, int]:
        """What is added to the bits of a value so that its code is the sum of the two exponent fields.

        Positive floats are ordered as their bits are. One less than the bits turns "greater than" a power of two into
        a step of the exponent field; a carry from the mantissa does the same for the powers in between. The origin,
        at which ``first`` has code 0 and the next float32 code 1, goes with the former.
        """
        origin = 2 * 127 - 1 + self.first
        return -1 - (origin << _MANTISSA), _HALF_OCTAVE - 1


GRID = Grid()
"""The grid of `THRESHOLDS`."""


def threshold_codes(x: torch.Tensor, grid: Grid = GRID) -> torch.Tensor:
    """How many of the thresholds of ``grid`` each value exceeds, exactly.

    Args:
        x: float32 of any shape, contiguous, non-negative.
        grid: Thresholds; by default `THRESHOLDS`.

    Returns:
        int32 of the same shape, 0 to the number of thresholds. It is monotone in ``x``, so it commutes with the
        maximum.
    """
    low, high = grid.steps
    bits = x.view(torch.int32)
    codes = (bits + low).bitwise_right_shift_(_MANTISSA)
    codes += (bits + high).bitwise_right_shift_(_MANTISSA)
    return codes.clamp_(0, grid.codes - 1)


def histogram_of(codes: torch.Tensor, radix: int) -> torch.Tensor:
    """How often each code occurs in each head, except code 0, of which too many may be counted.

    Two rows are counted as one row of pairs of codes, which halves the part that no processor does in parallel.

    Args:
        codes: Integers [heads, rows, columns], 0 to ``radix`` - 1.
        radix: Number of codes, at most 65.

    Returns:
        int64 [heads, radix].
    """
    heads, rows, _ = codes.shape
    pairs = codes[:, 0::2].to(torch.int32) * radix
    pairs[:, : rows // 2] += codes[:, 1::2]
    step = radix * radix
    pairs += torch.arange(0, heads * step, step, dtype=torch.int32, device=codes.device)[:, None, None]
    table = torch.bincount(pairs.view(-1), minlength=heads * step).view(heads, radix, radix)
    return table.sum(1) + table.sum(2)


def counts_from(histogram: torch.Tensor) -> NDArray[np.int64]:
    """int64 [..., thresholds]: boxes above each threshold, from a histogram [..., codes] of their codes."""
    above = histogram.cpu().numpy()[..., :0:-1].cumsum(-1)
    return np.ascontiguousarray(above[..., ::-1])


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
        self._depth = min(_LEVELS_IN_CACHE, self._levels - 1)
        # From level 1 on one byte per box says all: codes instead of lifts, a quarter of the traffic.
        n, m = ((side - 1 >> self._depth) + 1 for side in (queries, keys))
        self._codes = PyramidStream("max", n, m, 0)
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
            shape = (self._heads, self._levels, _BINS)
            self._histogram = torch.zeros(shape, dtype=torch.int64, device=lift.device)
            self._cells = torch.zeros(self._heads, dtype=torch.int64, device=lift.device)
        kernels = compiled.kernels_for(lift) if self._depth else None
        if kernels:
            top = compiled.count_block(kernels, lift, self._depth, GRID, self._histogram, self._cells)
        else:
            top = self._count_block(lift, self._histogram, self._cells)
        self._codes.add(row >> self._depth, top, column >> self._depth)

    def _count_block(self, lift: torch.Tensor, histogram: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """Count a block up to the deepest level of a strip, and return the codes of that level."""
        codes = lift
        for level in range(1, self._depth + 1):
            codes = halve(codes, "max")
            if level == 1:
                codes = threshold_codes(codes).to(torch.uint8)
            histogram[:, level] += histogram_of(codes, _BINS)
        cells += torch.gt(lift, 1, out=lift).sum((1, 2)).to(torch.int64)
        return codes

    def finish(self) -> NDArray[np.int64]:
        """int64 [heads, thresholds, sizes]: boxes of each of `box_sizes` that hold a cell above each threshold.

        Cells (size 1) are counted at lift 1 only, elsewhere they are `NOT_COUNTED`: no fit uses them.
        """
        counts = np.zeros((self._heads, len(THRESHOLDS), self._levels), np.int64)
        if self._histogram is not None and self._cells is not None:
            for level, part in enumerate(self._codes.finish(), self._depth + 1):
                self._histogram[:, level] += histogram_of(part, _BINS)
            counts[:] = counts_from(self._histogram).swapaxes(1, 2)
            counts[:, UNIT, 0] = self._cells.cpu().numpy()
        counts[:, np.arange(len(THRESHOLDS)) != UNIT, 0] = NOT_COUNTED
        return counts
