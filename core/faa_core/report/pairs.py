"""Where the maps of a pair of heads meet: how they are asked for, and what a report needs of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faa_core.comparison.alignment import Alignment, segment_support
from faa_core.comparison.records import Head, HeadPair
from faa_core.records import Analysis, LayerResult
from faa_core.report.choice import MOST_PAIR_CELLS, map_level
from faa_core.report.pictures import masked_cells
from faa_core.report.records import PairMaps


@dataclass(frozen=True, eq=False)
class PairFrame:
    """The cells that both maps of a pair have in common, on one text.

    Attributes:
        pair: The two heads.
        queries: Tokens or common segments of the queries; its sides are those of ``sides``, and maybe of others.
        keys: The same of the keys.
        sides: Which of the sides of the alignments the two models are.
        layers: The layers of the two heads.
    """

    pair: HeadPair
    queries: Alignment
    keys: Alignment
    sides: tuple[int, int]
    layers: tuple[LayerResult, LayerResult]

    @classmethod
    def of(
        cls,
        pair: HeadPair,
        over: tuple[Alignment, Alignment],
        sides: tuple[int, int],
        runs: tuple[Analysis, Analysis],
    ) -> PairFrame | None:
        """The frame of a pair over the segments of its kind; ``None`` where a run lacks the layer."""
        a, b = _layer(runs[0], pair.a), _layer(runs[1], pair.b)
        return None if a is None or b is None else cls(pair, *over, sides, (a, b))

    @property
    def heads(self) -> tuple[Head, Head]:
        """The two heads, that of the first side first."""
        return self.pair.a, self.pair.b

    @property
    def segments(self) -> bool:
        """Whether a cell is made of segments of the text, because the models have other tokens."""
        return not (self.queries.same and self.keys.same)

    @property
    def level(self) -> int:
        """Level of the cells to ask for, see `faa_core.worker.protocol.Tile`."""
        return map_level(len(self.queries), len(self.keys), MOST_PAIR_CELLS)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells of that level."""
        return -(-len(self.queries) >> self.level), -(-len(self.keys) >> self.level)

    def maps(self, a: NDArray[np.floating], b: NDArray[np.floating], size: int = 0) -> PairMaps:
        """What a report shows of the two maps.

        Args:
            a: float [rows, columns]: all cells of the first map.
            b: The same of the other one.
            size: Tokens or segments along a side of a cell; by default that of `level`.
        """
        size = size or 1 << self.level
        masked_a, masked_b = (
            masked_cells(*self._support(side, layer), size, a.shape)
            for side, layer in zip(self.sides, self.layers, strict=True)
        )
        return PairMaps(
            self.pair,
            np.asarray(a, np.float32),
            np.asarray(b, np.float32),
            masked_a,
            masked_b,
            self.queries.pieces,
            self.keys.pieces,
            self.segments,
            size,
        )

    def _support(self, side: int, layer: LayerResult) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        if not self.segments:
            return layer.first_key, layer.stop_key
        queries, keys = self.queries.segments[side], self.keys.segments[side]
        return segment_support(layer.first_key, layer.stop_key, queries, keys)


def _layer(run: Analysis, head: Head) -> LayerResult | None:
    found = (layer for layer in run.layers if (layer.info.kind, layer.info.layer) == (head.kind, head.layer))
    return next(found, None)
