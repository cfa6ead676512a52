"""Power laws over dyadic box sizes: the fit, its error, and the refusal to fit.

A straight line in log-log axes is no evidence of scaling: independent noise reaches R^2 = 0.997. A slope is therefore
accepted only if the local slopes inside its range agree, and its error adds what the choice of the range and the
finite grid contribute to the regression's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faa_core.geometry.pyramid import level_count
from faa_core.records import status_code

FIRST_SIZE = 2
"""Smallest box side of a fit on sets, in tokens. Fixed in tokens, so that texts of different length compare."""
SIDE_FRACTION = 4
"""The largest box side of a fit is the shorter side of the map over this (Foroutan-pour 1999)."""
MINIMUM_SIZES = 4
"""Fewest sizes of a fit, and of a window of the ensemble."""
MINIMUM_SPAN = 8
"""Smallest ratio of the largest to the smallest size of a fit."""
SLOPE_RANGE = 0.10
"""Largest range of the interior local slopes that still counts as scaling."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ScalingFit:
    """Slopes of ln N on a regressor, one for each leading index.

    Attributes:
        value: float64 [...]: slope; NaN unless the status is ``ok`` or ``degenerate``.
        error: float64 [...]: its standard error; NaN where ``value`` is.
        effective: float64 [...]: slope of the same range even where there is no scaling; NaN where there is no fit.
        intercept: float64 [...]: ln N of the fitted line at regressor 0.
        status: uint8 [...]: indices into `faa_core.records.STATUSES`.
        first: int16 [...]: index of the first size used.
        last: int16 [...]: index of the last size used, inclusive; -1 with ``first`` 0 where there is no fit.
        local_slopes: float64 [..., sizes - 1]: slopes between neighbouring sizes.
    """

    value: Floats
    error: Floats
    effective: Floats
    intercept: Floats
    status: NDArray[np.uint8]
    first: NDArray[np.int16]
    last: NDArray[np.int16]
    local_slopes: Floats


def box_sizes(queries: int, keys: int) -> NDArray[np.int64]:
    """int64 [sizes]: dyadic box sides 1, 2, 4, ... up to the one whose single box holds the whole map."""
    return np.int64(1) << np.arange(level_count(queries, keys), dtype=np.int64)


