"""``faa show``: one attention map, printed once."""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, Namespace

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from faa_core import reference
from faa_core.origin import Origin
from faa_core.records import Analysis, LayerResult
from faa_core.store import Overview
from faa_tui.cli.kept import keep, little_maps, parameters
from faa_tui.cli.main import (
    MODEL_HELP,
    add_display_options,
    add_run_options,
    add_text_options,
    display_of,
    run_options_of,
)
from faa_tui.cli.narration import narrated_session
from faa_tui.cli.text import text_for
from faa_tui.head_address import Address, find, parse_address
from faa_tui.rendering.console import console_for
from faa_tui.rendering.grid import map_grid
from faa_tui.rendering.scales import pooled_support
from faa_tui.rendering.text import visible


def run(arguments: list[str]) -> int:
    """Run ``faa show`` and return its exit code."""
    options = _parse(arguments)
    wanted = parse_address(options.map)
    parsed = reference.parse(options.model)
    text = text_for(parsed, options.text, options.file)
    run_options = run_options_of(options)
    with narrated_session(host=parsed.host) as narrated:
        analysis = narrated.analyse(parsed, text, run_options)
        result = find_layer(analysis, wanted)
        weights = narrated.worker.map(result.info.kind, result.info.layer, wanted.head)
        maps = little_maps(narrated.worker, parsed, analysis)
        host = narrated.worker.hello.hostname
    origin = Origin(parameters(run_options, options, "map"), hosts=(host,))
    keep(lambda store: store.save(analysis, origin=origin, overviews=maps))
    console = console_for(sys.stdout, display_of(options), asked=options.color != "auto")
    console.print(Text(visible(map_title(analysis, result, wanted.head)), style="bold"))
    console.print(
        map_grid(
            np.asarray(weights, dtype=np.float32),
            result.first_key,
            result.stop_key,
            analysis.queries_of(result.info.kind),
            analysis.keys_of(result.info.kind),
            scale=options.scale,
            width=console.width,
        )
    )
    return 0


def map_title(analysis: Analysis, result: LayerResult, head: int) -> str:
    """One line that says which map this is and what it looks like."""
    label = result.labels[head]
    evidence = "" if label.name == "mixed" or math.isnan(label.score) else f" ({label.score:.2f})"
    return f"{analysis.model.reference}  layer {result.info.name} head {head}  {label.name}{evidence}"


def little_grid(overview: Overview, analysis: Analysis, result: LayerResult, width: int) -> RenderableType:
    """A map in little as a colour grid of at most ``width`` cells; without tokens where a cell is more than one."""
    first, stop = pooled_support(result.first_key, result.stop_key, overview.cell)
    kind = result.info.kind
    tokens = (analysis.queries_of(kind), analysis.keys_of(kind)) if overview.cell == 1 else (None, None)
    grid = map_grid(overview.weights, first, stop, *tokens, scale="log", width=width)
    if overview.cell == 1:
        return grid
    said = f"kept in little: rows and columns count the largest of {overview.cell}×{overview.cell} weights"
    return Group(grid, Text(said, style="dim"))


def find_layer(analysis: Analysis, wanted: Address) -> LayerResult:
    """The layer that ``wanted`` names.

    Raises:
        UsageError: The model has no such layer or head.
    """
    info = find(wanted, [item.info for item in analysis.layers], analysis.model.reference)
    return next(item for item in analysis.layers if item.info == info)


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(prog="faa show", description="Print the attention map of one head as a colour grid.")
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument(
        "--map", required=True, metavar="L.H", help="layer and head; e1.5 for an encoder, x1.5 for cross-attention"
    )
    parser.add_argument(
        "--scale",
        choices=("log", "sqrt", "linear", "lift"),
        default="log",
        help="how weights become colours (default: log)",
    )
    add_text_options(parser)
    add_run_options(parser)
    add_display_options(parser)
    return parser.parse_args(arguments)
