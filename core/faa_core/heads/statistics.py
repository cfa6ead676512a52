"""Every statistic of a head but its dimension, from blocks of rows, in as few passes over the weights as they allow."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry import Support
from faa_core.heads.blocks import Block
from faa_core.heads.repeats import Repeats
from faa_core.records import MapKind, status_code

Floats = NDArray[np.float64]

SMOOTHING = 1e-10
"""Added to every weight before its logarithm is taken, as in FAA 1.0.0."""
SPARSE_BELOW = 0.01
"""Weights below this count as none in ``sparsity``, as in FAA 1.0.0."""
HEAVIEST_KEYS = 5
"""Number of columns in ``concentration``, as in FAA 1.0.0."""
SINK_ROWS = 0.25
"""Share of the rows that must see a key for it to be a sink; else the last key of an identity map would be one."""

_OK = status_code("ok")


class Column(NamedTuple):
    """One statistic of every head.

    Attributes:
        value: float64 [heads]; NaN where undefined.
        status: uint8 [heads]: indices into `faa_core.records.STATUSES`.
    """

    value: Floats
    status: NDArray[np.uint8]


class _Put(Protocol):
    """Stores a column; ``reason`` is the status of a statistic that no valid head has."""

    def __call__(self, name: str, value: Floats | float, reason: str = "") -> None: ...


class StatisticsAccumulator:
    """Accumulates one layer.

    Sums over rows and blocks are float64, sums inside a row of a block float32.

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
        self._first: NDArray[np.int64] = support.first.cpu().numpy()
        self._stop: NDArray[np.int64] = support.stop.cpu().numpy()
        self._ahead = bool((self._stop > np.arange(self._queries) + 1).any())
        self._device: torch.device | None = None

    def _allocate(self, device: torch.device) -> None:
        self._device = device
        heads, queries, keys = self._heads, self._queries, self._keys
        # The sum, the largest weight, the entropy and the mass outside the support of every row.
        rows = torch.zeros(4, heads, queries, dtype=torch.float32, device=device)
        self._row_sum, self._row_max, self._row_entropy, self._outside = rows
        self._column = torch.zeros(heads, keys, dtype=torch.float64, device=device)
        # The moment is sum A_ij |i - j|.
        sums = torch.zeros(4, heads, dtype=torch.float64, device=device)
        self._log_sum, self._sparse, self._ahead_mass, self._moment = sums
        self._diagonals = torch.zeros(3, heads, dtype=torch.float64, device=device)  # offsets -1, 0, 1
        self._repeat_mass = torch.zeros(2, heads, dtype=torch.float64, device=device)
        self._repeat_rows = np.zeros(2, np.int64)
        self._covered = 0

    def add(self, block: Block, scratch: torch.Tensor) -> None:
        """Take in the next block of rows.

        Args:
            block: Rows of all heads.
            scratch: float32 of the shape of ``block.visible``, contiguous; overwritten.
        """
        row, weights, low, high = block
        if self._device is None:
            self._allocate(weights.device)
        stop = row + weights.shape[1]
        rows = slice(row, stop)
        seen = block.visible
        self._covered += seen.shape[1] * seen.shape[2]
        self._add_outside(row, weights, low, high)
        if low == high:
            return

        torch.add(seen, SMOOTHING, out=scratch).log_()
        self._log_sum += scratch.sum((1, 2))
        self._row_entropy[:, rows] = -scratch.mul_(seen).sum(-1)
        self._sparse += torch.lt(seen, SPARSE_BELOW, out=scratch).sum((1, 2))
        self._row_max[:, rows] = seen.amax(-1)
        row_sum = seen.sum(-1)
        column = seen.sum(1)
        self._row_sum[:, rows] = row_sum
        self._column[:, low:high] += column
        self._add_positions(row, weights, low, high, row_sum, column)
        if self._repeats is not None and self._kind != "cross":
            for i, pairs in enumerate(self._repeats.block(row, stop)):
                if pairs.rows:
                    entry = torch.from_numpy(pairs.row * self._keys + pairs.key).to(weights.device)
                    self._repeat_mass[i] += weights.flatten(1)[:, entry].sum(1, dtype=torch.float64)
                    self._repeat_rows[i] += pairs.rows

    def _add_positions(
        self, row: int, weights: torch.Tensor, low: int, high: int, row_sum: torch.Tensor, column: torch.Tensor
    ) -> None:
        rows, keys = weights.shape[1:]
        for i, offset in enumerate((-1, 0, 1)):
            # Offset of the diagonal inside the block, whose row 0 is row `row` of the map.
            if -rows < row + offset < keys:
                diagonal = torch.diagonal(weights, row + offset, 1, 2)
                self._diagonals[i] += diagonal.sum(1, dtype=torch.float64)
        # Positions are counted from the block's first row: the same differences from smaller terms.
        here = torch.arange(rows, device=weights.device, dtype=torch.float64)
        there = torch.arange(low, high, device=weights.device, dtype=torch.float64) - row
        self._moment += row_sum.double() @ here - column.double() @ there
        if not self._ahead:
            return
        edge = min(max(row + rows, low), high)  # from here on every key is ahead of every row of the block
        right = weights[:, :, edge:high]
        right_sum = right.sum(-1).double()
        self._ahead_mass += right_sum.sum(1)
        self._moment += 2 * (column[:, edge - low :].double() @ there[edge - low :] - right_sum @ here)
        near = weights[:, :, max(row, low) : edge]
        if near.shape[2]:
            ahead = (there[max(row, low) - low : edge - low] - here[:, None]).clamp_(min=0).float()
            self._ahead_mass += (near * (ahead > 0)).sum((1, 2), dtype=torch.float64)
            self._moment += 2 * (near * ahead).sum((1, 2), dtype=torch.float64)

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
        sums, outside = self._row_sum, self._outside
        finite = (torch.isfinite(sums) & torch.isfinite(outside) & torch.isfinite(self._row_max)).all(1)
        sees = torch.from_numpy(self._stop > self._first).to(sums.device)
        excess = torch.where(sees, sums - 1, 0.0)
        low = torch.where(sees, -sums, 0.0) if self._learned_sink else -excess
        fair = torch.maximum(torch.maximum(excess, low), outside.abs()).amax(1) <= self._tolerance
        fair &= torch.isfinite(self._row_entropy).all(1)
        status = torch.where(fair, _OK, status_code("not_row_stochastic"))
        return torch.where(finite, status, status_code("non_finite")).cpu().numpy().astype(np.uint8)

    def finish(self, validity: NDArray[np.uint8]) -> dict[str, Column]:
        """Every statistic except ``D0`` and ``interpretability``, which need the dimension.

        Args:
            validity: uint8 [heads] from `validity`. Heads whose attention is not valid have NaN and the reason.
        """
        bad = validity != _OK
        columns: dict[str, Column] = {}

        def put(name: str, value: Floats | float, reason: str = "") -> None:
            undefined = bad | bool(reason)
            status = np.where(bad, validity, status_code(reason or "ok")).astype(np.uint8)
            columns[name] = Column(np.where(undefined, np.nan, value), status)

        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            self._put_rows(put)
            self._put_positions(put)
            self._put_matrix(put)
        return columns

    def _put_rows(self, put: _Put) -> None:
        length = self._stop - self._first
        seeing = length > 0
        rows = int(seeing.sum())
        none = "" if rows else "no_rows"
        entropy, largest, sums = (
            part.double().cpu().numpy()[:, seeing] for part in (self._row_entropy, self._row_max, self._row_sum)
        )
        # The smoothing can push a one-hot row's entropy a rounding error below zero.
        entropy = np.maximum(entropy, 0.0) if rows else entropy
        mean = entropy.sum(1) / max(rows, 1)
        put("entropy", mean, none)
        put("effective_keys", np.exp(mean), none)
        several = length[seeing] >= 2
        choices = max(int(several.sum()), 1)
        normalised = (entropy[:, several] / np.log(length[seeing][several])).sum(1) / choices
        put("normalised_entropy", normalised, "" if several.any() else "no_rows")
        put("confidence", largest.sum(1) / max(rows, 1), none)
        put("learned_sink", (1 - sums).sum(1) / max(rows, 1), none)

        column = self._column.cpu().numpy()
        put("first_token", column[:, 0] / max(rows, 1), none)
        begins = np.bincount(self._first[seeing], minlength=self._keys + 1)
        ends = np.bincount(self._stop[seeing], minlength=self._keys + 1)
        viewers = (begins - ends).cumsum()[: self._keys]
        candidates = np.flatnonzero((viewers >= SINK_ROWS * rows) & (viewers > 0))
        if len(candidates):
            importance = column[:, candidates] / viewers[candidates]
            put("sink", importance.max(1))
            put("sink_position", candidates[importance.argmax(1)].astype(np.float64))
        else:
            put("sink", np.nan, "no_rows")
            put("sink_position", np.nan, "no_rows")

    def _put_positions(self, put: _Put) -> None:
        diagonals = self._diagonals.cpu().numpy()
        position = np.arange(self._queries)
        for i, (name, offset) in enumerate((("previous_token", -1), ("current_token", 0), ("next_token", 1))):
            key = position + offset
            rows = int(((key >= self._first) & (key < self._stop)).sum()) if self._kind != "cross" else 0
            put(name, diagonals[i] / max(rows, 1), "" if rows else "no_rows")
        total = self._row_sum.double().sum(1).cpu().numpy()
        put("distance", self._moment.cpu().numpy() / total, "" if (self._stop > self._first).any() else "no_rows")

        mass = self._repeat_mass.cpu().numpy()
        for i, name in enumerate(("duplicate_token", "induction")):
            reason = "not_measured" if self._repeats is None else "" if self._repeat_rows[i] else "no_rows"
            put(name, mass[i] / max(int(self._repeat_rows[i]), 1), reason)

    def _put_matrix(self, put: _Put) -> None:
        entries = self._queries * self._keys
        hidden = entries - self._covered
        total = self._row_sum.double().sum(1).cpu().numpy()
        none = "" if (self._stop > self._first).any() else "no_rows"
        mass = total + entries * SMOOTHING
        weighted_log = -self._row_entropy.double().sum(1).cpu().numpy()
        log_sum = self._log_sum.cpu().numpy() + hidden * np.log(SMOOTHING)
        entropy = np.log(mass) - (weighted_log + SMOOTHING * log_sum) / mass
        put("matrix_entropy", entropy, none)
        put("uniformity", np.exp(entropy) / entries, none)
        put("sparsity", (self._sparse.cpu().numpy() + hidden) / entries)
        column = np.sort(self._column.cpu().numpy(), axis=1)
        put("concentration", column[:, -HEAVIEST_KEYS:].sum(1) / column.sum(1), none)
        on, ahead = self._diagonals[1].cpu().numpy(), self._ahead_mass.cpu().numpy()
        put("forward_flow", ahead / total, none)
        put("backward_flow", (total - on - ahead) / total, none)
        put("self_attention", on / total, none)
