"""The forms of a file, by its ending: JSON and NPZ hold everything, CSV and Parquet a row for each number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from faa_core.comparison.records import Comparison
from faa_core.errors import UsageError
from faa_core.export.analysis import SCHEMA, to_json
from faa_core.export.arrays import to_npz
from faa_core.export.comparison import comparison_columns, comparisons_to_json
from faa_core.export.parquet import as_parquet, check_parquet
from faa_core.export.plain import Chosen, Columns, as_csv, provenance
from faa_core.export.replication import replication_to_json
from faa_core.export.tables import analysis_columns, texts_columns
from faa_core.findings import Findings
from faa_core.origin import UNKNOWN, Origin
from faa_core.records import Analysis, ModelInfo
from faa_core.replication import Replication

Form = Literal["json", "csv", "npz", "parquet"]

FORMS: tuple[Form, ...] = get_args(Form)
"""Endings of the files that can be written."""


def form_of(path: Path) -> Form:
    """The form that the ending of ``path`` names.

    Raises:
        UsageError: It names none, or one that needs a package which is not installed.
    """
    ending = path.suffix.lower().removeprefix(".")
    for form in FORMS:
        if form == ending:
            if form == "parquet":
                check_parquet()
            return form
    raise UsageError(
        f"The ending of {path} says no form.", f"End it in {', '.join(f'.{form}' for form in FORMS[:-1])} or .parquet."
    )


def analysis_file(
    analysis: Analysis,
    form: Form,
    findings: Findings | None = None,
    origin: Origin = UNKNOWN,
    chosen: Chosen = None,
) -> bytes:
    """A run.

    Args:
        analysis: The run.
        form: How it is written.
        findings: What else was asked about it.
        origin: What was asked for; the text is that of the run.
        chosen: Only these heads, in all forms but NPZ, which is always whole.
    """
    origin = origin.of_texts([analysis])
    if form == "json":
        return to_json(analysis, chosen, findings, origin) + b"\n"
    if form == "npz":
        records: dict[str, msgspec.Struct] = {"": analysis}
        if findings is not None:
            records["findings"] = findings
        return to_npz(records, {"": analysis.model}, origin)
    columns = _only(analysis_columns(analysis, findings, origin), chosen)
    return _table(columns, form, {"schema": SCHEMA}, {"": analysis.model}, origin)


def texts_file(replication: Replication, form: Form, origin: Origin = UNKNOWN, chosen: Chosen = None) -> bytes:
    """Means over texts; the arguments are those of `analysis_file`."""
    if form == "json":
        return replication_to_json(replication, chosen, origin) + b"\n"
    if form == "npz":
        return to_npz({"": replication}, {"": replication.model}, origin)
    columns = _only(texts_columns(replication, origin), chosen)
    return _table(columns, form, {"texts": len(replication.tokens)}, {"": replication.model}, origin)


def comparisons_file(comparisons: Sequence[Comparison], form: Form, origin: Origin = UNKNOWN) -> bytes:
    """One comparison, or several with the same first model."""
    if form == "json":
        return comparisons_to_json(comparisons, origin) + b"\n"
    models = {"a": comparisons[0].a.model}
    models |= {f"b{place or ''}": comparison.b.model for place, comparison in enumerate(comparisons)}
    if form == "npz":
        alone = len(comparisons) == 1
        return to_npz({"" if alone else f"{place}": one for place, one in enumerate(comparisons)}, models, origin)
    return _table(comparison_columns(comparisons, origin), form, {}, models, origin)


def _only(columns: Columns, chosen: Chosen) -> Columns:
    """The rows of these heads."""
    if chosen is None:
        return columns
    heads = zip(columns["kind"], columns["layer"], columns["head"], strict=True)
    rows = [place for place, head in enumerate(heads) if head in chosen]
    return {name: [cells[row] for row in rows] for name, cells in columns.items()}


def _table(columns: Columns, form: Form, said: dict[str, Any], models: dict[str, ModelInfo], origin: Origin) -> bytes:
    if form == "csv":
        return as_csv(columns)
    of_models = provenance(models[""]) if "" in models else {name: provenance(one) for name, one in models.items()}
    return as_parquet(columns, said | of_models | origin.as_dict() | {"texts_sha256": list(origin.texts)})
