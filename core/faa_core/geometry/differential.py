"""Differential box counting, for comparison with published numbers, and the box range behind it.

A surface over a box of side s is covered by cubes of height h = s G / n, G being the number of grey levels (Sarkar &
Chaudhuri 1994, IEEE Transactions on Systems, Man and Cybernetics 24:115). Both estimators here are read off one
pyramid of maxima and one of minima. Both are biased, and say by how much; `surface_dimension` is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log2

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.estimate import Estimate, estimate_of
from faa_core.geometry.gliding import batch_parts
from faa_core.geometry.matrices import Array, SupportLike
from faa_core.geometry.pyramid import halve, mass_pyramid
from faa_core.geometry.scaling import box_sizes, default_range, fit_line
from faa_core.geometry.surface import LIFT_FLOOR, Surfaces, fields_of, log_lift_of
from faa_core.records import status_code

GREY_LEVELS = 256
"""Grey levels G of the classical definition. Fixed: a range read off the data would differ from head to head."""

_BIAS_SIDES = (128, 256, 512, 1024)
_CUBES_BIAS = (-0.33, -0.28, -0.25, -0.22)
_RANGE_BIAS = (-0.13, -0.11, -0.09, -0.09)


@dataclass(frozen=True, eq=False)
class BoxRangeDimension(Estimate):
    """A surface dimension from boxes, and the bias that it is known to have.

    The curve is 2 ln (1 / s) plus the logarithm of the mean over boxes, of cubes for differential box counting and of
    h^-1 times the range for the box range, on ln (1 / s). Only boxes that are wholly visible count.
    ``null`` is NaN: even attention is flat.

    Attributes:
        bias: Mean error on exact fractional Brownian surfaces of this side, H = 0.2 to 0.8, interpolated in ln n
            between sides 128 and 1024 and NaN outside of them. It is not subtracted.
    """

    bias: float


def differential_box_dimension(x: Array, support: SupportLike = "full") -> BoxRangeDimension:
    """Differential box-counting dimension of the logarithm of the lift.

    Grey level 0 is a lift of 2^-24 and grey level 255 that of a row with all its weight on one of m keys.

    Args:
        x: [..., n, m] attention weights, tensor or array.
        support: Visible keys: all, the usual causal triangle, or any.

    Returns:
        As `differential_box_dimension_of_field`, and ``underflow`` where more than half of the visible entries are
        on the floor.

    Raises:
        ValueError: ``x`` is no batch of matrices, does not have the shape of ``support``, has negative weights, or
            weight outside of the support.
    """
    surfaces = log_lift_of(x, support)
    octaves = log2(surfaces.support.keys) - log2(LIFT_FLOOR)
    scale = (GREY_LEVELS - 1) / (octaves * np.log(2))
    return _dimension(surfaces, scale, -float(np.log(LIFT_FLOOR)) * scale)


def differential_box_dimension_of_field(g: Array, support: SupportLike = "full") -> BoxRangeDimension:
    """Differential box-counting dimension of an image of grey levels 0 to 255, with h = s G / n and G = 256.

    Boxes are dyadic, from 2 tokens to a quarter of the shorter side, n being that side. On exact fractional Brownian
    surfaces the local slopes drift by more than a power law's may: expect ``no_scaling``, with the number that others
    publish in ``effective``. The error is no smaller than the bias.

    Status: ``non_finite``; ``too_few_scales``; ``degenerate`` where nothing varies; ``no_scaling``; ``ok``.

    Args:
        g: [..., n, m] grey levels, whole or not; outside of the support they are not looked at.
        support: Visible pixels: all, a causal triangle, or any.

    Raises:
        ValueError: ``g`` is no batch of matrices or does not have the shape of ``support``.
    """
    return _dimension(fields_of(g, support), 1.0, 0.0)


def box_range_dimension(x: Array, support: SupportLike = "full") -> BoxRangeDimension:
    """3 minus the slope of the mean of max - min of the log lift; arguments and result as for the cubes."""
    return _dimension(log_lift_of(x, support))


def box_range_dimension_of_field(g: Array, support: SupportLike = "full") -> BoxRangeDimension:
    """3 minus the slope of ln mean(max - min) on ln s, for any real field.

    Boxes are made of unit squares between neighbouring entries, so that they share their edges and a box of side s
    spans s steps; otherwise as `differential_box_dimension_of_field`.
    """
    return _dimension(fields_of(g, support))


def _dimension(surfaces: Surfaces, scale: float | None = None, offset: float = 0.0) -> BoxRangeDimension:
    """Cubes on ``scale`` times the field plus ``offset`` where there is a scale, the box range elsewhere."""
    n, m = surfaces.values.shape[-2:]
    side, sizes, corners = min(n, m), box_sizes(n, m), scale is None
    first, last = default_range(sizes, side)
    whole = _whole(surfaces.support.mask(), corners, sizes[: last + 1])
    if not all(bool(inside.any()) for inside in whole[first:]):
        first, last, whole = 0, -1, []
    mean = np.full((len(surfaces.values), len(sizes)), np.nan)
    spread = np.zeros(len(surfaces.values))
    for part in batch_parts(len(surfaces.values), n * m):
        high = surfaces.values[part]
        high, low = (_patches(high), _patches(-high)) if corners and whole else (high, -high)
        for k, (size, inside) in enumerate(zip(sizes.tolist(), whole, strict=False)):
            if k:
                high, low = halve(high, "max"), halve(low, "max")
            if k < first:
                continue
            ranges = (high + low)[:, inside].to(torch.float64)
            spread[part] = np.maximum(spread[part], ranges.amax(-1).cpu().numpy())
            if scale is not None:
                height = size * GREY_LEVELS / side
                top = (high[:, inside].to(torch.float64) * scale + (offset + 1)) / height
                bottom = (low[:, inside].to(torch.float64) * -scale + (offset + 1)) / height
                ranges = top.ceil() - bottom.ceil() + 1
            mean[part, k] = ranges.mean(-1).cpu().numpy()
    flat = spread <= 16 * surfaces.rounding
    mean[flat | ~surfaces.finite] = np.nan

    x = -np.log(sizes.astype(np.float64))
    # Cubes are counted in units of h; ranges are divided by s to be so too.
    curve = 2 * x + np.log(mean) + (0.0 if scale is not None else x)
    curve = curve.reshape(*surfaces.lead, -1)
    bias = _CUBES_BIAS if scale is not None else _RANGE_BIAS
    known = float(np.interp(np.log(side), np.log(_BIAS_SIDES), bias, left=np.nan, right=np.nan))
    fit = fit_line(x, curve, first, last, abs(bias[0] if np.isnan(known) else known))
    status = fit.status.copy()
    for name, holds in (
        ("degenerate", flat & (last >= first)),
        ("underflow", surfaces.floored > 0.5),
        ("non_finite", ~surfaces.finite),
    ):
        status[holds.reshape(surfaces.lead)] = status_code(name)
    defined = status == status_code("ok")
    value, error = (np.where(defined, a, np.nan) for a in (fit.value, fit.error))
    fit = replace(fit, value=value, error=error, status=status)
    undefined = np.full(len(sizes), np.nan)
    return BoxRangeDimension(**vars(estimate_of(fit, undefined[0], sizes, x, curve, undefined)), bias=known)


def _whole(mask: torch.Tensor, corners: bool, sizes: NDArray[np.int64]) -> list[torch.Tensor]:
    """For each size, which boxes are wholly visible; with ``corners`` boxes are made of unit squares."""
    if not len(sizes):
        return []
    if corners:
        mask = mask[:-1, :-1] & mask[:-1, 1:] & mask[1:, :-1] & mask[1:, 1:]
    areas = mass_pyramid(mask.to(torch.float64))
    return [area == size * size for area, size in zip(areas, sizes.tolist(), strict=False)]


def _patches(g: torch.Tensor) -> torch.Tensor:
    """Largest of the four corners of every unit square, so that a box of s patches spans s steps, not s - 1."""
    rows = torch.maximum(g[:, :-1], g[:, 1:])
    return torch.maximum(rows[..., :-1], rows[..., 1:])


__all__ = [
    "BoxRangeDimension",
    "box_range_dimension",
    "box_range_dimension_of_field",
    "differential_box_dimension",
    "differential_box_dimension_of_field",
]
