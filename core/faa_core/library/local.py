"""A model in this process: one text through its source, all layers measured, and their rows kept for a comparison."""

from __future__ import annotations

import time

import torch

from faa_core.capture.opening import Source
from faa_core.capture.strips import RowSource
from faa_core.comparison.alignment import Alignment
from faa_core.comparison.sketch import TOP, sketch_rows
from faa_core.errors import NoAttentionError, OutOfMemoryError
from faa_core.geometry.support import Support
from faa_core.heads.meter import LayerMeter
from faa_core.maps import KeptLayer
from faa_core.models.tokens import Encoded
from faa_core.records import Analysis, LayerInfo, LayerSketch, MapKind
from faa_core.residents import ModelKey
from faa_core.runs import KeptRun
from faa_core.segments import Grid
from faa_core.sketching import sketch_layer

_ROW_SUM_TOLERANCE = 1e-3
_ROW_SUM_TOLERANCE_HALF = 1e-2


class LocalModel:
    """A source of attention in this process; see `faa_core.library.sides.Side`.

    Args:
        source: An open model, or maps.
        truncate: Cut a text that is longer than the context.
    """

    machine = ""

    def __init__(self, source: Source, truncate: bool) -> None:
        self._source = source
        self._truncate = truncate
        self._run: KeptRun | None = None
        self.of_one_text = source.info.architecture == "array"

    def measure(self, text: str) -> Analysis:
        """Run a text through the source, and measure all layers and heads."""
        encoded = self._source.encode(text, self._truncate)
        info = self._source.info
        start = time.perf_counter()
        run = KeptRun(0, ModelKey(info.reference, info.device, info.dtype), encoded)
        tolerance = _ROW_SUM_TOLERANCE if info.dtype in ("float32", "float64") else _ROW_SUM_TOLERANCE_HALF
        notes = _captured(self._source, encoded, run, tolerance)
        if not run.layers:
            raise NoAttentionError(f"{info.reference} gave no attention on this text.")
        results = tuple(layer.result for layer in run.layers.values())
        seconds = time.perf_counter() - start
        self._run = run
        return Analysis(
            info, text, encoded.tokens, encoded.decoder_tokens, encoded.truncated_from, results, seconds, notes
        )

    def sketch(self, kind: MapKind, place: int, queries: Alignment, keys: Alignment) -> tuple[LayerSketch, ...]:
        """The heads of the last run in short, over common segments."""
        assert self._run is not None
        grid = None
        if not (queries.same and keys.same):
            rows, columns = self._run.tokens(kind)
            grid = Grid(queries.segments[place], keys.segments[place], (len(rows), len(columns)))
        chosen = sketch_rows(len(queries))
        return tuple(sketch_layer(layer, chosen, TOP, grid, lambda: None) for layer in self._run.of_kind(kind))

    def forget(self) -> None:
        """Let go of the maps of the last run."""
        self._run = None


class _Meters:
    """The strip sink of a run: a meter for every layer.

    Args:
        run: Where finished layers go.
        tolerance: Largest error of a row sum.
    """

    def __init__(self, run: KeptRun, tolerance: float) -> None:
        self._run = run
        self._tolerance = tolerance
        self._meter: LayerMeter | None = None

    def begin(self, info: LayerInfo, support: Support) -> None:
        queries, keys = self._run.tokens(info.kind)
        self._meter = LayerMeter(info, support, queries.ids, keys.ids, tolerance=self._tolerance)

    def strip(self, row: int, weights: torch.Tensor) -> None:
        assert self._meter is not None
        self._meter.add(row, weights)

    def end(self, rows: RowSource | None) -> None:
        assert self._meter is not None
        result = self._meter.finish()
        self._run.layers[result.info.kind, result.info.layer] = KeptLayer(result, self._meter.kept_levels, rows)
        self._meter = None


def _captured(source: Source, encoded: Encoded, run: KeptRun, tolerance: float) -> tuple[str, ...]:
    """One forward pass; where memory runs out, again in smaller strips."""
    while True:
        try:
            return source.capture(encoded, _Meters(run, tolerance))
        except OutOfMemoryError as error:
            fault = error.with_traceback(None)
        # Outside the except block, where nothing holds what the pass had allocated.
        run.layers.clear()
        if not source.shrink(encoded):
            raise fault
