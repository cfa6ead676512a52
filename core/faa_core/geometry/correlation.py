"""Correlation dimension by gliding boxes, and the information that a measure holds beyond even attention."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import pad

from faa_core.geometry.estimate import Estimate, estimate_of
from faa_core.geometry.matrices import Array, SupportLike, matrices_of
from faa_core.geometry.renyi import (
    box_sides,
    fit_masses,
    fit_range,
    grids_of,
    log_boxes,
    refuse,
    shaped_fit,
    systematic_errors,
)
from faa_core.geometry.scaling import MINIMUM_SIZES, SIDE_FRACTION, Floats, fit_line
from faa_core.geometry.support import Support
from faa_core.geometry.unfolding import even_masses, masses_of

SMALLEST_SIDE = 64
"""Tokens below which there are too few sides of gliding boxes."""


def correlation_dimension(x: Array, support: SupportLike = "full") -> Estimate:
    """Correlation dimension D_2 by boxes that glide (Grassberger and Procaccia 1983, Physica D 9:189, on a grid).

    C(r) is the mass of the box of side r around a cell, on average over the measure; D_2 is the slope of ln C on ln r.
    Sides are odd, two to the octave, from 3 tokens to a quarter of the shorter side. A cell counts at all sides or at
    none: its largest box must lie in the support, so that neither the mask nor a change of cells enters the slope.
    Where the support is too narrow for the largest box, a smaller one takes its place.

    Unlike the Renyi dimension of order 2 this has no grid, and measures the matrix as it stands, away from the edges of
    the support. Full even attention has dimension 2 exactly. The null is the same fit on even attention under the
    same support.

    Status: ``too_few_scales`` below 64 tokens, or where fewer than four sides fit into the support; ``empty`` where the
    cells that count have no mass; ``no_scaling`` and ``non_finite`` as everywhere.

    Args:
        x: [..., n, m], tensor or array, of any total mass.
        support: Visible keys: all, the usual causal triangle, or any.

    Returns:
        Dimensions; scales are the sides of the boxes and ascend, the curve is ln C for a total mass of 1.

    Raises:
        ValueError: `matrices_of` refuses ``x`` or ``support``.
    """
    matrices = matrices_of(x, support)
    _, n, m = matrices.weights.shape
    sides = _sides(matrices.support)
    cells = _cells(matrices.support, int(sides[-1]))
    log_sides = np.log(sides.astype(np.float64))
    curves = np.stack([_correlations(weights, sides, cells) for weights in matrices.weights])
    even = matrices.support.mask() / matrices.support.lengths.clamp(min=1)[:, None].to(torch.float64)
    null_curve = _correlations(even, sides, cells)

    enough = len(sides) >= MINIMUM_SIZES and min(n, m) >= SMALLEST_SIDE
    last = len(sides) - 1 if enough else -1
    fit = fit_line(log_sides, curves, 0, last, float(systematic_errors(np.array([2.0]), min(n, m))[0]))
    fit = refuse(fit, ~matrices.finite, "non_finite")
    null = fit_line(log_sides, null_curve, 0, last, 0.0).effective
    return estimate_of(shaped_fit(matrices, fit), null, sides, log_sides, matrices.shaped(curves), null_curve)


def information_codimension(x: Array, support: SupportLike = "full", unfold: bool = True) -> Estimate:
    """How fast the information that a measure holds beyond even attention grows with resolution.

    The curve is the Kullback-Leibler divergence sum p ln(p / r), in nats, of the masses p of the boxes from those of
    even attention r under the same support, on ln m for grids of m x m boxes; its slope is the codimension. Even
    attention has 0, which is the null. Where rows are unfolded r is even, and the codimension is 2 - D_1 exactly.

    Status as for `faa_core.geometry.renyi.renyi_dimensions`, save that a single box has a codimension like any other.

    Args:
        x: [..., n, m], tensor or array, of any total mass.
        support: Visible keys: all, the usual causal triangle, or any.
        unfold: Whether every row is stretched by what it sees.

    Returns:
        Codimensions; scales ascend, the first is the finest grid.

    Raises:
        ValueError: `matrices_of` refuses ``x`` or ``support``.
    """
    matrices = matrices_of(x, support)
    masses = masses_of(matrices, unfold)
    even = grids_of(even_masses(matrices.support, unfold).finest.to(masses.finest.device))
    curves = torch.stack([_divergence(p, r) for p, r in zip(grids_of(masses.finest), even, strict=True)], dim=-1)
    grids = log_boxes(masses)
    systematic = systematic_errors(np.ones(1), masses.side)
    fit = fit_masses(masses, curves.cpu().numpy(), systematic, matrices.finite, np.zeros(1, bool))
    null_curve = np.zeros(len(grids))
    null = fit_line(grids, null_curve, *fit_range(grids), 0.0).effective
    scales = box_sides(masses)
    return estimate_of(
        shaped_fit(matrices, fit), null, scales, grids, matrices.shaped(curves.cpu().numpy()), null_curve
    )


def _divergence(p: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
    """float64 [batch]: sum p ln(p / r) of [batch, m, m] and [1, m, m]; NaN for a measure without mass."""
    divergence: torch.Tensor = (torch.special.xlogy(p, p) - torch.special.xlogy(p, r)).sum((-2, -1))
    return divergence


def _sides(support: Support) -> NDArray[np.int64]:
    """int64 [sides]: odd, two to the octave, from 3 to the largest that the fit may use and the support can hold."""
    limit = max(min(support.queries, support.keys) // SIDE_FRACTION, 3)
    octaves = 2 ** (np.arange(3, 2 * np.log2(limit) + 2) / 2)
    sides = np.unique(2 * np.round((octaves - 1) / 2).astype(np.int64) + 1)
    held = [side for side in sides if side <= limit and bool(_cells(support, int(side)).any())]
    return np.array(held or [1], dtype=np.int64)


def _cells(support: Support, side: int) -> torch.Tensor:
    """Bool [n, m]: the box of this odd side around the cell lies in the support."""
    reach = side // 2
    cells = torch.zeros(support.queries, support.keys, dtype=torch.bool, device=support.first.device)
    if side > support.queries:
        return cells
    first = support.first.unfold(0, side, 1).amax(1)
    stop = support.stop.unfold(0, side, 1).amin(1)
    key = torch.arange(support.keys, device=support.first.device)
    inside = (key >= first[:, None] + reach) & (key < stop[:, None] - reach)
    cells[reach : support.queries - reach] = inside
    return cells


def _correlations(weights: torch.Tensor, sides: NDArray[np.int64], cells: torch.Tensor) -> Floats:
    """float64 [sides]: ln C of one matrix [n, m]; NaN where the cells have no mass."""
    weights = weights.to(torch.float64)
    weights = weights / weights.sum()
    image = pad(weights.cumsum(0).cumsum(1), (1, 0, 1, 0))
    n, m = weights.shape
    most = int(sides[-1]) // 2
    counted = torch.where(cells, weights, 0.0)[most : n - most, most : m - most]
    values = []
    for side in sides.tolist():
        low, high = most - side // 2, most + side // 2 + 1
        above, below = (image[row : row + n - 2 * most] for row in (low, high))
        left, right = (slice(column, column + m - 2 * most) for column in (low, high))
        boxes = below[:, right] - below[:, left] - above[:, right] + above[:, left]
        values.append((counted * boxes).sum() / counted.sum())
    curve = torch.stack(values)
    return np.asarray(torch.where(curve > 0, curve.log(), torch.nan).cpu().numpy(), dtype=np.float64)


__all__ = ["SMALLEST_SIDE", "correlation_dimension", "information_codimension"]
