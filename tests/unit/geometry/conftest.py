from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

CANTOR = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]], bool)
SIERPINSKI = np.array([[1, 0], [1, 1]], bool)
CARPET = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
VICSEK = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
GENERATORS = {"cantor": CANTOR, "sierpinski": SIERPINSKI, "carpet": CARPET, "vicsek": VICSEK}


def _prefractal(generator: Mask, side: int) -> Mask:
    image = np.ones((1, 1), bool)
    while image.shape[0] < side:
        image = np.kron(image, generator).astype(bool)
    return image


def _cover(image: Mask, n: int) -> Mask:
    """Pixels of an n x n raster that overlap an "on" cell of a finer image."""
    side = image.shape[0]
    row, column = np.nonzero(image)
    low = [axis * n // side for axis in (row, column)]
    high = [((axis + 1) * n - 1) // side for axis in (row, column)]
    raster = np.zeros((n, n), bool)
    for i in (low[0], high[0]):
        for j in (low[1], high[1]):
            raster[i, j] = True
    return raster


@pytest.fixture
def known_set() -> Callable[[str, int], tuple[Mask, float]]:
    """Image of a set of known dimension on an n x n raster, and its dimension."""

    def build(name: str, n: int) -> tuple[Mask, float]:
        if name == "koch":
            return _koch(n), float(np.log(4) / np.log(3))
        generator = GENERATORS[name]
        base = generator.shape[0]
        dimension = float(np.log(generator.sum()) / np.log(base))
        natural = _prefractal(generator, n)
        image = natural if natural.shape[0] == n else _cover(_prefractal(generator, 4 * n), n)
        return image, dimension

    return build


def _koch(n: int) -> Mask:
    points = np.array([0j, 1 + 0j])
    turn = np.exp(1j * np.pi / 3)
    for _ in range(int(np.ceil(np.log(4 * n) / np.log(3)))):
        start, step = points[:-1], np.diff(points) / 3
        points = np.append(
            np.stack([start, start + step, start + step + step * turn, start + 2 * step], axis=1).ravel(), points[-1]
        )
    image = np.zeros((n, n), bool)
    column = np.minimum((points.real * n).astype(int), n - 1)
    row = np.minimum((points.imag * n).astype(int), n - 1)
    image[row, column] = True
    return image


@pytest.fixture
def percolation() -> Callable[[int, float, np.random.Generator], Mask]:
    """Mandelbrot percolation on 2^k x 2^k cells, conditional on survival; its dimension is 2 + log2 p."""

    def build(n: int, p: float, random: np.random.Generator) -> Mask:
        while True:
            image = np.ones((1, 1), bool)
            while image.shape[0] < n:
                image = np.kron(image, np.ones((2, 2), bool)).astype(bool)
                image &= random.random(image.shape) < p
            if image.any():
                return image

    return build
