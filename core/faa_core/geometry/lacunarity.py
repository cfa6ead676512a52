"""Lacunarity of the lift: how unevenly attention fills boxes of a given size.

Two measures with the same dimension can differ in the size of their gaps. Lacunarity is the second moment of the mass
in a box over the square of the first (Mandelbrot 1983; gliding boxes of Allain & Cloitre 1991, Physical Review A
44:3552). Here the mass of a box is divided by the visible area in it and boxes weigh as much as that area, so even
attention has lacunarity 1 at every size under any support; a bare causal mask would have 2 otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.estimate import names_of
from faa_core.geometry.gliding import BLOCKS, batch_parts, block_sums, gliding_sums, integral_image, jackknife_error
from faa_core.geometry.matrices import Array, Matrices, SupportLike, matrices_of
from faa_core.geometry.pyramid import halve
from faa_core.geometry.scaling import Floats
from faa_core.geometry.support import Support
from faa_core.records import status_code

CONSTANT = 1e-12
"""Squared coefficient of variation up to which a lift is constant but for rounding."""

_ENTRIES_IN_CACHE = 1 << 18


@dataclass(frozen=True, eq=False)
class Lacunarity:
    """Gliding-box lacunarity of one matrix, or of each matrix of a batch.

    Attributes:
        sides: int64 [sides]: box sides in tokens.
        value: float64 [..., sides]: at least 1; NaN unless the status is ``ok`` or ``degenerate``.
        error: float64 [..., sides]: standard error from a jackknife over 8 x 8 blocks of the map. It covers what
            another part of the same map would give, if the map is alike everywhere; it does not cover another text.
            NaN for boxes larger than a block, whose values are not independent between blocks.
        null: float64 [sides]: the same of even attention, exactly 1; NaN where no box qualifies.
        difference: float64 [..., sides]: ``value - null``.
        normalised: float64 [..., sides]: ln value / ln value at side 1: the share of the unevenness of single entries
            that is left at this side; NaN where the lift is constant.
        status: str [..., sides]: ``degenerate`` where the lift is constant, ``empty`` where there is no weight,
            ``no_rows`` where no box of this side is half visible, ``non_finite``, or ``ok``.
    """

    sides: NDArray[np.int64]
    value: Floats
    error: Floats
    null: Floats
    difference: Floats
    normalised: Floats
    status: NDArray[np.str_]


def lacunarity(x: Array, support: SupportLike = "full", sides: Sequence[int] | None = None) -> Lacunarity:
    """Lacunarity <(M / a)^2> / <M / a>^2 of the lift, over boxes at every position of the map.

    M is the sum of the lift in a box and a the number of visible entries in it. Averages are over all boxes that are
    at least half visible, weighted by a. Independent entries with coefficient of variation c have 1 + c^2 / r^2.

    Args:
        x: [..., n, m], tensor or array: weights, or any non-negative image.
        support: Visible keys: all, the usual causal triangle, or any.
        sides: Box sides in tokens; by default 1, 2, 4, ... up to half of the shorter side of the map.

    Raises:
        ValueError: ``x`` is no batch of matrices, does not have the shape of ``support``, has negative weights, or
            weight outside of the support; or a box does not fit into the map.
    """
    matrices = matrices_of(x, support)
    n, m = matrices.weights.shape[-2:]
    shorter = min(n, m)
    if sides is None:
        sides = [1 << k for k in range(max(shorter // 2, 1).bit_length())]
    for side in sides:
        if not 1 <= side <= shorter or side != int(side):
            raise ValueError(f"A box of side {side} does not fit into a map of {n} x {m}.")
    wanted = np.array(sides, dtype=np.int64)
    distinct, place = np.unique(np.append(wanted, 1), return_inverse=True)

    value, error, null = (a[..., place] for a in _gliding(matrices, distinct))
    single, value, error, null = value[:, -1:], value[:, :-1], error[:, :-1], null[:-1]
    constant = single - 1 <= CONSTANT
    normalised = np.log(value) / np.log(np.where(constant, np.nan, single))
    status = np.full(value.shape, status_code("ok"), np.uint8)
    status[np.broadcast_to(constant, value.shape)] = status_code("degenerate")
    status[np.isnan(value)] = status_code("empty")
    status[:, np.isnan(null)] = status_code("no_rows")
    status[~matrices.finite] = status_code("non_finite")
    return Lacunarity(
        sides=wanted,
        value=matrices.shaped(value),
        error=matrices.shaped(error),
        null=null,
        difference=matrices.shaped(value - null),
        normalised=matrices.shaped(normalised),
        status=matrices.shaped(names_of(status)),
    )


class GlidingLacunarity:
    """`lacunarity` at one side, without error, of many batches under one support.

    Args:
        support: Visible keys, on the device of the batches.
        side: Box side in tokens, at most the shorter side of the map.
    """

    def __init__(self, support: Support, side: int) -> None:
        area = gliding_sums(integral_image(support.mask()), side)
        self._side = side
        self._enough = 2 * area >= side * side
        self._per_area = self._enough / torch.where(self._enough, area, 1.0)
        self._visible = (area * self._enough).sum()

    def __call__(self, lift: torch.Tensor) -> torch.Tensor:
        """float64 [batch] from lift [batch, n, m], which is zero outside of the support; NaN without weight."""
        # On a CPU so few tables at a time that they stay in the cache; elsewhere few large launches are better.
        step = max(_ENTRIES_IN_CACHE // lift[0].numel(), 1) if lift.device.type == "cpu" else len(lift)
        return torch.cat([self._of(part) for part in torch.split(lift, step)])

    def _of(self, lift: torch.Tensor) -> torch.Tensor:
        mass = gliding_sums(integral_image(lift), self._side)
        first = torch.where(self._enough, mass, 0.0).sum((-2, -1))
        square = mass.square_().mul_(self._per_area).sum((-2, -1))
        return torch.where(first > 0, square * self._visible / torch.where(first > 0, first, 1.0) ** 2, torch.nan)


def _gliding(matrices: Matrices, sides: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Value and error [batch, sides], and null [sides]."""
    weights, lengths = matrices.weights, matrices.support.lengths[:, None]
    batch, n, m = weights.shape
    areas = integral_image(matrices.support.mask())
    value, error = np.full((2, batch, len(sides)), np.nan)
    null = np.full(len(sides), np.nan)
    for part in batch_parts(batch, n * m):
        tables = integral_image(weights[part] * lengths)
        for k, side in enumerate(sides.tolist()):
            area = gliding_sums(areas, side)
            enough = 2 * area >= side * side
            if not bool(enough.any()):
                continue
            weight = area * enough
            per_area = enough / torch.where(enough, area, 1.0)
            starts = (side // 2, side // 2)
            mass = gliding_sums(tables, side).mul_(enough)
            square = block_sums(mass.square().mul_(per_area), starts, (n, m)).reshape(len(mass), -1)
            first = block_sums(mass, starts, (n, m)).reshape(len(mass), -1)
            zeroth = block_sums(weight, starts, (n, m)).ravel()
            null[k] = float(weight.square().mul_(per_area).sum() * weight.sum() / weight.sum() ** 2)
            value[part, k] = _moments(square.sum(-1), first.sum(-1), zeroth.sum())
            if BLOCKS * side <= min(n, m):
                without = _moments(
                    square.sum(-1, keepdims=True) - square,
                    first.sum(-1, keepdims=True) - first,
                    zeroth.sum() - zeroth,
                )
                error[part, k] = jackknife_error(value[part, k], without, zeroth / zeroth.sum())
    return value, error, null


def _moments(square: Floats, first: Floats, zeroth: Floats) -> Floats:
    """Second moment over the square of the first, NaN without mass."""
    return np.where(first > 0, square * zeroth / np.where(first > 0, first, 1.0) ** 2, np.nan)


@dataclass(frozen=True, eq=False)
class BoxLacunarity:
    """Lacunarity on boxes that do not overlap, of one matrix or of each matrix of a batch.

    Attributes:
        boxes: int64 [scales]: boxes to the side of the map, 1, 2, 4, ...
        value: float64 [..., scales]; NaN unless the status is ``ok``.
        status: str [...]: ``empty`` where there is no weight, ``non_finite``, or ``ok``.
    """

    boxes: NDArray[np.int64]
    value: Floats
    status: NDArray[np.str_]


def box_lacunarity(x: Array, support: SupportLike = "full") -> BoxLacunarity:
    """Lacunarity of the lift on dyadic grids of m x m boxes, with edges at k n / m rounded to whole tokens.

    With p_B the share of box B in the lift and a_B its share in the visible entries, it is the sum of p_B^2 / a_B:
    1 for even attention under any support. Where all boxes are alike, as with full support and a side that m divides,
    it is the number of boxes times the sum of p_B^2, and the correlation dimension is D_2 = 2 - its slope in m on
    logarithmic axes.

    Args:
        x: [..., n, m], tensor or array: weights, or any non-negative image.
        support: Visible keys: all, the usual causal triangle, or any.

    Raises:
        ValueError: ``x`` is no batch of matrices, does not have the shape of ``support``, has negative weights, or
            weight outside of the support.
    """
    matrices = matrices_of(x, support)
    weights, lengths = matrices.weights, matrices.support.lengths[:, None]
    batch, n, m = weights.shape
    boxes = np.int64(1) << np.arange(min(n, m).bit_length())
    value = np.full((batch, len(boxes)), np.nan)
    area = _boxes(matrices.support.mask()[None], int(boxes[-1]))
    for part in batch_parts(batch, n * m):
        mass, visible = _boxes(weights[part] * lengths, int(boxes[-1])), area
        total = mass.sum((-2, -1), keepdim=True)
        mass = mass / torch.where(total > 0, total, torch.nan)
        visible = visible / visible.sum().clamp(min=1)
        for k in reversed(range(len(boxes))):
            held = visible > 0
            shares = mass.square() * held / torch.where(held, visible, 1.0)
            value[part, k] = shares.sum((-2, -1)).cpu().numpy()
            mass, visible = halve(mass, "mass"), halve(visible, "mass")
    status = np.where(np.isnan(value[:, 0]), status_code("empty"), status_code("ok")).astype(np.uint8)
    status[~matrices.finite] = status_code("non_finite")
    return BoxLacunarity(boxes, matrices.shaped(value), matrices.shaped(names_of(status)))


def _boxes(x: torch.Tensor, boxes: int) -> torch.Tensor:
    """Sums over a grid of boxes x boxes, [batch, boxes, boxes] in float64."""
    x = x.to(torch.float64)
    for axis in (-2, -1):
        side = x.shape[axis]
        edges = [round(k * side / boxes) for k in range(boxes + 1)]
        counts = torch.tensor(np.diff(edges), device=x.device)
        index = torch.arange(boxes, device=x.device).repeat_interleave(counts)
        shape = list(x.shape)
        shape[axis] = boxes
        x = x.new_zeros(shape).index_add_(x.dim() + axis, index, x)
    return x


__all__ = ["CONSTANT", "BoxLacunarity", "GlidingLacunarity", "Lacunarity", "box_lacunarity", "lacunarity"]
