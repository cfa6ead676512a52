"""``faa show``: one attention map, printed once."""

from __future__ import annotations

import math
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.text import Text

from faa_core import reference
from faa_core.errors import UsageError
from faa_core.origin import Origin
from faa_core.records import Analysis, LayerResult, MapKind
from faa_core.store import Overview
from faa_tui.cli.kept import keep, little_maps, parameters
from faa_tui.cli.main import MODEL_HELP, add_run_options, add_text_options, run_options_of
from faa_tui.cli.narration import narrated_session
from faa_tui.cli.text import text_for
from faa_tui.rendering.grid import map_grid
from faa_tui.rendering.scales import pooled_support
from faa_tui.rendering.text import visible

_ADDRESS = re.compile(r"^([ex]?)(\d+)\.(\d+)$")
_KINDS: dict[str, MapKind | None] = {"": None, "e": "encoder", "x": "cross"}


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
    console = Console(highlight=False)
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


class Address(NamedTuple):
    """A head as it is typed; ``kind`` is ``None`` for the maps that the model has but one kind of."""

    kind: MapKind | None
    layer: int
    head: int


def parse_address(text: str) -> Address:
    """Address of ``L.H``, ``eL.H`` (encoder) or ``xL.H`` (cross-attention).

    Raises:
        UsageError: The text has no such form.
    """
    match = _ADDRESS.match(text)
    if match is None:
        raise UsageError(
            f"{text!r} does not name a map.",
            "Write LAYER.HEAD, for example 1.5; e1.5 for an encoder's map, x1.5 for cross-attention.",
        )
    return Address(_KINDS[match[1]], int(match[2]), int(match[3]))


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
    kinds = {item.info.kind for item in analysis.layers}
    kind = wanted.kind or ("decoder" if "decoder" in kinds else "encoder")
    layers = {item.info.layer: item for item in analysis.layers if item.info.kind == kind}
    name = analysis.model.reference
    if not layers:
        raise UsageError(f"{name} has no {kind} maps.", f"It has: {', '.join(sorted(kinds)) or 'none'}.")
    result = layers.get(wanted.layer)
    if result is None:
        raise UsageError(f"{name} has no {kind} layer {wanted.layer} with a map.", f"Layers: {_span(layers)}.")
    if wanted.head >= result.info.heads:
        raise UsageError(
            f"Layer {wanted.layer} of {name} has no head {wanted.head}.", f"Heads go from 0 to {result.info.heads - 1}."
        )
    return result


def _span(layers: Iterable[int]) -> str:
    """``0 to 3`` for consecutive numbers, else all of them."""
    numbers = sorted(layers)
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))


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
    return parser.parse_args(arguments)
