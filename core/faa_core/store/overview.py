"""A map in little: enough to see its pattern again, small enough to be kept for every head.

Measured on the bundled model, 64 x 64 cells of a trained head, deflated: float16 3.0 kB, roots of the weights in one
byte each 1.4 kB, the weights themselves in one byte 1.0 kB. The roots are kept: they tell weights of 0.00002 apart from
nothing, where a plain byte begins at 0.002, and are off by 0.004 at most.
"""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.records import MapKind

SIDE = 64
"""Cells along the longer side, at most."""
MOST_BYTES = 1024 * 1024
"""What all heads of a run may take; deflated they take a third of it."""
_STEPS = 255
_DEFLATE_LEVEL = 6


class Overview(msgspec.Struct, frozen=True, eq=False):
    """The largest weight in each cell of one map.

    Attributes:
        kind: Kind of the map.
        layer: Layer within its kind.
        head: Head within the layer.
        cell: Tokens along the side of a cell.
        weights: float32 [rows, columns], each side `SIDE` at most.
    """

    kind: MapKind
    layer: int
    head: int
    cell: int
    weights: NDArray[np.float32]


def side_for(heads: int) -> int:
    """Cells along a side, a power of two, with which so many heads stay within `MOST_BYTES`; `SIDE` at most."""
    side = SIDE
    while side > 1 and heads * side * side > MOST_BYTES:
        side //= 2
    return side


def overview_of(kind: MapKind, layer: int, head: int, cells: NDArray[Any], cell: int = 1) -> Overview:
    """The overview of a map, from the map itself or from coarser cells of it.

    Args:
        kind: Kind of the map.
        layer: Layer within its kind.
        head: Head within the layer.
        cells: [rows, columns] largest weights in cells of ``cell`` x ``cell`` tokens.
        cell: Tokens along the side of these cells.
    """
    wide = np.asarray(cells, np.float32)
    while max(wide.shape) > SIDE:
        for axis in (0, 1):
            wide = np.maximum.reduceat(wide, np.arange(0, wide.shape[axis], 2), axis=axis)
        cell *= 2
    return Overview(kind, layer, head, cell, wide)


def packed(weights: NDArray[np.float32]) -> bytes:
    """Roots of the weights in a byte each, deflated; what is no number counts as 0."""
    roots = np.sqrt(np.clip(np.nan_to_num(weights, nan=0.0), 0.0, 1.0))
    return zlib.compress(np.round(roots * _STEPS).astype(np.uint8).tobytes(), _DEFLATE_LEVEL)


def unpacked(blob: bytes, rows: int, columns: int) -> NDArray[np.float32]:
    """float32 [rows, columns] weights from `packed` ones.

    Raises:
        ValueError: The bytes are not those of a map of this size.
    """
    try:
        plain = zlib.decompress(blob)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    roots = np.frombuffer(plain, np.uint8).reshape(rows, columns).astype(np.float32) / _STEPS
    return np.asarray(roots * roots)
