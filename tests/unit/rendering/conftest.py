from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyte
import pytest
from numpy.typing import NDArray

from faa_core.records import BoxCounts, LayerInfo, LayerResult, Statistics, Tokens, status_code


@pytest.fixture
def screen() -> Callable[[Sequence[str], int], pyte.Screen]:
    """What a terminal shows after lines of output, one below the other."""

    def show(lines: Sequence[str], width: int) -> pyte.Screen:
        terminal = pyte.Screen(width, len(lines))
        stream = pyte.Stream(terminal)
        for y, line in enumerate(lines):
            stream.feed(f"\x1b[{y + 1};1H{line}")
        return terminal

    return show


@pytest.fixture
def causal() -> Callable[..., NDArray[np.float32]]:
    """A random causal map of softmax rows."""

    def make(tokens: int, seed: int = 0) -> NDArray[np.float32]:
        scores = np.random.default_rng(seed).normal(size=(tokens, tokens)) * 2
        scores[np.triu_indices(tokens, 1)] = -np.inf
        weights = np.exp(scores - scores.max(1, keepdims=True))
        return (weights / weights.sum(1, keepdims=True)).astype(np.float32)

    return make


@pytest.fixture
def tokens() -> Callable[[Sequence[str]], Tokens]:
    def make(pieces: Sequence[str]) -> Tokens:
        return Tokens(
            tuple(range(len(pieces))), tuple(pieces), tuple((0, 0) for _ in pieces), tuple(False for _ in pieces)
        )

    return make


@pytest.fixture
def layer_of() -> Callable[..., LayerResult]:
    """A layer whose first head fills a causal triangle of 256 tokens with box counts (n/s)^slope."""

    def make(slope: float = 1.5, value: float = 1.5, status: str = "ok", fitted: bool = True) -> LayerResult:
        tokens = 256
        sizes = 2 ** np.arange(9)
        grid = tokens // sizes
        rows = np.arange(tokens, dtype=np.int32)
        counts = np.rint(grid.astype(float) ** slope).astype(np.int64)
        return LayerResult(
            LayerInfo("decoder", 0, 1, "causal"),
            tokens,
            tokens,
            np.zeros_like(rows),
            rows + 1,
            Statistics(
                ("D0",),
                np.array([[value]]),
                np.array([[1.93]]),
                np.array([[0.04]]),
                np.array([[status_code(status)]], np.uint8),
            ),
            (),
            BoxCounts(
                sizes,
                np.log(grid),
                counts[None],
                grid * (grid + 1) // 2,
                np.array([2 if fitted else 0], np.int16),
                np.array([6 if fitted else -1], np.int16),
                np.array([0.0 if fitted else np.nan]),
                np.array([slope if fitted else np.nan]),
                np.array([1.0]),
                np.array([[slope]]),
            ),
        )

    return make
