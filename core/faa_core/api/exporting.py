"""Results of 1.0.0 as files: JSON, CSV and NPZ with its keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faa_core.errors import UsageError
from faa_core.export.files import check_target, write_whole
from faa_core.export.plain import number

FORMATS = ("json", "csv", "npz")
ARRAYS = ("transformed_attention", "golden_ratio_scored")
"""What only NPZ holds."""
_NOT_IN_JSON = (*ARRAYS, "visualizations")

Results = Mapping[str, Any]


def export(results: Results | Sequence[Results], path: Path, format: str) -> None:
    """Write results whole or not at all; a file that is there is replaced.

    - JSON: every key but the matrices and the figures; undefined numbers are ``null``. Several results are a list.
    - CSV: a row for each result: model, dimension, time, metrics; undefined numbers are empty.
    - NPZ: ``transformed_attention``, ``golden_ratio_scored`` and ``fractal_dimension`` of one result.

    1.0.0 wrote the three flows as strings into JSON; here they are numbers.

    Args:
        results: What ``analyze`` returned, several of them, or, for JSON, what ``compare_models`` returned.
        path: The file.
        format: One of `FORMATS`.

    Raises:
        UsageError: The format is not known, or cannot hold these results.
        FileError: The file cannot be written.
    """
    check_export(path, format)
    several = [results] if isinstance(results, Mapping) else list(results)
    if not several:
        raise UsageError("There are no results to write.", "Analyse a text first.")
    if format == "json":
        plain = [_plain(one) for one in several]
        content = _json(plain[0] if isinstance(results, Mapping) else plain)
    elif any("metrics" not in one for one in several):
        raise UsageError(f"A comparison of two models cannot be written as {format}.", "Write it as json.")
    elif format == "csv":
        content = _csv(several)
    elif len(several) > 1:
        raise UsageError("An npz file holds one result.", "Write one file for each text.")
    else:
        content = _npz(several[0])
    write_whole(path, content, True)


def check_export(path: Path, format: str) -> None:
    """Make sure that results can be written; a folder that is missing is made, as 1.0.0 did.

    Raises:
        UsageError: The format is not known, or the path is a folder, or its folder cannot be made.
    """
    if format not in FORMATS:
        raise UsageError(f"There is no format {format!r}.", f"Choose one of {', '.join(FORMATS)}.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path.parent} cannot be a folder: {error.strerror}.", "Name another one.") from error
    check_target(path, force=True)


def _plain(value: Any) -> Any:
    """``value`` in what JSON has."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items() if key not in _NOT_IN_JSON}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return number(value) if isinstance(value, float) else value


def _json(plain: Any) -> bytes:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"


def _csv(several: Sequence[Results]) -> bytes:
    names = list(dict.fromkeys(name for one in several for name in one["metrics"] if name != "fractal_dimension"))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model_name", "fractal_dimension", "analysis_time", *names])
    for one in several:
        numbers = [one["fractal_dimension"], one["analysis_time"], *(one["metrics"].get(name) for name in names)]
        writer.writerow([one["model_name"], *(_cell(value) for value in numbers)])
    return text.getvalue().encode()


def _cell(value: Any) -> float | str:
    known = None if value is None else number(float(value))
    return "" if known is None else known


def _npz(one: Results) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, fractal_dimension=one["fractal_dimension"], **{name: one[name] for name in ARRAYS})
    return stream.getvalue()
