"""Cuts strips of attention into blocks that fit a cache, and leaves out the columns that no row of a block may see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry import Support
from faa_core.geometry.pyramid import ALIGN

# Entries of a block of all heads. On a CPU the block and its scratch copy should stay in the cache while they are
# read a dozen times; an accelerator wants few large launches instead.
_ENTRIES = {"cpu": 1 << 19}
_ENTRIES_ELSEWHERE = 1 << 24


class Block(NamedTuple):
    """Rows of all heads.

    Attributes:
        row: First row, a multiple of 64.
        weights: float32 [heads, rows, keys].
        low: First column that any row may see, or up to 63 before it: a multiple of 64.
        high: One past the last column that any row may see, widened likewise, or the number of keys.
    """

    row: int
    weights: torch.Tensor
    low: int
    high: int

    @property
    def visible(self) -> torch.Tensor:
        """float32 [heads, rows, high - low]: the columns that some row may see."""
        return self.weights[:, :, self.low : self.high]


class Blocks:
    """Cuts the strips of one layer.

    Args:
        support: Visible keys.
    """

    def __init__(self, support: Support) -> None:
        self._first: NDArray[np.int64] = support.first.cpu().numpy()
        self._stop: NDArray[np.int64] = support.stop.cpu().numpy()

    @staticmethod
    def rows_of(heads: int, keys: int, device: str) -> int:
        """Rows of one block, a multiple of 64."""
        return max(_ENTRIES.get(device, _ENTRIES_ELSEWHERE) // max(heads * keys * ALIGN, 1), 1) * ALIGN

    def of(self, row: int, weights: torch.Tensor) -> Iterator[Block]:
        """Blocks of a strip of rows ``row`` and on, float32 [heads, rows, keys]."""
        heads, rows, keys = weights.shape
        step = self.rows_of(heads, keys, weights.device.type)
        for start in range(row, row + rows, step):
            stop = min(start + step, row + rows)
            low = int(self._first[start:stop].min()) // ALIGN * ALIGN
            high = min(-(-int(self._stop[start:stop].max()) // ALIGN) * ALIGN, keys)
            yield Block(start, weights[:, start - row : stop - row], min(low, high), high)
