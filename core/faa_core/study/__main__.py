"""``python -m faa_core.study``: runs a study and writes its records to standard output, one line of JSON for each."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence

import msgspec

from faa_core.errors import FaaError
from faa_core.study.records import AccuracyRow, Done, Failure, Record
from faa_core.worker import stdio


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study that the arguments name; returns the exit code."""
    parser = argparse.ArgumentParser("python -m faa_core.study", description="Writes the records of a study.")
    subjects = parser.add_subparsers(dest="subject", required=True)
    signature = subjects.add_parser("signature")
    signature.add_argument("objects", nargs="*")
    signature.add_argument("--seed", type=int, default=0)
    signature.add_argument("--tokens", type=int, default=None)
    subjects.add_parser("accuracy")
    calibration = subjects.add_parser("calibration")
    calibration.add_argument("--heads", type=int, required=True)
    calibration.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)

    # It remarks on configurations that are small on purpose.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # Libraries print; what they print must not end up between the records.
    output = stdio.claim().output

    def tell(record: Record) -> None:
        output.write(msgspec.json.encode(record) + b"\n")
        output.flush()

    try:
        for record in _records(options, tell):
            tell(record)
        tell(Done())
    except FaaError as error:
        tell(Failure(error.kind, error.message, error.hint))
        return error.exit_code
    except BrokenPipeError:
        return 0  # whoever read the records has seen enough
    return 0


def _records(options: argparse.Namespace, tell: Callable[[Record], None]) -> Iterator[Record]:
    match options.subject:
        case "signature":
            return _signature(options, tell)
        case "accuracy":
            return _accuracy()
        case _:
            from faa_core.study.calibration import calibration

            return calibration(options.heads, seed=options.seed)


def _signature(options: argparse.Namespace, tell: Callable[[Record], None]) -> Iterator[Record]:
    from faa_core.study import signature
    from faa_core.study.objects import OBJECTS

    tokens = signature.TOKENS if options.tokens is None else options.tokens
    return signature.rows(options.objects or tuple(OBJECTS), tokens, options.seed, tell)


def _accuracy() -> Iterator[Record]:
    from faa_core.study import accuracy

    for row in accuracy.rows():
        measured = float(row.measured)
        yield AccuracyRow(
            what=row.what,
            n=str(row.n),
            measured=None if math.isnan(measured) else measured,
            goal=float(row.goal),
            unit=row.unit,
            detail=row.detail,
            verdict=row.verdict,
        )


if __name__ == "__main__":
    sys.exit(main())
