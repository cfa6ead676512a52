from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from faa_core.known import sets

Mask = NDArray[np.bool_]


@pytest.fixture
def known_set() -> Callable[[str, int], tuple[Mask, float]]:
    """Image of a set of known dimension on an n x n raster, and its dimension."""
    return sets.known_set


@pytest.fixture
def percolation() -> Callable[[int, float, np.random.Generator], Mask]:
    """Fractal percolation on 2^k x 2^k cells, conditional on survival; its dimension is 2 + log2 p."""
    return lambda n, p, random: sets.percolation(n, p, random).image
