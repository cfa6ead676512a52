"""Masses of a measure on a square grid: with every row unfolded by what it sees, or as the matrix stands.

On the matrix as it stands even causal attention looks multifractal, D_q = q / (q - 1) for q > 2, because short rows
are heavy: the mask is measured, not the head. Unfolding stretches the visible keys of every row onto [0, 1], which
makes even attention the even measure under any support.

The mass of every box is a sum of weights, each times the part of it that lies in the box. Nothing is subtracted, so a
light box beside heavy ones keeps its digits, in float32 too, and is zero only if it is empty.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import embedding_bag, pad

from faa_core.geometry.matrices import Matrices
from faa_core.geometry.pyramid import ALIGN
from faa_core.geometry.support import Support

FINEST_BOX = 4
"""Smallest side of a box, in tokens."""

_TERNARY = 243  # the smallest power of three whose grid of powers of three has four scales
_HEADS_AT_A_TIME = 16  # whose float32 weights of one key fill a cache line
_STRIPS_KEPT = 64
_ENTRIES_KEPT = 1 << 19  # of one strip, so that all that are kept stay below 256 MiB


class Masses(NamedTuple):
    """A batch of measures on their finest grid.

    Attributes:
        finest: float64 [batch, boxes, boxes]: mass of each box, of sum 1; zero for a measure without mass.
        side: Tokens along the shorter side of the grid.
    """

    finest: torch.Tensor
    side: int


def finest_boxes(queries: int, keys: int, base: int = 2) -> int:
    """Boxes to a side of the finest grid: the largest power of the base at most a quarter of the shorter side."""
    boxes = 1
    while boxes * base * FINEST_BOX <= min(queries, keys):
        boxes *= base
    return boxes


def natural_base(queries: int, keys: int) -> int:
    """3 for a square whose side is a power of three, 243 or more, which sets built on thirds ask for; else 2."""
    return 3 if queries == keys and queries >= _TERNARY and 3**40 % queries == 0 else 2


def boxes_per_side(finest: int) -> list[int]:
    """Boxes to a side of all grids, finest first; ``finest`` is a power of two or of three, the last is 1."""
    base = 3 if finest % 3 == 0 else 2
    boxes = [finest]
    while boxes[-1] > 1:
        boxes.append(boxes[-1] // base)
    return boxes


def masses_of(matrices: Matrices, unfold: bool) -> Masses:
    """Masses of a batch, in the coordinates of `UnfoldedMassStream` or on the matrix as it stands.

    Unfolded grids are powers of two at every length, so that texts compare. As it stands, n rows and m keys share [0,
    1] evenly on their axis, whoever sees them. Borders that divide a pixel divide its mass. Rounding them to whole
    pixels instead costs more than twice the largest error on cascades whose side is no power of their base, and even
    weights would no longer have dimension 2.
    """
    _, n, m = matrices.weights.shape
    heads = len(matrices.weights)
    if unfold:
        stream = UnfoldedMassStream(heads, matrices.support)
    else:
        stream = UnfoldedMassStream(heads, Support.full(n, m), natural_base(n, m))
    stream.add(0, matrices.weights)
    return stream.finish()


def even_masses(support: Support, unfold: bool) -> Masses:
    """Masses of attention that is even over what each row sees, a batch of one: the null of every measure."""
    weights = support.mask().to(torch.float64) / support.lengths.clamp(min=1)[:, None]
    return masses_of(Matrices(weights[None], support, (), np.ones(1, bool)), unfold)


class UnfoldedMassStream:
    """Masses of many heads in unfolded coordinates, from aligned strips of rows, without the matrix.

    The rows that see something share [0, 1] evenly, in their order; the visible keys of each of them share [0, 1]
    evenly. Where a border of the grid divides a row or a key, its weight is divided in the same proportion. Rows and
    keys that nobody sees, such as padding, change nothing.

    Where a row sees fewer keys than there are boxes, a box is finer than a key, and the row is even inside it.

    Args:
        heads: Number of heads, or of matrices.
        support: Visible keys.
        base: Ratio between neighbouring grids, 2 or 3.

    Attributes:
        side: The smaller of the number of rows that see something and the number of keys from the first to the last
            that is seen.
        boxes: Boxes to a side of the finest grid.
    """

    def __init__(self, heads: int, support: Support, base: int = 2) -> None:
        support = support.to("cpu")
        self._heads = heads
        self._rows = support.queries
        self._identity = support.identity
        seeing = support.lengths > 0
        rows = int(seeing.sum())
        keys = int(support.stop[seeing].max() - support.first[seeing].min()) if rows else 0
        self.side = min(rows, keys)
        self.boxes = finest_boxes(rows, keys, base)
        self._finest: torch.Tensor | None = None

    def add(self, row: int, weights: torch.Tensor, column: int = 0) -> None:
        """Take in a strip of rows; keys that it leaves out have weight 0.

        Args:
            row: First row, a multiple of 64.
            weights: float32 or float64 [heads, rows, keys], zero outside of the support: any number of whole bands of
                64 rows, or the last rows of the matrix. Left as it is and not kept.
            column: Key of the first column.

        Raises:
            ValueError: The strip is not aligned, leaves the matrix or has another number of heads.
        """
        heads, rows, columns = weights.shape
        stop = row + rows
        if row % ALIGN or stop > self._rows or (stop % ALIGN and stop != self._rows) or heads != self._heads:
            raise ValueError(
                f"A strip {tuple(weights.shape)} at row {row} is no aligned strip of {self._heads} maps of "
                f"{self._rows} rows."
            )
        if self._finest is None:
            shape = (self.boxes * self.boxes, heads)
            self._finest = torch.zeros(shape, dtype=torch.float64, device=weights.device)
        for start in range(row, stop, ALIGN):
            parts = _parts_of(self._identity, start, self.boxes, weights.dtype, str(weights.device))
            if parts is None:
                continue
            band = weights[:, start - row : start - row + ALIGN]
            low, high = parts.low - column, parts.high - column
            if low < 0 or high > columns:
                band = pad(band, (max(-low, 0), max(high - columns, 0)))
                high += max(-low, 0)
                low = max(low, 0)
            band = band[..., low:high]
            for part in range(0, heads, _HEADS_AT_A_TIME):
                some = slice(part, part + _HEADS_AT_A_TIME)
                # Heads last: one weight of the sparse sum then serves all of them, side by side in memory.
                table = band[some].permute(1, 2, 0).reshape(-1, len(band[some]))
                masses = embedding_bag(
                    parts.cell,
                    table,
                    parts.offset,
                    mode="sum",
                    per_sample_weights=parts.share,
                    include_last_offset=True,
                )
                self._finest[parts.box : parts.box + len(masses), some] += masses

    def finish(self) -> Masses:
        """Masses of all heads; zero where nothing was added."""
        finest = torch.zeros(self.boxes**2, self._heads, dtype=torch.float64) if self._finest is None else self._finest
        return Masses(_normalised(finest.t().reshape(self._heads, self.boxes, self.boxes)), self.side)


class RowBands(NamedTuple):
    """Which bands of the grid each row lies in; a row that a border divides appears twice.

    Attributes:
        row: int64 [pieces], ascending: rows of the matrix.
        band: int64 [pieces], ascending: bands of the grid, from 0.
        share: int64 [pieces]: part of the row that lies in the band, in units of 1 / boxes.
    """

    row: torch.Tensor
    band: torch.Tensor
    share: torch.Tensor


def row_bands(seeing: torch.Tensor, boxes: int) -> RowBands:
    """The rows that see something, spread evenly over the bands of the grid.

    Args:
        seeing: bool [rows].
        boxes: Bands of the grid, at most as many as rows that see something.
    """
    row = seeing.nonzero()[:, 0]
    rows = len(row)
    # In units of 1 / (rows * boxes) all borders are whole numbers.
    low = torch.arange(rows) * boxes
    band = low // max(rows, 1)
    inside = torch.minimum((band + 1) * rows - low, torch.tensor(boxes))
    pieces = torch.stack([inside, boxes - inside], dim=1)
    kept = pieces > 0
    return RowBands(row[:, None].expand(-1, 2)[kept], torch.stack([band, band + 1], dim=1)[kept], pieces[kept])


def row_edges(length: torch.Tensor, boxes: int) -> torch.Tensor:
    """int64 [rows, boxes + 1]: borders of the bins of each row, in units of 1 / boxes keys from its first visible key.

    A border ``e`` lies in key ``e // boxes`` and leaves the part ``e % boxes / boxes`` of it to the left.

    Args:
        length: int64 [rows]: keys that each row sees.
        boxes: Bins of a row.
    """
    return length[:, None] * torch.arange(boxes + 1)


class _Parts(NamedTuple):
    """The parts of the weights of one strip that make up each box: a sparse matrix in rows, one row for each box."""

    low: int  # first visible key of the strip
    high: int  # one past the last
    box: int  # first of the boxes, which follow each other
    cell: torch.Tensor  # int32 [entries]: index into the strip, rows x (high - low)
    share: torch.Tensor  # [entries]: part of the cell's weight
    offset: torch.Tensor  # int32 [boxes + 1]: where the entries of each box start


def _parts_of(
    identity: tuple[int, bytes, bytes], start: int, boxes: int, dtype: torch.dtype, device: str
) -> _Parts | None:
    """The parts of the strip of `ALIGN` rows at ``start``; None where it sees nothing.

    They are the same for all layers of a text, so they are kept, but only where that takes little memory.
    """
    build = _kept_parts if ALIGN * (identity[0] + 2 * boxes) <= _ENTRIES_KEPT else _kept_parts.__wrapped__
    return build(identity, start, boxes, dtype, device)


@lru_cache(maxsize=_STRIPS_KEPT)
def _kept_parts(
    identity: tuple[int, bytes, bytes], start: int, boxes: int, dtype: torch.dtype, device: str
) -> _Parts | None:
    support = Support.from_identity(identity)
    pieces = row_bands(support.lengths > 0, boxes)
    first, stop = torch.searchsorted(pieces.row, torch.tensor([start, start + ALIGN])).tolist()
    if first == stop:
        return None
    row, band, share = (values[first:stop] for values in pieces)
    low, high = int(support.first[row].min()), int(support.stop[row].max())

    edges = row_edges(support.lengths[row], boxes)
    left, right = edges[:, :-1], edges[:, 1:]
    key, last_key = left // boxes, (right - 1) // boxes
    cell = ((row - start) * (high - low) + support.first[row] - low)[:, None] + key
    count = last_key - key + 1
    head = torch.minimum((key + 1) * boxes, right) - left
    # A bin inside a single key has that part twice; the last write below is the head's.
    tail = right - last_key * boxes

    # From [piece, bin] to the order of the boxes, [band, bin, piece of the band].
    _, size = torch.unique_consecutive(band, return_counts=True)
    before = size.cumsum(0) - size
    of_piece = before.repeat_interleave(size)
    place = of_piece * boxes + torch.arange(len(row)) - of_piece
    place = place[:, None] + torch.arange(boxes) * size.repeat_interleave(size)[:, None]
    order = torch.empty(place.numel(), dtype=torch.int64)
    order[place.view(-1)] = torch.arange(place.numel())
    count, cell, head, tail = (values.reshape(-1)[order] for values in (count, cell, head, tail))
    whole = share[:, None].expand(-1, boxes).reshape(-1)[order]

    end = count.cumsum(0)
    begin = end - count
    entries = int(end[-1])
    cells = torch.arange(entries) + (cell - begin).repeat_interleave(count)
    # In units of 1 / boxes^2 all shares are whole numbers.
    shares = (whole * boxes).repeat_interleave(count)
    shares[end - 1] = whole * tail
    shares[begin] = whole * head
    box = (before[:, None] * boxes + torch.arange(boxes) * size[:, None]).view(-1)
    offset = torch.cat([begin[box], end[-1:]])
    return _Parts(
        low,
        high,
        int(band[0]) * boxes,
        cells.to(device, torch.int32),
        (shares.to(torch.float64) / boxes**2).to(device, dtype),
        offset.to(device, torch.int32),
    )


def _normalised(masses: torch.Tensor) -> torch.Tensor:
    total = masses.sum((-2, -1), keepdim=True)
    return masses / torch.where(total == 0, torch.ones_like(total), total)


__all__ = [
    "FINEST_BOX",
    "Masses",
    "RowBands",
    "UnfoldedMassStream",
    "boxes_per_side",
    "even_masses",
    "finest_boxes",
    "masses_of",
    "row_bands",
    "row_edges",
]
