"""Segments of a text laid over attention maps, so that models that cut the text otherwise can be compared cell by cell.

The weight of segment I to segment J is the mean over the queries in I of the mass on the keys in J. Mass is conserved:
a row of segments sums to the mean row sum of its queries, less what lies on keys that are set aside. Where every token
is a segment of its own, the map is the model's own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.comparison.alignment import segment_support
from faa_core.errors import UsageError
from faa_core.geometry.support import Support

MOST_SEGMENTS = 1 << 16
"""Keys of a sketch are 16-bit numbers."""

Integers = NDArray[np.int32]
Rows = Callable[[int, int], torch.Tensor]
"""``rows(start, stop)``: float32 [heads, stop - start, keys]; see `faa_core.capture.strips.RowSource`."""


class Grid:
    """Segments on both axes of the maps of one kind of a run.

    A segment without queries has weight 0 to every other.

    Args:
        queries: int32 [queries]: segment of each query, from 0, ascending; -1 where it is set aside.
        keys: int32 [keys]: the same for keys.
        shape: Queries and keys of the maps.

    Attributes:
        rows: Number of segments of queries.
        columns: Number of segments of keys.

    Raises:
        UsageError: An array has another length than the maps, is not ascending, or holds other negative numbers.
    """

    def __init__(self, queries: Integers, keys: Integers, shape: tuple[int, int]) -> None:
        self.rows = _checked(queries, "queries", shape[0])
        self.columns = _checked(keys, "keys", shape[1])
        self._queries, self._keys = queries.astype(np.int64), keys.astype(np.int64)
        counts = np.bincount(self._queries[self._queries >= 0], minlength=self.rows)
        self._counts = torch.from_numpy(np.maximum(counts, 1)).float()
        # What is set aside is summed behind the last segment, and left off.
        self._query_bin, self._key_bin = (
            torch.from_numpy(np.where(segments < 0, count, segments))
            for segments, count in ((self._queries, self.rows), (self._keys, self.columns))
        )

    def block(
        self, rows: Rows, step: int, heads: range, start: int, stop: int, check: Callable[[], None]
    ) -> torch.Tensor:
        """Weights of some segments of queries to all segments of keys.

        A weight is a sum of few terms, whose rounding in float32 is far below that of the float16 in which weights
        are kept.

        Args:
            rows: Computes rows of the map of tokens.
            step: How many of them at a time.
            heads: Which heads, without gaps.
            start: First segment of queries.
            stop: One past the last.
            check: Called between strips; may raise, to give up.

        Returns:
            float32 [heads, stop - start, columns], on the device of ``rows``.
        """
        first, last = self._span(start, stop)
        sums = torch.zeros(len(heads), stop - start + 1, self.columns)
        for row in range(first, last, step):
            check()
            by_key = self._by_key(rows(row, min(row + step, last))[heads.start : heads.stop])
            sums = sums.to(by_key.device)
            # Segments ascend, so that between the first and the last query asked for others can only be set aside.
            bins = (self._query_bin[row : row + by_key.shape[1]] - start).clamp(max=stop - start)
            sums.index_add_(1, bins.to(by_key.device), by_key)
        return sums[:, :-1] / self._counts[start:stop, None].to(sums.device)

    def visible(self, support: Support) -> tuple[Integers, Integers]:
        """Segments of keys that some query of each segment may see.

        Args:
            support: Which keys each query may see.

        Returns:
            First segment and one past the last, both int32 [rows]; 0 and 0 where there is none.
        """
        edges = support.first.cpu().numpy(), support.stop.cpu().numpy()
        return segment_support(*edges, self._queries, self._keys)

    def _by_key(self, weights: torch.Tensor) -> torch.Tensor:
        """[heads, rows, keys] summed over the keys of each segment: [heads, rows, columns]."""
        sums = weights.new_zeros(*weights.shape[:-1], self.columns + 1)
        return sums.index_add_(-1, self._key_bin.to(weights.device), weights)[..., :-1]

    def _span(self, start: int, stop: int) -> tuple[int, int]:
        """First query of the segments ``start`` to ``stop``, and one past the last; equal where they have none."""
        inside = np.flatnonzero((self._queries >= start) & (self._queries < stop))
        return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)


def _checked(segments: Integers, name: str, length: int) -> int:
    """Number of segments of an axis."""
    if segments.shape != (length,):
        raise UsageError(
            f"Segments of {list(segments.shape)} {name} were laid over maps of {length} {name}.",
            "Align the tokens of this very run.",
        )
    used = segments[segments >= 0]
    if segments.min() < -1 or not len(used) or (np.diff(used) < 0).any() or used[-1] >= MOST_SEGMENTS:
        raise UsageError(
            f"The segments of the {name} do not ascend from 0 to at most {MOST_SEGMENTS - 1:,}.",
            "Set tokens aside with -1, and number the segments in the order of the text.",
        )
    return int(used[-1]) + 1
