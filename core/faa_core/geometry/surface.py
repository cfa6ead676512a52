"""Roughness of attention as a surface: how the logarithm of the lift changes with distance.

A fractional Brownian surface has increments of variance r^(2 H) over a distance r, and a graph of dimension 3 - H.
Second differences g(x + 2h) - 2 g(x + h) + g(x) are blind to a trend and nearly independent along a line, which makes
their mean absolute value (madogram) and mean square (variogram) the most accurate estimators of H (Istas & Lang 1997,
Annales de l'IHP 33:407; Chan & Wood 2000, Statistica Sinica 10:343; Gneiting, Sevcikova & Percival 2012, Statistical
Science 27:247).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.estimate import Estimate, estimate_of
from faa_core.geometry.gliding import BLOCKS, batch_parts, block_sums, jackknife_error
from faa_core.geometry.matrices import Array, SupportLike, matrices_of, support_of, tensor_of
from faa_core.geometry.scaling import SLOPE_RANGE, Floats, ScalingFit, fit_line
from faa_core.geometry.support import Support
from faa_core.records import status_code

SurfaceMethod = Literal["madogram", "variogram"]

LAGS = (1, 2, 3, 4, 6, 8)
"""Lags of the second differences, in tokens."""
SHORTEST_SIDE = 64
"""Shortest side of a map whose roughness is measured, in tokens."""
LIFT_FLOOR = 2.0**-24
"""Smallest lift that is told from zero: what is below is rounding in single precision."""
WHITE = 0.02
"""Largest Hurst exponent that independent noise also reaches."""
OVERLAP = 26.0
"""Tokens over which blocks share what they measure: the jackknife's error is multiplied by 1 + this / side."""

_DIRECTIONS = ((0, 1), (1, 0), (1, 1))
_WEIGHTS = np.array(LAGS, dtype=np.float64) ** -2  # as many independent differences as squares of that side fit
_POWERS: dict[str, int] = {"madogram": 1, "variogram": 2}
_ROUNDINGS = 16  # that a second difference may amount to where nothing varies


@dataclass(frozen=True, eq=False)
class Surfaces:
    """A batch of real fields over a support.

    Attributes:
        values: float32 or float64 [batch, n, m], zero outside of the support. Fields that hold NaN or infinity are
            all zero.
        support: Where the fields are defined, on the same device.
        lead: Shape in front of the two axes of the field, () for a single one.
        finite: bool [batch]: false for the fields that hold NaN or infinity.
        rounding: float64 [batch]: the error of one value in floating point.
        floored: float64 [batch]: share of the visible values that are a floor and no measurement.
    """

    values: torch.Tensor
    support: Support
    lead: tuple[int, ...]
    finite: NDArray[np.bool_]
    rounding: Floats
    floored: Floats


def fields_of(g: Array, support: SupportLike = "full") -> Surfaces:
    """Check a batch of real fields, for example images; what they hold outside of the support is not looked at.

    Raises:
        ValueError: ``g`` is no batch of matrices or does not have the shape of ``support``.
    """
    g = tensor_of(g)
    *lead, n, m = g.shape
    allowed = support_of(support, n, m).to(g.device)
    values = g.reshape(-1, n, m)
    if values.dtype != torch.float64:
        wide = values.dtype in (torch.int32, torch.int64)
        values = values.to(torch.float64 if wide else torch.float32)
    zero = values.new_zeros(())
    if bool((allowed.lengths < m).any()):
        values = torch.where(allowed.mask(), values, zero)
    finite = torch.isfinite(values).all(-1).all(-1)
    if not bool(finite.all()):
        values = torch.where(finite[:, None, None], values, zero)
    return _surfaces(values, allowed, tuple(lead), finite.cpu().numpy(), 0.0, np.zeros(len(values)))


def log_lift_of(x: Array, support: SupportLike = "full") -> Surfaces:
    """The surfaces ln max(lift, 2^-24) of a batch of attention matrices.

    Raises:
        ValueError: As `faa_core.geometry.matrices.matrices_of`.
    """
    matrices = matrices_of(x, support)
    lift = matrices.lift
    mask = matrices.support.mask()
    floored = ((lift <= LIFT_FLOOR) & mask).sum((-2, -1)).cpu().numpy() / max(int(mask.sum()), 1)
    values = lift.clamp_(min=LIFT_FLOOR).log_().mul_(mask)
    return _surfaces(values, matrices.support, matrices.lead, matrices.finite, 1.0, floored)


def _surfaces(
    values: torch.Tensor,
    support: Support,
    lead: tuple[int, ...],
    finite: NDArray[np.bool_],
    scale: float,
    floored: Floats,
) -> Surfaces:
    """A record whose rounding is that of numbers as large as ``scale`` plus the largest value."""
    size = torch.maximum(values.amax((-2, -1)), -values.amin((-2, -1))).cpu().numpy()
    return Surfaces(values, support, lead, finite, torch.finfo(values.dtype).eps * (scale + size), floored)


