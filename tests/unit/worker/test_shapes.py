from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from faa_core.errors import WorkerError
from faa_core.records import DistanceProfile, LayerResult
from faa_core.worker import protocol, shapes

replace = msgspec.structs.replace


def ready(result: LayerResult) -> protocol.LayerReady:
    return protocol.LayerReady(1, 0, 1, result)


def profile(heads: int, bins: int, starts: int) -> DistanceProfile:
    zeros = np.zeros((heads, bins), np.float32)
    return DistanceProfile(np.zeros(starts, np.int32), zeros, zeros[0])


@pytest.fixture
def layer(layer_result: LayerResult) -> LayerResult:
    """A layer that fits: three heads, two statistics."""
    return replace(layer_result, labels=(layer_result.labels[0],) * 3)


def test_a_layer_that_fits_passes(layer: LayerResult) -> None:
    shapes.check(ready(layer))


def test_a_message_without_arrays_passes() -> None:
    shapes.check(protocol.Pong(1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: {"labels": ()}, "0 labels for 3 heads"),
        (lambda r: {"info": replace(r.info, heads=4)}, "labels for 4"),
        (lambda r: {"info": replace(r.info, heads=10**9)}, "1000000000 heads"),
        (lambda r: {"queries": 10**12}, "too large"),
        (lambda r: {"queries": 7}, "first_key has 8 queries, not 7"),
        (lambda r: {"keys": 3}, "keys that are not there"),
        (lambda r: {"first_key": r.first_key[None]}, r"first_key is not \[queries\]"),
        (lambda r: {"first_key": r.first_key - 1}, "keys that are not there"),
        (lambda r: {"statistics": replace(r.statistics, value=r.statistics.value[:1])}, "value has 1 names, not 2"),
        (lambda r: {"statistics": replace(r.statistics, null=r.statistics.null[:, :2])}, "null has 2 heads, not 3"),
        (lambda r: {"statistics": replace(r.statistics, status=r.statistics.status + 200)}, "no such status"),
        (lambda r: {"without_first": replace(r.statistics, names=("a",))}, "names"),
        (lambda r: {"boxes": replace(r.boxes, counts=r.boxes.counts.T[:, :2])}, "counts"),
        (lambda r: {"boxes": replace(r.boxes, last=r.boxes.last + 40)}, "sizes that are not there"),
        (lambda r: {"corner": np.zeros((3, 10, 10), np.float16)}, "corner"),
        (lambda r: {"distance": profile(2, 4, 4)}, "mean has 2 heads, not 3"),
        (lambda r: {"distance": profile(3, 4, 5)}, "start has 5 bins, not 4"),
    ],
)
def test_a_layer_that_contradicts_itself_is_refused(layer: LayerResult, change: Any, words: str) -> None:
    with pytest.raises(WorkerError, match=words):
        shapes.check(ready(replace(layer, **change(layer))))


@pytest.mark.parametrize(
    ("columns", "bits"),
    [
        (9, np.zeros((2, 1), np.uint8)),
        (9, np.zeros(2, np.uint8)),
        (-1, np.zeros((2, 0), np.uint8)),
        (9, np.zeros((2, 2))),
    ],
)
def test_boxes_whose_bits_are_not_those_of_their_columns_are_refused(columns: int, bits: Any) -> None:
    shapes.check(protocol.Boxed(1, 9, np.zeros((2, 2), np.uint8)))
    with pytest.raises(WorkerError, match="contradicts itself"):
        shapes.check(protocol.Boxed(1, columns, bits))
