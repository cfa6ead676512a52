"""Power laws over a range of scales: the fit, its error, and the refusal to fit.

A straight line in log-log axes is no evidence of scaling: independent noise reaches R^2 = 0.997. A slope is therefore
accepted only if the curve does not bend and its local slopes agree, and its error adds what the choice of the range
and the finite grid contribute to the regression's own.

Sets and measures are judged apart. The counts of a set that repeats itself at every third or fourth size oscillate
around their power law, and those of a random set fluctuate; the sums of a measure over its boxes do neither.
"""

from __future__ import annotations

from collections.abc import Callable
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
"""Measures: largest range of the interior local slopes that still counts as scaling."""
CURVATURE = 0.02
"""Measures: largest quadratic coefficient of the curve, by size, that does."""
SET_SLOPE_RANGE = 0.30
"""Sets: largest range of the slopes over two octaves. Over one, a fixed grid sees more of itself than of the set."""
SET_CURVATURE = 0.04
"""Sets: largest quadratic coefficient. Independent noise (Gaussian logits of deviation 2) has 0.04 to 0.28."""
WINDOW_SPAN = 4
"""Smallest ratio of the ends of a window, on the regressor, in the ensemble of `fit_windows`."""
WINDOW_FLOOR = 0.005
"""Residual of ln N that is added to that of each window before it weighs less than another."""

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
    """Standard error that the finite grid alone contributes to an exponent of a measure; 0.38 side^(-1/4)."""
    return float(0.38 * float(side) ** -0.25)


def set_error(side: int, dimension: Floats) -> Floats:
    """Standard error that the finite grid, and the single realisation on it, contribute to a box dimension.

    1.2 sqrt((2 - D) / side), where 2 - D is taken to be at least 0.25. Calibrated on percolation sets of known
    dimension (bases 2 to 5, D from 1 to 1.97, sides 64 to 1,024), for `fit_counts` and for counts over all
    placements of the grid alike: 92 % to 98 % of the 95 % intervals hold the true dimension.

    Args:
        side: The shorter side of the map.
        dimension: float64 [...]: estimates.
    """
    return np.asarray(1.2 * np.sqrt(np.maximum(2 - dimension, 0.25) / side), dtype=np.float64)


def default_range(sizes: NDArray[np.int64], side: int) -> tuple[int, int]:
    """Indices, inclusive, of the sizes between `FIRST_SIZE` and a quarter of ``side``; (0, -1) where too few fit."""
    inside = np.flatnonzero((sizes >= FIRST_SIZE) & (sizes * SIDE_FRACTION <= side))
    if len(inside) < MINIMUM_SIZES or sizes[inside[-1]] < MINIMUM_SPAN * sizes[inside[0]]:
        return 0, -1
    return int(inside[0]), int(inside[-1])


def fit_line(x: Floats, y: Floats, first: int, last: int, systematic: float) -> ScalingFit:
    """Fit a power law to curves of measures that share their scales.

    Ordinary least squares of y on x over the scales ``first`` to ``last``. The squared error is the sum of three
    squares: the regression's, the spread of the slopes over all windows of at least four neighbouring scales
    ((q95 - q05) / 3.29), and ``systematic``.

    Status: ``too_few_scales`` where ``last < first``; ``empty`` where a value of the range is NaN; ``no_scaling`` where
    the local slopes of the range, without the first and the last where two or more remain, differ by more than
    `SLOPE_RANGE`, or the curve bends by more than `CURVATURE`; ``ok``.

    Args:
        x: float64 [scales]: regressor.
        y: float64 [..., scales]: the logarithm of what scales.
        first: Index of the first scale of the fit.
        last: Index of the last, inclusive.
        systematic: Standard error that the finite grid alone contributes.

    Returns:
        One fit for each leading index of ``y``.
    """

    def scaling(x: Floats, y: Floats) -> NDArray[np.bool_]:
        local = np.diff(y, axis=-1) / np.diff(x)
        if local.shape[-1] >= 4:
            local = local[..., 1:-1]
        return np.asarray((np.ptp(local, axis=-1) <= SLOPE_RANGE) & (_curvature(x, y) <= CURVATURE))

    return _fit(x, y, first, last, scaling, lambda slope: np.full(slope.shape, systematic))


