"""A few rows of every head, in short: enough to say how alike heads are, and little enough to travel from any host."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.errors import UsageError
from faa_core.maps import KeptLayer
from faa_core.records import LayerSketch
from faa_core.segments import MOST_SEGMENTS, Grid


def sketch_layer(
    layer: KeptLayer, rows: tuple[int, ...], top: int, grid: Grid | None, check: Callable[[], None]
) -> LayerSketch:
    """The heaviest keys of some rows of every head of a layer.

    Args:
        layer: The layer.
        rows: Queries, or segments of queries where there is a grid; ascending.
        top: How many keys of each row.
        grid: Segments that stand for tokens.
        check: Called between rows that do not follow each other; may raise, to give up.

    Raises:
        GoneError: The rows of the layer were let go.
        UsageError: There are no such rows, or they never fitted in memory.
    """
    result = layer.result
    height, width = (result.queries, result.keys) if grid is None else (grid.rows, grid.columns)
    asked = np.array(rows, np.int64)
    if not len(asked) or asked[0] < 0 or asked[-1] >= height or (np.diff(asked) <= 0).any():
        raise UsageError(f"The rows {rows} do not ascend within 0 to {height - 1}.", "Name rows of this map, in order.")
    if top < 1 or width > MOST_SEGMENTS:
        raise UsageError(
            f"{top} keys of {width:,} cannot be told: at least 1 of at most {MOST_SEGMENTS:,}.", "Take a shorter text."
        )
    top = min(top, width)
    heads = range(result.info.heads)
    parts = []
    for start, stop in _runs_of(asked):
        check()
        weights = layer.rows(start, stop) if grid is None else layer.over(grid, heads, start, stop, check)
        parts.append(_heaviest(weights, top))
    keys, kept, mass = (torch.cat(part, 1).cpu().numpy() for part in zip(*parts, strict=True))
    first, stop_key = (result.first_key, result.stop_key) if grid is None else grid.visible(layer.support)
    return LayerSketch(
        info=result.info,
        rows=asked.astype(np.int32),
        first=first[asked],
        stop=stop_key[asked],
        keys=keys.astype(np.uint16),
        weights=kept,
        mass=mass,
    )


def _runs_of(rows: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Start and stop of the stretches of rows that follow each other."""
    stretches = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    return [(int(stretch[0]), int(stretch[-1]) + 1) for stretch in stretches]


def _heaviest(weights: torch.Tensor, top: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Keys int64 [heads, rows, top], their weights and the mass of each row, both float16.

    Behind the last key of a row whose weight is more than 0 that key is repeated, with weight 0.
    """
    found = weights.topk(top, dim=-1)
    kept = found.values.to(torch.float16)
    last = ((kept != 0).sum(-1, keepdim=True) - 1).clamp(min=0)
    order = torch.arange(top, device=weights.device).minimum(last)
    mass = weights.sum(-1, dtype=torch.float64).to(torch.float16)
    return found.indices.gather(-1, order), kept, mass
