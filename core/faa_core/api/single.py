"""``python -m faa_core.api.single``: one analysis of `FractalAttentionAnalyzer`, with the files that it leaves.

It is what the command ``faa-analyze`` runs, which imports no torch itself. The text comes on standard input. One line
of JSON on standard output: a `Single`, or a `faa_core.api.pair.Failure`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from faa_core.api.analyzer import FractalAttentionAnalyzer
from faa_core.api.exporting import FORMATS, check_export
from faa_core.api.loading import DeviceManager
from faa_core.api.pair import Failure
from faa_core.errors import FaaError
from faa_core.figures.canvas import need_matplotlib
from faa_core.models.devices import choose_device
from faa_core.worker import stdio


class Single(msgspec.Struct, frozen=True, tag="single"):
    """What was measured; JSON has ``null`` for NaN.

    Attributes:
        fractal_dimension: As in the results of the analyzer.
        analysis_time: Seconds.
        metrics: Under their keys.
        tokens: Number of tokens.
        device: Where the model ran.
    """

    fractal_dimension: float
    analysis_time: float
    metrics: dict[str, float]
    tokens: int
    device: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Analyse the text on standard input as the arguments say; returns the exit code."""
    options = _parse(arguments)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    text = sys.stdin.buffer.read().decode()
    # Libraries print; what they print must not end up beside the answer.
    output = stdio.claim().output
    answer: Single | Failure
    try:
        answer, code = _analysed(options, text), 0
    except FaaError as error:
        answer, code = Failure(error.kind, error.message, error.hint), error.exit_code
    output.write(msgspec.json.encode(answer) + b"\n")
    output.flush()
    return code


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m faa_core.api.single", description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--layer", type=int, default=-1)
    parser.add_argument("--head", type=int, default=0)
    parser.add_argument("--output")
    parser.add_argument("--format", choices=FORMATS, default="json")
    parser.add_argument("--save-viz")
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument("--max-gpu-memory", type=float, default=20)
    parser.add_argument("--method", choices=("corrected", "faa-1.0.0"), default="corrected")
    parser.add_argument("--dtype")
    return parser.parse_args(arguments)


def _analysed(options: argparse.Namespace, text: str) -> Single:
    # What cannot be written is said before a model is loaded.
    if options.output:
        check_export(Path(options.output), options.format)
    if options.save_viz:
        need_matplotlib()
    devices = DeviceManager(options.device != "cpu", options.max_gpu_memory)
    if options.device == "cuda":
        devices.device = choose_device("cuda")
    named = {"dtype": options.dtype} if options.dtype else {}
    analyzer = FractalAttentionAnalyzer(options.model, devices, method=options.method, **named)
    results = analyzer.analyze(text, options.layer, options.head, save_dir=options.save_viz)
    if options.output:
        analyzer.export_results(results, options.output, options.format)
    return Single(
        results["fractal_dimension"],
        results["analysis_time"],
        results["metrics"],
        len(results["tokens"]),
        analyzer.device,
    )


if __name__ == "__main__":
    sys.exit(main())
