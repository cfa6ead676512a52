"""Roughness of attention from its power spectrum: a second opinion on the surface dimension.

The spectrum of a fractional Brownian surface falls as k^-beta with beta = 2 H + 2, so D = 3 - H = 4 - beta / 2. The
periodogram is less accurate than second differences: a map is no period of the surface, and what is rougher than its
grid folds back into the spectrum (Gneiting, Sevcikova & Percival 2012, Statistical Science 27:247).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from faa_core.geometry.estimate import Estimate, estimate_of
from faa_core.geometry.gliding import batch_parts
from faa_core.geometry.matrices import Array, SupportLike
from faa_core.geometry.scaling import SLOPE_RANGE, Floats, fit_line
from faa_core.geometry.support import Support
from faa_core.geometry.surface import SHORTEST_SIDE, WHITE, Surfaces, fields_of, log_lift_of
from faa_core.records import status_code

LOWEST = 4
"""Lowest frequency of the fit, in cycles per side: below, window and trend leave their mark."""
HIGHEST_FRACTION = 4
"""The highest frequency of the fit is the side over this: above, folded frequencies flatten the spectrum."""
PER_OCTAVE = 2
"""Frequency bands per octave."""

LEAKAGE = 2.25
"""Variance of the logarithm of a band's power times its waves: a Hann window leaves 1 in 1.5 independent per axis."""

_SYSTEMATIC = 0.04


@dataclass(frozen=True, eq=False)
class SpectralSlope(Estimate):
    """A surface dimension D = 4 - beta / 2 from the slope -beta of a power spectrum.

    The curve is 4 ln k + (ln P) / 2 on ln k, where P is the mean power in a band around k cycles per side; ``scales``
    are wavelengths in tokens, from long to short. ``null`` is NaN: even attention has no power at any frequency.

    Attributes:
        beta: float64 [...]: exponent of the spectrum, of the same range even where the status is not ``ok``.
        side: Side of the square that was measured, in tokens.
    """

    beta: Floats
    side: int


def spectral_slope(x: Array, support: SupportLike = "full") -> SpectralSlope:
    """Spectral slope of ln max(lift, 2^-24) on the largest square inside of the support.

    Args:
        x: [..., n, m] attention weights, tensor or array.
        support: Visible keys: all, the usual causal triangle, or any.

    Returns:
        As `spectral_slope_of_field`, with one more status: ``underflow`` where more than half of the visible entries
        are on the floor.

    Raises:
        ValueError: ``x`` is no batch of matrices, does not have the shape of ``support``, has negative weights, or
            weight outside of the support.
    """
    return _slope(log_lift_of(x, support))


def spectral_slope_of_field(g: Array, support: SupportLike = "full") -> SpectralSlope:
    """Spectral slope of any real field.

    A plane is removed and a Hann window applied. Power is averaged over bands of half an octave between 4 cycles per
    side and a quarter of the side; the slope is by ordinary least squares. The error is that of a periodogram, whose
    waves are independent but for the window, together with 0.04 for the bias.

    On exact fractional Brownian surfaces the error of D has a root mean square of 0.10, 0.05, 0.03 and 0.03 at sides
    128, 256, 512 and 1024; at H = 0.2 the bias is +0.10, +0.06, +0.04 and +0.05, at H = 0.8 it is -0.02 or less.

    Status: ``non_finite``; ``too_few_scales`` where the square has fewer than 64 tokens to the side; ``degenerate``
    where nothing varies; ``white`` where H <= 0.02; ``smooth`` where H > 1; ``no_scaling``; ``ok``.

    Args:
        g: [..., n, m] real values, tensor or array; outside of the support they are not looked at.
        support: Visible keys: all, the usual causal triangle, or any.

    Raises:
        ValueError: ``g`` is no batch of matrices or does not have the shape of ``support``.
    """
    return _slope(fields_of(g, support))


def largest_square(support: Support) -> tuple[int, int, int]:
    """Row, column and side of the largest visible square, the uppermost of equals; side 0 if there is none."""
    first, stop = (a.cpu().numpy() for a in (support.first, support.stop))
    low, high = 0, min(support.queries, support.keys)
    best = (0, 0, 0)
    while low < high:
        side = (low + high + 1) // 2
        left = np.lib.stride_tricks.sliding_window_view(first, side).max(-1)
        right = np.lib.stride_tricks.sliding_window_view(stop, side).min(-1)
        rows = np.flatnonzero(right - left >= side)
        if len(rows):
            low, best = side, (int(rows[0]), int(left[rows[0]]), side)
        else:
            high = side - 1
    return best


