"""Finished runs with chosen numbers, as a worker would have measured them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from faa_core.catalogue import RUN_KEYS
from faa_core.records import (
    Analysis,
    BoxCounts,
    Label,
    LayerInfo,
    LayerResult,
    ModelInfo,
    RenyiSpectrum,
    Statistics,
    Tokens,
    status_code,
)

Maker = Callable[..., Analysis]
ORDERS = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 4.0, np.inf])
DIMENSIONS = ("D0", "D1", "D2", "D_inf")
VERSIONS = {"faa": "2.0", "torch": "2.13.0", "numpy": "2.4.0"}


def tokens_of(pieces: Sequence[str]) -> Tokens:
    ends = np.cumsum([len(piece) for piece in pieces]).tolist()
    offsets = tuple(zip([0, *ends[:-1]], ends, strict=True))
    return Tokens(tuple(range(len(pieces))), tuple(pieces), offsets, (False,) * len(pieces))


def layer_of(layer: int, heads: int, n: int, status: str, label: str, dimension: float) -> LayerResult:
    """A layer whose dimensions have one status, the slope of head h of layer k being dimension + .01 h + .1 k."""
    rng = np.random.default_rng(layer)
    shape = (len(RUN_KEYS), heads)
    value, null = rng.uniform(0, 1, shape), np.full(shape, 0.5)
    error, codes = np.full(shape, np.nan), np.zeros(shape, np.uint8)
    slopes = dimension + 0.01 * np.arange(heads) + 0.1 * layer
    if status not in ("ok", "no_scaling"):
        slopes = np.full(heads, np.nan)
    for key in DIMENSIONS:
        row = RUN_KEYS.index(key)
        value[row], null[row] = slopes if status == "ok" else np.nan, 2.0
        error[row] = 0.03 if status == "ok" else np.nan
        codes[row] = status_code(status)
    sizes = 2 ** np.arange(max(int(np.log2(n)), 1))
    boxes = -(-n // sizes)
    return LayerResult(
        LayerInfo("decoder", layer, heads, "causal"),
        n,
        n,
        np.zeros(n, np.int32),
        np.arange(1, n + 1, dtype=np.int32),
        Statistics(RUN_KEYS, value, null, error, codes),
        (Label(label, "" if label == "mixed" else "previous_token", 0.92, 0.4),) * heads,
        BoxCounts(
            sizes.astype(np.int64),
            np.log(boxes),
            np.tile(np.maximum(boxes**1.7, 1).astype(np.int64), (heads, 1)),
            (boxes * (boxes + 1) // 2).astype(np.int64),
            np.zeros(heads, np.int16),
            np.full(heads, len(sizes) - 1, np.int16),
            np.zeros(heads),
            slopes,
            np.array([1.0, 2.0, 4.0]),
            np.tile(slopes[:, None], (1, 3)),
        ),
        spectrum=RenyiSpectrum(
            ORDERS,
            boxes.astype(np.int64),
            rng.uniform(0, 9, (heads, len(ORDERS), len(sizes))),
            np.tile(slopes[:, None], (1, len(ORDERS))),
            np.full((heads, len(ORDERS)), np.nan),
            np.full((heads, len(ORDERS)), status_code(status), np.uint8),
        ),
    )


@pytest.fixture(scope="session")
def run_of() -> Maker:
    """Makes a run whose words are the tokens; every head has the same label and the same status of its dimensions."""

    def make(
        pieces: Sequence[str] = ("one", " two", " three", " four") * 4,
        layers: int = 2,
        heads: int = 3,
        status: str = "ok",
        label: str = "mixed",
        dimension: float = 1.2,
        reference: str = "toy",
    ) -> Analysis:
        made = tuple(layer_of(layer, heads, len(pieces), status, label, dimension) for layer in range(layers))
        infos = tuple(layer.info for layer in made)
        model = ModelInfo(
            *(reference, "Toy", "1", "cpu", "float32", "sdpa", "interface", 1, None, "abc", infos, VERSIONS)
        )
        return Analysis(model, "".join(pieces), tokens_of(pieces), None, None, made, 0.1)

    return make
