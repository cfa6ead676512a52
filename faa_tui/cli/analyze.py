"""``faa analyze``: every head of a model on one text."""

from __future__ import annotations

import math
import os
import sys
from argparse import ArgumentParser, Namespace

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from faa_core import catalogue, export, reference
from faa_core.errors import UsageError
from faa_core.records import STATUSES, Analysis, LayerResult, MapKind
from faa_core.worker.protocol import RunOptions
from faa_tui.cli.main import MODEL_HELP, add_run_options, add_text_options
from faa_tui.cli.narration import narrated_session
from faa_tui.cli.text import text_for
from faa_tui.rendering.text import visible

COLUMNS = ("previous_token", "induction", "sink", "normalised_entropy", "distance", "confidence")
"""Statistics that the table shows beside the dimension; all of them are in the JSON."""

_WIDTH_OF_A_FILE = 120
"""Cells of a line where the output is no terminal."""


def run(arguments: list[str]) -> int:
    """Run ``faa analyze`` and return its exit code."""
    options = _parse(arguments)
    parsed = reference.parse(options.model)
    text = text_for(parsed, options.text, options.file)
    with narrated_session() as worker:
        analysis = worker.analyse(options.model, text, RunOptions(options.device, options.dtype, options.truncate))
    chosen = _chosen(analysis, options)
    if options.json:
        sys.stdout.buffer.write(export.to_json(analysis, chosen) + b"\n")
    else:
        console = Console(highlight=False)
        width = console.width if console.is_terminal or "COLUMNS" in os.environ else _WIDTH_OF_A_FILE
        console.width = width
        console.print(_report(analysis, chosen, width))
    return 0


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(
        prog="faa analyze",
        description="Measure every head of MODEL on one text. Data go to standard output, narration to standard error.",
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    add_text_options(parser)
    parser.add_argument("--layer", type=int, metavar="L", help="only this layer; negative counts from the last")
    parser.add_argument("--head", type=int, metavar="H", help="only this head")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_run_options(parser)
    return parser.parse_args(arguments)


def _chosen(analysis: Analysis, options: Namespace) -> set[tuple[str, int, int]] | None:
    """Addresses picked by --layer and --head, or ``None`` for all.

    Raises:
        UsageError: There is no such layer or head.
    """
    if options.layer is None and options.head is None:
        return None
    layers = list(analysis.layers)
    if options.layer is not None:
        last: dict[MapKind, int] = {}
        for item in layers:
            last[item.info.kind] = max(last.get(item.info.kind, 0), item.info.layer)
        wanted = {kind: options.layer if options.layer >= 0 else top + 1 + options.layer for kind, top in last.items()}
        layers = [item for item in layers if item.info.layer == wanted[item.info.kind]]
        if not layers:
            top = max(last.values(), default=-1)
            raise UsageError(
                f"{analysis.model.reference} has no layer {options.layer} with attention maps.",
                f"Layers go from 0 to {top}, or from -{top + 1} to -1.",
            )
    if options.head is None:
        return {(item.info.kind, item.info.layer, head) for item in layers for head in range(item.info.heads)}
    fitting = [item for item in layers if 0 <= options.head < item.info.heads]
    if not fitting:
        most = max(item.info.heads for item in layers)
        raise UsageError(
            f"{analysis.model.reference} has no head {options.head} there.", f"Heads go from 0 to {most - 1}."
        )
    return {(item.info.kind, item.info.layer, options.head) for item in fitting}


def _report(analysis: Analysis, chosen: set[tuple[str, int, int]] | None, width: int) -> RenderableType:
    model = analysis.model
    lines = [
        f"{model.reference}  {model.architecture}  {model.revision}".rstrip(),
        f"{model.device} {model.dtype}  {len(analysis.layers)} layers with maps  {len(analysis.tokens)} tokens  "
        f"{analysis.seconds:.2f} s",
    ]
    if analysis.truncated_from is not None:
        lines.append(f"The text was cut from {analysis.truncated_from} tokens, as asked for.")
    lines += analysis.notes
    columns = _columns(width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in columns:
        table.add_column(title, justify="left" if title in ("looks like", "status") else "right", no_wrap=True)
    for layer in analysis.layers:
        for head in range(layer.info.heads):
            if chosen is None or (layer.info.kind, layer.info.layer, head) in chosen:
                cells = _cells(layer, head)
                table.add_row(*(Text(cells[title]) for title in columns))
    foot = (
        "D0: box-counting dimension of lift > 1; null: that of the bare mask; delta: D0 - null; se: standard error. "
        "In parentheses: a slope over sizes on which no one power law holds. --json has every statistic with its null."
    )
    return Group(*(Text(visible(line)) for line in lines), Text(), table, Text(), Text(foot, style="dim"))


def _columns(width: int) -> list[str]:
    """Titles of the columns that fit ``width`` cells, the most telling ones first to stay."""
    always = {"head": 5, "looks like": 22, "D0": 6, "delta": 7, "status": 13}
    extra = {"null": 4, "se": 4} | {catalogue.BY_KEY[key].symbol: 6 for key in COLUMNS}
    left = width - sum(cells + 2 for cells in always.values())
    shown = list(always)
    for title, cells in extra.items():
        left -= cells + 2
        if left >= 0:
            shown.append(title)
    order = ["head", "looks like", "D0", "null", "delta", "se", "status"]
    return [title for title in order if title in shown] + [title for title in shown if title not in order]


def _cells(layer: LayerResult, head: int) -> dict[str, str]:
    """Column title to text, for one head."""
    statistics, boxes, label = layer.statistics, layer.boxes, layer.labels[head]
    row = statistics.row("D0")
    null, value = float(statistics.null[row, head]), float(statistics.value[row, head])
    status = STATUSES[statistics.status[row, head]]
    shown, delta = _format(value, ".2f"), _format(value - null, "+.2f")
    if status == "no_scaling":
        effective = float(boxes.effective[head])
        shown, delta = f"({effective:.2f})", f"({effective - null:+.2f})"
    # What a mixed head comes closest to is in the JSON; beside "mixed" its score would read as one of being mixed.
    evidence = "" if label.name == "mixed" or math.isnan(label.score) else f" ({label.score:.2f})"
    cells = {
        "head": f"{layer.info.name}.{head}",
        "looks like": label.name + evidence,
        "D0": shown,
        "null": _format(null, ".2f"),
        "delta": delta,
        "se": _format(float(statistics.error[row, head]), ".2f"),
        "status": status.replace("_", " "),
    }
    for key in COLUMNS:
        entry = catalogue.BY_KEY[key]
        number = float(statistics.value[statistics.row(key), head])
        cells[entry.symbol] = _format(number, f".{min(entry.decimals, 2)}f")
    return cells


def _format(value: float, how: str) -> str:
    return "-" if math.isnan(value) else format(value, how)
