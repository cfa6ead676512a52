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
from numpy.typing import NDArray

from faa_core import reference
from faa_core.api.metrics import AttentionMetrics
from faa_core.api.one_head import head_map
from faa_core.capture.opening import open_source
from faa_core.errors import FaaError
from faa_core.geometry import reference_1_0
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
        return head_map(source, source.encode(text, truncate), -1, 0).weights
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
