"""Box counting of the lift: how many boxes of side s hold a key that gets more than its even share.

The lift of an entry is its weight times the number of keys its row sees, so even attention has lift 1 in every row.
The set is lift > tau. Its box counts at all dyadic sizes are read off one max pyramid, for every tau at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.estimate import Estimate, estimate_of
from faa_core.geometry.matrices import Array, SupportLike, matrices_of, support_of, tensor_of
from faa_core.geometry.pyramid import PyramidStream, halve, level_count, max_pyramid
from faa_core.geometry.scaling import Floats, ScalingFit, box_sizes, fit_counts, log_counts, size_regressor
from faa_core.records import status_code

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


@dataclass(frozen=True, eq=False)
class BoxDimension(Estimate):
    """A box-counting dimension: an `Estimate` whose curve is ln N on ln ceil(n / s), and the counts themselves.

    ``difference`` is exactly 0 where the set is the whole support; 2 + ``difference`` is the dimension relative to it.

    Attributes:
        counts: int64 [..., scales]: boxes that hold a cell of the set.
        null_counts: int64 [scales]: boxes that hold a cell of the support.
    """

    counts: NDArray[np.int64]
    null_counts: NDArray[np.int64]


def box_dimension(x: Array, support: SupportLike = "full", threshold: float = 1.0) -> BoxDimension:
    """Box-counting dimension of the entries of a matrix that get more than their even share.

    Fit, error and status are those of `faa_core.geometry.scaling.fit_counts`.

    Args:
        x: [..., n, m], tensor or array. Real numbers are attention: the set is lift > ``threshold``. Booleans are the
            set itself, cut to the support. An image of zeros and ones with full support needs no conversion: its
            ones have lift m, so at the default threshold they are the set.
        support: Visible keys: all, the usual causal triangle, or any.
        threshold: Lift that an entry must exceed; unused for booleans.

    Returns:
        Dimensions, counts and fit. A matrix with NaN or infinity has status ``non_finite`` and counts of zero.

    Raises:
        ValueError: ``x`` is no batch of matrices, does not have the shape of ``support``, has negative weights, or
            weight outside of the support.
    """
    x = tensor_of(x)
    *lead, n, m = x.shape
    if x.dtype == torch.bool:
        allowed = support_of(support, n, m)
        counts = _counts_above((x & allowed.mask(x.device)).to(torch.uint8), 0)
        finite = np.ones(lead, bool)
    else:
        matrices = matrices_of(x, support)
        allowed = matrices.support
        counts = matrices.shaped(_counts_above(matrices.lift, threshold))
        finite = matrices.shaped(matrices.finite)
    null_counts = _counts_above(allowed.mask().to(torch.uint8), 0)

    sizes = box_sizes(n, m)
    fit = fit_counts(sizes, counts, n, m)
    fit = replace(fit, status=np.where(finite, fit.status, status_code("non_finite")).astype(np.uint8))
    null = fit_counts(sizes, null_counts, n, m).effective
    curve, null_curve = log_counts(counts), log_counts(null_counts)
    estimate = estimate_of(fit, null, sizes, size_regressor(sizes, n, m), curve, null_curve)
    return BoxDimension(**vars(estimate), counts=counts, null_counts=null_counts)


def _counts_above(x: torch.Tensor, threshold: float) -> NDArray[np.int64]:
    """int64 [..., sizes]: boxes of each size that hold a value above ``threshold``."""
    return np.stack([(level > threshold).sum((-2, -1)).cpu().numpy() for level in max_pyramid(x)], axis=-1)


__all__ = [
    "NOT_COUNTED",
    "THRESHOLDS",
    "UNIT",
    "BoxCounter",
    "BoxDimension",
    "ScalingFit",
    "box_dimension",
    "threshold_codes",
]
