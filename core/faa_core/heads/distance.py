"""Mean attention by the distance between query and key, from sums over diagonals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def bin_starts(bins: int) -> NDArray[np.int32]:
    """int32 [bins]: least distance of each bin in tokens: 0, 1, 2, 4, 8, ..."""
    return (1 << np.arange(bins, dtype=np.int32)) >> 1


def mean_by_distance(diagonals: Floats, first: NDArray[np.int64], stop: NDArray[np.int64]) -> Floats:
    """Mean weight over the pairs of a query and a visible key, in bins of their distance that double.

    Args:
        diagonals: float64 [heads, queries + keys - 1]: sum of each diagonal, from j - i = 1 - queries on.
        first: int64 [queries]: first key that each row may see.
        stop: int64 [queries]: one past the last.

    Returns:
        float64 [heads, bins], up to the last bin that holds a pair; NaN for a bin before it that holds none.
    """
    queries = len(first)
    row = np.arange(queries)
    # Each row adds one pair to a run of diagonals.
    change = np.zeros(diagonals.shape[1] + 1, np.int64)
    np.add.at(change, queries - 1 + first - row, 1)
    np.add.at(change, queries - 1 + stop - row, -1)
    pairs = _by_distance(change.cumsum()[None, :-1].astype(np.float64), queries)[0]
    seen = np.flatnonzero(pairs)
    if not len(seen):
        return np.zeros((len(diagonals), 0))
    farthest = int(seen[-1])
    starts = bin_starts(farthest.bit_length() + 1)
    sums = np.add.reduceat(_by_distance(diagonals, queries)[:, : farthest + 1], starts, axis=1)
    counts = np.add.reduceat(pairs[: farthest + 1], starts)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _by_distance(diagonals: Floats, queries: int) -> Floats:
    """[..., max(queries, keys)]: both diagonals of each distance |j - i| together."""
    after, before = diagonals[..., queries - 1 :], diagonals[..., : queries - 1][..., ::-1]
    folded = np.zeros((*diagonals.shape[:-1], max(queries, after.shape[-1])))
    folded[..., : after.shape[-1]] = after
    folded[..., 1:queries] += before
    return folded
