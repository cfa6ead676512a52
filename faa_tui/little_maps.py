"""Maps in little of a finished run, fetched so that they can be kept: of which heads, and how fine.

The coarse levels of a run's maps lie in the worker, so that one costs it no computation. Of a worker on this machine
those of all heads are fetched; over a network only those of the heads that a report of the run would show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faa_core.errors import Cancelled, FaaError
from faa_core.records import Analysis, LayerResult, MapKind
from faa_core.report import chosen_heads, map_level
from faa_tui.rendering.tiles import cells_at

if TYPE_CHECKING:
    from faa_core.store import Overview
    from faa_core.worker.session import Session


class Wish(NamedTuple):
    """A whole map in cells of 2^level tokens: ``rows`` x ``columns`` of them."""

    kind: MapKind
    layer: int
    head: int
    level: int
    rows: int
    columns: int

    def overview(self, cells: NDArray[np.floating]) -> Overview:
        """The map in little from the cells that were wished for."""
        from faa_core.store import overview_of  # SQLite is not needed before

        return overview_of(self.kind, self.layer, self.head, cells, 1 << self.level)


def every_head(analysis: Analysis) -> list[Wish]:
    """All heads, in cells so large that all of them together stay within a megabyte."""
    return _wishes(analysis, [(layer, head) for layer in analysis.layers for head in range(layer.info.heads)])


def telling_heads(analysis: Analysis) -> list[Wish]:
    """The heads that a report of the run would show: a dozen at most."""
    return _wishes(analysis, [(chosen.layer, chosen.head) for chosen in chosen_heads(analysis)])


def _wishes(analysis: Analysis, heads: Iterable[tuple[LayerResult, int]]) -> list[Wish]:
    from faa_core.store import side_for

    side = side_for(sum(layer.info.heads for layer in analysis.layers))
    made = []
    for layer, head in heads:
        level = map_level(layer.queries, layer.keys, side)
        made.append(
            Wish(
                layer.info.kind,
                layer.info.layer,
                head,
                level,
                cells_at(layer.queries, level),
                cells_at(layer.keys, level),
            )
        )
    return made


def fetched(worker: Session, wishes: Sequence[Wish], run: int | None = None) -> tuple[Overview, ...]:
    """The maps of an analysis, by default the worker's last; those that it keeps no more are left out.

    Raises:
        Cancelled: A Ctrl-C came.
    """
    made = []
    for wish in wishes:
        try:
            cells = worker.tile(wish.kind, wish.layer, wish.head, wish.level, 0, wish.rows, 0, wish.columns, run=run)
        except Cancelled:
            raise
        except FaaError:
            break
        made.append(wish.overview(cells))
    return tuple(made)
