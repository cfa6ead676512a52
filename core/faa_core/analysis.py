"""One text through one model: sources, capture and measurement put together.

`Engine` is what a worker process runs. It keeps several models and several runs in memory, so that two models can be
compared without loading either again, and so that tiles of their maps can be served after the forward pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.capture.strips import RowSource
from faa_core.errors import OutOfMemoryError, UsageError
from faa_core.findings import HeadExamination, HeadTests, RepeatProbe, RolloutToLast
from faa_core.geometry.support import Support
from faa_core.heads.meter import LayerMeter
from faa_core.heads.rollout import RolloutMeter
from faa_core.inventory import ModelDetails
from faa_core.listener import Listener
from faa_core.maps import KeptLayer
from faa_core.models.loading import versions
from faa_core.models.tokens import Encoded
from faa_core.records import LayerInfo, MapKind, ModelInfo
from faa_core.reference import parse
from faa_core.residents import ModelKey, ResidentModel, Residents
from faa_core.runs import KeptRun, Runs
from faa_core.sketching import sketch_layer
from faa_core.worker import protocol

_ROW_SUM_TOLERANCE = 1e-3
_ROW_SUM_TOLERANCE_HALF = 1e-2


class _Measurement:
    """The strip sink of a run: meters every layer, reports it, and keeps what tiles need.

    A layer that was measured before is passed over, so that a pass which ran out of memory can be made once more.
    """

    def __init__(self, listener: Listener, total: int, tolerance: float, run: KeptRun, grown: Callable[[], None]):
        self._listener = listener
        self._total = total
        self._tolerance = tolerance
        self._run = run
        self._grown = grown
        self._meter: LayerMeter | None = None
        self._known: tuple[MapKind, int] | None = None

    def begin(self, info: LayerInfo, support: Support) -> None:
        queries, keys = self._run.tokens(info.kind)
        key = (info.kind, info.layer)
        self._known = key if key in self._run.layers else None
        self._meter = (
            None if self._known else LayerMeter(info, support, queries.ids, keys.ids, tolerance=self._tolerance)
        )

    def strip(self, row: int, weights: torch.Tensor) -> None:
        self._listener.check()
        if self._meter is not None:
            self._meter.add(row, weights)

    def end(self, rows: RowSource | None) -> None:
        layers = self._run.layers
        if self._meter is None:
            # The pass is made once more, and what the first one kept of this layer was given up for it.
            if self._known is not None:
                layers[self._known].take_rows(rows)
            return
        result = self._meter.finish()
        layers[result.info.kind, result.info.layer] = KeptLayer(result, self._meter.kept_levels, rows)
        self._meter = None
        self._grown()
        self._listener.layer(len(layers) - 1, self._total, result)
        self._listener.check()


class Engine:
    """Loads models, runs texts through them, and answers what is asked about the runs.

    Every method takes the message that asked for it, whose docstring says what its fields mean.

    Args:
        runs: Where runs are kept, with their budgets.
        free: Bytes that a model can be given on a device; by default what the system says.
    """

    def __init__(self, runs: Runs | None = None, free: Callable[[torch.device], int] | None = None) -> None:
        self._runs = Runs() if runs is None else runs
        optional = {} if free is None else {"free": free}
        self._models = Residents(self._row_bytes, self._let_rows_go, **optional)

    def load(self, job: protocol.Load, listener: Listener) -> ModelInfo:
        """Load a model unless it is in memory.

        Raises:
            UsageError: The reference has no valid form.
            ModelError: The model cannot be found or loaded.
        """
        return self._models.open(job.reference, job.options, listener).source.info

    def run(self, job: protocol.Run, listener: Listener) -> tuple[float, tuple[str, ...]]:
        """Measure every layer and head of one text in one forward pass.

        Returns:
            Seconds without loading, and notes for the reader.

        Raises:
            TextError: The text is empty, or longer than the context and ``truncate`` is not set.
            OutOfMemoryError: It does not fit even with no other model in memory.
            Cancelled: The listener stopped the run; the engine is ready for the next one.
        """
        model = self._models.open(job.reference, job.options, listener, job.text)
        source = model.source
        listener.progress("tokenize", "Reading the text")
        encoded = source.encode(job.text, job.options.truncate)
        self._models.admit(model, encoded, listener)
        listener.started(source.info, encoded.tokens, encoded.decoder_tokens, encoded.truncated_from)

        start = time.perf_counter()
        run = self._runs.begin(job.id, model.key, encoded)  # now: tiles of finished layers need not wait for the rest
        total = sum(info.heads > 0 for info in source.info.layers)
        tolerance = _ROW_SUM_TOLERANCE if source.info.dtype == "float32" else _ROW_SUM_TOLERANCE_HALF
        measurement = _Measurement(listener, total, tolerance, run, self._runs.settle)
        try:
            notes = self._capture(model, encoded, measurement, run, listener)
        finally:
            if not run.layers:
                self._runs.release(run.id)
        return time.perf_counter() - start, notes

    def tile(self, job: protocol.Tile, check: Callable[[], None] = lambda: None) -> NDArray[np.float16]:
        """A rectangle of one head's map, at one level of its max pyramid, of tokens or of segments.

        Args:
            job: Which rectangle.
            check: Called between strips; may raise, to give up.

        Returns:
            float16 [rows, columns] of cells, clipped to the map.

        Raises:
            GoneError: The run is not kept, or what the rectangle is computed from was let go.
            UsageError: There is no such layer, head or rectangle.
        """
        self._touch(self._runs.find(job.run))
        return self._runs.tile(job, check)

    def boxes(self, job: protocol.Boxes, check: Callable[[], None] = lambda: None) -> NDArray[np.bool_]:
        """Which boxes of one head hold a cell whose lift is above a threshold: those that its box counts count.

        Args:
            job: Which head, size and threshold.
            check: Called between strips; may raise, to give up.

        Returns:
            bool [ceil(queries / 2^level), ceil(keys / 2^level)].

        Raises:
            GoneError: The run is not kept, or its rows were let go.
            UsageError: There is no such map, size or threshold, its rows never fitted, or the answer does not fit into
                a message.
        """
        self._touch(self._runs.find(job.run))
        return self._runs.boxes(job, check)

    def align(self, job: protocol.Align) -> None:
        """Lay segments over the maps of one kind of a run.

        Raises:
            GoneError: The run is not kept.
            UsageError: The segments do not fit its maps.
        """
        self._runs.find(job.run).align(job)

    def sketch(self, job: protocol.Sketch, listener: Listener) -> None:
        """Tell the heaviest keys of some rows of every head, layer by layer, by ``listener.sketched``.

        Raises:
            GoneError: The run is not kept, or its rows were let go.
            UsageError: There are no such maps or rows.
            Cancelled: The listener stopped it.
        """
        run = self._runs.find(job.run)
        self._touch(run)
        layers = run.of_kind(job.kind)
        grid = run.grid(job.grid, job.kind) if job.grid else None
        for index, layer in enumerate(layers):
            listener.progress("sketch", "Sketching rows", index, len(layers), "layers")
            listener.sketched(index, len(layers), sketch_layer(layer, job.rows, job.top, grid, listener.check))

    def test(self, job: protocol.Test, listener: Listener) -> HeadTests:
        """Test one statistic of every head of a run against surrogates.

        Raises:
            GoneError: The run is not kept, or its rows were let go.
            UsageError: Its rows never fitted, or the statistic cannot be tested.
            Cancelled: The listener stopped the test.
        """
        from faa_core.head_tests import tests_of_heads

        run = self._runs.find(job.run)
        self._touch(run)
        return tests_of_heads(tuple(run.layers.values()), job, listener)

    def probe(self, job: protocol.Probe, listener: Listener) -> RepeatProbe:
        """Score every head of a model on random sequences said twice; runs stay as they are.

        Raises:
            UsageError: The source is a file, or an encoder-decoder, or the model's context is too short.
            ModelError: The model cannot be found or loaded.
            Cancelled: The listener stopped the probe.
        """
        from faa_core.probing import probe_heads

        return probe_heads(self._models.open(job.reference, job.options, listener).source, job, listener)

    def examine(self, job: protocol.Examine, listener: Listener) -> HeadExamination:
        """Measure all that needs the whole map of one head of a run.

        Raises:
            GoneError: The run is not kept, or its rows were let go.
            UsageError: There is no such map, or its rows never fitted.
            Cancelled: The listener stopped it.
        """
        from faa_core.heads.examination import examine

        run = self._runs.find(job.run)
        self._touch(run)
        kept = run.layer(job.kind, job.layer)
        listener.progress("examine", "Measuring the whole map")
        weights = kept.whole(job.head)
        return examine(kept.result, job.head, weights, kept.support, kept.groups(), listener.check)

    def rollout(self, job: protocol.Rollout, listener: Listener) -> tuple[RolloutToLast, ...]:
        """Attention rollout of a run to its last position, one for each stack of self-attention.

        Raises:
            GoneError: The run is not kept, or its rows were let go.
            UsageError: It has no self-attention, or its rows never fitted.
            Cancelled: The listener stopped it.
        """
        run = self._runs.find(job.run)
        self._touch(run)
        stacks: dict[MapKind, RolloutMeter] = {}
        for done, kept in enumerate(run.layers.values()):
            listener.progress("rollout", "Multiplying layers", done, len(run.layers), "layers")
            result = kept.result
            if result.info.kind == "cross":
                continue
            if result.info.kind not in stacks:
                stacks[result.info.kind] = RolloutMeter(result.queries)
            stacks[result.info.kind].add(kept.mean(listener.check), kept.support)
        if not stacks:
            raise UsageError(f"Run {run.id} has no self-attention whose layers could be multiplied.")
        rolled = ((kind, meter.finish()) for kind, meter in stacks.items())
        return tuple(RolloutToLast(kind, found.value[-1], found.null[-1], found.status) for kind, found in rolled)

    def release(self, job: protocol.Release) -> None:
        """Forget the maps of a run; harmless where they are gone."""
        self._runs.release(job.run)

    def unload(self, job: protocol.Unload) -> None:
        """Give back the memory of a model and of its runs; harmless where it is not loaded.

        Raises:
            UsageError: The reference has no valid form.
        """
        reference = str(parse(job.reference))
        for run in self._runs:
            if run.model.reference == reference:
                self._runs.release(run.id)
        for model in self._models:
            if model.key.reference == reference:
                self._models.give_up(model.key)

    def residents(self) -> tuple[protocol.Resident, ...]:
        """The models in memory, the one used longest ago first."""
        return tuple(
            protocol.Resident(
                reference=model.key.reference,
                device=model.source.info.device,
                dtype=model.source.info.dtype,
                weights=model.weights,
                maps=self._runs.nbytes(model.key),
                runs=tuple(run.id for run in self._runs.of(model.key)),
            )
            for model in self._models
        )

    def inspect(self, job: protocol.Inspect) -> ModelDetails | None:
        """What a model is and takes, without loading it.

        Returns:
            ``None`` for a model of the hub of which nothing is here, where the hub is not to be asked.

        Raises:
            UsageError: The reference has no valid form, is a file of attention, or names another machine.
            ModelError: There is no such model, or it cannot be read.
        """
        from faa_core.models.describing import describe

        parsed = parse(job.reference)
        if parsed.host is not None:
            raise UsageError(f"{job.reference} is for a worker on {parsed.host}, not for this one.")
        found = describe(parsed, job.options.device, job.options.dtype, job.tokens, job.ask_hub)
        if found is None:
            return None
        outlook, devices = self._models.outlook(found.needed, job.options)
        needed = found.needed
        return ModelDetails(
            reference=str(parsed),
            architecture=found.architecture,
            layers=found.layers,
            key_heads=found.key_heads,
            context=found.context,
            parameters=found.parameters,
            dtype=found.dtype,
            weights=needed.weights,
            beside=needed.layer + needed.strip,
            tokens=needed.tokens,
            download=found.download,
            devices=devices,
            outlook=outlook,
            note=found.note,
        )

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
        """Drop every model and run, and give their memory back."""
        for run in self._runs:
            self._runs.release(run.id)
        self._models.give_up_all_but(None)

    def _capture(
        self, model: ResidentModel, encoded: Encoded, sink: _Measurement, run: KeptRun, listener: Listener
    ) -> tuple[str, ...]:
        """One forward pass; where memory runs out, again without the other models, and then in smaller strips.

        A strip that does not fit shrinks within the pass. This is for what fails elsewhere: in the layers between, or
        where a strip is measured.
        """
        while True:
            try:
                return model.source.capture(encoded, sink, self._runs.budget_of(run))
            except OutOfMemoryError as error:
                fault = error.with_traceback(None)
            # Outside the except block, where nothing holds what the pass had allocated.
            done = self._relieve(model, encoded, run)
            if not done:
                raise fault
            run.let_rows_go()  # they are kept again by the next pass
            listener.progress("capture", f"Memory ran out: {done}, reading the text once more")

    def _relieve(self, model: ResidentModel, encoded: Encoded, run: KeptRun) -> str:
        """Make a pass take less memory or leave it more; says how, and nothing where no way is left."""
        others = [other for other in self._runs if other is not run and other.row_bytes]
        if self._models.give_up_all_but(model.key):
            return "the other models were unloaded"
        for other in others:
            other.let_rows_go()
        if others:
            return "what older runs need for single tokens was let go"
        return "strips are as small as they go" if model.source.shrink(encoded) else ""

    def _touch(self, run: KeptRun) -> None:
        self._models.touch(run.model)

    def _row_bytes(self, model: ModelKey) -> int:
        return sum(run.row_bytes for run in self._runs.of(model))

    def _let_rows_go(self, model: ModelKey) -> None:
        """Rows are computed by the model's own functions, which hold its weights."""
        for run in self._runs.of(model):
            run.let_rows_go()
