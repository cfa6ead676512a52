"""Whether the arrays of a message fit each other: a screen that trusts a stranger's shapes would fall over them.

The codec has checked types and bytes; what it cannot know is that three arrays must have one number of heads. A table
says which, in the words of the docstrings of `faa_core.records` and `faa_core.findings`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np

from faa_core.errors import WorkerError
from faa_core.findings import HeadExamination, LayerProbe, LayerTest, RolloutToLast, ScalingCurve
from faa_core.inventory import MOST_FOUND
from faa_core.records import (
    CORNER,
    DIMENSION_ORDERS,
    STATUSES,
    BoxCounts,
    DistanceProfile,
    LayerResult,
    LayerSketch,
    ModelInfo,
    RenyiSpectrum,
    Statistics,
    Tokens,
)
from faa_core.worker import protocol

MOST_HEADS = 4096
MOST_TOKENS = 2**24
"""Beyond any model, and still drawn without harm."""

_SHAPES: dict[type[msgspec.Struct], dict[str, str]] = {
    Statistics: dict.fromkeys(("value", "null", "error", "status"), "names heads"),
    BoxCounts: {
        **dict.fromkeys(("sizes", "regressor", "null_counts"), "scales"),
        **dict.fromkeys(("first", "last", "intercept", "effective"), "heads"),
        "counts": "heads scales",
        "thresholds": "thresholds",
        "dimensions": "heads thresholds",
    },
    RenyiSpectrum: {
        "q": "qs",
        "boxes": "grids",
        "curves": "heads qs grids",
        **dict.fromkeys(("effective", "error", "status"), "heads qs"),
    },
    DistanceProfile: {"mean": "heads bins", **dict.fromkeys(("start", "null"), "bins")},
    LayerResult: dict.fromkeys(("first_key", "stop_key"), "queries"),
    LayerSketch: {
        **dict.fromkeys(("rows", "first", "stop"), "rows"),
        **dict.fromkeys(("keys", "weights"), "heads rows top"),
        "mass": "heads rows",
    },
    LayerTest: dict.fromkeys(("value", "null_mean", "null_sd", "z", "p", "q", "status"), "heads"),
    LayerProbe: dict.fromkeys(("value", "error", "null", "without_first"), "names heads"),
    ScalingCurve: dict.fromkeys(("scales", "regressor", "ordinate", "null_ordinate"), "scales"),
    HeadExamination: dict.fromkeys(("q", "spectrum", "alpha", "f"), "qs"),
    RolloutToLast: dict.fromkeys(("value", "null"), "tokens"),
}


def check(event: protocol.Event) -> None:
    """Refuse a message whose parts contradict each other.

    Raises:
        WorkerError: They do.
    """
    for type_, look in _LOOKS.items():
        if isinstance(event, type_):
            try:
                look(event)
            except _Contradiction as error:
                raise WorkerError(f"A {type_.__name__} message contradicts itself: {error}.") from None
            return


class _Contradiction(Exception):
    """What does not fit."""


def _demand(holds: object, what: str) -> None:
    if not holds:
        raise _Contradiction(what)


def _fit(record: msgspec.Struct, **sizes: int) -> None:
    """Compare every array of a record with its row of the table; a size without a value is that of the first array."""
    for name, letters in _SHAPES[type(record)].items():
        array = getattr(record, name)
        wanted = letters.split()
        _demand(array.ndim == len(wanted), f"{name} is not [{', '.join(wanted)}]")
        for size, length in zip(wanted, array.shape, strict=True):
            _demand(sizes.setdefault(size, length) == length, f"{name} has {length} {size}, not {sizes[size]}")


def _statuses(record: Statistics | RenyiSpectrum | LayerTest) -> None:
    _demand(bool(np.all(record.status < len(STATUSES))), "there is no such status")


def _statistics(record: Statistics, heads: int) -> None:
    if record.names:
        _fit(record, names=len(record.names), heads=heads)
        _statuses(record)


def _layer(event: protocol.LayerReady) -> None:
    result = event.result
    heads = result.info.heads
    _demand(0 < heads <= MOST_HEADS, f"{heads} heads")
    _demand(0 <= result.queries <= MOST_TOKENS and 0 <= result.keys <= MOST_TOKENS, "the map is too large")
    _demand(len(result.labels) == heads, f"{len(result.labels)} labels for {heads} heads")
    _fit(result, queries=result.queries)
    first, stop = result.first_key, result.stop_key
    _demand(bool(np.all((first >= 0) & (first <= stop) & (stop <= result.keys))), "rows see keys that are not there")
    _statistics(result.statistics, heads)
    _statistics(result.without_first, heads)
    boxes = result.boxes
    _fit(boxes, heads=heads)
    _demand(bool(np.all((boxes.first >= 0) & (boxes.last < len(boxes.sizes)))), "a fit on sizes that are not there")
    if result.spectrum is not None:
        _fit(result.spectrum, heads=heads)
        _statuses(result.spectrum)
        orders = result.spectrum.q.tolist()
        _demand(all(order in orders for order in DIMENSION_ORDERS.values()), "an order is missing in the spectrum")
    if result.corner is not None:
        side = min(CORNER, result.queries, result.keys)
        _demand(result.corner.shape == (heads, side, side), "the corner is not square")
    if result.distance is not None:
        _fit(result.distance, heads=heads)


def _sketch(event: protocol.Sketched) -> None:
    _fit(event.sketch, heads=event.sketch.info.heads)


def _tests(event: protocol.Tested) -> None:
    for layer in event.result.layers:
        _fit(layer, heads=layer.info.heads)
        _statuses(layer)


def _probe(event: protocol.Probed) -> None:
    for layer in event.result.layers:
        _fit(layer, names=len(layer.names), heads=layer.info.heads)


def _examination(event: protocol.Examined) -> None:
    _fit(event.result)
    for curve in event.result.curves:
        _fit(curve)


def _rollouts(event: protocol.Rolled) -> None:
    for rollout in event.result:
        _fit(rollout)


def _boxed(event: protocol.Boxed) -> None:
    _demand(event.bits.ndim == 2, "bits is not [rows, bytes]")
    _demand(event.bits.dtype == np.uint8, "bits are no bytes")
    _demand(event.columns >= 0 and event.bits.shape[1] == -(-event.columns // 8), "bits do not make up its columns")


def _model(model: ModelInfo) -> None:
    _demand(all(0 <= layer.heads <= MOST_HEADS for layer in model.layers), "the number of heads")


def _inspected(event: protocol.Inspected) -> None:
    if event.details is not None:
        heads = (event.details.key_heads, *(layer.heads for layer in event.details.layers))
        _demand(all(0 <= count <= MOST_HEADS for count in heads), "the number of heads")


def _found(event: protocol.ModelsReport) -> None:
    models = event.inventory.models
    _demand(len(models) <= MOST_FOUND, f"{len(models)} models")
    _demand(all(model.nbytes >= 0 and math.isfinite(model.used) for model in models), "its sizes and times")


def _paths(event: protocol.PathsReport) -> None:
    _demand(len(event.paths) <= MOST_FOUND, f"{len(event.paths)} paths")
    _demand(all(path.name.isprintable() and "/" not in path.name for path in event.paths), "names that are none")
    _demand(all(path.nbytes is None or path.nbytes >= 0 for path in event.paths), "its sizes")


def _tokens(tokens: Tokens) -> None:
    # A file of attention has pieces and no ids.
    count = len(tokens.pieces)
    _demand(len(tokens.ids) in (0, count) and len(tokens.offsets) == count == len(tokens.special), "its tokens")


def _started(event: protocol.Started) -> None:
    _model(event.model)
    _tokens(event.tokens)
    if event.decoder_tokens is not None:
        _tokens(event.decoder_tokens)


def _loaded(event: protocol.Loaded) -> None:
    _model(event.model)


_LOOKS: dict[type[msgspec.Struct], Callable[..., None]] = {
    protocol.LayerReady: _layer,
    protocol.Sketched: _sketch,
    protocol.Tested: _tests,
    protocol.Probed: _probe,
    protocol.Examined: _examination,
    protocol.Rolled: _rollouts,
    protocol.Boxed: _boxed,
    protocol.Started: _started,
    protocol.Loaded: _loaded,
    protocol.ModelsReport: _found,
    protocol.PathsReport: _paths,
    protocol.Inspected: _inspected,
}
