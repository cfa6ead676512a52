"""Which tokens of several models stand for the same part of a text.

Two tokenizers cut one text at different places. What they share are the places where both cut: between two of those
lies a segment, a few tokens of each that stand for the same characters. Attention between segments is defined for both
models, and keeps the mass of every row: from segment I to segment J goes the mean, over the queries in I, of the mass
on the keys in J. Tokens that stand for no text belong to no segment, and neither does the mass on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from faa_core.errors import UsageError
from faa_core.records import Tokens


@dataclass(frozen=True, eq=False)
class Alignment:
    """Common segments of one text.

    Attributes:
        pieces: What each segment stands for in the text.
        segments: For each side int32 [tokens]: segment of each token, ascending from 0; -1 for tokens that are set
            aside: those that the tokenizer added, and those for an end of the text that another side does not have,
            because it was cut.
        same: Whether all sides have the same tokens; then every token, an added one too, is a segment of its own.
    """

    pieces: tuple[str, ...]
    segments: tuple[NDArray[np.int32], ...]
    same: bool

    def __len__(self) -> int:
        return len(self.pieces)


def align(sides: Sequence[Tokens], text: str) -> Alignment:
    """Common segments of the tokens of several models on the same text.

    The same ids at the same offsets: every token is a segment. Otherwise a segment ends at a character where no token
    of any side is cut in two, as soon as every side has a token in it; among all partitions whose boundaries are token
    boundaries of every side and whose segments have tokens of every side, none has more segments. So

    - tokens that overlap, such as the bytes of one character, are in one segment;
    - what one side drops, such as blanks, is part of the next segment that all sides have, and behind the last one
      part of the last;
    - tokens whose offsets run backwards are joined, because segments have an order;
    - a token that the tokenizer did not add, and that stands for no character, goes with the one before it.

    Args:
        sides: Tokens of each model, in the order of its maps' rows or columns.
        text: What all of them were made from.

    Raises:
        UsageError: There is nothing to go by: a file of attention beside tokens of another number, or a side whose
            tokens stand for nothing in the text.
    """
    if not sides:
        raise UsageError("There are no tokens to align.")
    if all(one.ids for one in sides):
        if len({(one.ids, one.offsets, one.special) for one in sides}) == 1:
            return _one_by_one(sides)
    else:
        # A file of attention has no ids and no offsets: places are all there is to go by.
        if len({len(one) for one in sides}) == 1:
            return _one_by_one(sides)
        numbers = " and ".join(str(len(one)) for one in sides)
        raise UsageError(
            f"A file of attention cannot be aligned with other tokens: the sides have {numbers}.",
            "Give the file the same tokens, one row and column for each.",
        )
    spans = [_Spans.of(one, len(text)) for one in sides]
    for place, found in enumerate(spans):
        if not len(found.token):
            raise UsageError(
                f"The tokens of side {place + 1} of {len(sides)} cannot be aligned: none has a place in the text.",
                "Its tokenizer gives no offsets; compare it with models that have the same tokens.",
            )
    edges = np.flatnonzero(np.logical_and.reduce([found.cuts(len(text)) for found in spans]))
    pieces = [np.searchsorted(edges, found.start, side="right") - 1 for found in spans]
    segment_of, bounds = _joined(edges, pieces, *_shared_range(spans, text))
    if len(bounds) < 2:
        raise UsageError("The sides have no part of the text in common.", "Cut the text to what all of them can take.")
    segments = [
        found.spread(segment_of[piece], len(tokens)) for tokens, found, piece in zip(sides, spans, pieces, strict=True)
    ]
    named = tuple(text[start:stop] for start, stop in pairwise(bounds))
    return Alignment(named, tuple(segments), same=False)


@dataclass(frozen=True, eq=False)
class _Spans:
    """Characters that the tokens of one side stand for; tokens without any are left out.

    Attributes:
        token: int64 [spans]: which token.
        start: int64 [spans]: first character.
        stop: int64 [spans]: one past the last.
        follower: int64 [followers]: tokens that were not added, and stand for no character.
    """

    token: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    follower: NDArray[np.int64]

    @classmethod
    def of(cls, tokens: Tokens, length: int) -> _Spans:
        """The spans of ``tokens`` in a text of ``length`` characters."""
        # Offsets of some tokenizers reach past the text that they normalised.
        offsets = np.clip(np.asarray(tokens.offsets, np.int64).reshape(-1, 2), 0, length)
        special = np.asarray(tokens.special, bool)
        filled = (offsets[:, 1] > offsets[:, 0]) & ~special
        token = np.flatnonzero(filled)
        return cls(token, offsets[token, 0], offsets[token, 1], np.flatnonzero(~filled & ~special))

    def cuts(self, length: int) -> NDArray[np.bool_]:
        """Characters before which the text can be cut, every token whole and in its order: bool [length + 1]."""
        # Between two neighbours all tokens up to the one end before all others begin, or they are one block.
        reached = np.maximum.accumulate(self.stop)
        ahead = np.minimum.accumulate(self.start[::-1])[::-1]
        ends = np.append(reached[:-1] <= ahead[1:], True)
        starts = np.insert(ends[:-1], 0, True)
        crossed = np.zeros(length + 2, np.int64)
        np.add.at(crossed, ahead[starts] + 1, 1)
        np.add.at(crossed, reached[ends], -1)
        return np.asarray(np.cumsum(crossed)[: length + 1] == 0)

    def spread(self, segment: NDArray[np.int32], tokens: int) -> NDArray[np.int32]:
        """int32 [tokens]: the segment of every token, from int32 [spans], that of every span."""
        spread = np.full(tokens, -1, np.int32)
        spread[self.token] = segment
        before = np.searchsorted(self.token, self.follower) - 1
        spread[self.follower] = segment[np.maximum(before, 0)]
        return spread


def _shared_range(spans: Sequence[_Spans], text: str) -> tuple[int, int]:
    """First character, and one past the last, of what every side has; ends that only lack blanks lack nothing."""
    starts = [int(found.start.min()) for found in spans]
    stops = [int(found.stop.max()) for found in spans]
    low = max((start for start in starts if text[:start].strip()), default=0)
    high = min((stop for stop in stops if text[stop:].strip()), default=len(text))
    return low, high


def _joined(
    edges: NDArray[np.int64], pieces: Sequence[NDArray[np.int64]], low: int, high: int
) -> tuple[NDArray[np.int32], list[int]]:
    """Join neighbouring pieces of the text until each holds a token of every side, the earliest ones first.

    Args:
        edges: int64 [pieces + 1]: characters between which the pieces lie.
        pieces: For each side int64 [spans]: the piece of each of its spans.
        low: First character that all sides have.
        high: One past the last.

    Returns:
        int32 [pieces]: segment of each piece, -1 outside of the range; and the characters between which segments lie.
    """
    present = np.zeros((len(pieces), len(edges) - 1), bool)
    for side, piece in enumerate(pieces):
        present[side, piece] = True
    segment = np.full(len(edges) - 1, -1, np.int32)
    inside = np.flatnonzero((edges[1:] > low) & (edges[:-1] < high))
    bounds = edges[inside[:1]].tolist()
    waiting = np.zeros(len(pieces), bool)
    for place in inside.tolist():
        segment[place] = len(bounds) - 1
        waiting |= present[:, place]
        if waiting.all():
            bounds.append(int(edges[place + 1]))
            waiting[:] = False
    if len(bounds) > 1:  # what is left over goes with the last segment
        np.minimum(segment, len(bounds) - 2, out=segment)
        bounds[-1] = int(edges[inside[-1] + 1])
    return segment, bounds


def _one_by_one(sides: Sequence[Tokens]) -> Alignment:
    every = np.arange(len(sides[0]), dtype=np.int32)
    named = next((side for side in sides if side.ids), sides[0])
    return Alignment(named.pieces, tuple(every for _ in sides), same=True)


def segment_support(
    first: NDArray[np.integer], stop: NDArray[np.integer], queries: NDArray[np.integer], keys: NDArray[np.integer]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Which key segments each query segment can see: those with a key that one of its queries may see.

    Args:
        first: int [queries]: first key that each row may see.
        stop: int [queries]: one past the last.
        queries: int [queries]: segment of each query, -1 where it is set aside.
        keys: int [keys]: segment of each key, ascending where it is not -1.

    Returns:
        first: int32 [query segments]: first segment that is seen.
        stop: int32 [query segments]: one past the last; equal to ``first`` where none is.
    """
    keys, queries = np.asarray(keys, np.int64), np.asarray(queries, np.int64)
    count, beyond = _count(queries), _count(keys)
    # The segment of the next key that has one, from each key on, and one past that of the last one before each key.
    following = np.append(np.where(keys >= 0, keys, beyond), beyond)
    following = np.minimum.accumulate(following[::-1])[::-1]
    passed = np.maximum.accumulate(np.insert(np.where(keys >= 0, keys + 1, 0), 0, 0))
    first, stop = np.asarray(first, np.int64), np.asarray(stop, np.int64)
    low, high = following[first], passed[stop]
    # A row may see nothing but keys that are set aside, in the middle of a segment.
    told = np.insert(np.cumsum(keys >= 0), 0, 0)
    sees = (queries >= 0) & (told[stop] > told[first])
    lowest = np.full(count, beyond, np.int64)
    highest = np.zeros(count, np.int64)
    np.minimum.at(lowest, queries[sees], low[sees])
    np.maximum.at(highest, queries[sees], high[sees])
    lowest = np.where(highest > 0, lowest, 0)
    return lowest.astype(np.int32), highest.astype(np.int32)


