"""Surfaces of known dimension: fractional Brownian surfaces with the exact law, for any Hurst exponent."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_REACH = {False: 1.0, True: 2.0}
"""Distance at which the embedded covariance reaches zero, for H up to 3/4 and above."""


def brownian_surface(n: int, hurst: float, seed: int) -> Floats:
    """A fractional Brownian surface on an n x n grid, drawn from its exact law.

    Increments over a distance of r pixels are Gaussian with variance r^(2 H); the graph has dimension 3 - H. The
    surface is a patch of a stationary periodic field that has the same increments, plus a random plane (intrinsic
    embedding, Stein 2002, Journal of Computational and Graphical Statistics 11:587).

    Args:
        n: Side of the grid, at least 2.
        hurst: Hurst exponent H, in (0, 1).
        seed: Of the one generator that is used.

    Returns:
        float64 [n, n], 0 at the upper left corner.

    Raises:
        ValueError: ``n`` or ``hurst`` is out of range, or the covariance of the periodic field is not positive.
    """
    if n < 2:
        raise ValueError(f"A surface has a side of at least 2, not {n}.")
    if not 0 < hurst < 1:
        raise ValueError(f"A Hurst exponent lies between 0 and 1, not at {hurst:g}.")
    reach = _REACH[hurst > 0.75]
    side = scipy.fft.next_fast_len(int(np.ceil(2 * reach * np.sqrt(2) * (n - 1))) + 1, real=True)
    unit = side / (2 * reach)  # pixels; no two points of the patch are further apart
    near, square = _embedded_covariance(side, unit, hurst, reach)
    spectrum = scipy.fft.rfft2(near, overwrite_x=True).real
    if not spectrum.min() > 0:
        ratio = spectrum.min() / spectrum.max()
        raise ValueError(f"No embedding for n = {n}, H = {hurst:g}: smallest over largest eigenvalue {ratio:g}.")

    random = np.random.default_rng(seed)
    noise = scipy.fft.rfft2(random.standard_normal((side, side)), overwrite_x=True)
    noise *= np.sqrt(spectrum)
    surface = scipy.fft.irfft2(noise, s=(side, side), overwrite_x=True)[:n, :n]
    row, column = random.standard_normal(2) * np.sqrt(2 * square) / unit
    axis = np.arange(n)
    surface = surface - surface[0, 0] + row * axis[:, None] + column * axis
    return np.asarray(surface * (unit**hurst / np.sqrt(2)), dtype=np.float64)


def _embedded_covariance(side: int, unit: float, hurst: float, reach: float) -> tuple[Floats, float]:
    """Covariance of the periodic field by lag, [side, side], and the coefficient of r^2 in it."""
    power = 2 * hurst
    taper = power * (2 - power) / (3 * reach * (reach**2 - 1)) if reach > 1 else 0.0
    square = (power - taper * (reach - 1) ** 2 * (reach + 2)) / 2
    constant = taper * (reach - 1) ** 3 + 1 - square
    axis = np.minimum(np.arange(side), side - np.arange(side)) / unit
    distance = np.hypot(axis[:, None], axis)
    near = constant - distance**power + square * distance**2
    if reach > 1:
        far = taper * np.maximum(reach - distance, 0) ** 3 / np.maximum(distance, 1)
        return np.where(distance <= 1, near, far), square
    return np.where(distance <= 1, near, 0), square


__all__ = ["brownian_surface"]
