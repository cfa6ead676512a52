"""Box counts over all placements of the grid, and not only the one that starts in the corner.

A grid of boxes of side s can be laid s x s ways. A box at every possible corner, on or off any one grid, holds a cell
of the set exactly where the set dilated by an s x s square lies. So the mean count over all placements is the area of
the dilated set over s^2, and a box count of any single placement is a strided sum over the dilated image.

The mean is free of where the set happens to lie. What it loses is that a set which was built on a grid is counted
exactly on that grid: where the boxes of base 2 or 3 that start in the corner follow a power law without residual,
their slope is taken instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial, reduce

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.scaling import (
    MINIMUM_SIZES,
    MINIMUM_SPAN,
    Floats,
    ScalingFit,
    fit_line,
    fit_windows,
    log_counts,
    moved,
    set_error,
    size_regressor,
    steady,
)
from faa_core.records import status_code

FIRST_OFFSET_SIZE = 3
"""Smallest box side, in tokens: below it the mean over placements sees the raster more than the set."""
OFFSET_FRACTION = 8
"""The largest box side is the shorter side of the map over this."""
STEPS_PER_OCTAVE = 4
OFFSET_SLOPE_RANGE = 0.22
"""Largest range of the slopes over one octave that still counts as scaling."""
ALIGNED_RESIDUAL = 2e-3
"""Largest residual of ln N on an aligned grid that counts as none."""
ALIGNED_BASES = (2, 3)

_WORD = 8  # cells, one byte each, that are added at once
_ROWS_AT_A_TIME = 255  # that many ones fit a byte
_ENTRIES_ON_CPU = 1 << 21  # what stays in the cache
_ENTRIES_ON_DEVICE = 1 << 28


@dataclass(frozen=True, eq=False)
class BoxFit:
    """Box counts and the dimensions fitted to them, one for each matrix of a batch [...].

    Attributes:
        sizes: int64 [sizes]: box sides in tokens.
        counts: float64 [..., sizes]: numbers of boxes, or their means.
        fit: The fit on them.
        aligned: int8 [...]: 2 or 3 where the slope is that of the aligned grid of this base; 0 elsewhere.
    """

    sizes: NDArray[np.int64]
    counts: Floats
    fit: ScalingFit
    aligned: NDArray[np.int8]


def offset_sizes(queries: int, keys: int) -> NDArray[np.int64]:
    """int64 [sizes]: box sides from `FIRST_OFFSET_SIZE` to an eighth of the shorter side, four to the octave.

    There are none where that is less than `MINIMUM_SPAN` times the smallest: for sides below 192.
    """
    largest = min(queries, keys) // OFFSET_FRACTION
    if largest < MINIMUM_SPAN * FIRST_OFFSET_SIZE:
        return np.zeros(0, np.int64)
    steps = int(np.floor(STEPS_PER_OCTAVE * np.log2(largest / FIRST_OFFSET_SIZE) + 1e-9))
    sizes = np.rint(FIRST_OFFSET_SIZE * 2 ** (np.arange(steps + 1) / STEPS_PER_OCTAVE)).astype(np.int64)
    return np.unique(sizes)


def offset_regressor(sizes: NDArray[np.int64], queries: int, keys: int) -> Floats:
    """float64 [sizes]: ln((n + s - 1) / s), the mean over both sides; a filled map has slope 2 on it, a row 1."""
    rows, columns = ((side + sizes - 1) / sizes for side in (queries, keys))
    return np.asarray((np.log(rows) + np.log(columns)) / 2, dtype=np.float64)


def fit_offsets(image: torch.Tensor) -> BoxFit:
    """Box-counting dimension from `mean_counts` of a set.

    The slope is that of `faa_core.geometry.scaling.fit_windows` on `offset_regressor`, unless an aligned grid is exact.

    Status: ``too_few_scales`` for sides below 192; ``empty``; ``degenerate`` for a single cell, which has dimension 0;
    ``no_scaling`` where the slopes over one octave differ by more than `OFFSET_SLOPE_RANGE` or the curve bends by more
    than `faa_core.geometry.scaling.SET_CURVATURE`, and no aligned grid is exact; ``ok``.

    Args:
        image: bool [..., n, m]: the set, on any device.
    """
    *lead, n, m = image.shape
    sizes = offset_sizes(n, m)
    counts = mean_counts(image, sizes)
    x, y = offset_regressor(sizes, n, m), log_counts(counts)
    error = partial(set_error, min(n, m))
    fit = fit_windows(x, y, partial(steady, octave=STEPS_PER_OCTAVE, octaves=1, largest=OFFSET_SLOPE_RANGE), error)
    aligned = np.zeros(lead, np.int8)
    if not len(sizes):
        return BoxFit(sizes, counts, fit, aligned)

    for base in ALIGNED_BASES:
        slope, exact = _aligned_slopes(image, base)
        exact &= aligned == 0
        aligned[exact] = base
        status = np.where(exact, status_code("ok"), fit.status).astype(np.uint8)
        slope = np.where(exact, slope, fit.effective)
        fit = replace(fit, status=status, value=np.where(exact, slope, fit.value))
        fit = moved(fit, slope, np.where(exact, error(slope), fit.error), x, y)
    status = fit.status.copy()
    status[counts[..., 0] == 1] = status_code("degenerate")
    return BoxFit(sizes, counts, replace(fit, status=status), aligned)


def _aligned_slopes(image: torch.Tensor, base: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Slopes of the counts on the grid of this base that starts in the corner, and where there is no residual."""
    *_, n, m = image.shape
    counts = aligned_counts(image, base)
    sizes = np.int64(base) ** np.arange(counts.shape[-1])
    used = (sizes >= base) & (sizes * base <= min(n, m))
    if used.sum() < MINIMUM_SIZES:
        return np.full(counts.shape[:-1], np.nan), np.zeros(counts.shape[:-1], bool)
    x, y = size_regressor(sizes[used], n, m), log_counts(counts[..., used])
    fit = fit_line(x, y, 0, len(x) - 1, 0.0)
    line = fit.intercept[..., None] + fit.effective[..., None] * x
    return fit.effective, np.abs(y - line).max(-1) < ALIGNED_RESIDUAL


