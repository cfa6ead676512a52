"""Sums over boxes at every position of a map, and over the blocks that a jackknife leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCKS = 8
"""Blocks to the side of a map in a jackknife."""

_ENTRIES_AT_A_TIME = 1 << 21


def batch_parts(batch: int, entries: int) -> Iterator[slice]:
    """Slices of a batch of matrices with ``entries`` entries each, small enough to be copied in float64."""
    step = max(1, _ENTRIES_AT_A_TIME // max(entries, 1))
    return (slice(start, start + step) for start in range(0, batch, step))


def integral_image(x: torch.Tensor) -> torch.Tensor:
    """Sums over all boxes that start at the upper left corner (summed-area table, Crow 1984).

    Args:
        x: [..., n, m], any real dtype, on any device.

    Returns:
        float64 [..., n + 1, m + 1] on the same device; entry (i, j) is the sum of the first i rows and j columns.
    """
    *lead, n, m = x.shape
    table = torch.zeros(*lead, n + 1, m + 1, dtype=torch.float64, device=x.device)
    table[..., 1:, 1:] = x.cumsum(-1, dtype=torch.float64).cumsum_(-2)
    return table


def gliding_sums(table: torch.Tensor, side: int) -> torch.Tensor:
    """Sums over the box of every position.

    Args:
        table: float64 [..., n + 1, m + 1]: an `integral_image`.
        side: Side of the box in tokens, 1 to the shorter of n and m.

    Returns:
        float64 [..., n - side + 1, m - side + 1]; entry (i, j) is the sum of rows i to i + side - 1 and columns j to
        j + side - 1.
    """
    rows = table[..., side:, :] - table[..., :-side, :]
    return rows[..., side:] - rows[..., :-side]


def block_sums(x: torch.Tensor, starts: tuple[int, int], shape: tuple[int, int]) -> Floats:
    """Sums over `BLOCKS` x `BLOCKS` blocks of a map of which ``x`` is a part.

    Args:
        x: [..., p, q] values at rows and columns ``starts`` and on, any real dtype, on any device.
        starts: Row and column of the map at which ``x`` starts.
        shape: Rows and columns of the map, which is cut into blocks that differ by at most one token.

    Returns:
        float64 [..., BLOCKS, BLOCKS].
    """
    for axis, start, side in ((-1, starts[1], shape[1]), (-2, starts[0], shape[0])):
        length = x.shape[axis]
        edges = [min(max(round(k * side / BLOCKS) - start, 0), length) for k in range(BLOCKS + 1)]
        parts = [x.narrow(axis, a, b - a).sum(axis, dtype=torch.float64) for a, b in pairwise(edges)]
        x = torch.stack(parts, axis)
    return np.asarray(x.cpu().numpy(), dtype=np.float64)


def jackknife_error(whole: Floats, without: Floats, share: Floats) -> Floats:
    """Standard error of a number from its values without each block (Busing, Meijer & van der Leeden 1999).

    Args:
        whole: float64 [...]: from all blocks.
        without: float64 [..., blocks]: from all blocks but one.
        share: float64 [..., blocks]: share of each block in the data; blocks with none of it do not count.

    Returns:
        float64 [...]; NaN where fewer than two blocks hold data.
    """
    held = share > 0
    blocks = held.sum(-1)
    leverage = 1 / np.where(held, share, 1.0)
    pseudo = leverage * whole[..., None] - (leverage - 1) * np.where(held, without, 0.0)
    centre = np.where(held, pseudo * share, 0.0).sum(-1)
    squares = (pseudo - centre[..., None]) ** 2 / np.where(held, np.maximum(leverage - 1, 1e-300), 1.0)
    variance = np.where(held, squares, 0.0).sum(-1) / np.maximum(blocks, 1)
    return np.asarray(np.where(blocks > 1, np.sqrt(variance), np.nan), dtype=np.float64)


__all__ = ["BLOCKS", "batch_parts", "block_sums", "gliding_sums", "integral_image", "jackknife_error"]
