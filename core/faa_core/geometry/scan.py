"""Stored matrices at every dyadic size: box counts at all thresholds, and power sums of the masses for all orders.

For matrices that are at hand as a whole; `faa_core.geometry.box_counter.BoxCounter` counts the same from strips.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry import compiled
from faa_core.geometry.box_counter import GRID, Grid, counts_from, histogram_of, threshold_codes
from faa_core.geometry.pyramid import halve, level_count
from faa_core.geometry.scaling import Floats

ORDERS: Floats = np.array([0.5, 1.0, 2.0, 3.0, 5.0])
"""float64 [5]: the orders q of `power_sums`, those whose powers are products and square roots."""

_ENTRIES_AT_A_TIME = 1 << 24
_PART = 1 << 16


class Scan(NamedTuple):
    """Everything of one reading.

    Attributes:
        counts: int64 [..., thresholds, sizes], as of `box_counts`.
        sums: float64 [..., orders, sizes], as of `power_sums`.
    """

    counts: NDArray[np.int64]
    sums: Floats


def box_counts(weights: torch.Tensor, lengths: torch.Tensor, grid: Grid = GRID) -> NDArray[np.int64]:
    """Boxes that hold a cell above each threshold, at every size.

    Args:
        weights: float32 [..., n, m], finite and non-negative, on any device.
        lengths: [n]: number of keys that each row sees; a weight times it is the lift.
        grid: Thresholds of the lift; by default those of `faa_core.geometry.box_counter.THRESHOLDS`.

    Returns:
        int64 [..., thresholds, sizes], for each of `faa_core.geometry.scaling.box_sizes`, from 1 on.
    """
    x, lengths = _flat(weights), lengths.to(weights.device, torch.float32)
    if kernels := compiled.kernels_for(x):
        histogram = compiled.count_matrices(kernels, x, lengths, grid, level_count(*x.shape[1:]))
    else:
        histogram = torch.cat([_histograms(part, lengths, grid) for part in _parts(x)])
    return _counts(weights, histogram)


def power_sums(weights: torch.Tensor) -> Floats:
    """Sums over all boxes of powers of their mass, at every size: what Renyi dimensions are slopes of.

    With the total T the partition function is Z_q = sum x^q / T^q, and the entropy ln T - sum x ln x / T. Masses of
    boxes of more than one entry are float64. The powers of single entries are float32, added in float64: their sums
    are good to 1e-6 relative.

    Args:
        weights: float32 [..., n, m], finite and non-negative, on any device.

    Returns:
        float64 [..., orders, sizes]: sum of x^q for each of `ORDERS`, and of x ln x in place of the order 1.
    """
    x = _flat(weights)
    if kernels := compiled.kernels_for(x):
        sums = compiled.sum_powers(kernels, x, level_count(*x.shape[1:]))
    else:
        sums = torch.cat([_sums(part) for part in _parts(x)])
    return _shaped(weights, sums)


def scan(weights: torch.Tensor, lengths: torch.Tensor, grid: Grid = GRID) -> Scan:
    """`box_counts` and `power_sums` from one reading of the weights; arguments as there."""
    x, lengths = _flat(weights), lengths.to(weights.device, torch.float32)
    if kernels := compiled.kernels_for(x):
        histogram, sums = compiled.scan_matrices(kernels, x, lengths, grid, level_count(*x.shape[1:]))
    else:
        # Both of a part before the next, while the part is in the cache.
        pairs = [(_histograms(part, lengths, grid), _sums(part)) for part in _parts(x)]
        histogram, sums = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    return Scan(_counts(weights, histogram), _shaped(weights, sums))


def _flat(weights: torch.Tensor) -> torch.Tensor:
    if weights.dtype != torch.float32 or weights.dim() < 2 or weights.numel() == 0:
        raise ValueError(f"Weights are float32 [..., n, m] with n, m >= 1, not {weights.dtype} {tuple(weights.shape)}.")
    return weights.reshape(-1, *weights.shape[-2:]).contiguous()


def _shaped(weights: torch.Tensor, sums: torch.Tensor) -> Floats:
    values = sums.cpu().numpy().swapaxes(-1, -2)
    return values.reshape(weights.shape[:-2] + values.shape[1:])


def _counts(weights: torch.Tensor, histogram: torch.Tensor) -> NDArray[np.int64]:
    counts = counts_from(histogram).swapaxes(-1, -2)
    return counts.reshape(weights.shape[:-2] + counts.shape[1:])


def _parts(x: torch.Tensor) -> Iterator[torch.Tensor]:
    """As many matrices at a time as suit the device: on a CPU what stays in the cache."""
    entries = 1 << 20 if x.device.type == "cpu" else _ENTRIES_AT_A_TIME
    return iter(torch.split(x, max(entries // (x.shape[1] * x.shape[2]), 1)))


def _histograms(x: torch.Tensor, lengths: torch.Tensor, grid: Grid) -> torch.Tensor:
    """int64 [heads, levels, codes]."""
    lift = x * lengths[:, None]
    level = lift
    histograms = []
    for _ in range(level_count(*x.shape[1:])):
        codes = threshold_codes(level, grid) if level is lift else level
        histograms.append(histogram_of(codes, grid.codes))
        # The codes of the largest are the largest of the codes: from level 1 on one byte says all.
        above = halve(level, "max")
        level = threshold_codes(above, grid).to(torch.uint8) if level is lift else above
    return torch.stack(histograms, 1)


def _sums(x: torch.Tensor) -> torch.Tensor:
    """float64 [heads, levels, orders]."""
    levels, mass = [_powers(x)], x.to(torch.float64)
    for _ in range(level_count(*x.shape[1:]) - 1):
        mass = halve(mass, "mass")
        levels.append(_powers(mass))
    return torch.stack(levels, 1)


def _powers(x: torch.Tensor) -> torch.Tensor:
    """float64 [heads, orders]: by square roots, logarithms and products, which cost a tenth of a power."""
    sums = torch.zeros(len(x), len(ORDERS), dtype=torch.float64, device=x.device)
    # In parts whose powers stay in the cache; on an accelerator all at once.
    step = _PART if x.device.type == "cpu" else _ENTRIES_AT_A_TIME
    for part in torch.split(x.flatten(1), max(step // len(x), 1), 1):
        square = part * part
        # Zeros have 0 times a finite logarithm; `torch.xlogy` does the same at ten times the cost.
        log = part.clamp(min=torch.finfo(x.dtype).tiny).log_()
        products = [(part, log), (part, part), (part, square), (square.mul(part), square)]
        terms = [part.sqrt().sum(1)] + [_inner(a, b) for a, b in products]
        sums += torch.stack(terms, 1)
    return sums


def _inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """[heads]: the inner products of [heads, entries]."""
    # A product of float32 vectors is added up one by one, which costs two digits; a sum goes by pairs.
    return (a * b).sum(1) if a.dtype == torch.float32 else torch.bmm(a[:, None], b[:, :, None])[:, 0, 0]
