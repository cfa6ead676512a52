"""A block of rows without key 0, laid out so that its columns and its diagonals can both be summed at once."""

from __future__ import annotations

import torch

from faa_core.heads.blocks import Block


class Rest:
    """Room for one block at a time.

    Each row stands behind as many zeros as the block has rows. Read with a stride one longer than a row, the room then
    shows every diagonal as a column, and a product with weights of the rows sums them all in one go.

    Args:
        heads: Number of heads.
        rows: Rows of the block.
        keys: Columns of the whole map.
        device: Where the blocks are.
    """

    def __init__(self, heads: int, rows: int, keys: int, device: torch.device) -> None:
        self._heads, self._rows, self._stride = heads, rows, rows + keys
        self._room = torch.zeros(heads * rows * self._stride + rows, dtype=torch.float32, device=device)
        self._padded = self._room[: heads * rows * self._stride].view(heads, rows, self._stride)
        self._width = 0
        self._low = 0

    @property
    def rows(self) -> int:
        """Rows that a block must have."""
        return self._rows

    def load(self, block: Block) -> None:
        """Take in the visible columns of ``block``; key 0 becomes zero."""
        width = block.high - block.low
        cells = self._padded[:, :, self._rows :]
        cells[:, :, :width] = block.visible
        if width < self._width:
            cells[:, :, width : self._width] = 0
        if block.low == 0:
            cells[:, :, 0] = 0
        self._width, self._low = width, block.low

    @property
    def cells(self) -> torch.Tensor:
        """float32 [heads, rows, high - low]: the block, zero on key 0."""
        return self._padded[:, :, self._rows : self._rows + self._width]

    @property
    def diagonals(self) -> torch.Tensor:
        """float32 [heads, rows, rows + high - low - 1]: column t holds column t - rows + 1 plus its row of `cells`."""
        shape = self._heads, self._rows, self._rows + self._width - 1
        return self._room.as_strided(shape, (self._rows * self._stride, self._stride + 1, 1), 1)

    def entries(self, row: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        """float32 [heads, entries] at the rows of the block and the keys of the map given, int64 [entries]."""
        index = row * self._stride + (key - self._low + self._rows)
        return self._padded.flatten(1)[:, index]
