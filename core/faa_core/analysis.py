"""One text through one model: sources, capture and measurement put together.

`Engine` is what a worker process runs. It keeps one loaded source and the last run, so that tiles of its maps can be
served after the forward pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core import reference as references
from faa_core.capture.opening import Source, open_source
from faa_core.capture.strips import RowSource
from faa_core.errors import UsageError
from faa_core.findings import HeadExamination, HeadTests, RepeatProbe, RolloutToLast
from faa_core.geometry.support import Support
from faa_core.heads.meter import LayerMeter
from faa_core.heads.rollout import RolloutMeter
from faa_core.listener import Listener
from faa_core.maps import KeptLayer
from faa_core.models.loading import versions
from faa_core.records import LayerInfo, MapKind, ModelInfo, Tokens
from faa_core.worker.protocol import Probe, RunOptions, Test

_ROW_SUM_TOLERANCE = 1e-3
_ROW_SUM_TOLERANCE_HALF = 1e-2


class _Measurement:
    """The strip sink of a run: meters every layer, reports it, and keeps what tiles need."""

    def __init__(
        self, listener: Listener, total: int, tolerance: float, ids: Callable[[MapKind], tuple[Tokens, Tokens]]
    ) -> None:
        self._listener = listener
        self._total = total
        self._tolerance = tolerance
        self._ids = ids
        self._meter: LayerMeter | None = None
        self.layers: dict[tuple[MapKind, int], KeptLayer] = {}

    def begin(self, info: LayerInfo, support: Support) -> None:
        queries, keys = self._ids(info.kind)
        self._meter = LayerMeter(info, support, queries.ids, keys.ids, tolerance=self._tolerance)

    def strip(self, row: int, weights: torch.Tensor) -> None:
        self._listener.check()
        assert self._meter is not None
        self._meter.add(row, weights)

    def end(self, rows: RowSource | None) -> None:
        assert self._meter is not None
        result = self._meter.finish()
        self.layers[result.info.kind, result.info.layer] = KeptLayer(result, self._meter.kept_levels, rows)
        self._meter = None
        self._listener.layer(len(self.layers) - 1, self._total, result)
        self._listener.check()


class Engine:
    """Loads sources, runs texts through them, and serves tiles of the last run."""

    def __init__(self) -> None:
        self._source: Source | None = None
        self._source_key: tuple[str, str, str] | None = None
        self._layers: dict[tuple[MapKind, int], KeptLayer] = {}

    def load(self, reference: str, options: RunOptions, listener: Listener) -> ModelInfo:
        """Load ``reference`` unless it is the one in memory.

        Raises:
            UsageError: The reference has no valid form.
            ModelError: The model cannot be found or loaded.
        """
        return self._open(reference, options, listener).info

    def _open(self, reference: str, options: RunOptions, listener: Listener) -> Source:
        key = (reference, options.device, options.dtype)
        if self._source is not None and self._source_key == key:
            return self._source
        self.close()
        parsed = references.parse(reference)
        self._source = open_source(parsed, options.device, options.dtype, listener.progress)
        self._source_key = key
        listener.loaded(self._source.info)
        return self._source

    def run(self, reference: str, text: str, options: RunOptions, listener: Listener) -> tuple[float, tuple[str, ...]]:
        """Measure every layer and head of one text in one forward pass.

        Returns:
            Seconds without loading, and notes for the reader.

        Raises:
            TextError: The text is empty, or longer than the context and ``options.truncate`` is not set.
            Cancelled: The listener stopped the run; the engine is ready for the next one.
        """
        source = self._open(reference, options, listener)
        self._layers = {}
        listener.progress("tokenize", "Reading the text")
        encoded = source.encode(text, options.truncate)
        listener.started(source.info, encoded.tokens, encoded.decoder_tokens, encoded.truncated_from)

        def ids(kind: MapKind) -> tuple[Tokens, Tokens]:
            decoder = encoded.tokens if encoded.decoder_tokens is None else encoded.decoder_tokens
            return (encoded.tokens if kind == "encoder" else decoder, decoder if kind == "decoder" else encoded.tokens)

        total = sum(info.heads > 0 for info in source.info.layers)
        tolerance = _ROW_SUM_TOLERANCE if source.info.dtype == "float32" else _ROW_SUM_TOLERANCE_HALF
        measurement = _Measurement(listener, total, tolerance, ids)
        start = time.perf_counter()
        self._layers = measurement.layers  # filled as the run goes on: tiles of finished layers need not wait for it
        notes = source.capture(encoded, measurement)
        return time.perf_counter() - start, notes

    def tile(
        self,
        kind: MapKind,
        layer: int,
        head: int,
        level: int,
        row: int,
        row_stop: int,
        column: int,
        column_stop: int,
    ) -> NDArray[np.float16]:
        """A rectangle of one head's map of the last run, at one level of its max pyramid.

        Args:
            kind: Kind of the map.
            layer: Layer within the kind.
            head: Head within the layer.
            level: Cells are 2^level x 2^level tokens, reduced by their maximum.
            row: First row, in cells.
            row_stop: One past the last row; clipped to the map.
            column: First column, in cells.
            column_stop: One past the last column; clipped to the map.

        Returns:
            float16 [row_stop - row, column_stop - column].

        Raises:
            UsageError: There is no such layer, head or rectangle, or its rows can no longer be computed.
        """
        return self._kept(kind, layer).tile(head, level, row, row_stop, column, column_stop)

    def test(self, job: Test, listener: Listener) -> HeadTests:
        """Test one statistic of every head of the last run against surrogates.

        Raises:
            UsageError: There is no run, its rows can no longer be computed, or the statistic cannot be tested.
            Cancelled: The listener stopped the test.
        """
        from faa_core.head_tests import tests_of_heads

        if not self._layers:
            raise UsageError("There is no run whose heads could be tested.", "Run a text first.")
        return tests_of_heads(tuple(self._layers.values()), job, listener)

    def probe(self, job: Probe, listener: Listener) -> RepeatProbe:
        """Score every head of a model on random sequences said twice; the maps of the last run stay.

        Raises:
            UsageError: The source is a file, or an encoder-decoder, or the model's context is too short.
            ModelError: The model cannot be found or loaded.
            Cancelled: The listener stopped the probe.
        """
        from faa_core.probing import probe_heads

        source = self._open(job.reference, job.options, listener)
        return probe_heads(source, job, listener)

    def examine(self, kind: MapKind, layer: int, head: int, listener: Listener) -> HeadExamination:
        """Measure all that needs the whole map of one head of the last run.

        Raises:
            UsageError: There is no such map, or its rows can no longer be computed.
            Cancelled: The listener stopped it.
        """
        from faa_core.heads.examination import examine

        kept = self._kept(kind, layer)
        listener.progress("examine", "Measuring the whole map")
        weights = kept.whole(head)
        return examine(kept.result, head, weights, kept.support, kept.groups(), listener.check)

    def rollout(self, listener: Listener) -> tuple[RolloutToLast, ...]:
        """Attention rollout of the last run to its last position, one for each stack of self-attention.

        Raises:
            UsageError: There is no run, or its rows can no longer be computed.
            Cancelled: The listener stopped it.
        """
        stacks: dict[MapKind, RolloutMeter] = {}
        for done, kept in enumerate(self._layers.values()):
            listener.progress("rollout", "Multiplying layers", done, len(self._layers), "layers")
            result = kept.result
            if result.info.kind == "cross":
                continue
            if result.info.kind not in stacks:
                stacks[result.info.kind] = RolloutMeter(result.queries)
            stacks[result.info.kind].add(kept.mean(listener.check), kept.support)
        if not stacks:
            raise UsageError(
                "There is no run with self-attention whose layers could be multiplied.", "Run a text first."
            )
        rolled = ((kind, meter.finish()) for kind, meter in stacks.items())
        return tuple(RolloutToLast(kind, found.value[-1], found.null[-1], found.status) for kind, found in rolled)

    def _kept(self, kind: MapKind, layer: int) -> KeptLayer:
        kept = self._layers.get((kind, layer))
        if kept is None:
            raise UsageError(
                f"There is no map of {kind} layer {layer} in the last run.", "Run the text again, then ask for the map."
            )
        return kept

    def environment(
        self,
    ) -> tuple[dict[str, str], tuple[str, ...], dict[str, int], tuple[tuple[str, bool, str], ...]]:
        """Versions, devices, memory in bytes, and checks; the fields of `EnvironmentReport`."""
        import psutil

        from faa_core.capture.parity import check_parity

        memory = {"host_total": psutil.virtual_memory().total, "host_free": psutil.virtual_memory().available}
        devices: list[str] = []
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            memory |= {f"cuda:{index}_total": total, f"cuda:{index}_free": free}
            devices.append(f"cuda:{index} {torch.cuda.get_device_name(index)}")
        if torch.backends.mps.is_available():
            devices.append("mps")
        devices.append(f"cpu, {torch.get_num_threads()} threads")
        return versions(), tuple(devices), memory, (check_parity(),)

    def close(self) -> None:
        """Drop the source and the last run, and give their memory back."""
        self._layers = {}
        if self._source is not None:
            self._source.close()
        self._source = None
        self._source_key = None
