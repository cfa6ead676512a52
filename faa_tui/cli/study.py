"""``faa study``: the evidence behind the numbers, measured again here."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from faa_core.errors import WorkerError, by_kind
from faa_core.study import records
from faa_core.study.records import AccuracyRow, CalibrationRow, SignatureRow
from faa_core.worker.process import WorkerProcess
from faa_tui.cli.narration import progress_bar
from faa_tui.rendering.text import visible

_END_SECONDS = 5.0
_WIDTH_OF_A_FILE = 120
"""Cells of a line where the output is no terminal."""

Row = SignatureRow | AccuracyRow | CalibrationRow

SIGNATURE_COLUMNS: tuple[str, ...] = ("object", "heads", "FAA 1.0.0", "closed form", "D1", "D1 null", "D0", "D0 null")
SIGNATURE_NOTE = (
    "Least and greatest over all heads of {tokens} tokens under a causal mask. FAA 1.0.0: its fractal dimension. "
    "Closed form: what it gives for any causal matrix of this size. D1: information dimension on unfolded rows, D0: "
    "box-counting dimension of lift > 1, both as effective slopes. Null: the same for even attention, for all visible "
    "keys."
)
ACCURACY_COLUMNS: tuple[str, ...] = ("what", "n", "measured", "goal", "unit", "verdict", "detail")
ACCURACY_NOTE = "Measured: the error found in this run. Goal: the largest one that counts as ok."
CALIBRATION_COLUMNS: tuple[str, ...] = ("heads are", "null", "statistic", "rejected", "se", "should be", "mean z")
CALIBRATION_NOTE = (
    "Share of {heads} causal heads of 128 tokens with p <= .05 over 99 surrogates. A null that holds is rejected at "
    "most once in twenty; one that does not, as often as the test has power."
)


def run(arguments: list[str]) -> int:
    """Run ``faa study`` and return its exit code: 1 where an accuracy misses its goal."""
    options = _parse(arguments)
    command = [sys.executable, "-m", "faa_core.study", options.subject]
    if options.subject == "signature":
        command += [f"--seed={options.seed}", f"--tokens={options.tokens}", "--", *options.objects]
    if options.subject == "calibration":
        command += [f"--heads={options.heads}", f"--seed={options.seed}"]
    found: list[Row] = []
    for row in rows_of(command):
        found.append(row)
        if options.json:
            sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
            sys.stdout.buffer.flush()
    if not options.json:
        _print(found, options)
    return int(any(isinstance(row, AccuracyRow) and row.verdict != "ok" for row in found))


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(
        prog="faa study",
        description="Measure again what the documentation claims. Data go to standard output, narration to standard "
        "error.",
    )
    subjects = parser.add_subparsers(dest="subject", required=True, metavar="SUBJECT")
    signature = subjects.add_parser(
        "signature",
        help="the fractal dimension of FAA 1.0.0 beside ours, on untrained models, noise and the bundled model",
        description="Is there a universal fractal signature of attention? The fractal dimension of "
        "fractal-attention-analysis 1.0.0 beside ours, on architectures at random initialisation, on noise, and on the "
        "bundled model before and after training.",
    )
    signature.add_argument(
        "objects", nargs="*", metavar="OBJECT", help="only these, for example gpt2 noise demo (default: all)"
    )
    signature.add_argument("--seed", type=int, default=0, help="of random weights, tokens and noise (default: 0)")
    signature.add_argument("--tokens", type=int, default=250, metavar="N", help="length of the text (default: 250)")
    accuracy = subjects.add_parser(
        "accuracy",
        help="errors on objects whose dimension is known, beside the goals",
        description="Errors on objects whose dimension is known, beside the goals. The exit code is 1 if a goal is "
        "missed.",
    )
    calibration = subjects.add_parser(
        "calibration",
        help="how often each null is rejected on heads that obey it, and on heads that do not",
        description="How often each null is rejected on heads that obey it, and on heads that do not. Takes minutes.",
    )
    calibration.add_argument("--heads", type=int, default=60, metavar="N", help="heads of each family (default: 60)")
    calibration.add_argument("--seed", type=int, default=0, help="of the heads and their surrogates (default: 0)")
    for subject in (signature, accuracy, calibration):
        form = subject.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print one JSON object for each row, as it is measured")
        form.add_argument("--markdown", action="store_true", help="print a Markdown table")
        subject.add_argument("--verbose", action="store_true", help="show the traceback of an error")
    return parser.parse_args(arguments)


def rows_of(command: list[str]) -> Iterator[Row]:
    """The rows of a study in a process of its own, whose progress is told on standard error.

    Raises:
        FaaError: The study failed; the class is the one that it named.
    """
    bar = progress_bar()
    task = bar.add_task("Starting", total=None)
    decoder = msgspec.json.Decoder(records.Record)
    process = WorkerProcess(command)
    try:
        with bar:
            for line in process.output:
                try:
                    record = decoder.decode(line)
                except msgspec.DecodeError:
                    break  # it died while it wrote
                if isinstance(record, records.Progress):
                    bar.update(
                        task, description=visible(record.text), completed=record.done, total=record.total or None
                    )
                elif isinstance(record, records.Failure):
                    raise by_kind(record.kind)(record.message, record.hint)
                elif isinstance(record, records.Done):
                    return
                else:
                    if isinstance(record, AccuracyRow):
                        bar.update(task, description=visible(record.what))
                    elif isinstance(record, CalibrationRow):
                        bar.update(task, description=visible(f"{record.family}, {record.null}"))
                    yield record
        end = process.reap(_END_SECONDS)
        raise WorkerError(end.text.replace("The worker", "The study"), end.hint)
    finally:
        process.kill()
        process.reap(_END_SECONDS)


def _print(found: list[Row], options: Namespace) -> None:
    titles, note = ACCURACY_COLUMNS, ACCURACY_NOTE
    if options.subject == "signature":
        titles, note = SIGNATURE_COLUMNS, SIGNATURE_NOTE.format(tokens=options.tokens)
    elif options.subject == "calibration":
        titles, note = CALIBRATION_COLUMNS, CALIBRATION_NOTE.format(heads=options.heads)
    cells = [_cells(row) for row in found]
    if options.markdown:
        print(_markdown(titles, cells))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_OF_A_FILE)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        wordy = title in ("object", "what", "unit", "verdict", "detail", "heads are", "null")
        table.add_column(title, justify="left" if wordy else "right", overflow="fold")
    for line in cells:
        table.add_row(*(Text(visible(cell)) for cell in line))
    console.print(table)
    console.print()
    console.print(Text(note, style="dim"))


def _markdown(titles: tuple[str, ...], cells: list[tuple[str, ...]]) -> str:
    lines = [titles, ("---",) * len(titles), *cells]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    match row:
        case SignatureRow():
            return _signature_cells(row)
        case AccuracyRow():
            return _accuracy_cells(row)
        case CalibrationRow():
            return _calibration_cells(row)


def _calibration_cells(row: CalibrationRow) -> tuple[str, ...]:
    expected = ".05 or less" if row.true else "near 1"
    null = row.null.replace("_", " ")
    rates = f"{row.rate:.3f}", f"{row.error:.3f}", expected, _number(row.z, 1)
    return row.family, null, row.statistic, *rates


def _signature_cells(row: SignatureRow) -> tuple[str, ...]:
    return (
        row.title,
        str(row.heads),
        _extent(row.reference, 4),
        f"{row.closed_form:.4f}",
        _extent(row.information, 3),
        _number(row.information_null, 3),
        _extent(row.box, 3),
        _number(row.box_null, 3),
    )


def _accuracy_cells(row: AccuracyRow) -> tuple[str, ...]:
    measured = "-" if row.measured is None else f"{row.measured:.2g}"
    return row.what, row.n, measured, f"{row.goal:g}", row.unit, row.verdict, row.detail


def _extent(ends: tuple[float | None, float | None], decimals: int) -> str:
    """``1.962 .. 1.995``, or the one number where both ends are shown alike."""
    low, high = (_number(end, decimals) for end in ends)
    return low if low == high else f"{low} .. {high}"


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"
