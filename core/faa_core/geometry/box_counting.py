"""Box counting of the lift: how many boxes of side s hold a key that gets more than its even share.

The lift of an entry is its weight times the number of keys its row sees, so even attention has lift 1 in every row.
The set is lift > tau. Its box counts at all dyadic sizes are read off one max pyramid; on request they are averaged
over all placements of the grid instead, which is slower, needs larger maps, and is more accurate off the grid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.box_counter import THRESHOLDS, BoxCounter
from faa_core.geometry.estimate import Estimate, estimate_of
from faa_core.geometry.matrices import Array, SupportLike, matrices_of, support_of, tensor_of
from faa_core.geometry.offsets import BoxFit, fit_offsets, offset_regressor
from faa_core.geometry.pyramid import ALIGN, max_pyramid
from faa_core.geometry.scaling import Floats, ScalingFit, box_sizes, fit_counts, log_counts, size_regressor
from faa_core.records import status_code

BoxMethod = Literal["pyramid", "offsets"]

_ENTRIES_AT_A_TIME = 1 << 24  # lifts that one block of the stream may hold


@dataclass(frozen=True, eq=False)
class BoxDimension(Estimate):
    """A box-counting dimension: an `Estimate` whose curve is ln N, and the counts themselves.

    ``difference`` is exactly 0 where the set is the whole support; 2 + ``difference`` is the dimension relative to it.

    Attributes:
        counts: float64 [..., scales]: boxes that hold a cell of the set: whole numbers of the ``pyramid``, means over
            all placements of the grid of ``offsets``.
        null_counts: float64 [scales]: boxes that hold a cell of the support.
        aligned: int8 [...]: 2 or 3 where the method is ``offsets`` but the aligned grid of this base was exact and
            gave the slope; 0 elsewhere.
    """

    counts: Floats
    null_counts: Floats
    aligned: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class ThresholdCurve(Estimate):
    """Box-counting dimensions over a range of lifts: an `Estimate` of shape [..., thresholds].

    Attributes:
        thresholds: float64 [thresholds]: lifts, 2^-6 to 2^6, two to the octave.
        counts: float64 [..., thresholds, scales]: boxes that hold a cell above the threshold; NaN for single cells,
            which no fit uses, at thresholds other than 1.
        null_counts: float64 [scales]: boxes that hold a cell of the support.
    """

    thresholds: Floats
    counts: Floats
    null_counts: Floats


def box_dimension(
    x: Array, support: SupportLike = "full", threshold: float = 1.0, method: BoxMethod = "pyramid"
) -> BoxDimension:
    """Box-counting dimension of the entries of a matrix that get more than their even share.

    ``pyramid``: fit, error and status are those of `faa_core.geometry.scaling.fit_counts`; sides of 64 and more.
    ``offsets``: those of `faa_core.geometry.offsets.fit_offsets`; sides of 192 and more.

    Args:
        x: [..., n, m], tensor or array. Real numbers are attention: the set is lift > ``threshold``. Booleans are the
            set itself, cut to the support. An image of zeros and ones with full support needs no conversion: its
            ones have lift m, so at the default threshold they are the set.
        support: Visible keys: all, the usual causal triangle, or any.
        threshold: Lift that an entry must exceed; unused for booleans.
        method: Counts on the dyadic grid that starts in the corner, or means over all placements of the grid.

    Returns:
        Dimensions, counts and fit. A matrix with NaN or infinity has status ``non_finite`` and counts of zero.

    Raises:
        ValueError: ``x`` is no batch of matrices, does not have the shape of ``support``, has negative weights, or
            weight outside of the support; or the method is unknown.
    """
    if method not in ("pyramid", "offsets"):
        raise ValueError(f'A method is "pyramid" or "offsets", not "{method}".')
    x = tensor_of(x)
    *lead, n, m = x.shape
    if x.dtype == torch.bool:
        allowed = support_of(support, n, m).to(x.device)
        image = x & allowed.mask()
        finite = np.ones(lead, bool)
    else:
        matrices = matrices_of(x, support)
        allowed = matrices.support
        image = (matrices.lift > threshold).reshape(x.shape)
        finite = matrices.shaped(matrices.finite)

    if method == "offsets":
        measured, null = fit_offsets(image), fit_offsets(allowed.mask())
        regressor = offset_regressor(measured.sizes, n, m)
    else:
        measured, null = _fit_pyramid(image), _fit_pyramid(allowed.mask())
        regressor = size_regressor(measured.sizes, n, m)
    estimate = estimate_of(
        _flagged(measured.fit, finite),
        null.fit.effective,
        measured.sizes,
        regressor,
        log_counts(measured.counts),
        log_counts(null.counts),
    )
    return BoxDimension(**vars(estimate), counts=measured.counts, null_counts=null.counts, aligned=measured.aligned)


def threshold_curve(x: Array, support: SupportLike = "full") -> ThresholdCurve:
    """Box-counting dimension at every lift of `faa_core.geometry.box_counter.THRESHOLDS`.

    Each is that of `box_dimension` at this threshold, but all of them take one pass.

    Args:
        x: [..., n, m], tensor or array of real numbers; computed with in float32.
        support: Visible keys: all, the usual causal triangle, or any.

    Returns:
        Dimensions, counts and fits. A matrix with NaN or infinity has status ``non_finite`` and counts of zero.

    Raises:
        ValueError: ``x`` is no batch of matrices, does not have the shape of ``support``, has negative weights, or
            weight outside of the support.
    """
    matrices = matrices_of(x, support)
    heads, n, m = matrices.weights.shape
    counter = BoxCounter(heads, n, m)
    step = max(_ENTRIES_AT_A_TIME // (heads * m) // ALIGN, 1) * ALIGN
    lengths = matrices.support.lengths.to(matrices.weights.dtype)[:, None]
    for row in range(0, n, step):
        rows = slice(row, row + step)
        counter.add(row, (matrices.weights[:, rows] * lengths[rows]).to(torch.float32).contiguous())
    raw = matrices.shaped(counter.finish())
    null_counts = _fit_pyramid(matrices.support.mask()).counts

    sizes = box_sizes(n, m)
    finite = matrices.shaped(matrices.finite)[..., None]
    fit = _flagged(fit_counts(sizes, raw, n, m), np.broadcast_to(finite, raw.shape[:-1]))
    null = fit_counts(sizes, null_counts, n, m).effective
    counts = np.where(raw >= 0, raw.astype(np.float64), np.nan)
    estimate = estimate_of(fit, null, sizes, size_regressor(sizes, n, m), log_counts(counts), log_counts(null_counts))
    return ThresholdCurve(**vars(estimate), thresholds=THRESHOLDS, counts=counts, null_counts=null_counts)


def _fit_pyramid(image: torch.Tensor) -> BoxFit:
    """Counts of a bool image [..., n, m] at all dyadic sizes, and the fit on them."""
    *lead, n, m = image.shape
    levels = max_pyramid(image.to(torch.uint8))
    counts = np.stack([level.sum((-2, -1), dtype=torch.int64).cpu().numpy() for level in levels], axis=-1)
    sizes = box_sizes(n, m)
    fit = fit_counts(sizes, counts, n, m)
    return BoxFit(sizes, counts.astype(np.float64), fit, np.zeros(lead, np.int8))


def _flagged(fit: ScalingFit, finite: NDArray[np.bool_]) -> ScalingFit:
    """The fit with status ``non_finite`` where the matrix is not finite."""
    return replace(fit, status=np.where(finite, fit.status, status_code("non_finite")).astype(np.uint8))


__all__ = ["BoxDimension", "BoxMethod", "ThresholdCurve", "box_dimension", "threshold_curve"]
