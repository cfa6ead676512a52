"""Reports of the application and of the command line: what goes into them, and where they are put."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from faa_core.comparison.records import Comparison
from faa_core.errors import UsageError
from faa_core.findings import Findings
from faa_core.records import Analysis
from faa_core.report import ComparedPart, HeadMap, MeasuredPart, Report
from faa_tui import paths

if TYPE_CHECKING:
    from faa_core.store import Entry, Store

_LONGEST_NAME = 60


def now() -> str:
    """When a report is made, as its heading says it."""
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")


def run_report(
    analysis: Analysis, maps: Sequence[HeadMap] = (), findings: Findings | None = None, title: str = ""
) -> Report:
    """A report of one run."""
    named = title or f"Attention of {analysis.model.reference}"
    return Report(named, now(), measured=(MeasuredPart(analysis, findings or Findings(), tuple(maps)),))


def comparison_report(
    comparisons: Sequence[Comparison],
    runs: Sequence[tuple[Analysis, Analysis] | None] = (),
    title: str = "",
    statistics: Sequence[str] = (),
    count: int | None = None,
) -> Report:
    """A report of one comparison or of several with the same first model.

    Args:
        comparisons: The numbers.
        runs: For each, a run of both sides on the same text, for curves.
        title: The heading; by default the models.
        statistics: Keys of the statistics that are shown.
        count: How many pairs of each; ``None`` for all.
    """
    named = [comparisons[0].a.reference, *(comparison.b.reference for comparison in comparisons)]
    sides = list(runs) or [None] * len(comparisons)
    return Report(
        title or f"Attention of {' and '.join(named)}",
        now(),
        compared=tuple(
            ComparedPart(comparison, pair, tuple(statistics), count)
            for comparison, pair in zip(comparisons, sides, strict=True)
        ),
    )


def kept_report(store: Store, entry: Entry, title: str = "") -> Report:
    """A report of what a user kept, without its model: maps are the little ones that were kept beside it.

    Raises:
        UsageError: It is a run over several texts, of which there is no report.
        StoreError: It cannot be read.
    """
    if entry.kind == "texts":
        raise UsageError(
            f"Run {entry.id} is one model over several texts, and there is no report of that.",
            f"faa runs show {entry.id} prints it; faa report A B --texts compares two models over texts.",
        )
    if entry.kind == "analysis":
        maps = [HeadMap(one.kind, one.layer, one.head, one.weights, one.cell) for one in store.overviews(entry.id)]
        return run_report(store.analysis(entry.id), maps, store.findings(entry.id), title)
    first = {part.side: part.run for part in store.parts(entry.id) if part.place == 0}
    runs = (store.analysis(first[0]), store.analysis(first[1])) if {0, 1} <= first.keys() else None
    return comparison_report([store.comparison(entry.id)], [runs], title)


def folder() -> Path:
    """Where the application puts reports: the current folder, or one of its own where that cannot be written."""
    here = Path.cwd()
    return here if os.access(here, os.W_OK) else paths.reports()


def write_numbered(place: Path, models: Sequence[str], content: bytes, ending: str = ".html") -> Path:
    """Write a report under a name that is free: ``faa-gpt2.html``, then ``faa-gpt2-2.html``; returns the file.

    Raises:
        FileError: The folder cannot be made, or the file cannot be written.
    """
    # Read on the thread that writes: the other exports need SciPy, which takes a while.
    from faa_core.export.files import write_whole

    place.mkdir(parents=True, exist_ok=True)
    words = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(models)).strip("-.")[:_LONGEST_NAME].rstrip("-.") or "report"
    for number in itertools.count(1):
        path = place / f"faa-{words}{'' if number == 1 else f'-{number}'}{ending}"
        if path.exists():
            continue
        try:
            write_whole(path, content, force=False)
        except UsageError:
            if path.exists():
                continue  # somebody else was faster
            raise
        return path
    raise AssertionError("numbers end")
