"""Images of sets of known dimension, on a raster of any side.

At a side that the construction reaches (a power of its base) an image is the exact prefractal. At any other side it
is the cover raster: every pixel that overlaps the set, which is built until its cells are a quarter of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

GENERATORS: dict[str, Mask] = {
    "cantor": np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]], bool),
    "sierpinski": np.array([[1, 0], [1, 1]], bool),
    "carpet": np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool),
    "vicsek": np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool),
}
"""Cells that each step keeps: Cantor dust, Sierpinski triangle, Sierpinski carpet and Vicsek fractal."""

SETS = ("square", "line", "diagonal", "causal", *GENERATORS, "koch")
"""Names that `known_set` takes."""

_FINEST = 4  # cells to the side of a pixel, where a raster is not natural

_Cells = NDArray[np.int64]  # [cells, 2]: row and column


class KnownSet(NamedTuple):
    """A set and its dimension.

    Attributes:
        image: bool [n, n]: true on the set.
        dimension: Its box-counting and Hausdorff dimension.
    """

    image: Mask
    dimension: float


def known_set(name: str, n: int) -> KnownSet:
    """One of `SETS` on an n x n raster.

    Args:
        name: ``square``, ``line`` (a row), ``diagonal``, ``causal`` (the lower triangle), a name in `GENERATORS`, or
            ``koch``.
        n: Side of the raster, at least 1.

    Raises:
        ValueError: There is no set of that name.
    """
    if name in GENERATORS:
        return self_similar(GENERATORS[name], n)
    if name == "koch":
        return koch(n)
    if name == "line":
        image = np.zeros((n, n), bool)
        image[n // 2] = True
        return KnownSet(image, 1.0)
    if name == "diagonal":
        return KnownSet(np.eye(n, dtype=bool), 1.0)
    if name == "square":
        return KnownSet(np.ones((n, n), bool), 2.0)
    if name == "causal":
        return KnownSet(np.tril(np.ones((n, n), bool)), 2.0)
    raise ValueError(f'A known set is one of {", ".join(SETS)}, not "{name}".')


def self_similar(generator: Mask, n: int) -> KnownSet:
    """The set that keeps the cells of ``generator`` in every cell that it kept before.

    Its dimension is ln K / ln b for K kept cells of b x b (the open set condition holds; Hutchinson 1981).

    Args:
        generator: bool [b, b] with b >= 2 and at least one kept cell.
        n: Side of the raster.

    Raises:
        ValueError: ``generator`` is not square, smaller than 2 x 2, or empty.
    """
    base = generator.shape[0]
    if generator.ndim != 2 or generator.shape != (base, base) or base < 2 or not generator.any():
        raise ValueError(f"A generator is b x b with b >= 2 and a kept cell, not {generator.shape}.")
    kept = np.argwhere(generator)
    image = _raster(lambda cells: (cells[:, None] * base + kept).reshape(-1, 2), base, n)
    return KnownSet(image, float(np.log(len(kept)) / np.log(base)))


def random_generator(base: int, kept: int, random: np.random.Generator) -> Mask:
    """A bool [base, base] generator for `self_similar` with ``kept`` cells in random places."""
    chosen = np.zeros(base * base, bool)
    chosen[random.choice(base * base, kept, replace=False)] = True
    return chosen.reshape(base, base)


def percolation(n: int, p: float, random: np.random.Generator, base: int = 2) -> KnownSet:
    """Fractal percolation (Mandelbrot 1974): each of base x base cells is kept with probability p, again and again.

    Given that it survives, its dimension is 2 + ln p / ln base. Where the side is not natural, a cell that lies
    within one pixel is not divided further.

    Args:
        n: Side of the raster.
        p: Probability, above 1 / base^2, below which nothing survives.
        random: Source of the choices; drawn again until something survives.
        base: Cells to the side of a division.

    Raises:
        ValueError: Nothing would survive, or ``p`` exceeds 1.
    """
    if not base**-2 < p <= 1:
        raise ValueError(f"p must lie above 1 / base^2 = {base**-2:g} and not exceed 1, not {p:g}.")
    places = np.argwhere(np.ones((base, base), bool))

    def divide(cells: _Cells) -> _Cells:
        parts = (cells[:, None] * base + places).reshape(-1, 2)
        return parts[random.random(len(parts)) < p]

    image = np.zeros((n, n), bool)
    while not image.any():
        image = _raster(divide, base, n)
    return KnownSet(image, float(2 + np.log(p) / np.log(base)))


def koch(n: int) -> KnownSet:
    """Koch's curve over the whole width: the pixels of its vertices, less than a quarter of a pixel apart."""
    points = np.array([0j, 1 + 0j])
    turn = np.exp(1j * np.pi / 3)
    for _ in range(int(np.ceil(np.log(_FINEST * n) / np.log(3)))):
        start, step = points[:-1], np.diff(points) / 3
        corners = [start, start + step, start + step + step * turn, start + 2 * step]
        points = np.append(np.stack(corners, axis=1).ravel(), points[-1])
    image = np.zeros((n, n), bool)
    row, column = (np.minimum((axis * n).astype(int), n - 1) for axis in (points.imag, points.real))
    image[row, column] = True
    return KnownSet(image, float(np.log(4) / np.log(3)))


def _raster(divide: Callable[[_Cells], _Cells], base: int, n: int) -> Mask:
    """The pixels of an n x n raster that overlap what is left of the unit square after repeated division."""
    image = np.zeros((n, n), bool)
    cells, side = np.zeros((1, 2), np.int64), 1
    while len(cells):
        low, high = cells * n // side, ((cells + 1) * n - 1) // side
        if side >= n:
            # A cell lies on at most 2 x 2 pixels. Within one it has said all that it can, and so it has once all of
            # them are on: only the others are divided further.
            corners = [(rows, columns) for rows in (low[:, 0], high[:, 0]) for columns in (low[:, 1], high[:, 1])]
            whole = (low == high).all(1) | (side >= _FINEST * n)
            for rows, columns in corners:
                image[rows[whole], columns[whole]] = True
            cells = cells[~np.logical_and.reduce([image[pixels] for pixels in corners])]
        cells, side = divide(cells), side * base
    return image


__all__ = [
    "GENERATORS",
    "SETS",
    "KnownSet",
    "Mask",
    "known_set",
    "koch",
    "percolation",
    "random_generator",
    "self_similar",
]
