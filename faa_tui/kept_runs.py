"""Kept runs opened again: the very records that were shown, read from the file of runs without a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from faa_core.comparison.records import Comparison
from faa_core.findings import Findings
from faa_core.records import Analysis, MapKind
from faa_core.replication import Replication

if TYPE_CHECKING:
    from faa_core.export import Form
    from faa_core.store import Entry, Overview, Segments, Store


@dataclass(frozen=True, eq=False)
class KeptAnalysis:
    """One model on one text.

    Attributes:
        entry: What the list says of it.
        analysis: The run.
        findings: What else was asked about it, heads that were examined among that.
        overviews: Its maps in little, as many as are kept.
    """

    entry: Entry
    analysis: Analysis
    findings: Findings
    overviews: tuple[Overview, ...]

    def overview(self, kind: MapKind, layer: int, head: int) -> Overview | None:
        """The map of a head in little; ``None`` where none is kept."""
        found = (one for one in self.overviews if (one.kind, one.layer, one.head) == (kind, layer, head))
        return next(found, None)


@dataclass(frozen=True, eq=False)
class KeptTexts:
    """One model over several texts.

    Attributes:
        entry: What the list says of it.
        replication: The means over the texts.
        runs: The run of each text.
    """

    entry: Entry
    replication: Replication
    runs: tuple[KeptAnalysis, ...]


@dataclass(frozen=True, eq=False)
class KeptComparison:
    """Two models on the same texts.

    Attributes:
        entry: What the list says of it.
        comparison: The numbers.
        a: The first model's run of each text.
        b: Those of the other model.
        segments: For each text the common segments of the kinds of maps whose tokens were not the same, as far as they
            are kept.
        over_segments: For each of the two models and each text, its maps in little over these segments.
    """

    entry: Entry
    comparison: Comparison
    a: tuple[KeptAnalysis, ...]
    b: tuple[KeptAnalysis, ...]
    segments: tuple[tuple[Segments, ...], ...]
    over_segments: tuple[tuple[tuple[Overview, ...], ...], tuple[tuple[Overview, ...], ...]]

    def little(self, side: int, place: int) -> tuple[Overview, ...]:
        """The maps in little that one side has on a text: over segments where they were joined, else over tokens."""
        joined = {one.kind for one in self.segments[place]}
        run = (self.a, self.b)[side][place]
        return (*(one for one in run.overviews if one.kind not in joined), *self.over_segments[side][place])


KeptRun = KeptAnalysis | KeptTexts | KeptComparison


def open_run(store: Store, run: int) -> KeptRun:
    """A kept run, of whatever kind.

    Raises:
        UsageError: There is no such run.
        StoreError: It cannot be read.
    """
    entry = store.entry(run)
    if entry.kind == "analysis":
        return _open_analysis(store, entry)
    sides: tuple[list[KeptAnalysis], list[KeptAnalysis]] = ([], [])
    for part in store.parts(run):
        sides[part.side].append(_open_analysis(store, store.entry(part.run)))
    a, b = map(tuple, sides)
    if entry.kind == "texts":
        return KeptTexts(entry, store.replication(run), a)
    places = range(len(a))
    over = [tuple(store.segment_overviews(run, side, place) for place in places) for side in (0, 1)]
    segments = tuple(store.segments(run, place) for place in places)
    return KeptComparison(entry, store.comparison(run), a, b, segments, (over[0], over[1]))


def _open_analysis(store: Store, entry: Entry) -> KeptAnalysis:
    findings = store.findings(entry.id) or Findings()
    return KeptAnalysis(entry, store.analysis(entry.id), findings, store.overviews(entry.id))


def file_of(store: Store, run: int, form: Form) -> bytes:
    """What the command that kept a run writes to a file of this form.

    Raises:
        UsageError: There is no such run.
        StoreError: It cannot be read.
    """
    # Imported here: SciPy takes a while, and the screen begins without it.
    from faa_core.export import analysis_file, comparisons_file, texts_file

    entry = store.entry(run)
    if entry.kind == "texts":
        return texts_file(store.replication(run), form, entry.origin)
    if entry.kind == "comparison":
        return comparisons_file([store.comparison(run)], form, entry.origin)
    return analysis_file(store.analysis(run), form, store.findings(run), entry.origin)
