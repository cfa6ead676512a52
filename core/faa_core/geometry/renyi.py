"""Renyi dimensions D_q of a measure: how the moments of the masses of boxes scale with the number of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.estimate import Estimate, estimate_of
from faa_core.geometry.matrices import Array, Matrices, SupportLike, matrices_of
from faa_core.geometry.scaling import MINIMUM_SIZES, Floats, ScalingFit, fit_line, systematic_error
from faa_core.geometry.unfolding import Masses, boxes_per_side, even_masses, masses_of
from faa_core.records import status_code

ORDERS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, np.inf)
"""Orders q that are taken by default."""
LIGHTEST_BOX = 1e3
"""A negative q needs every box to be heavier than the heaviest times this times the rounding error of the weights."""

_ENTRIES_IN_CACHE = 1 << 19
_LARGEST_PRODUCT = 16  # twice the largest order that is raised by multiplications


@dataclass(frozen=True, eq=False)
class RenyiDimensions(Estimate):
    """Renyi dimensions: an `Estimate` of shape [..., qs] with curves [..., qs, scales].

    Scales ascend: the first is the finest grid, the last a single box. The regressor is ln m for a grid of m x m
    boxes, and descends. The slope of a curve on it is D_q itself: ln(sum p^q) / (1 - q); -sum p ln p for q = 1; the
    logarithm of the number of boxes with mass for q = 0; -ln max p for q = infinity.

    Attributes:
        q: float64 [qs]: orders.
    """

    q: Floats


class Spectrum(NamedTuple):
    """What the orders make of a batch of measures, at all grids of `boxes_per_side`.

    Attributes:
        curves: float64 [batch, qs, scales]: those of `RenyiDimensions`; NaN for a measure without mass.
        single: bool [batch]: all mass lies in one box of the finest grid.
        lightest: float64 [batch]: mass of the lightest box of the finest grid over that of the heaviest.
    """

    curves: Floats
    single: NDArray[np.bool_]
    lightest: Floats


def renyi_dimensions(
    x: Array, q: Sequence[float] = ORDERS, support: SupportLike = "full", unfold: bool = True
) -> RenyiDimensions:
    """Renyi dimensions of attention, or of any measure on a grid (Hentschel and Procaccia 1983, Physica D 8:435).

    Boxes divide the unfolded rows (`faa_core.geometry.unfolding.UnfoldedMassStream`), or the matrix as it stands. The
    finest have sides of at least four tokens, coarser grids consist of whole boxes of the finest, and the fit takes all
    grids, the single box included.

    The null is the same fit on even attention under the same support: 2 for every q where rows are unfolded.

    Status: ``too_few_scales`` below four grids, that is 32 tokens; ``empty`` without mass; ``degenerate``, of dimension
    0, where one box of the finest grid holds all mass; ``negative_q_undefined`` where q < 0 and a box is too light for
    a negative power; ``non_monotone`` where D_q exceeds that of a smaller q by more than both errors; ``no_scaling``
    where local slopes differ; ``non_finite``.

    Args:
        x: [..., n, m], tensor or array, of any total mass.
        q: Orders, finite or infinity.
        support: Visible keys: all, the usual causal triangle, or any.
        unfold: Whether every row is stretched by what it sees. The matrix as it stands mixes the geometry of the mask
            into the orders above 2: for even causal attention they tend to q / (q - 1).

    Raises:
        ValueError: An order is NaN or minus infinity, or `matrices_of` refuses ``x`` or ``support``.
    """
    orders = orders_of(q)
    matrices = matrices_of(x, support)
    masses = masses_of(matrices, unfold)
    fit, curves = fit_orders(masses, orders, matrices.finite, matrices.weights.dtype)
    null = spectrum_of_masses(even_masses(matrices.support, unfold).finest, orders)
    null_curves = np.where(too_light(orders, null.lightest, torch.float64)[..., None], np.nan, null.curves)[0]
    grids = log_boxes(masses)
    null_value = fit_line(grids, null_curves, *fit_range(grids), 0.0).effective
    scales = box_sides(masses)
    estimate = estimate_of(shaped_fit(matrices, fit), null_value, scales, grids, matrices.shaped(curves), null_curves)
    return RenyiDimensions(**vars(estimate), q=orders)


def fit_orders(
    masses: Masses, orders: Floats, finite: NDArray[np.bool_], dtype: torch.dtype
) -> tuple[ScalingFit, Floats]:
    """Renyi dimensions of measures that are on their grid already.

    Args:
        masses: The measures.
        orders: [qs] from `orders_of`.
        finite: bool [batch]: false for matrices that hold NaN or infinity.
        dtype: Of the weights that the masses were summed from; limits negative orders.

    Returns:
        Fit [batch, qs] with the statuses of `renyi_dimensions`, and its curves, float64 [batch, qs, scales].
    """
    measured = spectrum_of_masses(masses.finest, orders)
    light = too_light(orders, measured.lightest, dtype)
    curves = np.where(light[..., None], np.nan, measured.curves)
    systematic = systematic_errors(orders, masses.side)
    fit = fit_masses(masses, curves, systematic, finite[:, None], measured.single[:, None])
    fit = refuse(fit, light & (fit.status == status_code("empty")), "negative_q_undefined")
    return refuse(fit, _rises(orders, fit), "non_monotone"), curves


def orders_of(q: Sequence[float]) -> Floats:
    """The orders as float64 [qs].

    Raises:
        ValueError: There is none, or one is NaN or minus infinity.
    """
    orders = np.asarray(q, dtype=np.float64)
    if orders.ndim != 1 or not len(orders):
        raise ValueError(f"The orders q are one list of numbers, not of shape {orders.shape}.")
    refused = orders[np.isnan(orders) | (orders == -np.inf)]
    if len(refused):
        raise ValueError(f"An order q is finite or infinity, not {refused[0]:g}.")
    return orders


def spectrum_of_masses(finest: torch.Tensor, orders: Floats) -> Spectrum:
    """Curves of a batch of measures, of which `fit_masses` makes dimensions.

    Args:
        finest: float64 [batch, boxes, boxes], non-negative, of any sum; boxes are a power of two or of three.
        orders: [qs] from `orders_of`.
    """
    heaviest = finest.amax((-2, -1))
    return Spectrum(
        curves_of_masses(finest, orders).cpu().numpy(),
        ((finest > 0).sum((-2, -1)) == 1).cpu().numpy(),
        (finest.amin((-2, -1)) / heaviest).cpu().numpy(),
    )


def curves_of_masses(finest: torch.Tensor, orders: Floats) -> torch.Tensor:
    """The curves of `Spectrum`, float64 [batch, qs, scales], on the device of the measures.

    Arguments are those of `spectrum_of_masses`.
    """
    # On a CPU as many measures as stay in the cache between their moments; elsewhere few large launches are better.
    cached = _ENTRIES_IN_CACHE // max(finest.shape[-1] ** 2, 1)
    step = max(cached if finest.device.type == "cpu" else len(finest), 1)
    parts = [finest[start : start + step] for start in range(0, len(finest), step)]
    curves = [
        torch.stack([_entropies(level, orders) for level in grids_of(part)], dim=-1).transpose(0, 1) for part in parts
    ]
    return torch.cat(curves)


def grids_of(finest: torch.Tensor) -> list[torch.Tensor]:
    """Measures [..., m, m] at all grids, finest first, with sum 1 at each; NaN for a measure without mass."""
    levels = [finest / finest.sum((-2, -1), keepdim=True)]
    for boxes in boxes_per_side(finest.shape[-1])[1:]:
        block = levels[-1].shape[-1] // boxes
        # Whole slices are added: many times faster than a reduction over two short axes.
        rows = _added([levels[-1][..., step::block, :] for step in range(block)])
        levels.append(_added([rows[..., step::block] for step in range(block)]))
    return levels


def _added(slices: list[torch.Tensor]) -> torch.Tensor:
    total = slices[0]
    for part in slices[1:]:
        total = total + part
    return total


def log_boxes(masses: Masses) -> Floats:
    """float64 [scales]: ln m of all grids, finest first: the regressor of every curve of masses."""
    return np.log(np.array(boxes_per_side(masses.finest.shape[-1]), dtype=np.float64))


def box_sides(masses: Masses) -> Floats:
    """float64 [scales]: sides of the boxes of all grids in tokens, finest first."""
    return masses.side / np.array(boxes_per_side(masses.finest.shape[-1]), dtype=np.float64)


def fit_range(grids: Floats) -> tuple[int, int]:
    """Indices, inclusive, of the grids of a fit: all, or (0, -1) where that is too few."""
    return (0, len(grids) - 1) if len(grids) >= MINIMUM_SIZES else (0, -1)


def systematic_errors(orders: Floats, side: int) -> Floats:
    """Standard errors [qs] that the place of the grid contributes.

    For q > 0 they are calibrated on binary, ternary and random cascades, shuffled and cut out at random: 0.4 q /
    (q + 2) times side^(-1/4). A measure with empty boxes has the error of a set at q = 0, and below it is worse.
    """
    positive = np.clip(orders, 0, 1e9)
    calibrated = 0.4 * positive / (positive + 2) * max(side, 1) ** -0.25
    return np.where(orders > 0, calibrated, systematic_error(max(side, 1)))


def fit_masses(
    masses: Masses, curves: Floats, systematic: Floats, finite: NDArray[np.bool_], single: NDArray[np.bool_]
) -> ScalingFit:
    """Fit curves of masses over all grids.

    Args:
        masses: The measures.
        curves: float64 [batch, ..., scales].
        systematic: float64 that broadcasts to [batch, ...]: standard error that the grid alone contributes.
        finite: bool that broadcasts likewise: false for matrices that hold NaN or infinity.
        single: bool that broadcasts likewise: all mass lies in one box.
    """
    grids = log_boxes(masses)
    fit = fit_line(grids, curves, *fit_range(grids), 0.0)
    fit = replace(
        fit,
        error=np.sqrt(fit.error**2 + systematic**2),
        status=np.where(single & (fit.status == status_code("ok")), status_code("degenerate"), fit.status),
    )
    return refuse(fit, ~finite, "non_finite")


def refuse(fit: ScalingFit, where: NDArray[np.bool_], status: str) -> ScalingFit:
    """The fit without the values that ``where``, which broadcasts to it, gives a status of their own."""
    return replace(
        fit,
        value=np.where(where, np.nan, fit.value),
        error=np.where(where, np.nan, fit.error),
        status=np.where(where, status_code(status), fit.status).astype(np.uint8),
    )


def too_light(orders: Floats, lightest: Floats, dtype: torch.dtype) -> NDArray[np.bool_]:
    """Where, [batch, qs], the order is negative and the lightest box does not carry it at this precision."""
    return np.asarray((orders < 0) & ~(lightest > LIGHTEST_BOX * torch.finfo(dtype).eps)[:, None])


def shaped_fit(matrices: Matrices, fit: ScalingFit) -> ScalingFit:
    """The fit [batch, ...] with the shape of the caller's batch in front."""
    return ScalingFit(**{name: matrices.shaped(values) for name, values in vars(fit).items()})