def fit_counts(sizes: NDArray[np.int64], counts: NDArray[np.int64] | Floats, queries: int, keys: int) -> ScalingFit:
    """Fit dimensions to box counts of one map, or of many of the same shape.

    Ordinary least squares of ln N on `size_regressor` over `default_range`, with the error of `fit_line` but
    `set_error` for its systematic part.

    Status: as in `fit_line`, but ``no_scaling`` where the slopes over two octaves differ by more than
    `SET_SLOPE_RANGE`, or the curve bends by more than `SET_CURVATURE`. Two more: ``empty`` where no box was counted,
    and ``degenerate`` where a single box is left already at the smallest size of the fit; that has dimension 0.

    Args:
        sizes: int64 [sizes] from `box_sizes`.
        counts: int64 or float64 [..., sizes]: number of boxes of each size.
        queries: Rows of the map.
        keys: Columns of the map.

    Returns:
        One fit for each leading index of ``counts``.
    """
    side = min(queries, keys)
    first, last = default_range(sizes, side)
    fit = _fit(
        size_regressor(sizes, queries, keys),
        log_counts(counts),
        first,
        last,
        lambda x, y: steady(x, y, octave=1, octaves=2, largest=SET_SLOPE_RANGE),
        lambda slope: set_error(side, slope),
    )
    if last < first:
        return fit
    status = fit.status.copy()
    status[counts[..., first] == 1] = status_code("degenerate")
    return replace(fit, status=status)


def effective_dimensions(
    sizes: NDArray[np.int64], counts: NDArray[np.int64] | Floats, queries: int, keys: int
) -> NDArray[np.float64]:
    """The ``effective`` slopes of `fit_counts` alone, float64 [...], for many sets of counts [..., sizes]."""
    first, last = default_range(sizes, min(queries, keys))
    if last < first:
        return np.full(counts.shape[:-1], np.nan)
    inside = slice(first, last + 1)
    return _least_squares(size_regressor(sizes, queries, keys)[inside], log_counts(counts[..., inside]))[0]


def fit_windows(
    x: Floats, y: Floats, scaling: Callable[[Floats, Floats], NDArray[np.bool_]], systematic: Callable[[Floats], Floats]
) -> ScalingFit:
    """Fit a power law as the weighted median of the slopes of all windows of neighbouring scales.

    Windows have at least `MINIMUM_SIZES` scales and a ratio of `WINDOW_SPAN` between their ends. A window weighs
    span^2 / (rmse + `WINDOW_FLOOR`)^2, so that the median is led by the longest straight stretch and not by the ends
    of the range. The squared error is the sum of three squares: the regression's over the whole range, the weighted
    spread of the windows ((q95 - q05) / 3.29), and ``systematic``.

    Args:
        x: float64 [scales]: regressor, falling.
        y: float64 [..., scales]: the logarithm of what scales; NaN where there is nothing.
        scaling: Whether curves y on x scale, bool [...].
        systematic: Standard errors that the finite grid alone contributes to slopes [...].

    Returns:
        One fit for each leading index of ``y``; statuses as in `fit_line`.
    """
    fit = _fit(x, y, 0, len(x) - 1 if len(x) else -1, scaling, systematic)
    if not len(x):
        return fit
    weights = _window_weights(x, WINDOW_SPAN)
    slopes = (y[..., None, :] * weights).sum(-1)
    inside = weights != 0
    points = inside.sum(-1)
    # Residuals of a window from its own sums, about the mean of the whole curve so that little cancels.
    centred = y - y.mean(-1, keepdims=True)
    mean = (centred[..., None, :] * inside).sum(-1) / points
    squares = (centred[..., None, :] ** 2 * inside).sum(-1) - points * mean**2
    spread = np.array([((x[row] - x[row].mean()) ** 2).sum() for row in inside])
    rmse = np.sqrt(np.maximum(squares - slopes**2 * spread, 0) / points)
    span = np.array([np.ptp(x[row]) for row in inside])
    low, slope, high = _weighted_quantiles(slopes, (span / (rmse + WINDOW_FLOOR)) ** 2, (0.05, 0.5, 0.95))
    regression = _least_squares(x, y)[2]
    error = np.sqrt(regression**2 + ((high - low) / 3.29) ** 2 + systematic(slope) ** 2)
    return moved(fit, slope, error, x, y)


