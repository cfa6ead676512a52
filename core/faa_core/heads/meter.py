"""Measures one layer: strips of attention in, one record out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.catalogue import RUN_KEYS
from faa_core.geometry import Support
from faa_core.geometry.box_counter import THRESHOLDS, UNIT
from faa_core.geometry.pyramid import ALIGN
from faa_core.geometry.scaling import box_sizes, size_regressor
from faa_core.heads.blocks import Blocks
from faa_core.heads.distance import bin_starts
from faa_core.heads.labels import Scores, label
from faa_core.heads.measurement import MeasuredLayer, Measurement, UniformLayer, ids_of, uniform_layer
from faa_core.heads.overview import Overview
from faa_core.heads.summary import Column
from faa_core.records import (
    CORNER,
    DIMENSION_ORDERS,
    BoxCounts,
    DistanceProfile,
    LayerInfo,
    LayerResult,
    RenyiSpectrum,
    Statistics,
    status_code,
)


class LayerMeter:
    """Every statistic, dimension and label of one layer, from strips of its attention.

    Args:
        info: The layer.
        support: Visible keys; weights of all others are zero.
        query_ids: Token ids of the rows; empty where they are not known.
        key_ids: Token ids of the columns; empty where they are not known.
        tolerance: Largest error of a row sum: 1e-3 suits float32, 1e-2 models that compute in half precision.

    Attributes:
        kept_levels: After `finish`: level of the max pyramid of the weights to float16 [heads, ceil(queries / 2^l),
            ceil(keys / 2^l)] on the CPU, for the levels whose longer side is at most 512.

    Raises:
        ValueError: The token ids do not fit the map.
    """

    def __init__(
        self,
        info: LayerInfo,
        support: Support,
        query_ids: Sequence[int],
        key_ids: Sequence[int],
        *,
        tolerance: float = 1e-3,
    ) -> None:
        for name, ids, side in (("query", query_ids, support.queries), ("key", key_ids, support.keys)):
            if ids and len(ids) != side:
                raise ValueError(f"Layer {info.name} has {len(ids)} {name} ids for {side} positions.")
        self._info = info
        self._support = support
        self._ids = ids_of(info.kind, query_ids, key_ids)
        self._measurement = Measurement(info.kind, info.heads, support, self._ids, tolerance, info.learned_sink)
        self._blocks = Blocks(support)
        self._overview = Overview(info.heads, support.queries, support.keys)
        self._next_row = 0
        self._corner: torch.Tensor | None = None
        self._device = "cpu"
        self.kept_levels: dict[int, torch.Tensor] = {}

    def add(self, row: int, weights: torch.Tensor) -> None:
        """Take in the next strip.

        Args:
            row: First row of the strip.
            weights: float32 [heads, rows, keys] on any device, left as it is and not kept. Every strip but the last
                has a multiple of 64 rows.

        Raises:
            ValueError: The strip does not continue the map, or has another shape.
        """
        heads, rows, keys = weights.shape
        expected = (self._info.heads, self._support.keys)
        if row != self._next_row or row % ALIGN or (heads, keys) != expected or row + rows > self._support.queries:
            raise ValueError(
                f"Layer {self._info.name}: a strip {tuple(weights.shape)} at row {row} does not continue "
                f"{expected[0]} maps of {self._support.queries} x {expected[1]} at row {self._next_row}."
            )
        self._next_row = row + rows
        if row == 0 and self._info.kind != "cross":
            self._corner = weights[:, :CORNER, :CORNER].to(torch.float16, copy=True)
        self._device = str(weights.device)
        for block in self._blocks.of(row, weights):
            self._measurement.add(block)
            self._overview.add(block)

    def finish(self) -> LayerResult:
        """Results of the whole layer.

        Raises:
            ValueError: Rows are missing.
        """
        if self._next_row != self._support.queries or not self._next_row:
            raise ValueError(f"Layer {self._info.name} ended at row {self._next_row} of {self._support.queries}.")
        measured = self._measurement.finish()
        null = uniform_layer(self._info.kind, self._support.identity, self._ids, self._device)
        self.kept_levels = self._overview.finish()
        statistics, without_first = _statistics(measured, null), _without_first(measured, null)
        return LayerResult(
            info=self._info,
            queries=self._support.queries,
            keys=self._support.keys,
            first_key=self._support.first.cpu().numpy().astype(np.int32),
            stop_key=self._support.stop.cpu().numpy().astype(np.int32),
            statistics=statistics,
            labels=tuple(
                label(Scores.of(statistics, head), Scores.of(without_first, head), self._info.kind)
                for head in range(self._info.heads)
            ),
            boxes=self._box_counts(measured, null),
            without_first=without_first,
            spectrum=_spectrum(measured.spectrum),
            corner=None if self._corner is None else self._corner.cpu().numpy(),
            distance=_distance(measured, null),
        )

    def _box_counts(self, measured: MeasuredLayer, null: UniformLayer) -> BoxCounts:
        sizes = box_sizes(self._support.queries, self._support.keys)
        fit = measured.fit
        return BoxCounts(
            sizes=sizes,
            regressor=size_regressor(sizes, self._support.queries, self._support.keys),
            counts=np.ascontiguousarray(measured.counts[:, UNIT]),
            null_counts=null.counts.copy(),
            first=fit.first,
            last=fit.last,
            intercept=as_precise_as_weights(fit.intercept),
            effective=as_precise_as_weights(fit.effective),
            thresholds=THRESHOLDS.copy(),
            dimensions=as_precise_as_weights(measured.curve),
        )


def as_precise_as_weights(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers to the precision of float32, in float64.

    They are made of float32 weights and hold no more than that; what lies beyond depends on the processor, and would
    be half of the bytes that a worker sends.
    """
    return numbers.astype(np.float32).astype(np.float64)