def _slope(surfaces: Surfaces) -> SpectralSlope:
    top, left, side = largest_square(surfaces.support)
    square = surfaces.values[:, top : top + side, left : left + side]
    edges = LOWEST * 2 ** (np.arange(64) / PER_OCTAVE)
    edges = edges[edges <= max(side / HIGHEST_FRACTION, LOWEST) * (1 + 1e-9)]
    enough = side >= SHORTEST_SIDE
    if enough:
        frequency, waves, power = _bands(square, edges)
    else:
        frequency, waves, power = np.array([1.0]), np.array([1.0]), np.full((len(square), 1), np.nan)
    power = power.reshape(*surfaces.lead, -1)
    rounding, floored = surfaces.rounding.reshape(surfaces.lead), surfaces.floored.reshape(surfaces.lead)
    finite = surfaces.finite.reshape(surfaces.lead)

    flat = np.asarray((np.nan_to_num(power) <= (16 * rounding[..., None] * side) ** 2).any(-1))
    x = np.log(frequency)
    curve = 4 * x + np.log(np.where(flat[..., None], np.nan, power)) / 2
    fit = fit_line(x, curve, *((0, len(x) - 1) if enough else (0, -1)), 0.0)
    status = fit.status.copy()
    error = np.full(status.shape, np.nan)
    if enough:
        noise = LEAKAGE / waves / 4  # variance of the curve
        centred = x - x.mean()
        error[...] = np.sqrt((centred**2 * noise).sum() / (centred**2).sum() ** 2 + _SYSTEMATIC**2)
        step = (noise[1:] + noise[:-1]) / np.diff(x) ** 2
        gaps = np.abs(fit.local_slopes[..., :, None] - fit.local_slopes[..., None, :])
        scaling = (gaps <= SLOPE_RANGE + 3 * np.sqrt(step[:, None] + step)).all((-2, -1))
        status[~np.isnan(fit.effective)] = status_code("ok")
        status[~scaling & ~np.isnan(fit.effective)] = status_code("no_scaling")
    for name, holds in (
        ("white", 3 - fit.effective <= WHITE),
        ("smooth", 3 - fit.effective > 1),
        ("degenerate", flat & enough),
        ("underflow", floored > 0.5),
        ("non_finite", ~finite),
    ):
        status[holds] = status_code(name)
    defined = status == status_code("ok")
    value, error = (np.where(defined, a, np.nan) for a in (fit.effective, error))
    fit = replace(fit, value=value, error=error, status=status)
    undefined = np.full(len(x), np.nan)
    estimate = estimate_of(fit, undefined[0], side / frequency, x, curve, undefined)
    return SpectralSlope(**vars(estimate), beta=8 - 2 * fit.effective, side=side)


def _bands(square: torch.Tensor, edges: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean frequency, in cycles per side, number of waves and mean power of the bands between neighbouring edges.

    Returns:
        float64 [bands], [bands] and [batch, bands].
    """
    side, device = square.shape[-1], square.device
    axis = torch.arange(side, dtype=torch.float64, device=device) - (side - 1) / 2
    window = torch.hann_window(side, periodic=False, dtype=torch.float64, device=device)
    rows = torch.fft.fftfreq(side, 1 / side, dtype=torch.float64, device=device)
    columns = torch.fft.rfftfreq(side, 1 / side, dtype=torch.float64, device=device)
    frequency = torch.hypot(rows[:, None], columns).ravel()
    band = torch.bucketize(frequency, torch.as_tensor(edges, device=device), right=True)
    number = torch.bincount(band, minlength=len(edges) + 1)
    centre = torch.zeros(len(edges) + 1, dtype=torch.float64, device=device).index_add_(0, band, frequency.log())
    power = np.empty((len(square), len(edges) - 1))
    for part in batch_parts(len(square), side * side):
        g = square[part].to(torch.float64)
        g = g - g.mean((-2, -1), keepdim=True)
        g = g - (g.mean(-1) @ axis)[:, None, None] * (axis / axis.square().sum())[:, None]
        g = g - (g.mean(-2) @ axis)[:, None, None] * (axis / axis.square().sum())
        waves = torch.fft.rfft2(g * window[:, None] * window).abs().square_().flatten(1)
        sums = waves.new_zeros(len(g), len(edges) + 1).index_add_(1, band, waves)
        power[part] = (sums / number)[:, 1:-1].cpu().numpy()
    means = (centre / number)[1:-1].exp()
    return means.cpu().numpy(), number[1:-1].to(torch.float64).cpu().numpy(), power


__all__ = ["SpectralSlope", "largest_square", "spectral_slope", "spectral_slope_of_field"]
