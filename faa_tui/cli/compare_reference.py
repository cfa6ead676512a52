"""``faa-compare --model1 A --model2 B``: the flags and the output of fractal-attention-analysis 1.0.0.

It looks at head 0 of the last layer on one text. By default its names mean what they say: the numbers are those of
every run, whose definitions docs/faa-1.0.0.md lists. ``--method faa-1.0.0`` gives its own numbers.
"""

from __future__ import annotations

import math
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from faa_core import reference
from faa_core.errors import NoAttentionError, UsageError
from faa_core.export.files import check_target, write_whole
from faa_core.export.plain import json_of, number
from faa_core.records import Analysis
from faa_core.worker.protocol import RunOptions
from faa_tui.cli.compare_runs import measure
from faa_tui.cli.one_answer import ask
from faa_tui.cli.text import text_for
from faa_tui.hosts import Hosts
from faa_tui.rendering.text import visible

METRICS: dict[str, str] = {
    "entropy": "matrix_entropy",
    "sparsity": "sparsity",
    "concentration": "concentration",
    "uniformity": "uniformity",
    "forward_flow": "forward_flow",
    "backward_flow": "backward_flow",
    "self_attention": "self_attention",
    "fractal_dimension": "D0",
    "interpretability_score": "interpretability",
}
"""Keys of 1.0.0 to keys of `faa_core.catalogue`."""


def run_reference(options: Namespace) -> int:
    """Print or write the comparison; returns the exit code.

    Raises:
        FaaError: A model cannot be run, or the file cannot be written.
    """
    models = [reference.parse(options.model1), reference.parse(options.model2)]
    text = text_for(models[0], options.text, options.file)
    if options.output:
        check_target(Path(options.output), force=True)  # 1.0.0 replaces what is there
    if options.method == "faa-1.0.0":
        if any(model.host or model.source == "array" for model in models):
            raise UsageError(
                "The numbers of 1.0.0 can be had of models on this machine only.", "Leave --method out, or the host."
            )
        metrics = _reference_metrics(options, text)
    else:
        run_options = RunOptions(options.device, options.dtype, options.truncate)
        with Hosts() as hosts:
            measured = measure(models, (text,), run_options, hosts, sketched=False)
        metrics = [_corrected_metrics(side.analyses[0]) for side in measured]
    content = json_of(as_dict((options.model1, options.model2), metrics)) + b"\n"
    if options.output:
        write_whole(Path(options.output), content, force=True)
    if options.format == "json":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        _print((options.model1, options.model2), metrics)
    return 0


def as_dict(names: tuple[str, str], metrics: list[dict[str, float]]) -> dict[str, Any]:
    """The keys of 1.0.0; undefined numbers are ``None``."""
    first, second = (one["fractal_dimension"] for one in metrics)
    plain: dict[str, Any] = {
        f"model_{place}": {
            "name": name,
            "fractal_dimension": number(one["fractal_dimension"]),
            "metrics": {key: number(value) for key, value in one.items()},
        }
        for place, (name, one) in enumerate(zip(names, metrics, strict=True), start=1)
    }
    return plain | {"dimension_difference": number(abs(first - second))}


def _corrected_metrics(run: Analysis) -> dict[str, float]:
    """Head 0 of the last self-attention, by the keys of 1.0.0."""
    layers = [layer for layer in run.layers if layer.info.kind != "cross"]
    if not layers:
        raise NoAttentionError(f"{run.model.reference} has no self-attention.")
    statistics = layers[-1].statistics
    return {name: float(statistics.value[statistics.row(key), 0]) for name, key in METRICS.items()}


def _reference_metrics(options: Namespace, text: str) -> list[dict[str, float]]:
    """The same of 1.0.0, from a process that may import torch."""
    arguments = [f"--device={options.device}", f"--dtype={options.dtype}"]
    arguments += ["--truncate"] if options.truncate else []
    answer = ask("faa_core.api.pair", [*arguments, "--", options.model1, options.model2], text, "Running both models")
    return list(answer["metrics"])


def _print(names: tuple[str, str], metrics: list[dict[str, float]]) -> None:
    for place, (name, one) in enumerate(zip(names, metrics, strict=True), start=1):
        print(f"model {place}: {visible(name)}")
        for key, value in one.items():
            print(f"  {key:<22} {_shown(value)}")
    first, second = (one["fractal_dimension"] for one in metrics)
    print(f"difference of the dimensions: {_shown(abs(first - second))}")
    if math.isnan(first) or math.isnan(second):
        print("A dimension is undefined where too few sizes fit, or no one power law holds: see faa explain D0.")


def _shown(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.6f}"
