"""Every statistic of a head but its dimension, from blocks of rows, in as few passes over the weights as they allow."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry import Support
from faa_core.heads.blocks import Block
from faa_core.heads.distance import mean_by_distance
from faa_core.heads.repeats import Repeats
from faa_core.heads.rest import Rest
from faa_core.heads.summary import Column, Columns, summarise
from faa_core.heads.sums import LEAST_MASS, SMOOTHING, PassSums, RowSums, row_weights, with_first, without_first
from faa_core.records import MapKind, status_code

SPARSE_BELOW = 0.01
"""Weights below this count as none in ``sparsity``, as in FAA 1.0.0."""

_OK = status_code("ok")


class StatisticsAccumulator:
    """Accumulates one layer.

    Sums over rows and blocks are float64, sums inside a row and a block float32.

    Args:
        kind: Positions of queries and keys belong to one text except in cross-attention, where the statistics that
            compare positions or tokens have no rows.
        heads: Number of heads.
        support: Visible keys.
        repeats: Repeated tokens of the text, or ``None`` where its tokens are not known.
        tolerance: Largest error of a row sum.
        learned_sink: Whether rows may sum to less than one.
    """

    def __init__(
        self,
        kind: MapKind,
        heads: int,
        support: Support,
        repeats: Repeats | None,
        tolerance: float,
        learned_sink: bool,
    ) -> None:
        self._kind = kind
        self._heads = heads
        self._queries = support.queries
        self._keys = support.keys
        self._repeats = repeats
        self._tolerance = tolerance
        self._learned_sink = learned_sink
        self._support = support
        self._first: NDArray[np.int64] = support.first.cpu().numpy()
        self._stop: NDArray[np.int64] = support.stop.cpu().numpy()
        self._device: torch.device | None = None
        self._rest: Rest | None = None
        self._covered = 0

    def _allocate(self, device: torch.device) -> None:
        self._device = device
        heads, queries = self._heads, self._queries
        first, stop = self._support.first.to(device), self._support.stop.to(device)
        self._sums = PassSums.empty(heads, first, stop, self._keys, self._repeats is not None)
        self._outside = torch.zeros(heads, queries, dtype=torch.float32, device=device)
        self._log_sum, self._sparse = torch.zeros(2, heads, dtype=torch.float64, device=device)

    def add(self, block: Block, scratch: torch.Tensor) -> None:
        """Take in the next block of rows.

        Args:
            block: Rows of all heads.
            scratch: float32 of the shape of ``block.visible``, contiguous; overwritten.
        """
        row, weights, low, high = block
        if self._device is None:
            self._allocate(weights.device)
        seen = block.visible
        self._covered += seen.shape[1] * seen.shape[2]
        self._add_outside(row, weights, low, high)
        if low == high:
            return
        torch.add(seen, SMOOTHING, out=scratch).log_()
        self._log_sum += scratch.sum((1, 2))
        rest = self._load(block)
        cells, rows = rest.cells, slice(row, row + weights.shape[1])
        sums = self._sums
        sums.plogp[:, rows] = scratch.mul_(cells).sum(-1)
        self._sparse += torch.lt(seen, SPARSE_BELOW, out=scratch).sum((1, 2))
        if low == 0:
            sums.on_first[:, rows] = weights[:, :, 0]
        sums.largest[:, rows] = cells.amax(-1)
        sums.norm[:, rows] = torch.linalg.vector_norm(cells, dim=-1)
        mass = cells.sum(-1)
        sums.mass[:, rows] = mass
        share = torch.stack((torch.ones_like(mass), row_weights(mass)), 1)
        sums.column[:, :, low:high] += torch.bmm(share, cells).transpose(0, 1)
        diagonals = torch.bmm(share, rest.diagonals).transpose(0, 1)
        start = self._queries - rows.stop + low
        sums.offset[:, :, start : start + diagonals.shape[2]] += diagonals
        self._add_repeats(rows, rest)

    def _load(self, block: Block) -> Rest:
        rows = block.weights.shape[1]
        if self._rest is None or self._rest.rows != rows:
            self._rest = Rest(self._heads, rows, self._keys, block.weights.device)
        self._rest.load(block)
        return self._rest

    def _add_repeats(self, rows: slice, rest: Rest) -> None:
        sums = self._sums
        if self._repeats is None or sums.repeats is None or self._kind == "cross":
            return
        for i, pairs in enumerate(self._repeats.block(rows.start, rows.stop)):
            if not len(pairs.row):
                continue
            # Key 0 is no part of the rest; where it is an entry, the row says so.
            sums.copies_first[rows] |= torch.from_numpy(pairs.on_first)
            sums.repeats[i, rows] |= torch.from_numpy(pairs.on_others)
            row, key = (torch.from_numpy(part).to(sums.mass.device) for part in (pairs.row, pairs.key))
            sums.repeat[i][:, rows].scatter_add_(1, row.expand(self._heads, -1), rest.entries(row, key))

    def _add_outside(self, row: int, weights: torch.Tensor, low: int, high: int) -> None:
        """Mass on keys that the rows may not see."""
        rows = weights.shape[1]
        first, stop = self._first[row : row + rows], self._stop[row : row + rows]
        total = self._outside[:, row : row + rows]
        for part in (weights[:, :, :low], weights[:, :, high:]):
            if part.shape[2]:
                total += part.sum(-1)
        # Between the columns that some rows see and the ones that all see, the edge of the support is ragged.
        inner, outer = min(max(int(first.max()), low), high), min(max(int(stop.min()), low), high)
        ragged = ((low, high),) if outer <= inner else ((low, inner), (outer, high))
        for start, end in ragged:
            if start < end:
                key = np.arange(start, end)
                hidden = torch.from_numpy((key < first[:, None]) | (key >= stop[:, None])).to(weights.device)
                total += (weights[:, :, start:end] * hidden).sum(-1)

    def validity(self) -> NDArray[np.uint8]:
        """uint8 [heads]: ``ok``, ``non_finite`` or ``not_row_stochastic``.

        A weight below -`SMOOTHING` makes the row's logarithm undefined, and so shows as well.
        """
        rows, outside = with_first(self._sums), self._outside
        finite = (torch.isfinite(rows.mass) & torch.isfinite(outside)).all(1)
        excess = torch.where(rows.counts, rows.mass - 1, 0.0)
        low = torch.where(rows.counts, -rows.mass, 0.0) if self._learned_sink else -excess
        fair = torch.maximum(torch.maximum(excess, low), outside.abs()).amax(1) <= self._tolerance
        fair &= torch.isfinite(rows.entropy).all(1)
        status = torch.where(fair, _OK, status_code("not_row_stochastic"))
        return torch.where(finite, status, status_code("non_finite")).cpu().numpy().astype(np.uint8)

    def finish(self, validity: NDArray[np.uint8]) -> dict[str, Column]:
        """Every statistic except ``D0`` and ``interpretability``, which need the dimension.

        Args:
            validity: uint8 [heads] from `validity`. Heads whose attention is not valid have NaN and the reason.
        """
        columns = Columns(validity)
        sums = with_first(self._sums)
        summarise(sums, self._kind, columns)
        self._put_first(sums, columns)
        self._put_matrix(sums, columns)
        return columns.finish()

    def finish_without_first(self, validity: NDArray[np.uint8]) -> dict[str, Column]:
        """The statistics that are defined without key 0, on renormalised rows; arguments as in `finish`."""
        columns = Columns(validity)
        summarise(without_first(self._sums), self._kind, columns)
        return columns.finish()

    def distances(self, validity: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """float64 [heads, bins]: see `mean_by_distance`; ``None`` in cross-attention, NaN for heads not valid."""
        if self._kind == "cross":
            return None
        mean = mean_by_distance(with_first(self._sums).offset.cpu().numpy(), self._first, self._stop)
        mean[validity != _OK] = np.nan
        return mean

    def _put_first(self, sums: RowSums, columns: Columns) -> None:
        """What only the rows as they are can say: where the mass goes that is left out of them otherwise."""
        rows = sums.counts.sum(1)
        mean = sums.counts / rows.clamp(min=1)[:, None]
        columns.put("first_token", (self._sums.on_first * mean).sum(1), rows > 0)
        columns.put("dormant_rows", ((self._sums.mass < LEAST_MASS) * mean).sum(1), rows > 0)
        columns.put("learned_sink", ((1 - sums.mass) * mean).sum(1), rows > 0)

    def _put_matrix(self, sums: RowSums, columns: Columns) -> None:
        entries = self._queries * self._keys
        hidden = entries - self._covered
        some = sums.counts.any(1)
        mass = sums.mass.sum(1) + entries * SMOOTHING
        log_sum = self._log_sum + hidden * float(np.log(SMOOTHING))
        entropy = mass.log() - (SMOOTHING * log_sum - sums.entropy.sum(1)) / mass
        columns.put("matrix_entropy", entropy, some)
        columns.put("uniformity", entropy.exp() / entries, some)
        columns.put("sparsity", (self._sparse + hidden) / entries)
