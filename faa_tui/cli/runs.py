"""``faa runs``: the analyses and comparisons that are kept, shown again without their models."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from faa_core.errors import UsageError
from faa_core.export import FORMS, examination_to_json, form_of
from faa_core.export.files import check_target, write_whole
from faa_core.findings import Findings
from faa_core.records import MapKind
from faa_core.store import Entry, Store
from faa_tui import paths
from faa_tui.cli.analyze_table import analysis_table, replication_table
from faa_tui.cli.compare_table import comparison_table
from faa_tui.cli.examine import examination_report
from faa_tui.cli.narration import printing_console
from faa_tui.cli.show import find_layer, little_grid, map_title
from faa_tui.head_address import parse_address
from faa_tui.kept_runs import KeptAnalysis, file_of, open_run
from faa_tui.rendering.text import visible

LAST = "last"
"""The newest run, wherever a number is asked for."""
SCHEMA = "faa.runs/1"
"""Name and major version of the JSON shape of the list."""
LISTED = 30
"""Runs that are listed if nothing else is said."""
_LARGEST = 12  # pairs of heads that are shown of a comparison, as in faa compare


def run(arguments: list[str]) -> int:
    """Run ``faa runs`` and return its exit code."""
    options = _parse(arguments)
    if not paths.runs().exists():
        return _without(options)
    with Store(paths.runs()) as store:
        if options.what == "show" and options.map:
            _show_head(store, named_entry(store, options.run), options.map, options.json)
        elif options.what == "show":
            _show(store, named_entry(store, options.run), options.json)
        elif options.what == "export":
            path = Path(options.output)
            check_target(path, options.force)
            content = file_of(store, named_entry(store, options.run).id, form_of(path))
            write_whole(path, content, options.force)
        elif options.what == "note":
            store.set_note(named_entry(store, options.run).id, " ".join(options.text))
        elif options.what == "delete":
            _delete(store, options.runs)
        else:
            _list(store, options)
    return 0


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(
        prog="faa runs",
        description="The analyses and comparisons that are kept. Without a word after it, list them.",
        epilog=f"RUN is a number of the list, or {LAST!r} for the newest. They are in {paths.runs()}.",
    )
    _add_list_options(parser)
    words = parser.add_subparsers(dest="what", metavar="WORD")
    listing = words.add_parser("list", help="the newest first")
    _add_list_options(listing)
    show = words.add_parser("show", help="what faa analyze or faa compare printed, without the model")
    show.add_argument("run", metavar="RUN")
    show.add_argument("--map", metavar="L.H", help="what is kept of one head: its map in little, its examination")
    show.add_argument("--json", action="store_true", help="print one JSON object")
    exporting = words.add_parser("export", help="write a run to a file")
    exporting.add_argument("run", metavar="RUN")
    exporting.add_argument(
        "-o", "--output", required=True, metavar="FILE", help=f"its ending says how: {', '.join(FORMS)}"
    )
    exporting.add_argument("--force", action="store_true", help="replace the file if it exists")
    note = words.add_parser("note", help="write a note beside a run, in place of the one there")
    note.add_argument("run", metavar="RUN")
    note.add_argument("text", metavar="TEXT", nargs="+", help="'' removes it")
    delete = words.add_parser("delete", help="forget runs for good")
    delete.add_argument("runs", metavar="RUN", nargs="+")
    for word in (parser, listing, show, exporting, note, delete):
        word.add_argument("--verbose", action="store_true", help="show the traceback of an error")
    return parser.parse_args(arguments)


def _add_list_options(parser: ArgumentParser) -> None:
    parser.add_argument("--most", type=int, default=LISTED, metavar="N", help=f"0 for all (default: {LISTED})")
    parser.add_argument("--parts", action="store_true", help="list also the runs that comparisons rest on")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _without(options: Namespace) -> int:
    """Nothing has ever been kept, and reading is no reason to make a file."""
    if options.what in (None, "list"):
        if options.json:
            sys.stdout.buffer.write(_as_json([]))
        else:
            print("No runs are kept yet: faa analyze, faa compare and the application keep theirs.")
        return 0
    raise UsageError("No runs are kept yet.", "faa analyze, faa compare and the application keep theirs.")


def named_entry(store: Store, name: str) -> Entry:
    """The run of that number, or the newest.

    Raises:
        UsageError: There is none.
    """
    if name == LAST:
        newest = store.entries(1)
        if not newest:
            raise UsageError("No runs are kept.")
        return newest[0]
    if not name.isdecimal():
        raise UsageError(f"{name!r} is no number of a run.", f"faa runs lists them; {LAST!r} is the newest.")
    return store.entry(int(name))


def _list(store: Store, options: Namespace) -> None:
    entries = store.entries(options.most or None, options.parts)
    if options.json:
        sys.stdout.buffer.write(_as_json(entries))
    elif entries:
        printing_console().print(_table(entries))
    else:
        print("No runs are kept.")


def _as_json(entries: list[Entry]) -> bytes:
    plain = {"schema": SCHEMA, "file": str(paths.runs()), "runs": msgspec.to_builtins(entries)}
    return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"


def _table(entries: list[Entry]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    titles = ["run", "when", "what", "model", "tokens", "seconds"]
    if any(entry.note for entry in entries):
        titles.append("note")
    for title in titles:
        table.add_column(title, justify="right" if title in ("run", "tokens", "seconds") else "left")
    for entry in entries:
        cells = (
            str(entry.id),
            _when(entry.time),
            _what(entry),
            "  ".join(entry.models),
            _span(entry.tokens),
            f"{entry.seconds:.2f}",
            entry.note,
        )
        table.add_row(*(Text(visible(cell)) for cell in cells[: len(titles)]))
    return table


def _when(time: str) -> str:
    """Time of this machine's zone, to the minute."""
    then = datetime.fromisoformat(time.removesuffix("Z")).replace(tzinfo=UTC)
    return f"{then.astimezone():%Y-%m-%d %H:%M}"


