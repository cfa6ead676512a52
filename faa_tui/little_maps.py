"""Maps in little of a finished run, fetched so that they can be kept: of which heads, and how fine.

The coarse levels of a run's maps lie in the worker, so that one costs it no computation. Of a worker on this machine
those of all heads are fetched; over a network only those of the heads that a report of the run would show. Of a
comparison of models with other tokens, the maps over common segments are wanted beside those over tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faa_core.comparison.alignment import Alignment
from faa_core.comparison.records import Comparison, Head
from faa_core.errors import Cancelled, FaaError
from faa_core.records import Analysis, LayerResult, MapKind
from faa_core.report import chosen_heads, chosen_pairs, map_level
from faa_tui.rendering.tiles import cells_at

if TYPE_CHECKING:
    from faa_core.store import Overview
    from faa_core.worker.session import Session


Over = Mapping[MapKind, tuple[Alignment, Alignment]]
"""Common segments of the queries and of the keys, by kind of map."""
NO_GRIDS: Mapping[MapKind, int] = MappingProxyType({})
"""Of maps over tokens."""


class Wish(NamedTuple):
    """A whole map in cells of 2^level tokens: ``rows`` x ``columns`` of them; ``aligned`` where these are segments."""

    kind: MapKind
    layer: int
    head: int
    level: int
    rows: int
    columns: int
    aligned: bool = False

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
    return [
        _wish(Head(layer.info.kind, layer.info.layer, head), layer.queries, layer.keys, side) for layer, head in heads
    ]


def _wish(head: Head, queries: int, keys: int, side: int, aligned: bool = False) -> Wish:
    level = map_level(queries, keys, side)
    rows, columns = cells_at(queries, level), cells_at(keys, level)
    return Wish(head.kind, head.layer, head.head, level, rows, columns, aligned)


def every_head_over(over: Over, comparison: Comparison, side: int) -> list[Wish]:
    """All heads of one side of a comparison, over common segments.

    Cells are as fine on both sides, so that one map can be taken from the other.

    Args:
        over: For each kind of map whose tokens are not the same, common segments of its queries and of its keys.
        comparison: The comparison.
        side: 0 for the first model, 1 for the other one.
    """
    from faa_core.store import side_for

    matching = comparison.matching
    heads = (
        [*(pair.a for pair in matching.pairs), *matching.alone_a],
        [*(pair.b for pair in matching.pairs), *matching.alone_b],
    )
    return _over_segments(over, heads[side], side_for(max(map(len, heads))))


def telling_heads_over(over: Over, comparison: Comparison, side: int) -> list[Wish]:
    """The heads of one side that a report of the comparison would show, half a dozen; as `every_head_over`."""
    from faa_core.store import side_for

    pairs = [chosen.pair for chosen in chosen_pairs(comparison)]
    return _over_segments(over, [pair.b if side else pair.a for pair in pairs], side_for(len(pairs)))


def _over_segments(over: Over, heads: Iterable[Head], side: int) -> list[Wish]:
    sizes = {kind: (len(queries), len(keys)) for kind, (queries, keys) in over.items()}
    return [_wish(head, *sizes[head.kind], side, aligned=True) for head in sorted(set(heads)) if head.kind in over]


def fetched(
    worker: Session, wishes: Sequence[Wish], run: int | None = None, grids: Mapping[MapKind, int] = NO_GRIDS
) -> tuple[Overview, ...]:
    """The maps of an analysis, by default the worker's last; those that it keeps no more are left out.

    Args:
        worker: Holds them.
        wishes: Which.
        run: The analysis.
        grids: Of each kind of map the segments that stand for tokens, as `Session.align` gave them.

    Raises:
        Cancelled: A Ctrl-C came.
    """
    made = []
    for wish in wishes:
        rectangle = (wish.level, 0, wish.rows, 0, wish.columns)
        try:
            cells = worker.tile(wish.kind, wish.layer, wish.head, *rectangle, grids.get(wish.kind, 0), run)
        except Cancelled:
            raise
        except FaaError:
            break
        made.append(wish.overview(cells))
    return tuple(made)
