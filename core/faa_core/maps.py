"""The maps of the last run, after their strips are gone: coarse levels that were kept, and rows computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.capture.strips import RowSource, strip_rows
from faa_core.errors import UsageError
from faa_core.geometry.support import Support
from faa_core.records import LayerResult

WHOLE_BYTES = 256 * 1024 * 1024
"""Memory that whole maps of one layer may take while they are measured."""


class KeptLayer:
    """One layer of the last run.

    Args:
        result: What was measured on it.
        levels: Level of the max pyramid to float16 [heads, rows, columns], for the coarse levels.
        rows: Computes any of its rows again; ``None`` where the memory for that was spent.
    """

    def __init__(self, result: LayerResult, levels: dict[int, torch.Tensor], rows: RowSource | None) -> None:
        self.result = result
        self._levels = levels
        self._rows = rows

    @property
    def support(self) -> Support:
        """Visible keys."""
        first, stop = (
            torch.from_numpy(edge.astype(np.int64)) for edge in (self.result.first_key, self.result.stop_key)
        )
        return Support(first, stop, self.result.keys)

    def tile(
        self, head: int, level: int, row: int, row_stop: int, column: int, column_stop: int
    ) -> NDArray[np.float16]:
        """A rectangle of one head's map, at one level of its max pyramid.

        Args:
            head: Head within the layer.
            level: Cells are 2^level x 2^level tokens, reduced by their maximum.
            row: First row, in cells.
            row_stop: One past the last row; clipped to the map.
            column: First column, in cells.
            column_stop: One past the last column; clipped to the map.

        Returns:
            float16 [row_stop - row, column_stop - column].

        Raises:
            UsageError: There is no such head or rectangle, or its rows can no longer be computed.
        """
        self._check(head)
        result = self.result
        cell = 1 << max(level, 0)
        row_stop = min(row_stop, -(-result.queries // cell))
        column_stop = min(column_stop, -(-result.keys // cell))
        if level < 0 or not (0 <= row < row_stop and 0 <= column < column_stop):
            raise UsageError(
                f"The rectangle [{row}:{row_stop}, {column}:{column_stop}] at level {level} lies outside the map.",
                f"The map has {result.queries} x {result.keys} tokens.",
            )
        if level in self._levels:
            block = self._levels[level][head, row:row_stop, column:column_stop]
            return np.ascontiguousarray(block.numpy())
        rows = self._open_rows().rows(row * cell, min(row_stop * cell, result.queries))[head]
        window = rows[:, column * cell : min(column_stop * cell, result.keys)]
        return _pool(window, cell).to(torch.float16).cpu().numpy()

    def whole(self, head: int) -> torch.Tensor:
        """float32 [queries, keys]: the whole map of one head.

        Raises:
            UsageError: There is no such head, or its rows can no longer be computed.
        """
        self._check(head)
        return self._gather(slice(head, head + 1))[0]

    def groups(self) -> Iterator[tuple[int, torch.Tensor]]:
        """First head and whole maps, float32 [some heads, queries, keys], in groups that fit `WHOLE_BYTES`.

        Raises:
            UsageError: Its rows can no longer be computed.
        """
        result = self.result
        step = max(WHOLE_BYTES // (4 * result.queries * result.keys), 1)
        for first in range(0, result.info.heads, step):
            yield first, self._gather(slice(first, min(first + step, result.info.heads)))

    def mean(self, check: Callable[[], None]) -> torch.Tensor:
        """float32 [queries, keys]: the mean over all heads.

        Args:
            check: Called between strips; may raise, to give up.

        Raises:
            UsageError: Its rows can no longer be computed.
        """
        source, means = self._open_rows(), []
        for start, stop in self._strips():
            check()
            means.append(source.rows(start, stop).mean(0))
        return torch.cat(means)

    def _gather(self, heads: slice) -> torch.Tensor:
        source = self._open_rows()
        strips = [source.rows(start, stop)[heads] for start, stop in self._strips()]
        return torch.cat(strips, dim=1)

    def _strips(self) -> Iterator[tuple[int, int]]:
        result = self.result
        step = strip_rows(result.info.heads, result.keys)
        return ((start, min(start + step, result.queries)) for start in range(0, result.queries, step))

    def _check(self, head: int) -> None:
        info = self.result.info
        if not 0 <= head < info.heads:
            raise UsageError(
                f"{info.kind} layer {info.layer} has heads 0 to {info.heads - 1}; head {head} does not exist."
            )

    def _open_rows(self) -> RowSource:
        if self._rows is None:
            info = self.result.info
            raise UsageError(
                f"The queries and keys of {info.kind} layer {info.layer} did not fit in memory, "
                "so its map has no finer view.",
                "Zoom out, or run a shorter text.",
            )
        return self._rows


def _pool(window: torch.Tensor, cell: int) -> torch.Tensor:
    """Maximum over cell x cell blocks, the last ones ragged: [n, m] -> [ceil(n/cell), ceil(m/cell)]."""
    return torch.max_pool2d(window[None, None].float(), cell, ceil_mode=True)[0, 0]
