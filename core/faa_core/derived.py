"""Maps that are made of a layer's rows when somebody asks: without the first key, and how far the lift goes in boxes.

Both are dyadic pyramids of which the levels that are small enough are kept, so that the next question about the same
layer or head costs nothing. They are made in the strips of the capture: the rows are the very numbers that the
statistics were taken from.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.errors import UsageError
from faa_core.geometry.box_counter import threshold_codes
from faa_core.geometry.pyramid import ALIGN_LEVELS, PyramidStream, level_count
from faa_core.heads.overview import KEPT_SIDE
from faa_core.heads.without_key import without_key
from faa_core.maps import KeptLayer, cells_of, pool
from faa_core.records import MapKind, status_code
from faa_core.worker.protocol import PAYLOAD_LIMIT, Boxes, Tile

CODE_BYTES = 16 * 1024**2
"""Memory that the finest level of a pyramid of lift that is kept may take, one byte a box."""
UNDEFINED = -1.0
"""Stands for the weights of a row that has nothing to be renormalised, below all that is defined."""

_UNCOUNTED = frozenset({status_code("non_finite"), status_code("not_row_stochastic")})

Levels = dict[int, torch.Tensor]
"""Level of a pyramid to [..., ceil(queries / 2^level), ceil(keys / 2^level)] on the CPU."""


class Place(NamedTuple):
    """What a derived pyramid was made of: ``grid`` 0 stands for the tokens.

    Attributes:
        run: The run.
        kind: Kind of the maps.
        layer: Layer within the kind.
        head: First head.
        of: What it holds.
        grid: Id of an alignment.
    """

    run: int
    kind: MapKind
    layer: int
    head: int
    of: str
    grid: int = 0


class Derived:
    """Derived pyramids, the least recently used of which go first.

    Args:
        budget: Bytes that they may take; one that is larger by itself stays until the next one comes.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._made: OrderedDict[Place, Levels] = OrderedDict()

    def get(self, place: Place, make: Callable[[], Levels]) -> Levels:
        """What is kept of ``place``; made where nothing is."""
        levels = self._made.get(place)
        if levels is None:
            levels = self._made[place] = make()
            while sum(map(_nbytes, self._made.values())) > self.budget and len(self._made) > 1:
                self._made.popitem(last=False)
        self._made.move_to_end(place)
        return levels

    def forget(self, run: int) -> None:
        """Drop what was made of a run."""
        for place in [place for place in self._made if place.run == run]:
            del self._made[place]

    def nbytes(self, runs: Iterable[int]) -> int:
        """Memory of what was made of some runs."""
        wanted = set(runs)
        return sum(_nbytes(levels) for place, levels in self._made.items() if place.run in wanted)


def tile_without_first(made: Derived, layer: KeptLayer, job: Tile, check: Callable[[], None]) -> NDArray[np.float16]:
    """A rectangle of one head's map without key 0, at one level of its max pyramid.

    Rows are scaled up to one again as `faa_core.heads.without_key.without_key` does it. A cell is the largest weight
    of the rows in it that have .05 or more left, NaN where none has. Keys keep their columns; the first one is empty.

    Args:
        made: Where the coarse levels of the whole layer are kept.
        layer: The layer.
        job: The rectangle.
        check: Called between strips; may raise, to give up.

    Returns:
        float16 [rows, columns] of cells, clipped to the map.

    Raises:
        GoneError: The rows of the layer were let go.
        UsageError: There is no such head or rectangle, its rows never fitted in memory, or no key is left.
    """
    layer.check_head(job.head)
    result = layer.result
    if result.keys == 1:
        raise UsageError("A map of one key has none left without it.")
    rows, columns = cells_of(job, result.queries, result.keys, "tokens")
    lowest = level_count(result.queries, result.keys) - level_count(min(max(result.queries, result.keys), KEPT_SIDE), 1)
    if job.level >= lowest:
        place = Place(job.run, job.kind, job.layer, 0, "without first")
        levels = made.get(place, lambda: _halves(_levels(layer, lowest, lambda rows: _rest(layer, rows), check)))
        if job.level in levels:
            return _defined(np.ascontiguousarray(levels[job.level][job.head, rows, columns].numpy()))
    cell = 1 << job.level
    start, stop = rows.start * cell, min(rows.stop * cell, result.queries)
    rest = _without_first(layer, layer.rows(start, stop)[job.head, None], start)[0]
    return _defined(pool(rest[:, columns.start * cell : min(columns.stop * cell, result.keys)], cell))