def size_regressor(sizes: NDArray[np.int64], queries: int, keys: int) -> Floats:
    """float64 [sizes]: ln ceil(n / s), on which padded boxes of a filled square have slope 2 exactly, for every n.

    For a map that is not square it is the mean over both sides, which keeps the filled map at exactly 2.
    """
    rows, columns = (-(-side // sizes) for side in (queries, keys))
    return np.asarray((np.log(rows) + np.log(columns)) / 2, dtype=np.float64)


def systematic_error(side: int) -> float:
    """Standard error that the finite grid alone contributes, calibrated on percolation sets of known dimension."""
    return float(0.38 * float(side) ** -0.25)


def default_range(sizes: NDArray[np.int64], side: int) -> tuple[int, int]:
    """Indices, inclusive, of the sizes between `FIRST_SIZE` and a quarter of ``side``; (0, -1) where too few fit."""
    inside = np.flatnonzero((sizes >= FIRST_SIZE) & (sizes * SIDE_FRACTION <= side))
    if len(inside) < MINIMUM_SIZES or sizes[inside[-1]] < MINIMUM_SPAN * sizes[inside[0]]:
        return 0, -1
    return int(inside[0]), int(inside[-1])


def fit_line(x: Floats, y: Floats, first: int, last: int, systematic: float) -> ScalingFit:
    """Fit a power law to curves that share their scales.

    Ordinary least squares of y on x over the scales ``first`` to ``last``. The squared error is the sum of three
    squares: the regression's, the spread of the slopes over all windows of at least four neighbouring scales
    ((q95 - q05) / 3.29), and ``systematic``.

    Status: ``too_few_scales`` where ``last < first``; ``empty`` where a value of the range is NaN; ``no_scaling`` where
    the local slopes of the range, without the first and the last where two or more remain, differ by more than
    `SLOPE_RANGE`; ``ok``.

    Args:
        x: float64 [scales]: regressor.
        y: float64 [..., scales]: the logarithm of what scales.
        first: Index of the first scale of the fit.
        last: Index of the last, inclusive.
        systematic: Standard error that the finite grid alone contributes.

    Returns:
        One fit for each leading index of ``y``.
    """
    shape = y.shape[:-1]
    local = np.diff(y, axis=-1) / np.diff(x)
    if last < first:
        nothing = np.full(shape, np.nan)
        status = np.full(shape, status_code("too_few_scales"), np.uint8)
        zero = np.zeros(shape, np.int16)
        return ScalingFit(nothing, nothing, nothing, nothing, status, zero, zero - np.int16(1), local)

    x, y = x[first : last + 1], y[..., first : last + 1]
    slope, intercept, regression = _least_squares(x, y)
    windows = (y[..., None, :] * _window_weights(x)).sum(-1)
    error = np.sqrt(regression**2 + _spread(windows) ** 2 + systematic**2)

    interior = local[..., first:last]
    if interior.shape[-1] >= 4:
        interior = interior[..., 1:-1]
    scaling = interior.max(-1) - interior.min(-1) <= SLOPE_RANGE
    empty = np.isnan(slope)
    status = np.full(shape, status_code("ok"), np.uint8)
    status[~scaling] = status_code("no_scaling")
    status[empty] = status_code("empty")
    defined = scaling & ~empty
    return ScalingFit(
        value=np.where(defined, slope, np.nan),
        error=np.where(defined, error, np.nan),
        effective=slope,
        intercept=intercept,
        status=status,
        first=np.where(empty, 0, first).astype(np.int16),
        last=np.where(empty, -1, last).astype(np.int16),
        local_slopes=local,
    )


def fit_counts(sizes: NDArray[np.int64], counts: NDArray[np.int64], queries: int, keys: int) -> ScalingFit:
    """Fit dimensions to box counts of one map, or of many of the same shape.

    `fit_line` of ln N on `size_regressor` over `default_range`, with `systematic_error`. Two more statuses:
    ``empty`` where no box was counted, and ``degenerate`` where a single box is left already at the smallest size of
    the fit; that has dimension 0.

    Args:
        sizes: int64 [sizes] from `box_sizes`.
        counts: int64 [..., sizes]: number of boxes of each size.
        queries: Rows of the map.
        keys: Columns of the map.

    Returns:
        One fit for each leading index of ``counts``.
    """
    side = min(queries, keys)
    first, last = default_range(sizes, side)
    fit = fit_line(size_regressor(sizes, queries, keys), log_counts(counts), first, last, systematic_error(side))
    if last < first:
        return fit
    status = fit.status.copy()
    status[counts[..., first] == 1] = status_code("degenerate")
    return replace(fit, status=status)


def effective_dimensions(
    sizes: NDArray[np.int64], counts: NDArray[np.int64], queries: int, keys: int
) -> NDArray[np.float64]:
    """The ``effective`` slopes of `fit_counts` alone, float64 [...], for many sets of counts [..., sizes]."""
    first, last = default_range(sizes, min(queries, keys))
    if last < first:
        return np.full(counts.shape[:-1], np.nan)
    inside = slice(first, last + 1)
    return _least_squares(size_regressor(sizes, queries, keys)[inside], log_counts(counts[..., inside]))[0]


def log_counts(counts: NDArray[np.int64]) -> Floats:
    """The natural logarithm of counts, float64 of the same shape; NaN for 0."""
    return np.where(counts > 0, np.log(np.maximum(counts, 1)), np.nan)


def _least_squares(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Slope, intercept and standard error of the slope of y [..., points] on x [points]."""
    centred = x - x.mean()
    weight = _slope_weights(x)
    # A sum along the last axis, not a matrix product: equal rows give equal slopes to the last bit in any batch.
    slope = (y * weight).sum(-1)
    intercept = y.mean(-1) - slope * x.mean()
    residual = y - (intercept[..., None] + slope[..., None] * x)
    error = np.sqrt((residual**2).sum(-1) / (len(x) - 2) / (centred**2).sum())
    return slope, intercept, error


def _slope_weights(x: Floats) -> Floats:
    """The weights of the points in a least-squares slope on x."""
    centred = x - x.mean()
    return np.asarray(centred / (centred**2).sum(), dtype=np.float64)


def _window_weights(x: Floats) -> Floats:
    """`_slope_weights` of every window of at least `MINIMUM_SIZES` neighbouring points, [windows, points]."""
    points = len(x)
    windows = [(start, stop) for start in range(points) for stop in range(start + MINIMUM_SIZES, points + 1)]
    weights = np.zeros((len(windows), points))
    for row, (start, stop) in zip(weights, windows, strict=True):
        row[start:stop] = _slope_weights(x[start:stop])
    return weights


def _spread(windows: Floats) -> Floats:
    """Standard error of the slopes of all windows [..., windows], from their 5 % and 95 % quantiles."""
    ordered = np.sort(windows, axis=-1)
    position = np.array([0.05, 0.95]) * (ordered.shape[-1] - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, ordered.shape[-1] - 1)
    quantiles = ordered[..., low] + (ordered[..., high] - ordered[..., low]) * (position - low)
    return np.asarray((quantiles[..., 1] - quantiles[..., 0]) / 3.29, dtype=np.float64)
