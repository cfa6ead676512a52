"""Singularity spectrum f(alpha): how strong the singularities of a measure are, and how many there are of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.estimate import Estimate, estimate_of, names_of
from faa_core.geometry.matrices import Array, SupportLike, matrices_of
from faa_core.geometry.renyi import (
    box_sides,
    fit_masses,
    fit_range,
    grids_of,
    log_boxes,
    orders_of,
    refuse,
    shaped_fit,
    systematic_errors,
    too_light,
)
from faa_core.geometry.scaling import Floats, ScalingFit, fit_line
from faa_core.geometry.unfolding import even_masses, masses_of
from faa_core.records import status_code

ORDERS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
"""Orders q that are taken by default."""
SMALLEST_SIDE = 256
"""Tokens below which there are too few grids for a spectrum."""
WIDTH_ORDERS = (0.0, 5.0)
"""Between these orders the width is taken."""

_PLANE = 2.0


@dataclass(frozen=True, eq=False)
class SingularitySpectrum:
    """Points of f(alpha), one for each order.

    Attributes:
        q: float64 [qs]: orders.
        alpha: Singularity strengths, of shape [..., qs]; the curve is -sum w ln p on ln m.
        f: Their dimensions, of shape [..., qs]; the curve is -sum w ln w on ln m.
        width: float64 [...]: largest minus smallest alpha of the orders between 0 and 5; NaN unless all are defined.
        status: str [...]: that of the width: ``ok``, or the first reason why one of these orders is not defined;
            ``not_measured`` where ``q`` has fewer than two of them.
    """

    q: Floats
    alpha: Estimate
    f: Estimate
    width: Floats
    status: NDArray[np.str_]


def singularity_spectrum(
    x: Array, q: Sequence[float] = ORDERS, support: SupportLike = "full", unfold: bool = True
) -> SingularitySpectrum:
    """Singularity spectrum by the direct method, without a Legendre transform (Chhabra and Jensen 1989, PRL 62:1327).

    With w = p^q / sum p^q on the boxes of a grid, alpha(q) and f(q) are slopes on the grids of
    `faa_core.geometry.renyi.renyi_dimensions`. At q = 0 f is D_0; at q = 1 both are D_1.

    Status: ``too_few_scales`` below 256 tokens; ``no_scaling`` also where f exceeds
    2, or alpha, by more than its errors, which no measure does; the others as for the Renyi dimensions. An order is
    defined only if both its alpha and its f are.

    Args:
        x: [..., n, m], tensor or array, of any total mass.
        q: Finite orders.
        support: Visible keys: all, the usual causal triangle, or any.
        unfold: Whether every row is stretched by what it sees.

    Raises:
        ValueError: An order is not finite, or `matrices_of` refuses ``x`` or ``support``.
    """
    orders = orders_of(q)
    if np.isinf(orders).any():
        raise ValueError("An order q of a singularity spectrum is finite.")
    matrices = matrices_of(x, support)
    masses = masses_of(matrices, unfold)
    curves = _curves(masses.finest, orders)
    null_curves = _curves(even_masses(matrices.support, unfold).finest, orders)[:, 0]
    lightest = (masses.finest.amin((-2, -1)) / masses.finest.amax((-2, -1))).cpu().numpy()
    light = too_light(orders, lightest, matrices.weights.dtype)
    curves = np.where(light[..., None], np.nan, curves)

    systematic = systematic_errors(orders, masses.side)
    single = ((masses.finest > 0).sum((-2, -1)) == 1).cpu().numpy()[:, None]
    finite = matrices.finite[:, None]
    alpha, f = (fit_masses(masses, of, systematic, finite, single) for of in curves)
    short = np.full(alpha.value.shape, masses.side < SMALLEST_SIDE)
    above = (f.value > _PLANE + f.error) | (f.value > alpha.value + np.hypot(f.error, alpha.error))
    for where, status in (
        (light & (f.status == status_code("empty")), "negative_q_undefined"),
        (above, "no_scaling"),
        (short & finite, "too_few_scales"),
    ):
        alpha, f = (refuse(fit, where, status) for fit in (alpha, f))
    # A point of the spectrum needs both of its coordinates.
    alpha, f = _refused_with(alpha, f), _refused_with(f, alpha)

    grids = log_boxes(masses)
    scales = box_sides(masses)
    records = []
    for fit, of, null_of in zip((alpha, f), curves, null_curves, strict=True):
        null = fit_line(grids, null_of, *fit_range(grids), 0.0).effective
        records.append(estimate_of(shaped_fit(matrices, fit), null, scales, grids, matrices.shaped(of), null_of))
    width, reason = _width(orders, alpha)
    return SingularitySpectrum(orders, records[0], records[1], matrices.shaped(width), matrices.shaped(reason))


def _curves(finest: torch.Tensor, orders: Floats) -> Floats:
    """float64 [2, batch, qs, scales]: -sum w ln p and -sum w ln w; NaN for a measure without mass."""
    levels = []
    for level in grids_of(finest):
        p = level.flatten(1)
        log = torch.where(p > 0, p.log(), -torch.inf)
        points = []
        for q in orders.tolist():
            w = torch.softmax(torch.where(p > 0, q * log, -torch.inf), dim=1)
            points.append(torch.stack([-torch.where(p > 0, w * log, 0.0).sum(1), torch.special.entr(w).sum(1)]))
        levels.append(torch.where(p.sum(1) > 0, torch.stack(points), torch.nan))
    return torch.stack(levels, dim=-1).permute(1, 2, 0, 3).cpu().numpy()


def _refused_with(fit: ScalingFit, other: ScalingFit) -> ScalingFit:
    """The fit, refused where the other one is, for the same reason."""
    only = (np.isnan(other.value)) & ~np.isnan(fit.value)
    return replace(
        refuse(fit, only, "no_scaling"),
        status=np.where(only, other.status, fit.status).astype(np.uint8),
    )


def _width(orders: Floats, alpha: ScalingFit) -> tuple[Floats, NDArray[np.str_]]:
    """Widths [batch] over `WIDTH_ORDERS`, and their statuses."""
    inside = (orders >= WIDTH_ORDERS[0]) & (orders <= WIDTH_ORDERS[1])
    if inside.sum() < 2:
        nothing = np.full(len(alpha.value), np.nan)
        return nothing, names_of(np.full(nothing.shape, status_code("not_measured"), np.uint8))
    value, status = alpha.value[:, inside], alpha.status[:, inside]
    width = value.max(1) - value.min(1)
    first = np.isnan(value).argmax(1)
    return width, names_of(status[np.arange(len(status)), first])


__all__ = ["ORDERS", "SMALLEST_SIDE", "WIDTH_ORDERS", "SingularitySpectrum", "singularity_spectrum"]