def reduce_map(
    weights: NDArray[np.floating], queries: NDArray[np.integer], keys: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Attention between segments: the mean over the queries in I of the mass on the keys in J.

    The definition that a worker's own reduction is held to. A row of segments sums to the mean of what its rows of
    tokens sum to, less their mass on keys that are set aside.

    Args:
        weights: [..., n, m].
        queries: int [n]: segment of each query, -1 where it is set aside.
        keys: int [m]: the same for keys.

    Returns:
        float64 [..., query segments, key segments].

    Raises:
        ValueError: The segments are not those of the rows and columns.
    """
    weights = np.asarray(weights, np.float64)
    queries, keys = np.asarray(queries), np.asarray(keys)
    if weights.shape[-2:] != (len(queries), len(keys)):
        raise ValueError(f"A map {weights.shape} has no segments for {len(queries)} queries and {len(keys)} keys.")
    rows = (np.arange(_count(queries))[:, None] == queries).astype(np.float64)
    columns = (keys[:, None] == np.arange(_count(keys))).astype(np.float64)
    return np.asarray(rows / np.maximum(rows.sum(1, keepdims=True), 1) @ weights @ columns)


def _count(segments: NDArray[np.integer]) -> int:
    """Number of segments, the last of which occurs."""
    return int(segments.max(initial=-1)) + 1


__all__ = ["Alignment", "align", "reduce_map", "segment_support"]
