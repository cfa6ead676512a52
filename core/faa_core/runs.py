"""The runs that a worker keeps: what their maps can be looked at with, within budgets that all runs share.

What is let go first costs least: the means to compute rows again of the oldest run (the view from afar stays), then
whole runs. The two latest runs are kept whatever they take, because a comparison needs two.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.capture.calls import ROWS_BYTES, RowBudget
from faa_core.derived import Derived, Place, occupied_boxes, tile_without_first
from faa_core.errors import GoneError, UsageError
from faa_core.maps import KeptLayer, cells_of, pool
from faa_core.models.tokens import Encoded
from faa_core.records import MapKind, Tokens
from faa_core.residents import ModelKey
from faa_core.segments import Grid
from faa_core.worker.protocol import Align, Boxes, Tile

MOST_RUNS = 64
LEAST_RUNS = 2
SHARED_ROW_BYTES = 2 * ROWS_BYTES
"""Memory that the row sources of all runs may hold: as much as two runs at most take."""
LEVEL_BYTES = 2 * 1024**3
"""Memory that the coarse levels of all runs may hold, beyond those of the two latest."""
DERIVED_BYTES = 512 * 1024**2
"""Memory that maps may hold which are made on request: over segments, without the first key, of lift in boxes."""


class KeptRun:
    """One text that went through one model.

    Args:
        id: The job that it was.
        model: The model.
        encoded: The text.

    Attributes:
        layers: What is kept of every layer that is measured; grows while the run goes on.
        grids: Segments that were laid over its maps, with the kind of the maps, by the id of the `Align`.
        row_bytes: Memory that its row sources hold.
    """

    def __init__(self, id: int, model: ModelKey, encoded: Encoded) -> None:
        self.id = id
        self.model = model
        self.layers: dict[tuple[MapKind, int], KeptLayer] = {}
        self.grids: dict[int, tuple[MapKind, Grid]] = {}
        self.row_bytes = 0
        self._encoded = encoded

    @property
    def level_bytes(self) -> int:
        """Memory that its coarse levels hold."""
        return sum(layer.nbytes for layer in self.layers.values())

    def tokens(self, kind: MapKind) -> tuple[Tokens, Tokens]:
        """Queries and keys of the maps of a kind."""
        encoded = self._encoded
        decoder = encoded.tokens if encoded.decoder_tokens is None else encoded.decoder_tokens
        return (encoded.tokens if kind == "encoder" else decoder, decoder if kind == "decoder" else encoded.tokens)

    def layer(self, kind: MapKind, layer: int) -> KeptLayer:
        """What is kept of a layer.

        Raises:
            UsageError: The run has, or as yet has, no such layer.
        """
        kept = self.layers.get((kind, layer))
        if kept is None:
            raise UsageError(
                f"Run {self.id} has no map of {kind} layer {layer}.", "Ask for layers that have been measured."
            )
        return kept

    def of_kind(self, kind: MapKind) -> list[KeptLayer]:
        """The measured layers of a kind, in order.

        Raises:
            UsageError: There is none.
        """
        found = [layer for (its_kind, _), layer in self.layers.items() if its_kind == kind]
        if not found:
            raise UsageError(f"Run {self.id} has no {kind} maps.", "Ask for a kind that the model has.")
        return found

    def align(self, job: Align) -> None:
        """Lay segments over the maps of a kind.

        Raises:
            UsageError: The arrays do not fit the maps.
        """
        queries, keys = self.tokens(job.kind)
        self.grids[job.id] = job.kind, Grid(job.queries, job.keys, (len(queries), len(keys)))

    def grid(self, id: int, kind: MapKind) -> Grid:
        """The segments of an `Align`.

        Raises:
            UsageError: No segments of this id lie over maps of this kind.
        """
        its_kind, grid = self.grids.get(id, (None, None))
        if grid is None or its_kind != kind:
            raise UsageError(
                f"No segments {id} were laid over the {kind} maps of run {self.id}.", "Align the run first."
            )
        return grid

    def let_rows_go(self) -> None:
        """Give up the means to compute rows again; the coarse levels stay."""
        self.row_bytes = 0
        for layer in self.layers.values():
            layer.let_rows_go()


class Runs:
    """Every run that is kept, the oldest first.

    Args:
        row_bytes: Memory that the row sources of all runs may hold.
        level_bytes: Memory that their coarse levels may hold.
        derived_bytes: Memory that maps which are made of their rows on request may hold.
        most: Runs that are kept.
    """

    def __init__(
        self,
        row_bytes: int = SHARED_ROW_BYTES,
        level_bytes: int = LEVEL_BYTES,
        derived_bytes: int = DERIVED_BYTES,
        most: int = MOST_RUNS,
    ) -> None:
        self._row_bytes = row_bytes
        self._level_bytes = level_bytes
        self._most = most
        self._runs: OrderedDict[int, KeptRun] = OrderedDict()
        self._derived = Derived(derived_bytes)

    def __iter__(self) -> Iterator[KeptRun]:
        return iter(list(self._runs.values()))

    def begin(self, id: int, model: ModelKey, encoded: Encoded) -> KeptRun:
        """A new run; one with the same id is forgotten."""
        self.release(id)
        run = self._runs[id] = KeptRun(id, model, encoded)
        return run

    def find(self, id: int) -> KeptRun:
        """The run of a job.

        Raises:
            GoneError: It is not kept.
        """
        run = self._runs.get(id)
        if run is None:
            raise GoneError(
                f"Run {id} is not kept: it was released, or its memory was needed, or there never was one.",
                "Run the text again.",
            )
        return run

    def budget_of(self, run: KeptRun) -> RowBudget:
        """Memory for the row sources of a run; older runs let go of theirs for it, the oldest first."""

        def make_room(nbytes: int) -> bool:
            held = sum(other.row_bytes for other in self._runs.values())
            for other in self:
                if held + nbytes > self._row_bytes and other is not run:
                    held -= other.row_bytes
                    other.let_rows_go()
            if held + nbytes > self._row_bytes:
                return False
            run.row_bytes += nbytes
            return True

        return RowBudget(make_room=make_room)

    def settle(self) -> None:
        """Forget the oldest runs as far as the budgets ask for it; called when the latest has grown."""
        held = sum(run.level_bytes for run in self)
        for run in self:
            if len(self._runs) <= LEAST_RUNS or (held <= self._level_bytes and len(self._runs) <= self._most):
                return
            held -= run.level_bytes
            self.release(run.id)

    def release(self, id: int) -> None:
        """Forget a run; harmless where it is gone."""
        self._runs.pop(id, None)
        self._derived.forget(id)

    def of(self, model: ModelKey) -> list[KeptRun]:
        """The runs of a model."""
        return [run for run in self if run.model == model]

    def nbytes(self, model: ModelKey) -> int:
        """Memory that the runs of a model hold."""
        runs = self.of(model)
        derived = self._derived.nbytes(run.id for run in runs)
        return derived + sum(run.row_bytes + run.level_bytes for run in runs)

    def tile(self, job: Tile, check: Callable[[], None]) -> NDArray[np.float16]:
        """A rectangle of one head's map, of tokens or of segments, or of tokens without the first key.

        Args:
            job: Which.
            check: Called between strips; may raise, to give up.

        Returns:
            float16 [rows, columns] of cells, clipped to the map.

        Raises:
            GoneError: The run, or what the rectangle is computed from, was let go.
            UsageError: There is no such map or rectangle.
        """
        run = self.find(job.run)
        layer = run.layer(job.kind, job.layer)
        if job.without_first:
            if job.grid:
                raise UsageError("Maps over segments have no view without the first key.")
            return tile_without_first(self._derived, layer, job, check)
        if not job.grid:
            return layer.tile(job)
        layer.check_head(job.head)
        grid = run.grid(job.grid, job.kind)
        rows, columns = cells_of(job, grid.rows, grid.columns, "segments")
        cell = 1 << job.level
        rows, columns = (slice(part.start * cell, part.stop * cell) for part in (rows, columns))
        maps, head = self._over(job, layer, grid, check)
        if maps is None:  # too large to be kept: only the rows asked for
            stop = min(rows.stop, grid.rows)
            strip = layer.over(grid, range(job.head, job.head + 1), rows.start, stop, check)[0]
            return pool(strip[:, columns], cell)
        return pool(maps[head, rows, columns], cell)

    def boxes(self, job: Boxes, check: Callable[[], None]) -> NDArray[np.bool_]:
        """Which boxes of one head are counted at a size and a threshold; see `occupied_boxes`.

        Raises:
            GoneError: The run, or what they are computed from, was let go.
            UsageError: There is no such map, size or threshold.
        """
        return occupied_boxes(self._derived, self.find(job.run).layer(job.kind, job.layer), job, check)

    def _over(
        self, job: Tile, layer: KeptLayer, grid: Grid, check: Callable[[], None]
    ) -> tuple[torch.Tensor | None, int]:
        """Maps over segments, float16 [heads, rows, columns], and which of them is the one asked for.

        All heads of a layer where half of the budget holds them, because whoever looks at one looks at the next; else
        as many as it does. ``None`` where it does not hold one.
        """
        one = 2 * grid.rows * grid.columns
        group = min(self._derived.budget // 2 // one, layer.result.info.heads)
        if not group:
            return None, 0
        first = job.head // group * group
        heads = range(first, min(first + group, layer.result.info.heads))
        place = Place(job.run, job.kind, job.layer, first, "segments", job.grid)
        made = self._derived.get(
            place, lambda: {0: layer.over(grid, heads, 0, grid.rows, check).to(torch.float16).cpu()}
        )
        return made[0], job.head - first
