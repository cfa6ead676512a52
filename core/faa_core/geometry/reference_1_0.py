"""The quantities of the package fractal-attention-analysis 1.0.0, to the last digit.

They are here for comparison with published numbers, and are reported under that name only. The fractal dimension of a
causal head is a function of its length, and the self-similarity is always 1: docs/faa-1.0.0.md says why. Matrices are
NumPy arrays [n, m]; what 1.0.0 computed in float32 is computed in float32, because a threshold at the median decides
by the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.special
from numpy.typing import NDArray

METHOD = "faa-1.0.0"
"""Name by which these numbers are asked for."""
SIZES = (2, 4, 8, 16, 32)
"""Box sides of the fractal dimension."""
CONSTANT = (1 + 5**0.5) ** 2 / 8
"""phi^2 / 2 = 1.309: what the fractal dimension is where fewer than two sizes are left."""

_SMALL = 1e-10  # added to every entry before a logarithm is taken

Matrix = NDArray[np.floating]


def box_counts(a: Matrix, sizes: Sequence[int] = SIZES) -> NDArray[np.int64]:
    """Boxes that hold an entry above the median of all entries.

    Rows and columns past the last whole box are left out.

    Args:
        a: [n, m].
        sizes: Box sides in entries.

    Returns:
        int64 [sizes].

    Raises:
        ValueError: ``a`` is no matrix, or a size is below 1 or named twice.
    """
    _check(a, sizes)
    above = a > np.median(a) if a.size else np.zeros(a.shape, bool)
    counts = []
    for size in sizes:
        rows, columns = a.shape[0] // size, a.shape[1] // size
        boxes = above[: rows * size, : columns * size].reshape(rows, size, columns, size)
        counts.append(int(boxes.any(axis=(1, 3)).sum()))
    return np.array(counts, dtype=np.int64)


def fractal_dimension(a: Matrix, sizes: Sequence[int] = SIZES) -> float:
    """Minus the least-squares slope of ln N on ln s over the sizes with a count; else `CONSTANT`.

    Raises:
        ValueError: As `box_counts`.
    """
    counts = box_counts(a, sizes)
    used = counts > 0
    if used.sum() < 2:
        return CONSTANT
    return float(-np.polyfit(np.log(np.asarray(sizes)[used]), np.log(counts[used]), 1)[0])


def causal_dimension(n: int) -> float:
    """What `fractal_dimension` gives for any causal n x n matrix of positive weights, without a matrix.

    More than half of the entries of a causal matrix are zero or belong to its smallest positive ones, so all boxes on
    and below the diagonal count: m (m + 1) / 2 of them, with m = floor(n / s). Exact unless the smallest weights leave
    a box of side 2 empty; one such box changes the fourth or fifth decimal.
    """
    sizes = np.array([size for size in SIZES if n >= size])
    if len(sizes) < 2:
        return CONSTANT
    boxes = n // sizes
    return float(-np.polyfit(np.log(sizes), np.log(boxes * (boxes + 1) / 2), 1)[0])


def self_similarity(a: Matrix, factor: int = 2) -> float:
    """Absolute correlation of every factor-th entry of a matrix with itself: 1.

    Args:
        a: [n, m].
        factor: Step along both axes.

    Returns:
        1 up to rounding, 1 where fewer than two whole steps fit the rows; NaN for a constant.

    Raises:
        ValueError: ``a`` is no matrix, ``factor`` is below 1, or more columns than rows remain.
    """
    _check(a, (factor,))
    if a.shape[0] // factor < 2:
        return 1.0
    sample = a[::factor, ::factor]
    rows, columns = sample.shape
    if columns > rows:
        raise ValueError(f"The self-similarity of 1.0.0 has no value for {a.shape[0]} rows and {a.shape[1]} columns.")
    with np.errstate(invalid="ignore"):
        return float(abs(np.corrcoef(sample.ravel(), sample.ravel())[0, 1]))


def entropy(a: Matrix) -> float:
    """Entropy in nats of all entries plus 1e-10, normalised to sum 1; in the precision of ``a``."""
    p = a.ravel() + _SMALL
    return float(scipy.special.entr(_normalised(_normalised(p))).sum())


def sparsity(a: Matrix, threshold: float = 0.01) -> float:
    """Share of all entries below ``threshold``, masked ones included."""
    return float((a < threshold).mean())


def concentration(a: Matrix, top_k: int = 5) -> float:
    """Share of the mass in the ``top_k`` heaviest columns; 0 where there is no mass."""
    means = np.asarray(a, dtype=np.float64).mean(axis=0)
    total = means.sum()
    return float(np.sort(means)[-top_k:].sum() / total) if total > 0 else 0.0


def uniformity(a: Matrix) -> float:
    """exp(-KL) between all entries, normalised to sum 1, and an even spread over them, 1e-10 added to both.

    In the precision of ``a``; 1 where there is no mass.
    """
    even = np.full(a.size, 1 / a.size, dtype=a.dtype)
    total = a.sum()
    share = a.ravel() / total if total > 0 else np.zeros_like(even)
    terms = scipy.special.rel_entr(_normalised(share + _SMALL), _normalised(even + _SMALL))
    return float(np.exp(-terms.sum()))


def flow(a: Matrix) -> dict[str, float]:
    """Shares of the mass above, below and on the diagonal; 0 where there is no mass."""
    wide = np.asarray(a, dtype=np.float64)
    total = wide.sum()
    parts = {
        "forward_flow": np.triu(wide, 1).sum(),
        "backward_flow": np.tril(wide, -1).sum(),
        "self_attention": np.diag(wide).sum(),
    }
    return {name: float(part / total) if total > 0 else 0.0 for name, part in parts.items()}


def interpretability(a: Matrix, dimension: float) -> float:
    """0.3 sparsity + 0.3 concentration + 0.2 (1 - uniformity) + 0.2 clip(1 - |D - 2| / 2, 0, 1).

    An undefined dimension counts as 2.
    """
    nearness = 1.0 if np.isnan(dimension) else min(max(1 - abs(dimension - 2) / 2, 0.0), 1.0)
    return 0.3 * sparsity(a) + 0.3 * concentration(a) + 0.2 * (1 - uniformity(a)) + 0.2 * nearness


def _normalised(p: Matrix) -> Matrix:
    # Once is enough for the sum; 1.0.0 divides twice, and the second division still moves the last bit in float32.
    return np.asarray(p / p.sum())


def _check(a: Matrix, sizes: Sequence[int]) -> None:
    if a.ndim != 2:
        raise ValueError(f"1.0.0 measures one matrix [n, m], not {a.shape}.")
    if len(set(sizes)) < len(sizes) or any(size < 1 for size in sizes):
        raise ValueError(f"Sizes must be different and at least 1: {list(sizes)}.")
