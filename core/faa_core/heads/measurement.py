"""One pass over a layer's rows, head by head or for the even attention that is every head's null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry import Support
from faa_core.geometry.box_counter import UNIT, BoxCounter
from faa_core.geometry.scaling import Floats, ScalingFit, box_sizes, effective_dimensions, fit_counts
from faa_core.geometry.unfolding import UnfoldedMassStream
from faa_core.heads.blocks import Block, Blocks
from faa_core.heads.repeats import repeats_of
from faa_core.heads.spectra import spectrum_of
from faa_core.heads.statistics import StatisticsAccumulator
from faa_core.heads.summary import Column
from faa_core.records import MapKind, RenyiSpectrum, status_code

_OK = status_code("ok")


class Measurement:
    """Statistics and box counts of one layer.

    Args:
        kind: Kind of maps.
        heads: Number of heads.
        support: Visible keys.
        ids: Token ids of the text on both axes, () in cross-attention, ``None`` where they are not known.
        tolerance: Largest error of a row sum.
        learned_sink: Whether rows may sum to less than one.
    """

    def __init__(
        self,
        kind: MapKind,
        heads: int,
        support: Support,
        ids: tuple[int, ...] | None,
        tolerance: float,
        learned_sink: bool,
    ) -> None:
        repeats = None if ids is None else repeats_of(ids, support.identity)
        self._statistics = StatisticsAccumulator(kind, heads, support, repeats, tolerance, learned_sink)
        self._boxes = BoxCounter(heads, support.queries, support.keys)
        self._masses = UnfoldedMassStream(heads, support)
        self._lengths = support.lengths
        self._shape = (support.queries, support.keys)
        self._scratch: torch.Tensor | None = None

    def add(self, block: Block) -> None:
        """Take in the next block of rows."""
        visible = block.visible
        if self._scratch is None or self._scratch.numel() < visible.numel():
            self._scratch = torch.empty(visible.numel(), dtype=torch.float32, device=visible.device)
        scratch = self._scratch[: visible.numel()].view(visible.shape)
        self._statistics.add(block, scratch)
        if visible.numel():
            self._masses.add(block.row, visible, block.low)
            lengths = self._lengths[block.row : block.row + visible.shape[1], None]
            torch.mul(visible, lengths.to(visible.device, torch.float32), out=scratch)
            self._boxes.add(block.row, scratch, block.low)

    def finish(self) -> MeasuredLayer:
        """Everything that was measured; call it once, after the last row."""
        validity = self._statistics.validity()
        columns = self._statistics.finish(validity)
        without_first = self._statistics.finish_without_first(validity)
        counts = self._boxes.finish()
        counts[validity != _OK] = 0
        sizes = box_sizes(*self._shape)
        fit = fit_counts(sizes, counts[:, UNIT], *self._shape)
        curve = effective_dimensions(sizes, counts, *self._shape)
        spectrum = spectrum_of(self._masses.finish(), validity)
        return MeasuredLayer(
            columns | spectrum.columns,
            without_first,
            validity,
            counts,
            fit,
            curve,
            spectrum.record,
            self._statistics.distances(validity),
        )


@dataclass(frozen=True, eq=False)
class MeasuredLayer:
    """What one pass yields.

    Attributes:
        columns: Statistics by key, without ``D0`` and ``interpretability``.
        without_first: Those that are defined without the first key, by key.
        validity: uint8 [heads]: whether the attention of each head is valid.
        counts: int64 [heads, thresholds, sizes]: box counts; zero for heads that are not valid.
        fit: Dimension of each head at lift 1.
        curve: float64 [heads, thresholds]: effective dimensions.
        spectrum: Renyi dimensions of each head.
        distances: float64 [heads, bins]: mean weight by distance; ``None`` in cross-attention.
    """

    columns: dict[str, Column]
    without_first: dict[str, Column]
    validity: NDArray[np.uint8]
    counts: NDArray[np.int64]
    fit: ScalingFit
    curve: Floats
    spectrum: RenyiSpectrum
    distances: Floats | None


@dataclass(frozen=True, eq=False)
class UniformLayer:
    """The null of every number: what attention that is even over the visible keys has.

    Attributes:
        values: Statistics by key, without ``D0`` and ``interpretability``.
        without_first: Those that are defined without the first key, by key.
        counts: int64 [sizes]: boxes that hold a visible cell.
        dimension: Their dimension; NaN where too few sizes fit.
        distances: float64 [bins]: mean weight by distance; ``None`` in cross-attention.
    """

    values: dict[str, float]
    without_first: dict[str, float]
    counts: NDArray[np.int64]
    dimension: float
    distances: Floats | None


@lru_cache(maxsize=16)
def uniform_layer(
    kind: MapKind, identity: tuple[int, bytes, bytes], ids: tuple[int, ...] | None, device: str
) -> UniformLayer:
    """Measure even attention under the support with this identity, as one head, in strips.

    It depends on the support and the text alone, so the layers of a run share it.
    """
    support = Support.from_identity(identity)
    measurement = Measurement(kind, 1, support, ids, tolerance=1e-3, learned_sink=False)
    blocks = Blocks(support)
    step = Blocks.rows_of(1, support.keys, torch.device(device).type)
    for row in range(0, support.queries, step):
        strip = support.rows(row, min(row + step, support.queries)).uniform(device)
        for block in blocks.of(row, strip[None]):
            measurement.add(block)
    measured = measurement.finish()
    # Every visible cell has lift 1 up to rounding: the set just below 1 is the support.
    counts = measured.counts[0, UNIT - 1].copy()
    counts[0] = int(support.lengths.sum())
    fit = fit_counts(box_sizes(support.queries, support.keys), counts, support.queries, support.keys)
    values, without_first = (
        {name: float(column.value[0]) for name, column in columns.items()}
        for columns in (measured.columns, measured.without_first)
    )
    distances = None if measured.distances is None else measured.distances[0]
    return UniformLayer(values, without_first, counts, float(fit.effective), distances)


def ids_of(kind: MapKind, query_ids: Sequence[int], key_ids: Sequence[int]) -> tuple[int, ...] | None:
    """Token ids of the text that both axes of a map stand for; () in cross-attention, ``None`` where not known."""
    if not query_ids or not key_ids:
        return None
    return () if kind == "cross" else tuple(query_ids)
