"""Finished runs with given numbers, and sketches of given maps as a worker would make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from faa_core.records import (
    Analysis,
    BoxCounts,
    Label,
    LayerInfo,
    LayerResult,
    LayerSketch,
    ModelInfo,
    Statistics,
    Tokens,
)

Sketcher = Callable[..., LayerSketch]
Runner = Callable[..., list[Analysis]]

VERSIONS = {"faa": "2.0", "torch": "2.13.0", "numpy": "2.4.0"}


def sketch_of(
    weights: NDArray[np.floating], rows: Sequence[int], top: int, first: Sequence[int], stop: Sequence[int], layer: int
) -> LayerSketch:
    heads = len(weights)
    keys = np.zeros((heads, len(rows), top), np.uint16)
    told = np.zeros((heads, len(rows), top), np.float16)
    for place, row in enumerate(rows):
        seen = weights[:, row, first[row] : stop[row]]
        count = min(top, seen.shape[1])
        heaviest = np.argsort(-seen, axis=1, kind="stable")[:, :count]
        keys[:, place, :count] = heaviest + first[row]
        told[:, place, :count] = np.take_along_axis(seen, heaviest, axis=1)
        if count:
            keys[:, place, count:] = keys[:, place, count - 1, None]
    chosen = list(rows)
    return LayerSketch(
        LayerInfo("decoder", layer, heads, "causal"),
        np.array(chosen, np.int32),
        np.asarray(first, np.int32)[chosen],
        np.asarray(stop, np.int32)[chosen],
        keys,
        told,
        weights[:, chosen].sum(-1).astype(np.float16),
    )


@pytest.fixture(scope="session")
def sketched() -> Sketcher:
    """Sketches [heads, n, m] maps; causal unless ``first`` and ``stop`` of each row say otherwise."""

    def sketch(weights, rows=None, top=8, first=None, stop=None, layer=0) -> LayerSketch:
        n = weights.shape[1]
        first = np.zeros(n, int) if first is None else first
        stop = np.arange(1, n + 1) if stop is None else stop
        return sketch_of(weights, range(n) if rows is None else rows, top, first, stop, layer)

    return sketch


def tokens_of(text: str, ids: range | None = None) -> Tokens:
    """One token for each character."""
    numbers = tuple(ids or range(len(text)))
    return Tokens(numbers, tuple(text), tuple((k, k + 1) for k in range(len(text))), (False,) * len(text))


def model_of(layers: Sequence[LayerInfo], **changes: object) -> ModelInfo:
    fields: dict[str, object] = {
        "reference": "toy",
        "architecture": "Toy",
        "revision": "1",
        "device": "cpu",
        "dtype": "float32",
        "attention": "sdpa",
        "route": "interface",
        "parameters": 1,
        "context": None,
        "tokenizer_hash": "abc",
        "layers": tuple(layers),
        "versions": VERSIONS,
    }
    return ModelInfo(**(fields | changes))


@pytest.fixture(scope="session")
def runs() -> Runner:
    """Runs of one layer whose statistics have the values [texts, statistics, heads] and nulls given."""

    def make(
        values,
        nulls=None,
        names=("entropy", "sink"),
        text="abcdefgh",
        tokens=None,
        labels=None,
        kind="decoder",
        cut=None,
        **changes,
    ) -> list[Analysis]:
        values = np.asarray(values, np.float64)
        nulls = np.zeros_like(values) if nulls is None else np.broadcast_to(np.asarray(nulls, float), values.shape)
        heads = values.shape[2]
        info = LayerInfo(kind, 0, heads, "causal")
        nothing = np.zeros(0)
        boxes = BoxCounts(
            *(np.zeros(0, np.int64), nothing, np.zeros((heads, 0), np.int64), np.zeros(0, np.int64)),
            *(np.zeros(heads, np.int16), np.full(heads, -1, np.int16), np.full(heads, np.nan), np.full(heads, np.nan)),
            *(nothing, np.zeros((heads, 0))),
        )
        made = []
        for place, (value, null) in enumerate(zip(values, nulls, strict=True)):
            own = f"{text}{place}"
            read = tokens_of(own) if tokens is None else tokens(own)
            n = len(read)
            statistics = Statistics(
                tuple(names), value, null, np.full_like(value, np.nan), np.zeros(value.shape, np.uint8)
            )
            named = labels[place] if labels else ["mixed"] * heads
            layer = LayerResult(
                info,
                n,
                n,
                np.zeros(n, np.int32),
                np.arange(1, n + 1, dtype=np.int32),
                statistics,
                tuple(Label(name, "", 0.0, 0.0) for name in named),
                boxes,
            )
            made.append(Analysis(model_of([info], **changes), own, read, None, cut, (layer,), 0.1))
        return made

    return make
