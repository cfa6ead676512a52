"""How differently heads attend, from a few of their rows.

Whole maps stay with their worker. What travels are sketches: of some rows of every head the heaviest keys, and the
weight of all keys together. docs/comparison.md says how far a divergence of sketches is from that of whole maps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faa_core.errors import UsageError
from faa_core.records import LayerSketch

Floats = NDArray[np.float64]

ROWS = 16
"""Rows of a sketch."""
TOP = 8
"""Keys of each row that are told one by one; 16 rows of 8 keys are 74 kB for 144 heads."""

_PAIRS = 1 << 22  # entries of the blocks [heads, heads, rows, keys, keys] that are compared together


def sketch_rows(count: int, rows: int = ROWS) -> tuple[int, ...]:
    """Which of ``count`` rows to sketch.

    The middles of ``rows`` equal parts of the text: the mean over them is the midpoint rule for the mean over all rows,
    so the sketched divergence aims at the exact one. Early rows, where a causal head has few keys to choose from, count
    with the weight that they have there. The same count always gives the same rows, so that two workers that know
    nothing of each other sketch the same.

    Args:
        count: Number of queries, or of query segments.
        rows: How many to sketch; all where there are not so many.
    """
    rows = min(rows, count)
    return tuple((2 * part + 1) * count // (2 * rows) for part in range(rows))


def divergence(a: LayerSketch, b: LayerSketch) -> Floats:
    """Mean Jensen-Shannon divergence of the sketched rows of all pairs of heads of two layers.

    A told key has its own weight; what is left of the row's mass is spread evenly over the visible keys that are not
    told. Rows are scaled to one before, which takes out learned sinks and keys that are set aside. Of two sketches of
    the same rows and keys this is `faa_core.heads.divergence.head_divergence` of the maps that they stand for, over
    these rows.

    Args:
        a: Sketch of a layer of one model.
        b: Sketch of a layer of the same or of another model, with the same rows on the same keys.

    Returns:
        float64 [heads of a, heads of b]: nats, 0 to ln 2; NaN where no row has mass in both.

    Raises:
        UsageError: The sketches have different rows.
    """
    if not np.array_equal(a.rows, b.rows):
        raise UsageError(
            f"Sketches of rows {a.rows.tolist()} and {b.rows.tolist()} cannot be compared.",
            "Sketch the same rows of both models.",
        )
    one, other = _Rows(a), _Rows(b)
    heads, rows, top = one.keys.shape
    step = max(_PAIRS // max(len(other.keys) * rows * top * other.keys.shape[2], 1), 1)
    blocks = [_block(one.part(slice(row, row + step)), other) for row in range(0, heads, step)]
    return np.concatenate(blocks) if blocks else np.zeros((0, len(other.keys)))


class _Rows:
    """The distributions that a sketch stands for.

    Attributes:
        keys: int64 [heads, rows, top].
        told: bool [heads, rows, top]: False for repeats that fill up a short row.
        weights: float64 [heads, rows, top]: share of the row's mass; 0 where not told.
        even: float64 [heads, rows]: share of each visible key that is not told.
        mass: bool [heads, rows]: whether the row has any.
        first, stop: int64 [rows]: visible keys.
    """

    def __init__(self, sketch: LayerSketch) -> None:
        keys = sketch.keys.astype(np.int64)
        self.first, self.stop = sketch.first.astype(np.int64), sketch.stop.astype(np.int64)
        self.told = np.ones(keys.shape, bool)
        self.told[..., 1:] = keys[..., 1:] != keys[..., :-1]
        self.told &= (keys >= self.first[:, None]) & (keys < self.stop[:, None])
        weights = np.where(self.told, sketch.weights.astype(np.float64), 0.0)
        others = self.stop - self.first - self.told.sum(-1)
        rest = np.maximum(sketch.mass.astype(np.float64) - weights.sum(-1), 0.0)
        rest = np.where(others > 0, rest, 0.0)
        total = weights.sum(-1) + rest
        self.mass = total > 0
        scale = 1 / np.where(self.mass, total, 1.0)
        self.keys = keys
        self.weights = weights * scale[..., None]
        self.even = rest * scale / np.maximum(others, 1)

    def part(self, heads: slice) -> _Rows:
        """Some of the heads."""
        part = object.__new__(_Rows)
        part.first, part.stop = self.first, self.stop
        part.keys, part.told, part.weights = self.keys[heads], self.told[heads], self.weights[heads]
        part.even, part.mass = self.even[heads], self.mass[heads]
        return part

    def sees(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the rows may see ``keys`` [..., rows, top]."""
        return np.asarray((keys >= self.first[:, None]) & (keys < self.stop[:, None]))


def _block(a: _Rows, b: _Rows) -> Floats:
    """`divergence` of some heads of one layer from all of another."""
    same = a.keys[:, None, :, :, None] == b.keys[None, :, :, None, :]
    same &= a.told[:, None, :, :, None] & b.told[None, :, :, None, :]
    told_by_b, told_by_a = same.any(4), same.any(3)

    # Keys that a tells: b tells them too, or sees them as one of its others, or does not see them.
    weights_b = np.einsum("ghrij,hrj->ghri", same, b.weights)
    weights_b += np.where(told_by_b, 0.0, b.even[None, :, :, None] * b.sees(a.keys)[:, None])
    total = np.where(a.told[:, None], _js(a.weights[:, None], weights_b), 0.0).sum(-1)

    # Keys that b tells and a does not.
    weights_a = a.even[:, None, :, None] * a.sees(b.keys)[None]
    only_b = b.told[None] & ~told_by_a
    total += np.where(only_b, _js(weights_a, np.broadcast_to(b.weights[None], weights_a.shape)), 0.0).sum(-1)

    # All others, by who sees them: both, a alone, b alone.
    overlap = np.maximum(np.minimum(a.stop, b.stop) - np.maximum(a.first, b.first), 0)
    in_both_a = (a.told & b.sees(a.keys)).sum(-1)[:, None]
    in_both_b = (only_b & a.sees(b.keys)).sum(-1)
    both = overlap - in_both_a - in_both_b
    alone_a = (a.stop - a.first - overlap) - (a.told & ~b.sees(a.keys)).sum(-1)
    alone_b = (b.stop - b.first - overlap) - (b.told & ~a.sees(b.keys)).sum(-1)
    total += both * _js(a.even[:, None], b.even[None])
    total += np.log(2) / 2 * (alone_a * a.even)[:, None] + np.log(2) / 2 * (alone_b * b.even)[None]

    compared = a.mass[:, None] & b.mass[None]
    rows = compared.sum(-1)
    mean = np.where(compared, total, 0.0).sum(-1) / np.where(rows > 0, rows, np.nan)
    return np.asarray(np.clip(mean, 0.0, np.log(2)))


def _js(p: Floats, q: Floats) -> Floats:
    """What one key adds to a divergence: (p ln 2p/(p+q) + q ln 2q/(p+q)) / 2, with 0 ln 0 = 0."""
    half = (p + q) / 2
    half = np.where(half > 0, half, 1.0)
    return np.asarray((_term(p, half) + _term(q, half)) / 2)


def _term(p: Floats, half: Floats) -> Floats:
    return np.asarray(p * np.log(np.where(p > 0, p / half, 1.0)))


__all__ = ["ROWS", "TOP", "divergence", "sketch_rows"]
