"""``faa doctor``: what was found on this machine; with a host, the way to a worker there."""

from __future__ import annotations

import os
import shutil
import sys
import time
from argparse import ArgumentParser
from typing import Any

import msgspec
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from faa_core import __version__, configuration
from faa_core.errors import UsageError
from faa_core.worker.session import session
from faa_tui import paths, preferences
from faa_tui.colour import cursor_moves, own_display
from faa_tui.rendering.text import visible


def run(arguments: list[str]) -> int:
    """Run ``faa doctor``: 0 when every check passes, 1 otherwise."""
    parser = ArgumentParser(prog="faa doctor", description="Say what was found here, and whether all is well.")
    parser.add_argument(
        "host",
        nargs="?",
        metavar="HOST",
        help="look there instead, through ssh: ssh, Python, faa, torch, GPU, disk, to the first that is amiss",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--verbose", action="store_true", help="show the traceback of an error")
    options = parser.parse_args(arguments)
    if options.host:
        from faa_tui.cli.doctor_host import examine_host

        return examine_host(options.host, as_json=options.json)
    found = _examine()
    if options.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    else:
        Console(highlight=False).print(_report(found))
    return 0 if all(check["passed"] for check in found["checks"]) else 1


def _examine() -> dict[str, Any]:
    start = time.perf_counter()
    with session() as worker:
        hello = time.perf_counter() - start
        report = worker.environment()
    shown = own_display()
    configured, wrong = _configuration()
    size = shutil.get_terminal_size()
    return {
        "faa": __version__,
        "terminal": {
            "output_is_terminal": sys.stdout.isatty(),
            "size": f"{size.columns}x{size.lines}",
            "TERM": os.environ.get("TERM", ""),
            "COLORTERM": os.environ.get("COLORTERM", ""),
            "NO_COLOR": "NO_COLOR" in os.environ,
            "cursor_moves": cursor_moves(os.environ),
            "colours": shown.colours,
            "colours_because": shown.colours_reason,
            "ascii": shown.ascii,
            "ascii_because": shown.ascii_reason,
            "encoding": sys.stdout.encoding,
        },
        "paths": {name: str(path) for name, path in paths.all_paths().items()},
        "configuration": configured,
        "worker": {"command": worker.command, "hello_seconds": round(hello, 3)},
        "versions": report.versions,
        "devices": list(report.devices),
        "memory": report.memory,
        "checks": [
            {"name": "configuration", "passed": not wrong, "text": wrong or "nothing wrong in it"},
            *({"name": name, "passed": passed, "text": text} for name, passed, text in report.checks),
        ],
    }


def _configuration() -> tuple[str, str]:
    """What the configuration sets, and what is wrong with it; "" for nothing."""
    file = configuration.path()
    try:
        config = configuration.load()
        preferences.check(config, file)
    except UsageError as error:
        return "nothing until it is corrected", f"{error.message} {error.hint}".strip()
    return (preferences.in_words(config) if file.exists() else "nothing: there is no such file"), ""


def _report(found: dict[str, Any]) -> Group:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")

    def add(name: str, text: str) -> None:
        table.add_row(Text(name), Text(visible(text)))

    add("faa", found["faa"])
    add("versions", "  ".join(f"{name} {version}" for name, version in found["versions"].items()))
    add("devices", "; ".join(found["devices"]))
    add("memory", "  ".join(f"{name} {size / 2**30:.1f} GiB" for name, size in found["memory"].items()))
    terminal = found["terminal"]
    told = ("output_is_terminal", "size", "TERM", "COLORTERM", "NO_COLOR", "encoding")
    add("terminal", "  ".join(f"{name} {terminal[name]}" for name in told))
    if not terminal["cursor_moves"]:
        add("full screen", f"no, because TERM={terminal['TERM']} cannot move its cursor: the application does not open")
    add("colours", f"{terminal['colours']}, because {terminal['colours_because']}; --color changes it")
    add("ascii only", f"{'yes' if terminal['ascii'] else 'no'}, because {terminal['ascii_because']}")
    for name, path in found["paths"].items():
        add(name, path)
        if name == "config":
            add("it sets", found["configuration"])
    add("worker", f"{' '.join(found['worker']['command'])}  hello after {found['worker']['hello_seconds']:.2f} s")
    for check in found["checks"]:
        table.add_row(
            Text(check["name"]),
            Text(("ok      " if check["passed"] else "FAILED  ") + visible(check["text"])),
        )
    return Group(table)