@dataclass(frozen=True, eq=False)
class SurfaceDimension(Estimate):
    """A surface dimension D = 3 - H, pooled over three directions, and the Hurst exponent H of each.

    The curve is 3 ln h - (ln V) / p, averaged over the directions, on the regressor ln h; V(h) is the mean p-th power
    of the absolute second differences at lag h. Its slope is 3 minus the mean of the three H.
    ``null`` is NaN: even attention is a constant surface, which has no roughness. Row shuffles are a null that has.

    Attributes:
        row: float64 [...]: H along the keys of a query; NaN where undefined.
        column: float64 [...]: H along the queries of a key.
        diagonal: float64 [...]: H along a fixed distance between query and key.
        variation: float64 [..., 3, lags]: V(h) along rows, columns and the diagonal; NaN where no second difference
            of that lag fits.
    """

    row: Floats
    column: Floats
    diagonal: Floats
    variation: Floats


def surface_dimension(x: Array, support: SupportLike = "full", method: SurfaceMethod = "madogram") -> SurfaceDimension:
    """Surface dimension of ln max(lift, 2^-24), inside of the support.

    To leave a sink at key 0 out, give a support whose rows start at key 1, and zero the column.

    Args:
        x: [..., n, m] attention weights, tensor or array. Half precision adds the noise of its rounding.
        support: Visible keys: all, the usual causal triangle, or any.
        method: ``madogram`` (p = 1, robust) or ``variogram`` (p = 2).

    Returns:
        As `surface_dimension_of_field`, with one more status: ``underflow`` where more than half of the visible
        entries are on the floor.

    Raises:
        ValueError: ``x`` is no batch of matrices, does not have the shape of ``support``, has negative weights, or
            weight outside of the support.
    """
    return _dimension(log_lift_of(x, support), method)


def surface_dimension_of_field(
    g: Array, support: SupportLike = "full", method: SurfaceMethod = "madogram"
) -> SurfaceDimension:
    """Surface dimension of any real field, for example an image or a surface of known dimension.

    The slope is by least squares over the lags 1, 2, 3, 4, 6 and 8, weighted by 1 / h^2, and pooled over rows, columns
    and the diagonal. On exact fractional Brownian surfaces, H = 0.2 to 0.8, the error of D has a root mean square of
    0.021, 0.011, 0.005, 0.0026 and 0.001 at sides 64, 128, 256, 512 and 1024; 0.032, 0.015, 0.007 and 0.0035 up to
    512 with a causal support.

    The error is a jackknife over 8 x 8 blocks of the map, widened for what neighbouring blocks share. Its 95 %
    intervals held the true D on 90 to 98 % of those surfaces. It covers the draw of the surface, not another text.
    Local slopes disagree where two of the inner ones differ by more than 0.10 and twice the jackknife's error.

    Status: ``non_finite`` where the field is not finite inside of the support; ``too_few_scales`` below 64 tokens to
    the side or where no second difference of the longest lag fits; ``degenerate`` where nothing varies along one of
    the directions (the others keep their exponent); ``white`` where H <= 0.02, as in independent noise, whose 3 is no
    fractal dimension; ``smooth`` where H > 1; ``no_scaling`` where the local slopes disagree; ``ok``.

    Args:
        g: [..., n, m] real values, tensor or array; outside of the support they are not looked at.
        support: Visible keys: all, the usual causal triangle, or any.
        method: ``madogram`` (p = 1, robust) or ``variogram`` (p = 2).

    Raises:
        ValueError: ``g`` is no batch of matrices or does not have the shape of ``support``.
    """
    return _dimension(fields_of(g, support), method)


def _dimension(surfaces: Surfaces, method: SurfaceMethod) -> SurfaceDimension:
    if method not in _POWERS:
        raise ValueError(f'A method is "madogram" or "variogram", not "{method}".')
    power = _POWERS[method]
    sums, counts = _block_variations(surfaces, power)
    batch = (*surfaces.lead, *sums.shape[1:])
    sums = sums.reshape(batch)
    rounding, floored = surfaces.rounding.reshape(surfaces.lead), surfaces.floored.reshape(surfaces.lead)
    finite = surfaces.finite.reshape(surfaces.lead)

    number = counts.sum(-1)
    variation = _ratio(sums.sum(-1), number)
    flat = (variation <= (_ROUNDINGS * rounding[..., None, None]) ** power).any(-1) | ~finite[..., None]
    ordinate = np.where(flat[..., None], np.nan, _log(variation) / power)
    without = _log(_ratio(sums.sum(-1)[..., None] - sums, number[..., None] - counts)) / power
    x = np.log(np.array(LAGS, dtype=np.float64))
    curve, curves_without = (3 * x - y.mean(-2) for y in (ordinate, np.moveaxis(without, -1, -3)))
    side = min(surfaces.values.shape[-2:])
    enough = side >= SHORTEST_SIDE and bool((number > 0).all())
    share = counts[:, 0].sum(0) / max(number[:, 0].sum(), 1)
    fit = _fit(x, curve, curves_without, share, 1 + OVERLAP / side, enough)

    status = fit.status.copy()
    for name, holds in (
        ("white", 3 - fit.effective <= WHITE),
        ("smooth", 3 - fit.effective > 1),
        ("degenerate", flat.any(-1) & enough),
        ("underflow", floored > 0.5),
        ("non_finite", ~finite),
    ):
        status[holds] = status_code(name)
    defined = status == status_code("ok")
    value, error = (np.where(defined, a, np.nan) for a in (fit.effective, fit.error))
    fit = replace(fit, value=value, error=error, status=status)
    undefined = np.full(len(LAGS), np.nan)
    estimate = estimate_of(fit, undefined[0], np.array(LAGS), x, curve, undefined)
    row, column, diagonal = (_slope(x, ordinate[..., i, :]) for i in range(len(_DIRECTIONS)))
    return SurfaceDimension(**vars(estimate), row=row, column=column, diagonal=diagonal, variation=variation)


