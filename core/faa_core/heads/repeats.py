"""Where a text repeats itself: the entries of a map that a duplicate-token or an induction head would fill."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from faa_core.geometry import Support

_KEPT_PAIRS = 1 << 22  # entries remembered for the other layers of the same text, 16 bytes each


@dataclass(frozen=True, eq=False)
class Pairs:
    """Entries of a block of rows.

    Attributes:
        row: int64 [pairs], from the first row of the block.
        key: int64 [pairs].
        on_first: bool [rows]: rows of the block with an entry on key 0.
        on_others: bool [rows]: rows of the block with an entry on another key.
    """

    row: NDArray[np.int64]
    key: NDArray[np.int64]
    on_first: NDArray[np.bool_]
    on_others: NDArray[np.bool_]


class Repeats:
    """Visible entries on earlier copies of a row's token, and on the tokens that followed those copies.

    For a row i and every earlier j with the same token, (i, j) is a duplicate and (i, j + 1) an induction entry;
    j + 1 is never past i.

    Args:
        ids: Token id of each position, which is both a row and a column of the map.
        support: Visible keys.
    """

    def __init__(self, ids: tuple[int, ...], support: Support) -> None:
        self._ids = np.asarray(ids, dtype=np.int64)
        self._first = support.first.cpu().numpy()
        self._stop = support.stop.cpu().numpy()
        self._blocks: dict[tuple[int, int], tuple[Pairs, Pairs]] = {}
        self._kept = 0

    def block(self, start: int, stop: int) -> tuple[Pairs, Pairs]:
        """Duplicate and induction entries of rows ``start`` to ``stop``."""
        known = self._blocks.get((start, stop))
        if known is not None:
            return known
        earlier = self._ids[start:stop, None] == self._ids[None, : stop - 1]
        earlier &= np.arange(stop - 1) < np.arange(start, stop)[:, None]
        row, key = np.nonzero(earlier)
        pairs = self._visible(start, stop, row, key), self._visible(start, stop, row, key + 1)
        self._kept += sum(len(part.row) for part in pairs)
        if self._kept <= _KEPT_PAIRS:
            self._blocks[start, stop] = pairs
        return pairs

    def _visible(self, start: int, stop: int, row: NDArray[np.int64], key: NDArray[np.int64]) -> Pairs:
        seen = (key >= self._first[row + start]) & (key < self._stop[row + start])
        row, key = row[seen], key[seen]
        on_first, on_others = np.zeros((2, stop - start), np.bool_)
        on_first[row[key == 0]] = True
        on_others[row[key > 0]] = True
        return Pairs(row, key, on_first, on_others)


@lru_cache(maxsize=4)
def repeats_of(ids: tuple[int, ...], identity: tuple[int, bytes, bytes]) -> Repeats:
    """`Repeats` of a text under the support with this identity; the layers of one run share it."""
    return Repeats(ids, Support.from_identity(identity))
