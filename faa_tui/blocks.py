"""Exact pieces of maps that have arrived, kept to read single rows and columns from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from faa_tui.messages import TileKey
from faa_tui.widgets.heat_map import MapAddress

KEPT_BYTES = 32 * 1024 * 1024
"""Bytes that are kept; the pieces used longest ago go first."""


class ExactBlocks:
    """Pieces of level 0, most recently used last."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[TileKey, NDArray[np.floating]] = OrderedDict()
        self._bytes = 0

    def put(self, key: TileKey, block: NDArray[np.floating]) -> None:
        """Keep ``block`` where it is exact; coarser ones are ignored."""
        if key.level != 0 or key in self._blocks:
            return
        self._blocks[key] = block
        self._bytes += block.nbytes
        while self._bytes > KEPT_BYTES and len(self._blocks) > 1:
            _, dropped = self._blocks.popitem(last=False)
            self._bytes -= dropped.nbytes

    def row(self, address: MapAddress, query: int, keys: int) -> NDArray[np.float32] | None:
        """Attention that ``query`` gives to each of ``keys`` keys; ``None`` unless all of it is here."""
        return self._line(keys, ((key, key.row, key.column, block) for key, block in self._of(address)), query)

    def column(self, address: MapAddress, key: int, queries: int) -> NDArray[np.float32] | None:
        """Attention that ``key`` gets of each of ``queries`` queries; ``None`` unless all of it is here."""
        return self._line(queries, ((at, at.column, at.row, block.T) for at, block in self._of(address)), key)

    def _of(self, address: MapAddress) -> list[tuple[TileKey, NDArray[np.floating]]]:
        return [(key, block) for key, block in self._blocks.items() if key.address == address]

    def _line(
        self, length: int, pieces: Iterable[tuple[TileKey, int, int, NDArray[np.floating]]], at: int
    ) -> NDArray[np.float32] | None:
        """Line ``at`` of pieces that come with the number of their first line and of the first cell of their lines."""
        line, here = np.zeros(length, np.float32), np.zeros(length, np.bool_)
        for key, first, start, block in pieces:
            if first <= at < first + len(block):
                span = slice(start, start + block.shape[1])
                line[span], here[span] = block[at - first], True
                self._blocks.move_to_end(key)
        return line if here.all() else None

    def clear(self) -> None:
        """Forget everything, because the run has ended its time on the screen."""
        self._blocks.clear()
        self._bytes = 0