def _entropies(p: torch.Tensor, orders: Floats) -> torch.Tensor:
    """float64 [qs, batch]: the curves at one grid, from p float64 [batch, m, m] of sum 1."""
    p = p.flatten(1)
    heaviest = p.amax(1)
    powers = _Powers(p / heaviest[:, None])
    curves = []
    for q in orders.tolist():
        if q == 0:
            curves.append(torch.count_nonzero(p, 1).to(p.dtype).log())
        elif q == 1:
            # Empty boxes have 0 times a finite logarithm; `torch.special.entr` does the same at thrice the cost.
            curves.append(-p.clamp(min=torch.finfo(p.dtype).tiny).log_().mul_(p).sum(1))
        elif np.isinf(q):
            curves.append(-heaviest.log())
        elif q > 0:
            curves.append((powers.sum(q).log() + q * heaviest.log()) / (1 - q))
        else:
            # The lightest box is the largest term, so that no power overflows.
            lightest = torch.where(p > 0, p, torch.inf).amin(1)
            terms = torch.where(p > 0, (p / lightest[:, None]).pow(q), 0.0)
            curves.append((terms.sum(1).log() + q * lightest.log()) / (1 - q))
    return torch.where(p.sum(1) > 0, torch.stack(curves), torch.nan)


class _Powers:
    """Sums of the powers of ratios [batch, boxes] in 0 to 1, by square root and products where that is possible.

    Multiplying is several times faster than a general power, and the products are shared by the orders.
    """

    def __init__(self, ratios: torch.Tensor) -> None:
        self._ratios = ratios
        self._halves = {2: ratios}

    def sum(self, q: float) -> torch.Tensor:
        """Sum of the powers of order q > 0, [batch]."""
        halves = 2 * q
        if halves != int(halves) or halves > _LARGEST_PRODUCT:
            return self._ratios.pow(q).sum(1)
        return self._power(int(halves)).sum(1)

    def _power(self, halves: int) -> torch.Tensor:
        if halves not in self._halves:
            if halves == 1:
                self._halves[1] = self._ratios.sqrt()
            elif halves % 2:
                self._halves[halves] = self._power(halves - 1) * self._power(1)
            else:
                small = halves // 4 * 2
                self._halves[halves] = self._power(small) * self._power(halves - small)
        return self._halves[halves]


def _rises(orders: Floats, fit: ScalingFit) -> NDArray[np.bool_]:
    """Where, [batch, qs], the dimension exceeds that of some smaller order by more than both errors."""
    ascending = np.argsort(orders)
    low, high = (np.where(np.isnan(fit.value), np.inf, fit.value + side * fit.error)[:, ascending] for side in (1, -1))
    ceiling = np.minimum.accumulate(low, axis=1)
    rises = np.empty(fit.value.shape, bool)
    rises[:, ascending] = (high > ceiling) & np.isfinite(high)
    return rises


__all__ = [
    "LIGHTEST_BOX",
    "ORDERS",
    "RenyiDimensions",
    "Spectrum",
    "box_sides",
    "curves_of_masses",
    "fit_masses",
    "fit_orders",
    "fit_range",
    "grids_of",
    "log_boxes",
    "orders_of",
    "refuse",
    "renyi_dimensions",
    "shaped_fit",
    "spectrum_of_masses",
    "systematic_errors",
    "too_light",
]
