"""From sums over rows to the statistics of every head: those that are defined with the first key and without it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.heads.sums import RowSums
from faa_core.records import MapKind, status_code

Floats = NDArray[np.float64]

HEAVIEST_KEYS = 5
"""Number of columns in ``concentration``, as in FAA 1.0.0."""
SINK_ROWS = 0.25
"""Share of the rows that must see a key for it to be a sink; else the last key of an identity map would be one."""
WINDOWS = (1, 4, 16, 64, 256)
"""Distances in tokens of the local mass curve, ``local_1`` to ``local_256``."""

_OK = status_code("ok")


class Column(NamedTuple):
    """One statistic of every head.

    Attributes:
        value: float64 [heads]; NaN where undefined.
        status: uint8 [heads]: indices into `faa_core.records.STATUSES`.
    """

    value: Floats
    status: NDArray[np.uint8]


class Columns:
    """Statistics as they are found, on the device where they are.

    Args:
        validity: uint8 [heads]: heads whose attention is not valid have NaN and this status in every column.
    """

    def __init__(self, validity: NDArray[np.uint8]) -> None:
        self._validity = validity
        self._names: list[str] = []
        self._values: list[torch.Tensor] = []
        self._defined: list[torch.Tensor] = []
        self._reasons: list[int] = []

    def put(self, name: str, value: torch.Tensor, defined: torch.Tensor | None = None, reason: str = "no_rows") -> None:
        """Store a statistic.

        Args:
            name: Its key.
            value: [heads].
            defined: bool [heads]: where it is not, the value is NaN and the status ``reason``; by default it always is.
            reason: Name of a status.
        """
        self._names.append(name)
        self._values.append(value)
        self._defined.append(torch.ones_like(value, dtype=torch.bool) if defined is None else defined)
        self._reasons.append(status_code(reason))

    def finish(self) -> dict[str, Column]:
        """All of them by key."""
        value = torch.stack([value.double() for value in self._values]).cpu().numpy()
        defined = torch.stack(self._defined).cpu().numpy()
        status = np.where(defined, _OK, np.array(self._reasons, np.uint8)[:, None])
        status = np.where(self._validity != _OK, self._validity, status).astype(np.uint8)
        value = np.where(status == _OK, value, np.nan)
        return {name: Column(value[i], status[i]) for i, name in enumerate(self._names)}


def summarise(sums: RowSums, kind: MapKind, columns: Columns) -> None:
    """Put every statistic that rests on `RowSums` alone.

    Args:
        sums: Sums over rows.
        kind: Positions and tokens of queries and keys compare except in cross-attention.
        columns: Where to put them.
    """
    rows = sums.counts.sum(1)
    _focus(sums, rows, columns)
    _sink(sums, rows, columns)
    _position(sums, rows, kind, columns)
    _content(sums, columns)
    _matrix(sums, rows, columns)


def _mean(value: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    return value.sum(1) / rows.clamp(min=1)


def _focus(sums: RowSums, rows: torch.Tensor, columns: Columns) -> None:
    some = rows > 0
    counted = torch.where(sums.counts, sums.entropy, 0)
    entropy = _mean(counted, rows)
    columns.put("entropy", entropy, some)
    columns.put("effective_keys", entropy.exp(), some)
    length = sums.stop - sums.first
    choices = (sums.counts & (length >= 2)).sum(1)
    columns.put("normalised_entropy", _mean(counted / length.clamp(min=2).double().log(), choices), choices > 0)
    columns.put("confidence", _mean(torch.where(sums.counts, sums.largest, 0), rows), some)


def _sink(sums: RowSums, rows: torch.Tensor, columns: Columns) -> None:
    heads, keys = sums.column.shape
    # How many of the rows that count see each key: they begin to at `first` and cease to at `stop`.
    change = torch.zeros(heads, keys + 1, dtype=torch.float64, device=sums.column.device)
    counted = sums.counts.double()
    change.scatter_add_(1, sums.first.expand(heads, -1), counted)
    change.scatter_add_(1, sums.stop.expand(heads, -1), -counted)
    viewers = change.cumsum(1)[:, :keys]
    candidate = (viewers >= SINK_ROWS * rows[:, None]) & (viewers > 0)
    importance, position = torch.where(candidate, sums.column / viewers.clamp(min=1), -torch.inf).max(1)
    columns.put("sink", importance, candidate.any(1))
    columns.put("sink_position", position, candidate.any(1))


def _position(sums: RowSums, rows: torch.Tensor, kind: MapKind, columns: Columns) -> None:
    queries, device = len(sums.first), sums.offset.device
    # Mass up to each diagonal, after a nought: the diagonal j = i + k is at index queries - 1 + k of `offset`.
    until = torch.nn.functional.pad(sums.offset.cumsum(1), (1, 0))
    last = until.shape[1] - 1

    def mass(low: int, high: int) -> torch.Tensor:
        """float64 [heads]: on keys from ``low`` to ``high`` after their row's own."""
        start, stop = (min(max(queries - 1 + edge, 0), last) for edge in (low, high + 1))
        return until[:, stop] - until[:, start]

    def seeing(step: int) -> torch.Tensor:
        """int64 [heads]: rows that see the key ``step`` after their own."""
        key = torch.arange(queries, device=device) + step
        return (sums.counts & (key >= sums.first) & (key < sums.stop)).sum(1)

    one_text = torch.full_like(rows, kind != "cross", dtype=torch.bool)
    for name, step in (("previous_token", -1), ("current_token", 0), ("next_token", 1)):
        pairs = seeing(step)
        columns.put(name, mass(step, step) / pairs.clamp(min=1), (pairs > 0) & one_text)
    for window in WINDOWS:
        columns.put(f"local_{window}", mass(-window, window) / rows.clamp(min=1), (rows > 0) & one_text)
    total = until[:, last]
    some = total > 0
    distance = torch.arange(1 - queries, last - queries + 1, device=device, dtype=torch.float64).abs()
    columns.put("distance", sums.offset @ distance / total, some)
    columns.put("forward_flow", mass(1, last) / total, some)
    columns.put("backward_flow", mass(-queries, -1) / total, some)
    columns.put("self_attention", mass(0, 0) / total, some)


def _content(sums: RowSums, columns: Columns) -> None:
    none = torch.zeros_like(sums.counts[:, 0])
    for i, name in enumerate(("duplicate_token", "induction")):
        if sums.repeats is None:
            columns.put(name, torch.zeros_like(none), none, "not_measured")
            continue
        rows = (sums.counts & sums.repeats[i]).sum(1)
        columns.put(name, _mean(sums.repeat[i], rows), rows > 0)


def _matrix(sums: RowSums, rows: torch.Tensor, columns: Columns) -> None:
    heaviest = sums.column.topk(min(HEAVIEST_KEYS, sums.column.shape[1]), 1).values.sum(1)
    total = sums.column.sum(1)
    columns.put("concentration", heaviest / total, total > 0)
    # |A - 1 a^T|^2 = |A|^2 - n |a|^2, where a is the mean of the n rows.
    square = sums.square.sum(1)
    columns.put("column_collapse", sums.column.square().sum(1) / (rows * square), square > 0)