def mean_counts(image: torch.Tensor, sizes: NDArray[np.int64]) -> Floats:
    """Box counts, averaged over all placements of the grid.

    Args:
        image: bool [..., n, m]: the set, on any device.
        sizes: int64 [sizes]: box sides in tokens, at least 1, rising.

    Returns:
        float64 [..., sizes].
    """
    lead = image.shape[:-2]
    if not len(sizes):
        return np.zeros((*lead, 0))
    parts = [
        torch.stack([_cells_of(dilated) for dilated in _dilations(part, sizes)], dim=-1).cpu().numpy()
        for part in _parts(image, int(sizes[-1]))
    ]
    return np.asarray(np.concatenate(parts).reshape(*lead, len(sizes)) / sizes.astype(np.float64) ** 2)


def aligned_counts(image: torch.Tensor, base: int) -> NDArray[np.int64]:
    """Box counts of sides 1, base, base^2, ... on the grid that starts in the upper left corner.

    Args:
        image: bool [..., n, m]: the set, on any device.
        base: Ratio of neighbouring sides, at least 2.

    Returns:
        int64 [..., levels]; the last level is the whole map in one box.
    """
    counts = []
    for part in _parts(image, 0):
        level = part.to(torch.uint8)
        boxes = [level.sum((1, 2), dtype=torch.int64)]
        while max(level.shape[1:]) > 1:
            n, m = level.shape[1:]
            level = torch.nn.functional.pad(level, (0, -m % base, 0, -n % base))
            level = reduce(torch.bitwise_or, [level[:, i::base] for i in range(base)])
            level = reduce(torch.bitwise_or, [level[..., i::base] for i in range(base)])
            boxes.append(level.sum((1, 2), dtype=torch.int64))
        counts.append(torch.stack(boxes, dim=-1).cpu().numpy())
    return np.concatenate(counts).reshape(*image.shape[:-2], -1)


def minimum_counts(image: torch.Tensor, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The least box count over at most 8 x 8 evenly spaced placements of the grid: the minimum cover of FracLac.

    Args:
        image: bool [..., n, m]: the set, on any device.
        sizes: int64 [sizes]: box sides in tokens, at least 1, rising.

    Returns:
        int64 [..., sizes].
    """
    counts = []
    for part in _parts(image, int(sizes[-1])):
        best = []
        for size, dilated in zip(sizes.tolist(), _dilations(part, sizes), strict=True):
            starts = sorted({step * size // 8 for step in range(8)})
            grids = [dilated[:, i::size, j::size].sum((1, 2), dtype=torch.int64) for i in starts for j in starts]
            best.append(torch.stack(grids).amin(0))
        counts.append(torch.stack(best, dim=-1).cpu().numpy())
    return np.concatenate(counts).reshape(*image.shape[:-2], len(sizes))


def _parts(image: torch.Tensor, margin: int) -> Iterator[torch.Tensor]:
    """``image`` [..., n, m] as pieces [matrices, n, m] that are worth working on together with so wide a margin."""
    *_, n, m = image.shape
    budget = _ENTRIES_ON_CPU if image.device.type == "cpu" else _ENTRIES_ON_DEVICE
    step = max(1, budget // ((n + margin) * (m + margin)))
    flat = image.reshape(-1, n, m)
    for start in range(0, len(flat), step):
        yield flat[start : start + step]


def _dilations(image: torch.Tensor, sizes: NDArray[np.int64]) -> Iterator[torch.Tensor]:
    """The set seen through a window of each size.

    Args:
        image: bool [matrices, n, m].
        sizes: int64 [sizes], rising.

    Yields:
        uint8 [matrices, rows, columns] with rows >= n + s - 1 and columns >= m + s - 1, contiguous: 1 where the box
        whose first corner lies there holds a cell of the set. Positions at the top and on the left that no such box
        needs are 0. It is good until the next one is asked for.
    """
    matrices, n, m = image.shape
    margin = int(sizes[-1]) - 1
    rows, columns = n + margin, -(-(m + margin) // _WORD) * _WORD
    seen = torch.zeros(matrices, rows, columns, dtype=torch.uint8, device=image.device)
    seen[:, rows - n :, columns - m :] = image
    scratch = torch.empty_like(seen)
    width = 1
    for size in sizes.tolist():
        while width < size:
            # Two windows of this width, side by side or overlapping, make the next one (van Herk's doubling).
            step = min(width, size - width)
            torch.bitwise_or(seen[:, :-step], seen[:, step:], out=scratch[:, :-step])
            scratch[:, -step:] = seen[:, -step:]
            torch.bitwise_or(scratch[..., :-step], scratch[..., step:], out=seen[..., :-step])
            seen[..., -step:] = scratch[..., -step:]
            width += step
        yield seen


def _cells_of(image: torch.Tensor) -> torch.Tensor:
    """int64 [matrices]: ones in a uint8 image of zeros and ones whose rows are whole words."""
    words = image.view(torch.int64)
    # Bytes of a word add up side by side: no carry as long as there are at most 255 ones.
    total = torch.zeros(len(image), dtype=torch.int64, device=image.device)
    for row in range(0, words.shape[1], _ROWS_AT_A_TIME):
        sums = words[:, row : row + _ROWS_AT_A_TIME].sum(1)
        total += sums.view(torch.uint8).sum(1, dtype=torch.int64)
    return total