def moved(fit: ScalingFit, slope: Floats, error: Floats, x: Floats, y: Floats) -> ScalingFit:
    """The same fit with another slope and error; its line runs through the centre of the curve y on x."""
    defined = ~np.isnan(fit.value)
    return replace(
        fit,
        value=np.where(defined, slope, np.nan),
        error=np.where(defined, error, np.nan),
        effective=slope,
        intercept=y.mean(-1) - slope * x.mean(),
    )


def steady(x: Floats, y: Floats, octave: int, octaves: int, largest: float) -> NDArray[np.bool_]:
    """Whether the counts of a set follow one power law.

    Args:
        x: float64 [scales]: regressor.
        y: float64 [..., scales]: ln N.
        octave: Scales to the octave.
        octaves: Length of the local slopes that are compared.
        largest: Largest range of these slopes; the curve must also bend by no more than `SET_CURVATURE`.

    Returns:
        bool [...]; false where a value is NaN.
    """
    step = octave * octaves
    slopes = (y[..., step:] - y[..., :-step]) / (x[step:] - x[:-step])
    return np.asarray((np.ptp(slopes, axis=-1) <= largest) & (_curvature(x, y) <= SET_CURVATURE))


def log_counts(counts: NDArray[np.int64] | Floats) -> Floats:
    """The natural logarithm of counts, float64 of the same shape; NaN for 0."""
    return np.where(counts > 0, np.log(np.where(counts > 0, counts, 1)), np.nan)


def _fit(
    x: Floats,
    y: Floats,
    first: int,
    last: int,
    scaling: Callable[[Floats, Floats], NDArray[np.bool_]],
    systematic: Callable[[Floats], Floats],
) -> ScalingFit:
    """Least squares over the scales ``first`` to ``last``, accepted where ``scaling`` says so."""
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
    error = np.sqrt(regression**2 + _spread(windows) ** 2 + systematic(slope) ** 2)
    empty = np.isnan(slope)
    defined = scaling(x, y) & ~empty
    status = np.where(defined, status_code("ok"), status_code("no_scaling")).astype(np.uint8)
    status[empty] = status_code("empty")
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


def _curvature(x: Floats, y: Floats) -> Floats:
    """Size of the quadratic coefficient of least-squares parabolas through y [..., points] on x [points]."""
    centred = x - x.mean()
    weight = np.linalg.pinv(np.vander(centred, 3))[0]
    return np.asarray(np.abs((y * weight).sum(-1)), dtype=np.float64)


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


def _window_weights(x: Floats, ratio: float = 1) -> Floats:
    """`_slope_weights` of every window of at least `MINIMUM_SIZES` neighbouring points, [windows, points].

    The ends of a window are e^x apart by a factor of at least ``ratio``.
    """
    points = len(x)
    windows = [
        (start, stop)
        for start in range(points)
        for stop in range(start + MINIMUM_SIZES, points + 1)
        if abs(x[stop - 1] - x[start]) >= np.log(ratio)
    ]
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


def _weighted_quantiles(values: Floats, weights: Floats, levels: tuple[float, ...]) -> list[Floats]:
    """Quantiles of values [..., n] with positive weights, interpolated between the middles of their shares."""
    order = np.argsort(values, axis=-1)
    values, weights = (np.take_along_axis(part, order, axis=-1) for part in (values, weights))
    middle = weights.cumsum(-1) - weights / 2
    middle = middle / weights.sum(-1, keepdims=True)
    quantiles = []
    for level in levels:
        above = (middle < level).sum(-1, keepdims=True)
        left, right = np.clip(above - 1, 0, None), np.clip(above, None, values.shape[-1] - 1)
        (low, high), (start, stop) = (
            [np.take_along_axis(part, index, axis=-1)[..., 0] for index in (left, right)] for part in (values, middle)
        )
        gap = stop - start
        share = np.where(gap > 0, (level - start) / np.where(gap > 0, gap, 1), 0)
        quantiles.append(np.asarray(low + (high - low) * share, dtype=np.float64))
    return quantiles
