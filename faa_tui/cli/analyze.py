"""``faa analyze``: every head of a model, on one text or over several."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from faa_core import reference
from faa_core.errors import UsageError
from faa_core.export import FORMS, Form, analysis_file, form_of, texts_file
from faa_core.export.files import check_target, write_whole
from faa_core.findings import SURROGATES, TESTED, Findings
from faa_core.origin import Origin
from faa_core.records import Analysis, MapKind
from faa_core.replication import replicate
from faa_tui.cli.analyze_table import Chosen, analysis_table, replication_table
from faa_tui.cli.kept import keep, keep_texts, little_maps, parameters
from faa_tui.cli.main import MODEL_HELP, add_run_options, add_text_options, run_options_of
from faa_tui.cli.narration import narrated_session, printing_console
from faa_tui.cli.text import text_for, texts_in
from faa_tui.little_maps import fetched, telling_heads


def run(arguments: list[str]) -> int:
    """Run ``faa analyze`` and return its exit code."""
    options = _parse(arguments)
    parsed = reference.parse(options.model)
    if options.output:
        check_target(Path(options.output), options.force)
        if not options.json:
            form_of(Path(options.output))
    return _over_texts(options, parsed) if options.texts else _one_text(options, parsed)


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(
        prog="faa analyze",
        description="Measure every head of MODEL on one text, or over several. Data go to standard output, narration "
        "to standard error.",
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    texts = add_text_options(parser)
    texts.add_argument(
        "--texts",
        metavar="PATH",
        help="several texts: a file with one on each line, or a folder of files; prints means over texts",
    )
    parser.add_argument("--layer", type=int, metavar="L", help="only this layer; negative counts from the last")
    parser.add_argument("--head", type=int, metavar="H", help="only this head")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help=f"write to a file; its ending says how: {', '.join(FORMS)}"
    )
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")
    nulls = parser.add_argument_group("what to compare with")
    nulls.add_argument(
        "--null",
        choices=("uniform", "init"),
        default="uniform",
        help="init: also run MODEL@init, the same architecture untrained, on the same text",
    )
    nulls.add_argument(
        "--test",
        action="append",
        default=[],
        choices=TESTED,
        metavar="STATISTIC",
        help=f"p-values against random attention, with false-discovery control over all heads: {', '.join(TESTED)}; "
        "may be given several times",
    )
    nulls.add_argument(
        "--surrogate", choices=SURROGATES, default=SURROGATES[0], help="that random attention (default: row_shuffle)"
    )
    nulls.add_argument(
        "--replicates", type=int, default=199, metavar="N", help="surrogates for each head (default: 199)"
    )
    nulls.add_argument("--probe", action="store_true", help="also score induction on random sequences said twice")
    nulls.add_argument(
        "--rollout", action="store_true", help="also multiply the layers: which tokens reach the last position"
    )
    nulls.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    add_run_options(parser)
    options = parser.parse_args(arguments)
    if options.texts and (options.null != "uniform" or options.test or options.probe or options.rollout):
        parser.error("--texts goes with none of --null init, --test, --probe and --rollout")
    if options.replicates < 19:
        parser.error("--replicates must be 19 or more: fewer cannot reach p = 0.05")
    return options


def _one_text(options: Namespace, parsed: reference.ModelReference) -> int:
    text = text_for(parsed, options.text, options.file)
    run_options = run_options_of(options)
    init = None
    with narrated_session(host=parsed.host) as narrated:
        if options.null == "init":
            init = narrated.analyse(_untrained(parsed), text, run_options)
        analysis = narrated.analyse(parsed, text, run_options)
        chosen = _chosen(analysis, options)
        tests = tuple(
            narrated.worker.test(statistic, options.surrogate, options.replicates, options.seed)
            for statistic in dict.fromkeys(options.test)
        )
        rollouts = narrated.worker.rollout() if options.rollout else ()
        maps = little_maps(narrated.worker, parsed, analysis)
        probe = narrated.probe(parsed, run_options, options.seed) if options.probe else None
        host = narrated.worker.hello.hostname
    findings = Findings(init, tests, probe, rollouts)
    asked = bool(init or tests or probe or rollouts)
    names = ("null", "test", "surrogate", "replicates", "probe", "rollout") if asked else ()
    origin = Origin(parameters(run_options, options, *names), options.seed if tests or probe else None, hosts=(host,))
    keep(lambda store: store.save(analysis, findings=findings if asked else None, origin=origin, overviews=maps))
    if options.json or options.output:
        _write(options, lambda form: analysis_file(analysis, form, findings if asked else None, origin, chosen))
    else:
        console = printing_console()
        console.print(analysis_table(analysis, findings, chosen, console.width))
    return 0


def _over_texts(options: Namespace, parsed: reference.ModelReference) -> int:
    texts = texts_in(options.texts)
    run_options = run_options_of(options)
    with narrated_session(len(texts), parsed.host) as narrated:
        worker = narrated.worker
        analyses = [narrated.analyse(parsed, texts[0], run_options)]
        maps = [little_maps(worker, parsed, analyses[0])]
        for text in texts[1:]:
            analyses.append(narrated.analyse(parsed, text, run_options))
            # Of every text those of all heads would be more than anybody will look at.
            maps.append(fetched(worker, telling_heads(analyses[-1])))
        host = worker.hello.hostname
    replication = replicate(analyses, options.seed)
    origin = Origin(parameters(run_options, options), hosts=(host,))
    keep_texts(replication, analyses, maps, origin)
    chosen = _chosen(analyses[0], options)
    if options.json or options.output:
        told = replace(origin.of_texts(analyses), seed=options.seed)
        _write(options, lambda form: texts_file(replication, form, told, chosen))
    else:
        console = printing_console()
        console.print(replication_table(replication, chosen, console.width))
    return 0


def _write(options: Namespace, content: Callable[[Form], bytes]) -> None:
    """Write the result to its file, in the form of its ending, or as JSON to standard output."""
    if options.output:
        path = Path(options.output)
        write_whole(path, content("json" if options.json else form_of(path)), options.force)
    else:
        sys.stdout.buffer.write(content("json"))


def _untrained(parsed: reference.ModelReference) -> reference.ModelReference:
    """The same architecture at random initialisation.

    Raises:
        UsageError: The reference is untrained already, or a file.
    """
    if parsed.source == "array":
        raise UsageError(f"{parsed} is a file of attention; there is no model to initialise.", "Leave --null init out.")
    if parsed.initialised:
        raise UsageError(f"{parsed} is at random initialisation itself.", "Name the trained model.")
    return replace(parsed, revision=reference.INIT)


def _chosen(analysis: Analysis, options: Namespace) -> Chosen:
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
