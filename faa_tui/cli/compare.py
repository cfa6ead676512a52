"""``faa compare``: two to four models on the same texts, head by head."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faa_core import catalogue, reference
from faa_core.comparison.matching import changed
from faa_core.comparison.matching import match as match_heads
from faa_core.comparison.records import Comparison, Head, Matching
from faa_core.errors import UsageError
from faa_core.export import FORMS, comparisons_file, form_of
from faa_core.export.files import check_target, write_whole
from faa_core.origin import Origin
from faa_core.records import Analysis
from faa_core.reference import DEMO, ModelReference
from faa_core.store import Segments, Store
from faa_tui.cli.compare_runs import Measured, Measurement, measuring
from faa_tui.cli.compare_table import comparison_table
from faa_tui.cli.kept import keep, parameters
from faa_tui.cli.main import MODEL_HELP, add_run_options, add_text_options, run_options_of
from faa_tui.cli.main import main as faa
from faa_tui.cli.narration import printing_console
from faa_tui.cli.text import texts_for
from faa_tui.head_address import Address, parse_address
from faa_tui.hosts import Hosts

MOST = 4
"""Models that can be compared at once."""
FORMATS = (*FORMS, "html")
"""What can be written instead of a table."""


def run(arguments: list[str]) -> int:
    """Run ``faa compare`` and return its exit code."""
    options = _parse(arguments)
    if options.model1:
        from faa_tui.cli.compare_reference import run_reference

        return run_reference(options)
    references = with_partner(options.models)
    pairs = [_parse_pair(pair) for pair in options.pair]
    if options.output:
        check_target(Path(options.output), options.force)
    texts = texts_for(references[0], options.texts, options.text, options.file)
    run_options = run_options_of(options)
    origin = Origin(parameters(run_options, options, "match", "pair"), options.seed)
    with Hosts() as hosts, measuring(references, texts, run_options, hosts) as measurement:
        first, *others = measurement.sides
        comparisons = [_compared(first, other, pairs, options) for other in others]
        statistics = statistics_shown(comparisons, options.statistic)
        page = _page(measurement, comparisons, statistics, options) if options.format == "html" else b""
        keep_compared(measurement, comparisons, origin)
    if page:
        _write(page, options)
    else:
        _tell(comparisons, statistics, options, origin.of_texts(first.analyses))
    return 0


def main() -> int:
    """Run ``faa-compare``, the name that fractal-attention-analysis 1.0.0 has for it."""
    return faa(["compare", *sys.argv[1:]])


def with_partner(models: Sequence[str]) -> list[ModelReference]:
    """The models, and for one alone the same architecture trained or untrained, whichever it is not.

    Raises:
        UsageError: One of them is no reference, or a file of attention stands alone.
    """
    parsed = [reference.parse(model) for model in models or (DEMO,)]
    if len(parsed) > 1:
        return parsed
    (alone,) = parsed
    if alone.source == "array":
        raise UsageError(
            f"{alone} is a file of attention; there is no untrained model to compare it with.", "Name two files."
        )
    return [alone.twin, alone] if alone.initialised else [alone, alone.twin]


def keep_compared(measurement: Measurement, comparisons: Sequence[Comparison], origin: Origin) -> None:
    """Keep every comparison of the first side, its runs once, and maps of the first text while the workers have them.

    Raises:
        Cancelled: A Ctrl-C came.
    """
    first, *others = measurement.sides
    of_first, *of_others = measurement.little_maps()
    over = measurement.over
    over_segments = [
        measurement.little_maps_over_segments(place, comparison) for place, comparison in enumerate(comparisons, 1)
    ]

    def save(store: Store) -> None:
        kept: Sequence[Analysis | int] = first.analyses
        for place, (comparison, other, maps) in enumerate(zip(comparisons, others, of_others, strict=True), 1):
            run = store.save_comparison(comparison, kept, other.analyses, origin)
            parts = store.parts(run)
            kept = [part.run for part in parts if part.side == 0]
            for part in parts:
                if part.place == 0:
                    store.add_overviews(part.run, maps if part.side else of_first)
            if over:
                store.add_segments(run, 0, [Segments.of(kind, found, place) for kind, found in over.items()])
                for side, joined in enumerate(over_segments[place - 1]):
                    store.add_segment_overviews(run, side, 0, joined)

    keep(save)


def _page(
    measurement: Measurement, comparisons: Sequence[Comparison], statistics: Sequence[str], options: Namespace
) -> bytes:
    """The comparisons as a report, while the workers still have the maps."""
    from faa_core.report import render
    from faa_tui.reports import comparison_report

    parts = measurement.parts(comparisons, statistics, options.largest or None)
    return render(comparison_report(parts)).encode()


def _tell(comparisons: Sequence[Comparison], statistics: Sequence[str], options: Namespace, origin: Origin) -> None:
    """Print the comparisons, or write them where ``--output`` says."""
    if options.format in FORMS:
        _write(comparisons_file(comparisons, options.format, origin), options)
        return
    console = printing_console()
    for place, comparison in enumerate(comparisons):
        if place:
            console.print()
        console.print(comparison_table(comparison, statistics, options.largest or None, console.width))


def _write(content: bytes, options: Namespace) -> None:
    """Write what was asked for to its file, or to standard output."""
    if options.output:
        write_whole(Path(options.output), content, options.force)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def _parse_pair(text: str) -> tuple[Address, Address]:
    left, separator, right = text.partition("=")
    if not separator:
        raise UsageError(f"{text!r} is no pair of heads.", "Write A=B, for example 1.4=2.3.")
    return parse_address(left), parse_address(right)


def _compared(
    first: Measured, other: Measured, pairs: Sequence[tuple[Address, Address]], options: Namespace
) -> Comparison:
    """The numbers of two models, heads matched as the options say."""

    def numbers(matching: Matching | None) -> Comparison:
        return first.compared_with(other, options.seed, matching, options.match == "divergence")

    matching = None
    if options.match == "index":
        a, b = ([layer.info for layer in side.analyses[0].layers] for side in (first, other))
        matching = match_heads(a, b, method="index")
    if not pairs:
        return numbers(matching)
    matching = matching or numbers(None).matching
    for left, right in pairs:
        matching = changed(matching, _head(left, first.analyses[0]), _head(right, other.analyses[0]))
    return numbers(matching)


def _head(address: Address, run: Analysis) -> Head:
    """The head that was typed; an address without a kind means the decoder where there is one."""
    kinds = {layer.info.kind for layer in run.layers}
    return Head(address.kind or ("decoder" if "decoder" in kinds else "encoder"), address.layer, address.head)


def statistics_shown(comparisons: Sequence[Comparison], wanted: Sequence[str]) -> list[str]:
    """Statistics to show: those asked for, which every comparison must have; by default the information dimension."""
    shared = [
        name
        for name in comparisons[0].differences.names
        if all(name in comparison.differences.names for comparison in comparisons)
    ]
    if "all" in wanted:
        return shared
    # A dimension is defined on no short text; then the first number that says something stands for it.
    told = [name for name in ("D1", *shared) if any(_is_defined(comparison, name) for comparison in comparisons)]
    chosen = list(dict.fromkeys(wanted)) or told[:1] or shared[:1]
    for name in chosen:
        if name not in shared:
            raise UsageError(f"{name} was not measured on every model.", f"There are: {', '.join(shared) or 'none'}.")
    return chosen


def _is_defined(comparison: Comparison, name: str) -> bool:
    differences = comparison.differences
    return name in differences.names and bool(np.isfinite(differences.difference[differences.row(name)]).any())


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(
        prog="faa compare",
        description="Compare MODEL with others on the same texts, head by head: one model with its own architecture "
        "untrained, and the bundled model with that if none is named. Data go to standard output, narration to "
        "standard error.",
    )
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help=f"two to four models, each compared with the first: {MODEL_HELP}",
    )
    texts = add_text_options(parser)
    texts.add_argument(
        "--texts",
        metavar="PATH",
        help="several texts: a file with one on each line, or a folder of files; only over several texts can a "
        "difference be tested",
    )
    parser.add_argument(
        "--match",
        choices=("index", "divergence"),
        help="which heads are compared: those at the same place (default for models of the same shape), or those that "
        "attend most alike (default for others)",
    )
    parser.add_argument(
        "--pair",
        action="append",
        default=[],
        metavar="A=B",
        help="compare these two heads whatever the match says, for example 1.4=2.3; may be given several times",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    shown = parser.add_argument_group("what is shown")
    shown.add_argument(
        "--statistic",
        action="append",
        default=[],
        choices=(*catalogue.RUN_KEYS, "all"),
        metavar="KEY",
        help="show the largest differences in this number, for example entropy (default: D1); may be given several "
        "times; all for every one",
    )
    shown.add_argument(
        "--largest", type=int, default=12, metavar="N", help="how many pairs of heads; 0 for all (default: 12)"
    )
    form = shown.add_mutually_exclusive_group()
    for name in ("json", "csv", "html"):
        what = {"json": "print one JSON object", "csv": "print a row for each pair of heads and number"}
        said = what.get(name, "print a page that opens offline")
        form.add_argument(f"--{name}", action="store_const", const=name, dest="format", help=said)
    shown.add_argument("-o", "--output", metavar="FILE", help="write to a file; its ending says how, if nothing else")
    shown.add_argument("--force", action="store_true", help="replace the file if it exists")
    old = parser.add_argument_group("as in fractal-attention-analysis 1.0.0")
    old.add_argument("--model1", metavar="A", help="print what its faa-compare printed, for head 0 of the last layer")
    old.add_argument("--model2", metavar="B", help="the other model; the text is that of --text")
    old.add_argument(
        "--method",
        choices=("corrected", "faa-1.0.0"),
        default="corrected",
        help="numbers that mean what their names say, or those of 1.0.0 to the digit (default: corrected)",
    )
    add_run_options(parser)
    options = parser.parse_args(arguments)
    if bool(options.model1) != bool(options.model2) or (options.model1 and options.models):
        parser.error("--model1 and --model2 go together, and with no other model")
    if len(options.models) > MOST:
        parser.error(f"{len(options.models)} models were named, and at most {MOST} can be compared")
    if options.pair and len(options.models) > 2:
        parser.error("--pair goes with two models")
    if options.largest < 0 or options.seed < 0:
        parser.error("--largest and --seed start at 0")
    if options.output and not options.format and not options.model1:
        options.format = Path(options.output).suffix.lower().removeprefix(".")
        if options.format not in FORMATS:
            parser.error(f"the ending of {options.output} says no form: end it in {', '.join(FORMATS)}")
        if options.format == "parquet":
            form_of(Path(options.output))
    return options
