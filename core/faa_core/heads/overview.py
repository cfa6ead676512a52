"""The upper levels of a layer's attention, kept so that a map seen from afar needs no recomputation."""

from __future__ import annotations

import torch

from faa_core.geometry.pyramid import ALIGN_LEVELS, PyramidStream, level_count
from faa_core.heads.blocks import Block

KEPT_SIDE = 512
"""Longest side of a level that is kept, in cells."""
_LEVELS_IN_CACHE = 2  # levels that are worth reducing while a block is at hand; above them the maps are small


class Overview:
    """Max pyramid of the weights of every head, from the first level that is small enough.

    Weights are kept as float16, whose rounding never changes which one is largest. They are reduced as 16-bit
    integers: without the sign, the bits of floats are ordered as the floats are, and NaN comes out on top.

    Args:
        heads: Number of heads.
        queries: Rows of each map.
        keys: Columns of each map.
    """

    def __init__(self, heads: int, queries: int, keys: int) -> None:
        self._shape = (heads, queries, keys)
        self._lowest = level_count(queries, keys) - level_count(min(max(queries, keys), KEPT_SIDE), 1)
        self._reduced = min(max(self._lowest, _LEVELS_IN_CACHE), ALIGN_LEVELS, level_count(queries, keys) - 1)
        self._stream = PyramidStream("max", queries, keys, self._reduced)
        self._kept: dict[int, torch.Tensor] = {}

    def add(self, block: Block) -> None:
        """Take in the next block; what no block covers is zero."""
        half = block.visible.to(torch.float16)
        levels = self._stream.add(block.row, half.view(torch.int16) & 0x7FFF, block.low)
        levels[0] = half  # as it is, sign included
        for level in range(self._lowest, self._reduced + 1):
            cells = levels[level].view(torch.float16)
            if level not in self._kept:
                heads, queries, keys = self._shape
                shape = heads, (queries - 1 >> level) + 1, (keys - 1 >> level) + 1
                self._kept[level] = torch.zeros(shape, dtype=torch.float16, device=half.device)
            row, column = block.row >> level, block.low >> level
            self._kept[level][:, row : row + cells.shape[1], column : column + cells.shape[2]] = cells

    def finish(self) -> dict[int, torch.Tensor]:
        """Level to float16 [heads, ceil(queries / 2^level), ceil(keys / 2^level)] on the CPU."""
        upper = enumerate(self._stream.finish(), self._reduced + 1)
        kept = self._kept | {level: cells.view(torch.float16) for level, cells in upper if level >= self._lowest}
        return {level: cells.cpu() for level, cells in kept.items()}
