"""Reports of the application and of the command line: what goes into them, and where they are put."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from faa_core.comparison.alignment import Alignment, align
from faa_core.comparison.records import Comparison, Head
from faa_core.errors import UsageError
from faa_core.findings import Findings
from faa_core.records import Analysis, MapKind
from faa_core.replication import Replication
from faa_core.report import (
    ComparedPart,
    HeadMap,
    MeasuredPart,
    PairFrame,
    PairMaps,
    ReplicatedPart,
    Report,
    chosen_pairs,
)
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


def texts_report(replication: Replication, first: Analysis, maps: Sequence[HeadMap] = (), title: str = "") -> Report:
    """A report of one model over several texts, with curves and maps of the first."""
    named = title or f"Attention of {replication.model.reference} over {len(replication.tokens)} texts"
    return Report(named, now(), replicated=(ReplicatedPart(replication, first, tuple(maps)),))


def comparison_report(parts: Sequence[ComparedPart], title: str = "") -> Report:
    """A report of one comparison or of several with the same first model; its heading names the models by default."""
    named = [parts[0].comparison.a.reference, *(part.comparison.b.reference for part in parts)]
    return Report(title or f"Attention of {' and '.join(named)}", now(), compared=tuple(parts))


def kept_report(store: Store, entry: Entry, title: str = "") -> Report:
    """A report of what a user kept, without its model: maps are the little ones that were kept beside it.

    Raises:
        StoreError: It cannot be read.
    """
    if entry.kind == "analysis":
        return run_report(store.analysis(entry.id), _kept_maps(store, entry.id), store.findings(entry.id), title)
    first = {part.side: part.run for part in store.parts(entry.id) if part.place == 0}
    if entry.kind == "texts":
        maps = _kept_maps(store, first[0])
        return texts_report(store.replication(entry.id), store.analysis(first[0]), maps, title)
    comparison = store.comparison(entry.id)
    if not {0, 1} <= first.keys():
        return comparison_report([ComparedPart(comparison)], title)
    runs = store.analysis(first[0]), store.analysis(first[1])
    pairs = _kept_pair_maps(store, entry.id, comparison, (first[0], first[1]), runs)
    return comparison_report([ComparedPart(comparison, runs, pairs)], title)


def _kept_maps(store: Store, run: int) -> list[HeadMap]:
    return [HeadMap(one.kind, one.layer, one.head, one.weights, one.cell) for one in store.overviews(run)]


def _kept_pair_maps(
    store: Store, kept: int, comparison: Comparison, numbers: tuple[int, int], runs: tuple[Analysis, Analysis]
) -> tuple[PairMaps, ...]:
    """Maps of the pairs that a report shows, on the first text: over tokens, or where they differ over segments."""
    segments = {one.kind: one.alignments for one in store.segments(kept, 0)}
    of_a, of_b = (
        {Head(one.kind, one.layer, one.head): one for one in found}
        for found in (
            (
                *(one for one in store.overviews(number) if one.kind not in segments),
                *store.segment_overviews(kept, side, 0),
            )
            for side, number in enumerate(numbers)
        )
    )
    made = []
    for chosen in chosen_pairs(comparison):
        pair = chosen.pair
        a, b = of_a.get(pair.a), of_b.get(pair.b)
        if a is None or b is None or (a.cell, a.weights.shape) != (b.cell, b.weights.shape):
            continue
        over = segments.get(pair.a.kind) or _aligned(runs, pair.a.kind)
        frame = PairFrame.of(pair, over, (0, 1), runs)
        if frame is not None and frame.segments == (pair.a.kind in segments):
            made.append(frame.maps(a.weights, b.weights, a.cell))
    return tuple(made)


def _aligned(runs: tuple[Analysis, Analysis], kind: MapKind) -> tuple[Alignment, Alignment]:
    queries, keys = ([tokens(run, kind) for run in runs] for tokens in (Analysis.queries_of, Analysis.keys_of))
    return align(queries, runs[0].text), align(keys, runs[0].text)


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
