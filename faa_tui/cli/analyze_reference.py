"""``faa-analyze``: the flags and the output files of fractal-attention-analysis 1.0.0, for one head of one layer.

By default its names mean what they say; ``--method faa-1.0.0`` gives the numbers of 1.0.0. ``faa analyze`` measures
every head.
"""

from __future__ import annotations

import math
import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faa_core.errors import FaaError
from faa_tui.cli.one_answer import ask
from faa_tui.cli.text import given_text
from faa_tui.rendering.text import visible


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``faa-analyze`` with ``argv``, by default that of the process.

    Returns:
        The exit code: 0 ok, 1 failed, 2 wrong usage, 3 worth retrying, 130 interrupted.
    """
    options = _parse(argv)
    try:
        _run(options)
    except FaaError as error:
        if options.verbose:
            traceback.print_exception(error)
        print(f"faa-analyze: {visible(error.message)}", file=sys.stderr)
        if error.hint:
            print(f"             {visible(error.hint)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("faa-analyze: interrupted", file=sys.stderr)
        return 130
    return 0


def _parse(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(
        prog="faa-analyze",
        description="Measure one head of a model on a text, with the flags and the files of fractal-attention-analysis "
        "1.0.0. For every head, each number beside its null: faa analyze MODEL.",
    )
    parser.add_argument("--model", required=True, help="demo (bundled), a folder, or a name on the Hugging Face hub")
    texts = parser.add_mutually_exclusive_group(required=True)
    texts.add_argument("--text", help="the text to analyse")
    texts.add_argument("--input-file", metavar="F", help="read the text from a file; - for standard input")
    parser.add_argument("--layer", type=int, default=-1, metavar="L", help="the layer; -1 is the last (default)")
    parser.add_argument("--head", type=int, default=0, metavar="H", help="the head (default: 0)")
    parser.add_argument("--output", metavar="F", help="write the results to a file, and replace it if it exists")
    parser.add_argument(
        "--format", choices=("json", "csv", "npz"), default="json", help="form of that file (default: json)"
    )
    parser.add_argument("--save-viz", metavar="DIR", help="write figures, PNG at 300 dpi, to a folder")
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto", help="default: auto")
    parser.add_argument(
        "--max-gpu-memory",
        type=float,
        default=20,
        metavar="GIB",
        help="a model with larger weights runs on the CPU (default: 20)",
    )
    parser.add_argument("--verbose", action="store_true", help="say more, and show the traceback of an error")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument(
        "--method",
        choices=("corrected", "faa-1.0.0"),
        default="corrected",
        help="numbers that mean what their names say, or those of 1.0.0 to the digit (default: corrected)",
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "bfloat16", "float16"),
        help="number format of the weights (default: float32 on a CPU; with --method faa-1.0.0 that of the files)",
    )
    return parser.parse_args(argv)


def _run(options: Namespace) -> None:
    text = given_text(options.text, options.input_file) or ""
    # With = between them, a value that starts with a dash is a value all the same.
    arguments = [f"--layer={options.layer}", f"--head={options.head}", f"--format={options.format}"]
    arguments += [f"--device={options.device}", f"--max-gpu-memory={options.max_gpu_memory}"]
    arguments += [f"--method={options.method}"]
    arguments += [f"--dtype={options.dtype}"] if options.dtype else []
    arguments += [f"--output={options.output}"] if options.output else []
    arguments += [f"--save-viz={options.save_viz}"] if options.save_viz else []
    found = ask("faa_core.api.single", [*arguments, "--", options.model], text, "Running the model", options.quiet)
    if not options.quiet:
        _print(found, options)


def _print(found: dict[str, Any], options: Namespace) -> None:
    print(f"model: {visible(options.model)}")
    print(f"layer {options.layer}, head {options.head}: {found['tokens']} tokens in {found['analysis_time']:.4f} s")
    if options.verbose:
        print(f"device: {found['device']}, method: {options.method}")
    for key, value in found["metrics"].items():
        print(f"  {key:<22} {_shown(value)}")
    if found["fractal_dimension"] is None:
        print("A dimension is undefined where too few sizes fit, or no one power law holds: see faa explain D0.")
    if options.output:
        print(f"results: {visible(options.output)}")
    if options.save_viz:
        print(f"figures: {visible(str(Path(options.save_viz)))}")


def _shown(value: float | None) -> str:
    return "undefined" if value is None or math.isnan(value) else f"{value:.6f}"


if __name__ == "__main__":
    sys.exit(main())
