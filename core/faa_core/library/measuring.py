"""One text through one source, all layers measured; and the sketches by which two runs are compared."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from faa_core.capture.opening import Source
from faa_core.capture.strips import RowSource
from faa_core.comparison.alignment import Alignment, align
from faa_core.comparison.sketch import TOP, sketch_rows
from faa_core.errors import NoAttentionError, OutOfMemoryError, UsageError
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


@dataclass(frozen=True)
class Measured:
    """A finished run, and what is kept of its maps.

    Attributes:
        analysis: What was measured.
        run: Its layers, from which rows can be computed again.
    """

    analysis: Analysis
    run: KeptRun


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


def measure(source: Source, text: str, truncate: bool) -> Measured:
    """Run a text through a source, and measure all layers and heads.

    Args:
        source: An open model, or maps.
        text: The text; without part in it for maps.
        truncate: Cut a text that is longer than the context.

    Raises:
        TextError: The text is empty, or too long.
        NoAttentionError: No layer gave attention.
        OutOfMemoryError: It does not fit.
    """
    encoded = source.encode(text, truncate)
    info = source.info
    start = time.perf_counter()
    run = KeptRun(0, ModelKey(info.reference, info.device, info.dtype), encoded)
    tolerance = _ROW_SUM_TOLERANCE if info.dtype in ("float32", "float64") else _ROW_SUM_TOLERANCE_HALF
    notes = _captured(source, encoded, run, tolerance)
    if not run.layers:
        raise NoAttentionError(f"{info.reference} gave no attention on this text.")
    results = tuple(layer.result for layer in run.layers.values())
    seconds = time.perf_counter() - start
    analysis = Analysis(
        info, text, encoded.tokens, encoded.decoder_tokens, encoded.truncated_from, results, seconds, notes
    )
    return Measured(analysis, run)


def sketches_of(pair: Sequence[Measured], text: str) -> list[tuple[LayerSketch, ...]]:
    """The heads of two runs on one text in short, over the segments that both share.

    Raises:
        UsageError: Their tokens cannot be aligned.
    """
    kinds = [{kind for kind, _ in one.run.layers} for one in pair]
    found: list[tuple[LayerSketch, ...]] = [(), ()]
    for kind in sorted(kinds[0] & kinds[1]):
        queries = align([one.analysis.queries_of(kind) for one in pair], text)
        keys = align([one.analysis.keys_of(kind) for one in pair], text)
        try:
            each = [_sketched(one, kind, side, queries, keys) for side, one in enumerate(pair)]
        except UsageError:
            continue  # rows that did not fit in memory: the statistics are there all the same
        found = [before + more for before, more in zip(found, each, strict=True)]
    return found


def _sketched(one: Measured, kind: MapKind, side: int, queries: Alignment, keys: Alignment) -> tuple[LayerSketch, ...]:
    grid = None
    if not (queries.same and keys.same):
        shape = len(one.analysis.queries_of(kind)), len(one.analysis.keys_of(kind))
        grid = Grid(queries.segments[side], keys.segments[side], shape)
    rows = sketch_rows(len(queries))
    return tuple(sketch_layer(layer, rows, TOP, grid, lambda: None) for layer in one.run.of_kind(kind))


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
