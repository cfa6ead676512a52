"""``python -m faa_core.api.pair``: what fractal-attention-analysis 1.0.0 says of two models, to the last digit.

Its dimension is decided by the last bit of the weights, so it is worked out where they are, and not from what a worker
sends. 1.0.0 runs a model in the number format of its files, half precision included; here ``--dtype`` says which. One
line of JSON on standard output: a `Pair` or a `Failure`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from faa_core import reference
from faa_core.api.metrics import AttentionMetrics
from faa_core.capture.opening import open_source
from faa_core.capture.strips import RowSource
from faa_core.errors import FaaError, NoAttentionError
from faa_core.geometry import reference_1_0
from faa_core.geometry.support import Support
from faa_core.records import LayerInfo
from faa_core.worker import stdio


class Pair(msgspec.Struct, frozen=True, tag="pair"):
    """What 1.0.0 measures on head 0 of the last layer of two models.

    Attributes:
        metrics: For each model the metrics under its keys, ``fractal_dimension`` among them.
    """

    metrics: tuple[dict[str, float], dict[str, float]]


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """There is no answer; the fields are those of a `faa_core.errors.FaaError`."""

    kind: str
    message: str
    hint: str


class _LastHead:
    """Strip sink that keeps head 0 of the last self-attention of the pass, as the model multiplies with it.

    Args:
        dtype: Number format of the model, to which it rounds its weights.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._strips: list[torch.Tensor] = []
        self._wanted = False

    def begin(self, info: LayerInfo, support: Support) -> None:
        self._wanted = info.kind != "cross" and info.heads > 0
        if self._wanted:
            self._strips = []

    def strip(self, row: int, weights: torch.Tensor) -> None:
        if self._wanted:
            self._strips.append(weights[0].to(self._dtype).float().cpu().clone())

    def end(self, rows: RowSource | None) -> None: ...

    @property
    def map(self) -> NDArray[np.float32]:
        """float32 [n, n]."""
        if not self._strips:
            raise NoAttentionError("The model has no self-attention.")
        return np.asarray(torch.cat(self._strips).numpy(), np.float32)


def last_head(
    model: str, text: str, device: str = "auto", dtype: str = "auto", truncate: bool = False
) -> NDArray[np.floating]:
    """The map that 1.0.0 looks at by default: head 0 of the last self-attention, float32 [n, n].

    Args:
        model: A reference without a host.
        text: The text.
        device: As in `faa_core.worker.protocol.RunOptions`.
        dtype: As there; 1.0.0 takes that of the files.
        truncate: As there.

    Raises:
        FaaError: The model cannot be loaded, or the text cannot be run.
    """
    source = open_source(reference.parse(model), device, dtype, lambda *_: None)
    try:
        sink = _LastHead(getattr(torch, source.info.dtype))
        source.capture(source.encode(text, truncate), sink)
        return sink.map
    finally:
        source.close()


def reference_metrics(a: NDArray[np.floating]) -> dict[str, float]:
    """Every metric of 1.0.0, its fractal dimension among them, of one map [n, m]."""
    return AttentionMetrics().compute_all_metrics(a, reference_1_0.fractal_dimension(a), method="faa-1.0.0")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the pair that the arguments name, with the text on standard input; returns the exit code."""
    parser = argparse.ArgumentParser("python -m faa_core.api.pair", description=__doc__)
    parser.add_argument("models", nargs=2)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--truncate", action="store_true")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    text = sys.stdin.buffer.read().decode()
    # Libraries print; what they print must not end up beside the answer.
    output = stdio.claim().output
    try:
        first, second = (
            reference_metrics(last_head(model, text, options.device, options.dtype, options.truncate))
            for model in options.models
        )
        answer = msgspec.json.encode(Pair((first, second)))
        code = 0
    except FaaError as error:
        answer = msgspec.json.encode(Failure(error.kind, error.message, error.hint))
        code = error.exit_code
    output.write(answer + b"\n")
    output.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
