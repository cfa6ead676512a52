"""``faa report``: a run or a comparison as one HTML file that opens offline."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faa_core import reference
from faa_core.errors import Cancelled, FaaError, UsageError
from faa_core.export.files import check_target, write_whole
from faa_core.findings import TESTED, Findings
from faa_core.origin import Origin
from faa_core.reference import DEMO, ModelReference
from faa_core.replication import replicate
from faa_core.report import Chosen, HeadMap, Report, chosen_heads, chosen_over_texts, map_level, render
from faa_core.store import Store
from faa_core.worker.session import Session
from faa_tui import paths
from faa_tui.cli.compare import MOST, keep_compared
from faa_tui.cli.compare_runs import measuring
from faa_tui.cli.kept import keep, keep_texts, little_maps, parameters
from faa_tui.cli.main import MODEL_HELP, add_run_options, add_text_options, run_options_of
from faa_tui.cli.narration import narrated_session
from faa_tui.cli.runs import LAST
from faa_tui.cli.text import text_for, texts_for, texts_in
from faa_tui.hosts import Hosts
from faa_tui.rendering.text import visible
from faa_tui.reports import comparison_report, kept_report, run_report, texts_report


def run(arguments: list[str]) -> int:
    """Run ``faa report`` and return its exit code."""
    options = _parse(arguments)
    if options.output != "-":
        check_target(Path(options.output), options.force)
    if len(options.models) == 1 and (options.models[0] == LAST or options.models[0].isdecimal()):
        made = _kept(options)
    else:
        references = [reference.parse(model) for model in options.models or (DEMO,)]
        if len(references) > 1:
            made = _compared(options, references)
        else:
            made = (_over_texts if options.texts else _measured)(options, references[0])
    content = render(made).encode()
    if options.output == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return 0
    write_whole(Path(options.output), content, options.force)
    print(f"{visible(str(options.output))}  {len(content) / 1e6:.1f} MB", file=sys.stderr)
    return 0


def fetch_maps(worker: Session, chosen: Sequence[Chosen]) -> tuple[HeadMap, ...]:
    """Maps of these heads on the worker's last run.

    A map that the worker keeps no more is left out: the report says what it has.
    """
    maps = []
    for one in chosen:
        layer = one.layer
        info, level = layer.info, map_level(layer.queries, layer.keys)
        stops = (-(-layer.queries >> level), -(-layer.keys >> level))
        try:
            weights = worker.tile(info.kind, info.layer, one.head, level, 0, stops[0], 0, stops[1])
        except Cancelled:
            raise
        except FaaError:
            continue
        maps.append(HeadMap(info.kind, info.layer, one.head, np.asarray(weights, np.float32), 1 << level))
    return tuple(maps)


def _measured(options: Namespace, parsed: ModelReference) -> Report:
    text = text_for(parsed, options.text, options.file)
    run_options = run_options_of(options)
    with narrated_session(host=parsed.host) as narrated:
        init = narrated.analyse(_untrained(parsed), text, run_options) if options.null == "init" else None
        analysis = narrated.analyse(parsed, text, run_options)
        maps = fetch_maps(narrated.worker, chosen_heads(analysis))
        little = little_maps(narrated.worker, parsed, analysis)
        tests = tuple(narrated.worker.test(statistic, seed=options.seed) for statistic in dict.fromkeys(options.test))
        probe = narrated.probe(parsed, run_options, options.seed) if options.probe else None
        host = narrated.worker.hello.hostname
    findings = Findings(init, tests, probe)
    asked = bool(init or tests or probe)
    names = ("null", "test", "probe") if asked else ()
    origin = Origin(parameters(run_options, options, *names), options.seed if tests or probe else None, hosts=(host,))
    keep(lambda store: store.save(analysis, findings=findings if asked else None, origin=origin, overviews=little))
    return run_report(analysis, maps, findings, options.title)


def _over_texts(options: Namespace, parsed: ModelReference) -> Report:
    texts = texts_in(options.texts)
    run_options = run_options_of(options)
    with narrated_session(len(texts), parsed.host) as narrated:
        # The first text goes last: the worker still has its maps when the heads are chosen.
        *others, first = (narrated.analyse(parsed, text, run_options) for text in (*texts[1:], texts[0]))
        replication = replicate([first, *others], options.seed)
        maps = fetch_maps(narrated.worker, chosen_over_texts(replication, first))
        little = little_maps(narrated.worker, parsed, first)
        origin = Origin(parameters(run_options, options), hosts=(narrated.worker.hello.hostname,))
    keep_texts(replication, [first, *others], [little, *[()] * len(others)], origin)
    return texts_report(replication, first, maps, options.title)


def _untrained(parsed: ModelReference) -> ModelReference:
    if parsed.source == "array" or parsed.initialised:
        raise UsageError(f"{parsed} has no untrained model to stand beside.", "Leave --null init out.")
    return parsed.twin


def _compared(options: Namespace, references: list[ModelReference]) -> Report:
    texts = texts_for(references[0], options.texts, options.text, options.file)
    run_options = run_options_of(options)
    origin = Origin(parameters(run_options, options), options.seed)
    with Hosts() as hosts, measuring(references, texts, run_options, hosts) as measurement:
        first, *others = measurement.sides
        comparisons = [first.compared_with(other, options.seed) for other in others]
        keep_compared(measurement, comparisons, origin)
        return comparison_report(measurement.parts(comparisons), options.title)


def _kept(options: Namespace) -> Report:
    """What the user kept under a number."""
    if not paths.runs().exists():
        raise UsageError("No runs are kept.", "Name a model; what is run on it is kept.")
    name = options.models[0]
    with Store(paths.runs()) as store:
        newest = store.entries(1)
        if name == LAST and not newest:
            raise UsageError("No runs are kept.", "Name a model; what is run on it is kept.")
        return kept_report(store, newest[0] if name == LAST else store.entry(int(name)), options.title)


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(
        prog="faa report",
        usage="faa report [MODEL [MODEL ...]] -o FILE [options]\n       faa report RUN -o FILE",
        description="Write what MODEL shows on a text or over several texts, or how models differ, as one HTML file "
        "that opens offline. Several models are each compared with the first.",
    )
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help=f"one to four: {MODEL_HELP}; or a number of faa runs, or {LAST!r}: a kept run",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the file; - for standard output")
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")
    parser.add_argument("--title", default="", help="the heading of the page")
    texts = add_text_options(parser)
    texts.add_argument(
        "--texts", metavar="PATH", help="several texts: a file with one on each line, or a folder of files"
    )
    asked = parser.add_argument_group("of one model on one text, also")
    asked.add_argument("--null", choices=("uniform", "init"), default="uniform", help="init: beside MODEL@init")
    asked.add_argument(
        "--test",
        action="append",
        default=[],
        choices=TESTED,
        metavar="STATISTIC",
        help=f"p-values: {', '.join(TESTED)}",
    )
    asked.add_argument("--probe", action="store_true", help="score induction on random sequences said twice")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    add_run_options(parser)
    options = parser.parse_args(arguments)
    if len(options.models) > MOST:
        parser.error(f"{len(options.models)} models were named, and at most {MOST} can be compared")
    if (len(options.models) > 1 or options.texts) and (options.null != "uniform" or options.test or options.probe):
        parser.error("--null, --test and --probe go with one model on one text")
    if options.seed < 0:
        parser.error("--seed starts at 0")
    return options