def occupied_boxes(made: Derived, layer: KeptLayer, job: Boxes, check: Callable[[], None]) -> NDArray[np.bool_]:
    """Which boxes of side 2^level hold a cell whose lift is above a threshold: those that the box counts count.

    Args:
        made: Where the pyramid of the head is kept.
        layer: The layer.
        job: Which head, size and threshold.
        check: Called between strips; may raise, to give up.

    Returns:
        bool [ceil(queries / 2^level), ceil(keys / 2^level)]; all false where the counts are not defined.

    Raises:
        GoneError: The rows of the layer were let go.
        UsageError: There is no such head, size or threshold, the rows never fitted in memory, or there are more boxes
            than a message holds.
    """
    layer.check_head(job.head)
    result = layer.result
    last = level_count(result.queries, result.keys) - 1
    if not 0 <= job.level <= last:
        raise UsageError(f"There are no boxes of level {job.level}; the map has levels 0 to {last}.")
    if not 0 <= job.threshold < len(result.boxes.thresholds):
        raise UsageError(f"There is no threshold {job.threshold}; there are {len(result.boxes.thresholds)} of them.")
    rows, columns = (-(-side >> job.level) for side in (result.queries, result.keys))
    if rows * -(-columns // 8) > PAYLOAD_LIMIT:
        raise UsageError(
            f"{rows} x {columns} boxes of side {1 << job.level} do not fit into one message.", "Take larger boxes."
        )
    lowest = next(at for at in range(last + 1) if _cells(result.queries, result.keys, at) <= CODE_BYTES)
    strips = lambda rows: _codes(layer, job.head, rows)  # noqa: E731
    if job.level < lowest:
        codes = _levels(layer, job.level, strips, check, last=job.level)[job.level]
    else:
        place = Place(job.run, job.kind, job.layer, job.head, "lift")
        codes = made.get(place, lambda: _levels(layer, lowest, strips, check))[job.level]
    occupied: NDArray[np.bool_] = codes.numpy() > job.threshold
    statistics = result.statistics
    if statistics.status[statistics.row("D0"), job.head] in _UNCOUNTED:
        return np.zeros_like(occupied)
    return occupied


def _cells(queries: int, keys: int, level: int) -> int:
    return (-(-queries >> level)) * (-(-keys >> level))


def _levels(
    layer: KeptLayer,
    lowest: int,
    strip: Callable[[tuple[int, int]], torch.Tensor],
    check: Callable[[], None],
    last: int | None = None,
) -> Levels:
    """Levels ``lowest`` to ``last`` of the max pyramid of whatever ``strip`` makes of each strip of rows."""
    result = layer.result
    top = level_count(result.queries, result.keys) - 1
    last = top if last is None else last
    reduced = min(max(lowest, 2), ALIGN_LEVELS, top)
    stream = PyramidStream("max", result.queries, result.keys, reduced)
    parts: dict[int, list[torch.Tensor]] = {level: [] for level in range(lowest, min(reduced, last) + 1)}
    for start, stop in layer.strips():
        check()
        levels = stream.add(start, strip((start, stop)))
        for level, kept in parts.items():
            kept.append(levels[level].cpu())
    made = {level: torch.cat(kept, -2) for level, kept in parts.items()}
    upper = enumerate(stream.finish(), reduced + 1)
    return made | {level: cells.cpu() for level, cells in upper if lowest <= level <= last}


def _rest(layer: KeptLayer, rows: tuple[int, int]) -> torch.Tensor:
    return _without_first(layer, layer.rows(*rows), rows[0])


def _without_first(layer: KeptLayer, weights: torch.Tensor, start: int) -> torch.Tensor:
    """[heads, rows, keys] without key 0, each row scaled up; `UNDEFINED` in rows that have too little left."""
    support = layer.support.rows(start, start + weights.shape[1])
    rest, _ = without_key(weights, support)
    rest[(rest == 0).all(-1)] = UNDEFINED
    return torch.cat((rest[..., :1].clamp(max=0), rest), -1)


def _codes(layer: KeptLayer, head: int, rows: tuple[int, int]) -> torch.Tensor:
    """uint8 [rows, keys]: how many of the thresholds each lift of a head exceeds."""
    weights = layer.rows(*rows)[head]
    lengths = layer.support.lengths[rows[0] : rows[1], None]
    lift = weights * lengths.to(weights.device, torch.float32)
    return threshold_codes(lift.contiguous()).to(torch.uint8)


def _halves(levels: Levels) -> Levels:
    return {level: cells.to(torch.float16) for level, cells in levels.items()}


def _defined(cells: NDArray[np.float16]) -> NDArray[np.float16]:
    return np.where(cells == UNDEFINED, np.float16(np.nan), cells)


def _nbytes(levels: Levels) -> int:
    return sum(cells.nbytes for cells in levels.values())


__all__ = ["CODE_BYTES", "Derived", "Place", "occupied_boxes", "tile_without_first"]