def _what(entry: Entry) -> str:
    count = len(entry.texts)
    said = {"analysis": "analysis", "texts": f"{count} texts", "comparison": "comparison"}[entry.kind]
    if entry.kind == "comparison" and count > 1:
        said += f", {count} texts"
    return said if entry.part_of is None else f"{said}, part of {entry.part_of}"


def _span(tokens: tuple[int, ...]) -> str:
    low, high = min(tokens, default=0), max(tokens, default=0)
    return str(low) if low == high else f"{low} to {high}"


def _show(store: Store, entry: Entry, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(file_of(store, entry.id, "json"))
        return
    console = printing_console()
    console.print(_shown(store, entry, console.width))


def _shown(store: Store, entry: Entry, width: int) -> RenderableType:
    """What the command printed, and what the user wrote beside it."""
    lines: list[RenderableType] = [Text(visible(f"Note: {entry.note}")), Text()] if entry.note else []
    if entry.kind == "texts":
        return Group(*lines, replication_table(store.replication(entry.id), None, width))
    if entry.kind == "comparison":
        from faa_tui.cli.compare import statistics_shown

        comparison = store.comparison(entry.id)
        return Group(*lines, comparison_table(comparison, statistics_shown([comparison], ()), _LARGEST, width))
    findings = store.findings(entry.id) or Findings()
    lines.append(analysis_table(store.analysis(entry.id), findings, None, width))
    if findings.examinations:
        examined = ", ".join(_address_of(one.kind, one.layer, one.head) for one in findings.examinations)
        lines += [Text(), Text(f"Examined: {examined}. faa runs show {entry.id} --map L.H shows it.")]
    return Group(*lines)


def _address_of(kind: MapKind, layer: int, head: int) -> str:
    """How a head is typed."""
    return f"{ {'decoder': '', 'encoder': 'e', 'cross': 'x'}[kind] }{layer}.{head}"


def _show_head(store: Store, entry: Entry, address: str, as_json: bool) -> None:
    """What is kept of one head: its map in little, and what was measured about it at length.

    Raises:
        UsageError: It is no run of one text, or neither is kept.
    """
    if entry.kind != "analysis":
        parts = ", ".join(str(part.run) for part in store.parts(entry.id))
        raise UsageError(f"Run {entry.id} rests on several runs.", f"Name one of them: {parts}.")
    kept = open_run(store, entry.id)
    assert isinstance(kept, KeptAnalysis)
    wanted = parse_address(address)
    result = find_layer(kept.analysis, wanted)
    place = (result.info.kind, result.info.layer, wanted.head)
    examined = [one for one in kept.findings.examinations if (one.kind, one.layer, one.head) == place]
    overview = kept.overview(*place)
    if as_json:
        if not examined:
            raise UsageError(f"Head {address} of run {entry.id} was not examined.", "faa examine examines one.")
        sys.stdout.buffer.write(examination_to_json(kept.analysis, examined[0]) + b"\n")
        return
    if overview is None and not examined:
        raise UsageError(f"Neither a map nor an examination of head {address} of run {entry.id} is kept.")
    console = printing_console()
    if examined:
        console.print(examination_report(kept.analysis, result, examined[0], console.width))
    else:
        console.print(Text(visible(map_title(kept.analysis, result, wanted.head)), style="bold"))
    if overview is not None:
        console.print()
        console.print(little_grid(overview, kept.analysis, result, console.width))


def _delete(store: Store, names: list[str]) -> None:
    wanted = [named_entry(store, name).id for name in names]
    gone = store.delete(wanted)
    parts = [run for run in gone if run not in wanted]
    said = f"Deleted run{'s' if len(set(wanted)) > 1 else ''} {', '.join(map(str, dict.fromkeys(wanted)))}"
    if parts:
        said += f", and what was kept only for {'them' if len(set(wanted)) > 1 else 'it'}: {', '.join(map(str, parts))}"
    print(f"{said}.")