def _fit(x: Floats, curve: Floats, without: Floats, share: Floats, widening: float, enough: bool) -> ScalingFit:
    """Weighted fit of a line to curves [..., lags], whose error is that of the jackknife.

    Args:
        x: [lags] regressor.
        curve: [..., lags].
        without: [..., blocks, lags]: the curves without each block.
        share: [blocks]: share of each block in the second differences.
        widening: Factor on the jackknife's error.
        enough: Whether there is enough to fit at all.
    """
    local, local_without = (np.diff(y) / np.diff(x) for y in (curve, without))
    if not enough:
        return replace(fit_line(x, curve, 0, -1, 0.0), local_slopes=local)
    slope = _slope(x, curve)
    error = widening * jackknife_error(slope, _slope(x, without), share)
    # Neighbouring lags are few; part of their disagreement is the noise of a small map.
    inner, inner_without = local[..., 1:-1], local_without[..., 1:-1]
    pairs = [(i, j) for i in range(inner.shape[-1]) for j in range(i)]
    scaling = np.ones(slope.shape, bool)
    for i, j in pairs:
        gap = inner[..., i] - inner[..., j]
        noise = widening * jackknife_error(gap, inner_without[..., i] - inner_without[..., j], share)
        scaling &= np.abs(gap) <= SLOPE_RANGE + 2 * noise
    empty = np.isnan(slope)
    status = np.where(scaling, status_code("ok"), status_code("no_scaling")).astype(np.uint8)
    return ScalingFit(
        value=slope,
        error=error,
        effective=slope,
        intercept=np.average(curve, axis=-1, weights=_WEIGHTS) - slope * np.average(x, weights=_WEIGHTS),
        status=status,
        first=np.zeros(slope.shape, np.int16),
        last=np.where(empty, -1, len(LAGS) - 1).astype(np.int16),
        local_slopes=local,
    )


def _block_variations(surfaces: Surfaces, power: int) -> tuple[Floats, Floats]:
    """Sums of |second difference|^power over the blocks of the map, and how many there are in each.

    Returns:
        float64 [batch, directions, lags, blocks] and [directions, lags, blocks].
    """
    values, mask = surfaces.values, surfaces.support.mask()
    shape = n, m = surfaces.support.queries, surfaces.support.keys
    full = bool(mask.all())
    grid = (len(_DIRECTIONS), len(LAGS), BLOCKS * BLOCKS)
    sums, counts = np.zeros((len(values), *grid)), np.zeros(grid)
    for d, (down, right) in enumerate(_DIRECTIONS):
        for k, lag in enumerate(LAGS):
            rows, columns = n - 2 * lag * down, m - 2 * lag * right
            if rows < 1 or columns < 1:
                continue
            starts = (lag * down, lag * right)
            at = [
                (..., slice(i, i + rows), slice(j, j + columns))
                for i, j in ((0, 0), starts, (2 * starts[0], 2 * starts[1]))
            ]
            inside = mask[at[0]] & mask[at[1]] & mask[at[2]]
            counts[d, k] = block_sums(inside, starts, shape).ravel()
            for part in batch_parts(len(values), n * m):
                g = values[part]
                difference = torch.add(g[at[0]], g[at[2]]).sub_(g[at[1]], alpha=2)
                difference = difference.abs_() if power == 1 else difference.square_()
                if not full:
                    difference *= inside
                sums[part, d, k] = block_sums(difference, starts, shape).reshape(len(g), -1)
    return sums, counts


def _slope(x: Floats, y: Floats) -> Floats:
    """Slope of y [..., lags] on x [lags] by least squares with `_WEIGHTS`."""
    centred = _WEIGHTS * (x - np.average(x, weights=_WEIGHTS))
    return np.asarray((y * centred).sum(-1) / (centred * x).sum(), dtype=np.float64)


def _ratio(total: Floats, number: Floats) -> Floats:
    """Means, NaN where there is nothing to average."""
    return np.where(number > 0, total / np.where(number > 0, number, 1), np.nan)


def _log(x: Floats) -> Floats:
    """Natural logarithms, NaN where there are none."""
    return np.log(np.where(x > 0, x, np.nan))


__all__ = [
    "LAGS",
    "LIFT_FLOOR",
    "SHORTEST_SIDE",
    "WHITE",
    "SurfaceDimension",
    "SurfaceMethod",
    "Surfaces",
    "fields_of",
    "log_lift_of",
    "surface_dimension",
    "surface_dimension_of_field",
]
