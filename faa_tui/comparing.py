"""A comparison under way: which runs it needs, what has arrived of them, and what to ask for next.

Plain data and decisions, without Textual. Requests leave through a `Port`; what comes back is handed to the methods
named after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from faa_core.comparison.alignment import Alignment, align, segment_support
from faa_core.comparison.records import Comparison, Head, Matching
from faa_core.comparison.sketch import TOP, sketch_rows
from faa_core.errors import FaaError
from faa_core.records import Analysis, LayerResult, LayerSketch, MapKind
from faa_core.reference import DEMO, INIT, parse
from faa_core.worker.protocol import ON_SCREEN, SOMEDAY, Fail, RunOptions
from faa_tui.compared_runs import MapFrame, SideState, TextRun
from faa_tui.messages import AlignKey, SketchKey
from faa_tui.session import Order, Position, Results

MOST_SIDES = 4
"""References that fit side by side."""
_NONE_READY: Mapping[int, TextRun] = MappingProxyType({})


class Port(Protocol):
    """Where requests go; `faa_tui.fleet.Fleet` in earnest."""

    def run(self, number: int, order: Order, priority: int) -> None:
        """Analyse a text."""

    def ask(self, key: AlignKey | SketchKey) -> None:
        """Lay segments over a run, or sketch its heads."""

    def cancel(self, job: int) -> None:
        """Give up a run."""

    def release(self, number: int) -> None:
        """Let the worker forget a run."""

    def holds(self, number: int) -> bool:
        """Whether the worker of a run still lives."""


def default_references(current: str) -> tuple[str, str]:
    """What is compared where nobody has said: a trained model with its own architecture untrained."""
    parsed = parse(current)
    if parsed.source == "array":
        return DEMO, f"{DEMO}@{INIT}"
    pair = (parsed.twin, parsed) if parsed.initialised else (parsed, parsed.twin)
    return str(pair[0]), str(pair[1])


class Comparing:
    """Two to four models on the same texts.

    Args:
        references: The models; the first is the one that the others are compared with.
        texts: The texts.
        options: How to run.
        port: Takes requests.
        number: Gives out numbers of runs.
    """

    def __init__(
        self,
        references: Sequence[str],
        texts: Sequence[str],
        options: RunOptions,
        port: Port,
        number: Callable[[], int],
    ) -> None:
        self.sides = [SideState(reference) for reference in references]
        self.texts = tuple(texts)
        self.text = 0
        self.options = options
        self.comparisons: dict[int, Comparison] = {}
        self.matchings: dict[int, Matching] = {}
        self.by_divergence = False
        self.edition = 0
        self.kept_words = ""
        self._port = port
        self._number = number
        self._places: dict[int, tuple[SideState, int]] = {}
        self._alignments: dict[tuple[int, MapKind], tuple[Alignment, Alignment] | FaaError] = {}
        self._kept_segments: frozenset[tuple[int, MapKind]] = frozenset()

    # --- what is compared ----------------------------------------------------------------------------------------

    def begin(self, ready: Mapping[int, TextRun] = _NONE_READY) -> None:
        """Send every run that is missing, the text on the screen first.

        Args:
            ready: Finished runs of the first side by the places of their texts, where there are some already.
        """
        for index, text in enumerate(self.texts):
            for side in self.sides:
                if len(side.runs) > index:
                    continue
                if side is self.sides[0] and index in ready:
                    side.runs.append(ready[index])
                    self._places[ready[index].number] = (side, index)
                else:
                    self._send(side, index, text)
        self._advance()

    def restore(
        self,
        sides: Sequence[Sequence[TextRun]],
        comparison: Comparison,
        words: str,
        segments: Mapping[tuple[int, MapKind], tuple[Alignment, Alignment]],
    ) -> None:
        """Show a comparison of two models as it was kept; nothing is asked for until its runs are made again.

        Args:
            sides: The kept run of each text, of either model.
            comparison: The numbers.
            words: What is said of it while it shows.
            segments: By text and kind of map the common segments that the maps of its runs are over; where there are
                none, they are over tokens.
        """
        self.kept_words = words
        self.comparisons[1] = comparison
        self._alignments |= segments
        self._kept_segments = frozenset(segments)
        for state, runs in zip(self.sides, sides, strict=True):
            state.runs = list(runs)
            self._places |= {run.number: (state, index) for index, run in enumerate(runs)}

    @property
    def kept(self) -> bool:
        """Whether a run shows as it was kept, so that numbers cannot be worked out anew."""
        return any(run.little is not None for side in self.sides for run in side.runs)

    def _send(self, side: SideState, index: int, text: str) -> None:
        run = TextRun(self._number())
        side.runs.insert(index, run)
        self._places[run.number] = (side, index)
        order = Order(side.reference, "" if parse(side.reference).source == "array" else text, self.options)
        self._port.run(run.number, order, ON_SCREEN if index == self.text else SOMEDAY)

    def replace(self, index: int, reference: str) -> None:
        """Put another model on side ``index``; one past the last adds a side."""
        if index < len(self.sides):
            self._drop(self.sides[index])
            self.sides[index] = SideState(reference)
        else:
            self.sides.append(SideState(reference))
        self._realign()
        self.begin()

    def remove(self, index: int) -> None:
        """Take a side away; two stay."""
        if len(self.sides) > 2:
            self._drop(self.sides.pop(index))
            self._realign()
            self._advance()

    def swap(self, one: int, other: int) -> None:
        """Let two sides change places."""
        order = list(range(len(self.sides)))
        order[one], order[other] = other, one
        self.sides = [self.sides[index] for index in order]
        # The segments stay what they are; nothing has to be asked for again.
        for place, found in self._alignments.items():
            if not isinstance(found, FaaError):
                queries, keys = (
                    replace(alignment, segments=tuple(alignment.segments[index] for index in order))
                    for alignment in found
                )
                self._alignments[place] = (queries, keys)
        self.matchings.clear()
        self._changed()

    def with_texts(self, texts: Sequence[str]) -> None:
        """Compare on other texts."""
        self.close()
        self.texts, self.text = tuple(texts), 0
        self._realign()
        self.begin()

    def again(self) -> None:
        """Run what failed once more, and what no worker holds any more."""
        for side in self.sides:
            for run in list(side.runs):
                if run.fail is not None or (run.done and not self._port.holds(run.number)):
                    self.repeat(run.number)

    def repeat(self, number: int) -> None:
        """Run one text on one side once more, because its maps are gone."""
        place = self._places.pop(number, None)
        if place is not None:
            side, index = place
            if side.runs.pop(index).little is not None:  # its segments are of tokens that the model had then
                self._forget_segments(index)
            self._send(side, index, self.texts[index])

    def _forget_segments(self, text: int) -> None:
        self._alignments = {place: found for place, found in self._alignments.items() if place[0] != text}

    def cancel(self) -> None:
        """Give up every run that is under way."""
        for side in self.sides:
            for run in side.runs:
                if not run.done and run.fail is None:
                    self._port.cancel(run.number)

    def close(self) -> None:
        """Give everything up, and let the workers forget it."""
        for side in self.sides:
            self._drop(side)

    def _drop(self, side: SideState) -> None:
        for run in side.runs:
            if not run.done and run.fail is None:
                self._port.cancel(run.number)
            if not run.borrowed:
                self._port.release(run.number)
            self._places.pop(run.number, None)
        side.runs = []

    def _realign(self) -> None:
        """The sides have changed: segments, sketches and matches are those of other sides."""
        self._alignments.clear()
        self.matchings.clear()
        for side in self.sides:
            for run in side.runs:
                run.sketches.clear()
                run.asked.clear()
                run.pending.clear()
        self._changed()
        self._repeat_kept()

    def _repeat_kept(self) -> None:
        """Run once more what shows as it was kept: what is new of the comparison has to be asked of its worker."""
        for side in self.sides:
            for run in list(side.runs):
                if run.little is not None:
                    self.repeat(run.number)

    def _changed(self) -> None:
        self.edition += 1
        self.comparisons.clear()

    def rematched(self) -> None:
        """Heads are matched in another way from now on."""
        self.edition += 1

    def worked_out(self, other: int, comparison: Comparison, edition: int) -> bool:
        """Take the numbers of the first side with ``other``; whether they are not out of date."""
        if edition == self.edition:
            self.comparisons[other] = comparison
        return edition == self.edition

    # --- what arrives --------------------------------------------------------------------------------------------

    def run_of(self, number: int) -> TextRun | None:
        """The run ``number``, if it belongs to this comparison."""
        place = self._places.get(number)
        return None if place is None else place[0].runs[place[1]]

    def started(self, number: int, results: Results) -> None:
        """A run knows its tokens; its layers follow."""
        if (run := self.run_of(number)) is not None:
            run.results, run.activity = results, ""

    def layer(self, number: int, result: LayerResult) -> None:
        """A layer is here."""
        if (run := self.run_of(number)) is not None and run.results is not None:
            run.results.layers[result.info.kind, result.info.layer] = result

    def done(self, number: int, seconds: float, notes: tuple[str, ...]) -> None:
        """A run is complete."""
        if (run := self.run_of(number)) is not None and run.results is not None:
            run.done = True
            run.results.seconds, run.results.notes = seconds, notes
            self._advance()

    def failed(self, number: int, fail: Fail) -> None:
        """A run will not be completed."""
        if (run := self.run_of(number)) is not None:
            run.fail = fail

    def sketched(self, key: SketchKey, sketch: LayerSketch) -> None:
        """The sketch of one layer is here."""
        if (run := self.run_of(key.run)) is not None and key in run.pending:
            run.sketches[sketch.info.kind, sketch.info.layer] = sketch

    def answered(self, key: AlignKey | SketchKey) -> None:
        """An alignment is laid, or a sketch complete."""
        run = self.run_of(key.run)
        if run is not None and key in run.pending:
            run.pending.discard(key)
            if isinstance(key, AlignKey):
                self._sketch(run, key.kind, aligned=True)

    def answer_failed(self, key: AlignKey | SketchKey, gone: bool) -> bool:
        """There will be no sketch, and the rest of the numbers does not need it; whether the user is to be told.

        A run that was measured before the comparison, and that its worker had to let go since, is made again.
        """
        run = self.run_of(key.run)
        if run is None:
            return False
        run.pending.discard(key)
        if gone and run.borrowed:
            self.repeat(key.run)
            return False
        return True

    def _advance(self) -> None:
        """Where a text is complete on all sides, join its tokens and ask for the sketches."""
        for index in range(len(self.texts)):
            runs = self.runs(index)
            if not all(run.done for run in runs):
                continue
            for kind in self.kinds(index):
                found = self.alignment(index, kind)
                if found is None:
                    continue
                queries, keys = found
                for side, run in enumerate(runs):
                    if kind in run.asked:
                        continue
                    run.asked.add(kind)
                    if queries.same and keys.same:
                        self._sketch(run, kind, aligned=False)
                    else:
                        key = AlignKey(run.number, kind, queries.segments[side], keys.segments[side])
                        run.pending.add(key)
                        self._port.ask(key)

    def _sketch(self, run: TextRun, kind: MapKind, aligned: bool) -> None:
        found = self.alignment(self._places[run.number][1], kind)
        if found is not None:
            key = SketchKey(run.number, kind, sketch_rows(len(found[0])), TOP, aligned)
            run.pending.add(key)
            self._port.ask(key)

    # --- what is known -------------------------------------------------------------------------------------------

    def runs(self, text: int) -> list[TextRun]:
        """The runs of one text, side by side."""
        return [side.runs[text] for side in self.sides if len(side.runs) > text]

    def shown(self, side: int) -> TextRun | None:
        """The run of the text on the screen."""
        runs = self.sides[side].runs
        return runs[self.text] if self.text < len(runs) else None

    def kinds(self, text: int) -> tuple[MapKind, ...]:
        """Kinds of maps that all sides have."""
        each = [[info.kind for info in run.results.rows] if run.results is not None else [] for run in self.runs(text)]
        return tuple(kind for kind in dict.fromkeys(each[0] if each else []) if all(kind in other for other in each))

    def alignment(self, text: int, kind: MapKind) -> tuple[Alignment, Alignment] | None:
        """Segments of the queries and of the keys; ``None`` while a side is not started, or where there are none."""
        found = self._alignments.get((text, kind))
        if found is None:
            results = [run.results for run in self.runs(text)]
            if len(results) < len(self.sides) or not all(results):
                return None
            present = [result for result in results if result is not None]
            try:
                found = (
                    align([result.queries_of(kind) for result in present], self.texts[text]),
                    align([result.keys_of(kind) for result in present], self.texts[text]),
                )
            except FaaError as error:
                found = error
            self._alignments[text, kind] = found
        return None if isinstance(found, FaaError) else found

    def unalignable(self, text: int) -> FaaError | None:
        """Why the tokens of a text could not be joined, where that is so."""
        return next(
            (found for (at, _), found in self._alignments.items() if at == text and isinstance(found, FaaError)), None
        )

    def frame(self, side: int, kind: MapKind, layer: int) -> tuple[MapFrame, tuple[str, ...], tuple[str, ...]] | None:
        """Size and support of a map on the screen, with labels of its rows and columns; ``None`` if it is not here."""
        run = self.shown(side)
        result = run.results.layers.get((kind, layer)) if run is not None and run.results is not None else None
        found = self.alignment(self.text, kind)
        if run is None or run.results is None or result is None:
            return None
        if found is None or (found[0].same and found[1].same):
            frame = MapFrame(result.queries, result.keys, result.first_key, result.stop_key)
            return frame, run.results.queries_of(kind).pieces, run.results.keys_of(kind).pieces
        queries, keys = found
        first, stop = segment_support(result.first_key, result.stop_key, queries.segments[side], keys.segments[side])
        return MapFrame(len(queries), len(keys), first, stop), queries.pieces, keys.pieces

    def is_aligned(self, kind: MapKind) -> bool:
        """Whether maps on the screen are those of common segments."""
        found = self.alignment(self.text, kind)
        return found is not None and not (found[0].same and found[1].same)

    def over_segments(self, text: int) -> dict[MapKind, tuple[Alignment, Alignment]]:
        """Common segments of each kind of map on a text of which not all sides have the same tokens."""
        found = {kind: self.alignment(text, kind) for kind in self.kinds(text)}
        return {kind: over for kind, over in found.items() if over and not (over[0].same and over[1].same)}

    def still_over(self, text: int, over: Mapping[MapKind, tuple[Alignment, Alignment]]) -> bool:
        """Whether these segments are those that lie over the maps of a text, wherever the sides stand by now."""
        for kind, (queries, _) in over.items():
            now = self.alignment(text, kind)
            if now is None or not any(side is queries.segments[0] for side in now[0].segments):
                return False
        return True

    def can_show(self, side: int, kind: MapKind) -> bool:
        """Whether tiles of a map on the screen can be asked for: of segments not before they are laid."""
        run = self.shown(side)
        if run is None or run.results is None:
            return False
        if run.little is not None:
            return not self.is_aligned(kind) or (self.text, kind) in self._kept_segments
        return not self.is_aligned(kind) or (run.done and not any(isinstance(key, AlignKey) for key in run.pending))

    def _complete(self, text: int) -> bool:
        runs = self.runs(text)
        return len(runs) == len(self.sides) and all(run.done and not run.pending for run in runs)

    def complete_texts(self) -> list[int]:
        """Texts that all sides have measured and sketched."""
        return [index for index in range(len(self.texts)) if self._complete(index)]

    def progress(self) -> tuple[int, int, int]:
        """Runs that are done, that failed, and of how many."""
        runs = [run for side in self.sides for run in side.runs]
        return sum(run.ended and run.done for run in runs), sum(run.fail is not None for run in runs), len(runs)

    def faults(self) -> Iterator[tuple[str, Fail]]:
        """Reference and fault of every run that failed, the text on the screen first."""
        for index in sorted(range(len(self.texts)), key=lambda index: index != self.text):
            for side in self.sides:
                if index < len(side.runs) and (fail := side.runs[index].fail) is not None:
                    yield side.reference, fail

    def analyses(self, side: int) -> list[Analysis]:
        """The runs of the complete texts, as records."""
        found = []
        for index in self.complete_texts():
            results = self.sides[side].runs[index].results
            assert results is not None
            found.append(results.analysis(self.sides[side].reference, self.texts[index]))
        return found

    def analysis(self, number: int) -> Analysis | None:
        """A finished run as a record; ``None`` where there is none of this number."""
        run = self.run_of(number)
        if run is None or run.results is None or not run.done:
            return None
        side, index = self._places[number]
        return run.results.analysis(side.reference, self.texts[index])

    def finished(self, side: int) -> list[int] | None:
        """Numbers of the runs of all texts; ``None`` while one is missing."""
        if len(self.complete_texts()) < len(self.texts):
            return None
        return [run.number for run in self.sides[side].runs]

    def sketches(self, side: int) -> list[tuple[LayerSketch, ...]]:
        """The sketches of the complete texts."""
        return [tuple(self.sides[side].runs[index].sketches.values()) for index in self.complete_texts()]

    def partner(self, other: int, position: Position) -> Position | None:
        """The head of side ``other`` that a head of the first side is compared with; ``None`` if it has none.

        While nothing is matched yet, the head at the same relative place.
        """
        comparison = self.comparisons.get(other)
        if comparison is not None:
            head = Head(position.kind, position.layer, position.head)
            pair = next((pair for pair in comparison.matching.pairs if pair.a == head), None)
            return None if pair is None else Position(pair.b.kind, pair.b.layer, pair.b.head)
        first, run = self.shown(0), self.shown(other)
        if first is None or run is None or first.results is None or run.results is None:
            return None
        here = [info for info in first.results.rows if info.kind == position.kind]
        there = [info for info in run.results.rows if info.kind == position.kind]
        if not there or not here:
            return None
        depth = ([info.layer for info in here].index(position.layer) + 0.5) / len(here)
        info = there[min(int(depth * len(there)), len(there) - 1)]
        return Position(info.kind, info.layer, min(position.head, info.heads - 1))