def _spectrum(exact: RenyiSpectrum) -> RenyiSpectrum:
    rounded = {name: as_precise_as_weights(getattr(exact, name)) for name in ("curves", "effective", "error")}
    return msgspec.structs.replace(exact, **rounded)


def _distance(measured: MeasuredLayer, null: UniformLayer) -> DistanceProfile | None:
    mean, even = measured.distances, null.distances
    if mean is None or even is None:
        return None
    return DistanceProfile(bin_starts(mean.shape[1]), mean.astype(np.float32), even.astype(np.float32))


def _statistics(measured: MeasuredLayer, null: UniformLayer) -> Statistics:
    fit, validity = measured.fit, measured.validity
    valid = validity == status_code("ok")
    dimension = Column(fit.value, np.where(valid, fit.status, validity).astype(np.uint8))
    columns = measured.columns | {"D0": dimension}
    values = null.values | {"D0": null.dimension}
    columns["interpretability"] = Column(
        _interpretability({name: columns[name].value for name in _INTERPRETED}), dimension.status
    )
    values["interpretability"] = float(_interpretability({name: np.float64(values[name]) for name in _INTERPRETED}))

    table = _table(RUN_KEYS, columns, values)
    table.error[RUN_KEYS.index("D0")] = as_precise_as_weights(fit.error)
    for name, order in DIMENSION_ORDERS.items():
        at = measured.spectrum.q.tolist().index(order)
        table.error[RUN_KEYS.index(name)] = as_precise_as_weights(measured.spectrum.error[:, at])
    return table


def _without_first(measured: MeasuredLayer, null: UniformLayer) -> Statistics:
    names = tuple(name for name in RUN_KEYS if name in measured.without_first)
    return _table(names, measured.without_first, null.without_first)


def _table(names: tuple[str, ...], columns: Mapping[str, Column], null: Mapping[str, float]) -> Statistics:
    value = np.stack([columns[name].value for name in names])
    return Statistics(
        names=names,
        value=as_precise_as_weights(value),
        null=as_precise_as_weights(np.repeat([[null[name]] for name in names], value.shape[1], axis=1)),
        error=np.full_like(value, np.nan),
        status=np.stack([columns[name].status for name in names]),
    )


_INTERPRETED = ("sparsity", "concentration", "uniformity", "D0")


def _interpretability(of: dict[str, NDArray[np.float64]] | dict[str, np.float64]) -> NDArray[np.float64]:
    """The composite score of FAA 1.0.0, with this package's dimension; NaN where that is undefined."""
    closeness = np.clip(1 - np.abs(of["D0"] - 2) / 2, 0, 1)
    score = 0.3 * of["sparsity"] + 0.3 * of["concentration"] + 0.2 * (1 - of["uniformity"]) + 0.2 * closeness
    return np.asarray(score, dtype=np.float64)
