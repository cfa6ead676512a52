"""Measures of known dimensions on a grid of any side: multiplicative cascades, and attention in closed form.

A cascade divides its square into b x b cells, gives each the share of mass that its generator says, and repeats that
inside every cell. Every exponent of it is known (Halsey et al. 1986, Physical Review A 33:1141).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

BINOMIAL: Floats = np.array([[0.4, 0.3], [0.2, 0.1]])
"""float64 [2, 2]: the usual generator."""
TRINOMIAL: Floats = np.array([[0.20, 0.05, 0.12], [0.08, 0.25, 0.03], [0.10, 0.07, 0.10]])
"""float64 [3, 3]: a generator whose grid is that of the powers of three."""

_FINEST = 4  # cells to the side of a pixel, where a grid is not natural


def cascade(n: int, generator: ArrayLike = BINOMIAL, seed: int | None = None) -> Floats:
    """A multiplicative cascade on an n x n grid.

    Where n is a power of the generator's side the cascade is exact. For any other n it is built until its cells are
    a quarter of a pixel, and its mass is divided over the pixels by area.

    Args:
        n: Side of the grid, at least 1.
        generator: [b, b] with b >= 2: shares of the b x b cells of each step, non-negative, of sum 1.
        seed: Shuffles the shares anew inside every cell of every step; the exponents stay. None shuffles nothing.

    Returns:
        float64 [n, n] of sum 1.

    Raises:
        ValueError: n is not positive, or the generator is none.
    """
    if n < 1:
        raise ValueError(f"A cascade needs a side of at least 1, not {n}.")
    shares = _generator(generator)
    base = len(shares)
    steps = _steps_to(n, base)
    if base**steps != n:
        steps = _steps_to(_FINEST * n, base)
    random = None if seed is None else np.random.default_rng(seed)
    measure: Floats = np.ones((1, 1))
    for _ in range(steps):
        measure = np.asarray(np.kron(measure, shares)) if random is None else _shuffled_step(measure, shares, random)
    return resample(measure, n)


def resample(measure: Floats, n: int) -> Floats:
    """The same measure on an n x n grid: the mass of every cell is divided over the pixels by area.

    Args:
        measure: float64 [rows, columns].
        n: Side of the new grid.

    Returns:
        float64 [n, n] of the same sum; ``measure`` itself where nothing changes.
    """
    if measure.shape == (n, n):
        return measure
    down, across = (_overlaps(side, n) for side in measure.shape)
    return np.asarray(down @ measure @ across.T, dtype=np.float64)


def cascade_dimension(generator: ArrayLike, q: float) -> float:
    """Renyi dimension D_q = log_b(sum p^q) / (1 - q) of a cascade; D_1 = -sum p log_b p; q may be infinite."""
    shares = _generator(generator)
    p, log_base = shares[shares > 0], np.log(len(shares))
    if q == 1:
        return float(-(p * np.log(p)).sum() / log_base)
    if np.isinf(q):
        return float(-np.log(p.max() if q > 0 else p.min()) / log_base)
    return float(np.log((p**q).sum()) / log_base / (1 - q))


def cascade_strength(generator: ArrayLike, q: float) -> float:
    """Singularity strength alpha(q) = -sum w log_b p of a cascade, with w = p^q / sum p^q."""
    shares = _generator(generator)
    p = shares[shares > 0]
    return float(-(_tilted(p, q) * np.log(p)).sum() / np.log(len(shares)))


def cascade_spectrum(generator: ArrayLike, q: float) -> float:
    """Singularity spectrum f(alpha(q)) = -sum w log_b w of a cascade, with w = p^q / sum p^q."""
    shares = _generator(generator)
    w = _tilted(shares[shares > 0], q)
    return float(-(w * np.log(w)).sum() / np.log(len(shares)))


def uniform_causal(n: int) -> Floats:
    """float64 [n, n]: row i is even over keys 0 to i.

    As an image it has D_q = 2 for q <= 2 and q / (q - 1) above; with every row unfolded by its own length, 2 for all q.
    """
    return np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]


def sink(n: int, weight: float) -> Floats:
    """float64 [n, n]: causal rows that give ``weight`` to key 0 and share the rest evenly over all visible keys.

    As n grows D_0 = 2, D_1 tends to 2 - ``weight`` and D_q to 1 for q > 1, as slowly as a logarithm.

    Raises:
        ValueError: ``weight`` is not between 0 and 1.
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"The weight of a sink lies between 0 and 1, not at {weight:g}.")
    attention = (1 - weight) * uniform_causal(n)
    attention[:, 0] += weight
    return attention


def _generator(generator: ArrayLike) -> Floats:
    shares = np.asarray(generator, dtype=np.float64)
    if shares.ndim != 2 or shares.shape[0] != shares.shape[1] or len(shares) < 2:
        raise ValueError(f"A generator is [b, b] with b >= 2, not {shares.shape}.")
    if not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-12:
        raise ValueError(f"The shares of a generator are non-negative and sum to 1, not to {shares.sum():g}.")
    return shares


def _steps_to(side: int, base: int) -> int:
    """Fewest steps after which a cascade has at least ``side`` cells to a side."""
    steps = 0
    while base**steps < side:
        steps += 1
    return steps


def _shuffled_step(measure: Floats, shares: Floats, random: np.random.Generator) -> Floats:
    cells, base = len(measure), len(shares)
    inside = random.permuted(np.broadcast_to(shares.ravel(), (cells, cells, base * base)), axis=-1)
    finer = measure[..., None, None] * inside.reshape(cells, cells, base, base)
    return np.asarray(finer.transpose(0, 2, 1, 3).reshape(cells * base, cells * base), dtype=np.float64)


def _overlaps(cells: int, pixels: int) -> Floats:
    """float64 [pixels, cells]: the part of each of ``cells`` equal intervals that lies in each of ``pixels``."""
    # In units of 1 / (cells * pixels) all borders are whole numbers, so the parts of a cell sum to 1 exactly.
    pixel, cell = np.arange(pixels)[:, None], np.arange(cells)
    high = np.minimum((pixel + 1) * cells, (cell + 1) * pixels)
    low = np.maximum(pixel * cells, cell * pixels)
    return np.asarray(np.maximum(high - low, 0) / pixels, dtype=np.float64)


def _tilted(p: Floats, q: float) -> Floats:
    w = p**q
    return np.asarray(w / w.sum(), dtype=np.float64)


__all__ = [
    "BINOMIAL",
    "TRINOMIAL",
    "cascade",
    "cascade_dimension",
    "cascade_spectrum",
    "cascade_strength",
    "resample",
    "sink",
    "uniform_causal",
]
