"""How the tokens of two models were joined on a text, kept beside a comparison: its maps are read by that."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.comparison.alignment import Alignment
from faa_core.records import MapKind


class Joined(msgspec.Struct, frozen=True, eq=False):
    """Common segments along one axis of the maps of both models.

    Attributes:
        pieces: What each segment stands for in the text.
        a: int32 [tokens]: segment of each token of the first model; -1 for tokens that are set aside.
        b: The same of the other model.
        same: Whether both have the same tokens, so that every token is a segment of its own.
    """

    pieces: tuple[str, ...]
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    same: bool

    @property
    def alignment(self) -> Alignment:
        """They, with the first model as the first side."""
        return Alignment(self.pieces, (self.a, self.b), self.same)


class Segments(msgspec.Struct, frozen=True, eq=False):
    """Common segments of one kind of map on one text.

    Attributes:
        kind: Kind of the maps.
        queries: Segments of the rows.
        keys: Segments of the columns.
    """

    kind: MapKind
    queries: Joined
    keys: Joined

    @classmethod
    def of(cls, kind: MapKind, over: tuple[Alignment, Alignment], other: int = 1) -> Segments:
        """Those of the first side and side ``other`` of alignments, which may have more sides."""
        queries, keys = (Joined(found.pieces, found.segments[0], found.segments[other], found.same) for found in over)
        return cls(kind, queries, keys)

    @property
    def alignments(self) -> tuple[Alignment, Alignment]:
        """Those of the rows, and those of the columns."""
        return self.queries.alignment, self.keys.alignment


class SegmentsOfText(msgspec.Struct, frozen=True, eq=False):
    """Common segments of every kind of map on one text, where the models have other tokens."""

    kinds: tuple[Segments, ...]
