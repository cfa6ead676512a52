"""The random-repeat probe of a whole model: forward passes over sequences that no text was made into."""

from __future__ import annotations

import numpy as np
import torch

from faa_core.capture.calls import RowBudget
from faa_core.capture.opening import Source
from faa_core.capture.strips import RowSource
from faa_core.findings import LayerProbe, RepeatProbe
from faa_core.geometry.support import Support
from faa_core.heads.probe import ProbeMeter
from faa_core.listener import Listener
from faa_core.records import LayerInfo
from faa_core.worker.protocol import Probe

NAMES = ("induction", "duplicate_token")
"""Statistics that the probe measures, by key of the catalogue."""


class _Meters:
    """The strip sink of a probe: one meter for each layer, over all draws."""

    def __init__(self, length: int, listener: Listener) -> None:
        self._length = length
        self._listener = listener
        self._meter: ProbeMeter | None = None
        self.layers: dict[LayerInfo, ProbeMeter] = {}

    def begin(self, info: LayerInfo, support: Support) -> None:
        if info not in self.layers:
            offset = support.queries - 2 * self._length
            self.layers[info] = ProbeMeter(info.heads, self._length, offset, support)
        self._meter = self.layers[info]

    def strip(self, row: int, weights: torch.Tensor) -> None:
        self._listener.check()
        assert self._meter is not None
        self._meter.add(row, weights)

    def end(self, rows: RowSource | None) -> None:
        self._meter = None


def probe_heads(source: Source, job: Probe, listener: Listener) -> RepeatProbe:
    """Run the probe on every layer.

    Args:
        source: The model.
        job: Length, draws and seed.
        listener: Told after every draw; may stop the probe.

    Raises:
        UsageError: The source has no model, or the probe does not fit it.
        Cancelled: The listener stopped it.
    """
    meters = _Meters(job.length, listener)
    for done, encoded in enumerate(source.repeats(job.length, job.draws, job.seed)):
        listener.progress("probe", "Reading random sequences that repeat", done, job.draws, "draws")
        source.capture(encoded, meters, RowBudget(0))  # nobody looks at these maps
    layers = []
    for info, meter in meters.layers.items():
        scores = meter.finish()
        plain = (scores.induction, scores.duplicate)
        without = (scores.induction_without_first, scores.duplicate_without_first)
        layers.append(
            LayerProbe(
                info=info,
                names=NAMES,
                value=np.stack([score.value for score in plain]),
                error=np.stack([score.error for score in plain]),
                null=np.stack([score.null for score in plain]),
                without_first=np.stack([score.value for score in without]),
            )
        )
    return RepeatProbe(job.length, job.draws, job.seed, tuple(layers))
