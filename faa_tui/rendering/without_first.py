"""The support of a map whose first key is left out; keys keep their columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faa_tui.rendering.attention_map import MapShape


class WithoutFirst:
    """Size and support of a map without key 0.

    Args:
        shape: Those of the map.

    Attributes:
        queries: Number of rows.
        keys: Number of columns, the first one included.
        first_key: int [queries]: first key that each row may see, from 1 on.
        stop_key: int [queries]: one past the last key; equal to ``first_key`` where a row saw key 0 only.
    """

    def __init__(self, shape: MapShape) -> None:
        self.queries, self.keys = shape.queries, shape.keys
        self.first_key: NDArray[np.integer] = np.maximum(shape.first_key, 1)
        self.stop_key: NDArray[np.integer] = np.maximum(shape.stop_key, self.first_key)
