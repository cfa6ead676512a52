"""``faa examine``: one head at length, every quantity that needs its whole map."""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, Namespace
from typing import Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from faa_core import catalogue, export, reference
from faa_core.findings import Findings, HeadExamination, Quantity
from faa_core.origin import Origin
from faa_core.records import Analysis, LayerResult
from faa_tui.cli.kept import keep, little_maps, parameters
from faa_tui.cli.main import MODEL_HELP, add_run_options, add_text_options, run_options_of
from faa_tui.cli.narration import narrated_session, printing_console
from faa_tui.cli.show import find_layer, map_title
from faa_tui.cli.text import text_for
from faa_tui.head_address import parse_address
from faa_tui.rendering.text import visible

_WIDE = 96
"""Cells of a line from which the difference from the null has a column of its own."""
_NUMBER = 7


def run(arguments: list[str]) -> int:
    """Run ``faa examine`` and return its exit code."""
    options = _parse(arguments)
    wanted = parse_address(options.map)
    parsed = reference.parse(options.model)
    text = text_for(parsed, options.text, options.file)
    run_options = run_options_of(options)
    with narrated_session(host=parsed.host) as narrated:
        analysis = narrated.analyse(parsed, text, run_options)
        result = find_layer(analysis, wanted)
        examination = narrated.worker.examine(result.info.kind, result.info.layer, wanted.head)
        maps = little_maps(narrated.worker, parsed, analysis)
        host = narrated.worker.hello.hostname
    origin = Origin(parameters(run_options, options, "map"), hosts=(host,))
    findings = Findings(examinations=(examination,))
    keep(lambda store: store.save(analysis, findings=findings, origin=origin, overviews=maps))
    if options.json:
        sys.stdout.buffer.write(export.examination_to_json(analysis, examination) + b"\n")
    else:
        console = printing_console()
        console.print(examination_report(analysis, result, examination, console.width))
    return 0


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(
        prog="faa examine",
        description="Measure everything that needs the whole attention map of one head: dimensions over all grid "
        "offsets, the multifractal spectrum, lacunarity, surface, rank, coverage, pattern recall.",
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument(
        "map", metavar="L.H", help="layer and head; e1.5 for an encoder's map, x1.5 for cross-attention"
    )
    add_text_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_run_options(parser)
    return parser.parse_args(arguments)


def examination_report(
    analysis: Analysis, result: LayerResult, examination: HeadExamination, width: int
) -> RenderableType:
    """The quantities of one head and its spectrum, as tables of at most ``width`` cells."""
    size = f"{examination.queries} x {examination.keys} tokens  {examination.seconds:.2f} s"
    columns = ["quantity", "value", "se", "null", "value - null", "no first", "status"]
    if width < _WIDE:
        columns.remove("value - null")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in columns:
        justify: Literal["left", "right"] = "left" if title in ("quantity", "status") else "right"
        least = _NUMBER if justify == "right" else None
        table.add_column(title, justify=justify, no_wrap=True, min_width=least)
    for quantity in examination.quantities:
        cells = _cells(quantity)
        table.add_row(*(Text(visible(cells[title])) for title in columns))
    spectrum = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("q", "D_q", "alpha", "f"):
        spectrum.add_column(title, justify="right", no_wrap=True)
    for row in zip(examination.q, examination.spectrum, examination.alpha, examination.f, strict=True):
        spectrum.add_row(*(Text(_format(float(number), ".3f" if index else "g")) for index, number in enumerate(row)))
    foot = (
        "In parentheses: a slope over scales on which no one power law holds. no first: key 0 left out and rows "
        "renormalised. D_q: effective Renyi dimensions of the unfolded map, 2 for even attention. 'faa explain NAME' "
        "says what a number is."
    )
    return Group(
        Text(visible(map_title(analysis, result, examination.head)), style="bold"),
        Text(size),
        Text(),
        table,
        Text(),
        spectrum,
        Text(),
        Text(foot, style="dim"),
    )


def _cells(quantity: Quantity) -> dict[str, str]:
    """Column title to text."""
    name, bracket, parameter = quantity.name.partition("[")
    entry = catalogue.BY_KEY.get(name)  # a worker of a later version may know more quantities
    title = f"{entry.title[0].lower()}{entry.title[1:]}" if entry else name
    how = f".{max(entry.decimals, 2) if entry else 3}f"
    value = _format(quantity.value, how)
    if math.isnan(quantity.value) and math.isfinite(quantity.effective):
        value = f"({_format(quantity.effective, how)})"
    return {
        "quantity": f"{title}{' ' if bracket else ''}{bracket}{parameter}",
        "value": value,
        "se": _format(quantity.error, how),
        "null": _format(quantity.null, how),
        "value - null": _format(quantity.difference, "+" + how),
        "no first": _format(quantity.without_first, how),
        "status": quantity.status.replace("_", " "),
    }


def _format(value: float, how: str) -> str:
    return "-" if math.isnan(value) else format(value, how if how == "g" else f"{how[:-3]}z{how[-3:]}")
