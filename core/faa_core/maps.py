"""The maps of a run, after their strips are gone: coarse levels that were kept, and rows computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.capture.strips import RowSource, strip_rows
from faa_core.errors import GoneError, UsageError
from faa_core.geometry.support import Support
from faa_core.records import LayerResult
from faa_core.segments import Grid
from faa_core.worker.protocol import Tile

WHOLE_BYTES = 256 * 1024 * 1024
"""Memory that whole maps of one layer may take while they are measured."""


class KeptLayer:
    """One layer of a run.

    Args:
        result: What was measured on it.
        levels: Level of the max pyramid to float16 [heads, rows, columns], for the coarse levels.
        rows: Computes any of its rows again; ``None`` where the memory for that was spent.
    """

    def __init__(self, result: LayerResult, levels: dict[int, torch.Tensor], rows: RowSource | None) -> None:
        self.result = result
        self._levels = levels
        self._rows = rows
        self._let_go = False

    @property
    def support(self) -> Support:
        """Visible keys."""
        first, stop = (
            torch.from_numpy(edge.astype(np.int64)) for edge in (self.result.first_key, self.result.stop_key)
        )
        return Support(first, stop, self.result.keys)

    @property
    def nbytes(self) -> int:
        """Memory of the coarse levels, in bytes; that of the rows is the run's to count."""
        return sum(level.nbytes for level in self._levels.values())

    def let_rows_go(self) -> None:
        """Give up the means to compute rows again, because their memory is needed."""
        self._let_go = self._let_go or self._rows is not None
        self._rows = None

    def take_rows(self, rows: RowSource | None) -> None:
        """Compute rows by other means from now on, as good as those that were given up."""
        self._rows, self._let_go = rows, False

    def tile(self, job: Tile) -> NDArray[np.float16]:
        """A rectangle of one head's map of tokens, at one level of its max pyramid.

        Args:
            job: The rectangle; run, kind, layer and grid are not looked at.

        Returns:
            float16 [rows, columns] of cells, clipped to the map.

        Raises:
            GoneError: Its rows were let go.
            UsageError: There is no such head or rectangle, or its rows never fitted in memory.
        """
        self.check_head(job.head)
        result = self.result
        rows, columns = cells_of(job, result.queries, result.keys, "tokens")
        if job.level in self._levels:
            block = self._levels[job.level][job.head, rows, columns]
            return np.ascontiguousarray(block.numpy())
        cell = 1 << job.level
        strip = self.rows(rows.start * cell, min(rows.stop * cell, result.queries))[job.head]
        return pool(strip[:, columns.start * cell : min(columns.stop * cell, result.keys)], cell)

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Weights of some rows, computed again: float32 [heads, stop - start, keys].

        Raises:
            GoneError: The means for it were let go.
            UsageError: They never fitted in memory.
        """
        if self._rows is not None:
            return self._rows.rows(start, stop)
        info = self.result.info
        if self._let_go:
            raise GoneError(
                f"The queries and keys of {info.kind} layer {info.layer} of this run were let go to make room.",
                "Run the text again.",
            )
        raise UsageError(
            f"The queries and keys of {info.kind} layer {info.layer} did not fit in memory, "
            "so its map has no finer view.",
            "Zoom out, or run a shorter text.",
        )

    def whole(self, head: int) -> torch.Tensor:
        """float32 [queries, keys]: the whole map of one head.

        Raises:
            UsageError: There is no such head, or its rows can no longer be computed.
        """
        self.check_head(head)
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
        means = []
        for start, stop in self.strips():
            check()
            means.append(self.rows(start, stop).mean(0))
        return torch.cat(means)

    def over(
        self, grid: Grid, heads: range, start: int, stop: int, check: Callable[[], None] = lambda: None
    ) -> torch.Tensor:
        """float32 [heads, stop - start, columns]: weights of some segments of a grid; see `Grid.block`.

        Raises:
            UsageError: Its rows can no longer be computed.
        """
        return grid.block(self.rows, self._step, heads, start, stop, check)

    def check_head(self, head: int) -> None:
        """Refuse a head that the layer does not have.

        Raises:
            UsageError: There is none.
        """
        info = self.result.info
        if not 0 <= head < info.heads:
            raise UsageError(
                f"{info.kind} layer {info.layer} has heads 0 to {info.heads - 1}; head {head} does not exist."
            )

    @property
    def _step(self) -> int:
        return strip_rows(self.result.info.heads, self.result.keys)

    def _gather(self, heads: slice) -> torch.Tensor:
        return torch.cat([self.rows(start, stop)[heads] for start, stop in self.strips()], dim=1)

    def strips(self) -> Iterator[tuple[int, int]]:
        """First and last row, exclusive, of the strips in which rows are best computed: those of the capture."""
        queries, step = self.result.queries, self._step
        return ((start, min(start + step, queries)) for start in range(0, queries, step))


def cells_of(job: Tile, rows: int, columns: int, unit: str) -> tuple[slice, slice]:
    """Rows and columns of cells that a tile asks for, clipped to a map.

    Args:
        job: The rectangle.
        rows: Rows of the map at level 0.
        columns: Columns of the map at level 0.
        unit: What they are, for the message.

    Raises:
        UsageError: The rectangle lies outside the map.
    """
    level = min(max(job.level, 0), 64)
    row_stop, column_stop = min(job.row_stop, -(-rows >> level)), min(job.column_stop, -(-columns >> level))
    if job.level < 0 or not (0 <= job.row < row_stop and 0 <= job.column < column_stop):
        raise UsageError(
            f"The rectangle [{job.row}:{job.row_stop}, {job.column}:{job.column_stop}] at level {job.level} "
            "lies outside the map.",
            f"The map has {rows} x {columns} {unit}.",
        )
    return slice(job.row, row_stop), slice(job.column, column_stop)


def pool(window: torch.Tensor, cell: int) -> NDArray[np.float16]:
    """Maximum over cell x cell blocks, the last ones ragged: [n, m] -> float16 [ceil(n/cell), ceil(m/cell)]."""
    side = min(cell, max(window.shape))
    pooled = torch.max_pool2d(window[None, None].float(), side, ceil_mode=True)[0, 0]
    return pooled.to(torch.float16).cpu().numpy()
