"""The runs of a comparison: one worker on each machine, all machines at a time, text by text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from faa_core.comparison.alignment import Alignment, align
from faa_core.comparison.compare import compare
from faa_core.comparison.records import Comparison, Head, Matching
from faa_core.comparison.sketch import TOP, sketch_rows
from faa_core.errors import Cancelled, FaaError, GoneError, LoginError
from faa_core.records import Analysis, LayerSketch, MapKind
from faa_core.reference import ModelReference
from faa_core.report import ChosenPair, ComparedPart, PairFrame, PairMaps, chosen_pairs
from faa_core.store import Overview
from faa_core.worker import protocol
from faa_core.worker.session import Session, session
from faa_tui.cli.kept import little_maps
from faa_tui.cli.narration import log_in, progress_bar
from faa_tui.hosts import Hosts, here
from faa_tui.little_maps import Wish, every_head_over, fetched, telling_heads_over
from faa_tui.rendering.text import visible

T = TypeVar("T")
Segments = dict[MapKind, tuple[Alignment, Alignment]]
"""For each kind of map that all models have, the common segments of its queries and of its keys."""


@dataclass
class Measured:
    """One model on all texts.

    Attributes:
        reference: The model.
        machine: Name that its machine gives itself.
        analyses: One for each text.
        sketches: For each text those of its layers; empty where the worker could not keep the run long enough.
    """

    reference: ModelReference
    machine: str = ""
    analyses: list[Analysis] = field(default_factory=list)
    sketches: list[tuple[LayerSketch, ...]] = field(default_factory=list)

    def compared_with(
        self, other: Measured, seed: int, matching: Matching | None = None, by_divergence: bool = False
    ) -> Comparison:
        """The numbers of this model and another; the arguments are those of `faa_core.comparison.compare.compare`."""
        return compare(
            self.analyses,
            other.analyses,
            self.sketches,
            other.sketches,
            references=(str(self.reference), str(other.reference)),
            hosts=(self.machine, other.machine),
            matching=matching,
            by_divergence=by_divergence,
            seed=seed,
        )


def measure(
    references: Sequence[ModelReference],
    texts: Sequence[str],
    options: protocol.RunOptions,
    hosts: Hosts,
    sketched: bool = True,
) -> list[Measured]:
    """Run every model on every text, see `measuring`, and let the runs go.

    Raises:
        FaaError: A worker cannot be started, a run failed, or the tokens cannot be aligned.
        Cancelled: A Ctrl-C came.
    """
    with measuring(references, texts, options, hosts, sketched) as measurement:
        return measurement.sides


@contextmanager
def measuring(
    references: Sequence[ModelReference],
    texts: Sequence[str],
    options: protocol.RunOptions,
    hosts: Hosts,
    sketched: bool = True,
) -> Iterator[Measurement]:
    """Run every model on every text, and sketch its heads on the segments that all of them share.

    Models of one machine share a worker and follow each other; machines work at the same time. A text is finished on
    all of them before the next begins, so that a worker has to keep no more than one run of each model. The first text
    goes last: its maps can be asked for as long as the ``with`` block lasts.

    Args:
        references: The models.
        texts: The texts; a file of attention, which has none, is measured anew for each.
        options: How to run.
        hosts: How workers are started.
        sketched: Whether heads are sketched; if not, tokens need not be alignable, and there are no maps of pairs.

    Raises:
        FaaError: A worker cannot be started, a run failed, or the tokens cannot be aligned.
        Cancelled: A Ctrl-C came.
    """
    by_host: dict[str | None, list[int]] = {}
    for side, reference in enumerate(references):
        by_host.setdefault(reference.host, []).append(side)
    with ExitStack() as stack:
        bar = stack.enter_context(progress_bar())
        machines = []
        names = [""] * len(references)
        for host, sides in by_host.items():
            narrate = _Narrator(bar, host, len(texts) * len(sides))
            worker = _entered(stack, hosts, host, narrate, bar)
            run_options = hosts.options(host, options)
            machines.append(_Machine(worker, run_options, {side: references[side] for side in sides}))
            for side in sides:
                names[side] = worker.hello.hostname
        analyses: dict[int, dict[int, Analysis]] = {}
        sketches: dict[int, dict[int, tuple[LayerSketch, ...]]] = {}
        segments: Segments = {}
        for index in (*range(1, len(texts)), 0):
            for machine in machines:
                machine.let_go()
            analyses[index] = _joined(together([partial(machine.analyse, texts[index]) for machine in machines]))
            if sketched:
                segments = _segments([analyses[index][side] for side in range(len(references))], texts[index])
                sketches[index] = _joined(together([partial(machine.sketch, segments) for machine in machines]))
        found = [
            Measured(
                reference,
                names[side],
                [analyses[index][side] for index in range(len(texts))],
                [sketches[index][side] for index in sorted(sketches)],
            )
            for side, reference in enumerate(references)
        ]
        yield Measurement(found, segments, {side: machine for machine in machines for side in machine.sides})


def _joined(found: Sequence[dict[int, T]]) -> dict[int, T]:
    """What all machines found, by the place in the comparison."""
    return {side: one for by_side in found for side, one in by_side.items()}


class Measurement:
    """Models measured on the same texts, while their workers still have the maps of the first. Made by `measuring`.

    Attributes:
        sides: The models, in the order in which they were named.
    """

    def __init__(self, sides: list[Measured], segments: Segments, machines: Mapping[int, _Machine]) -> None:
        self.sides = sides
        self._segments = segments
        self._machines = machines

    def parts(
        self, comparisons: Sequence[Comparison], statistics: Sequence[str] = (), count: int | None = None
    ) -> list[ComparedPart]:
        """What a report shows of the comparisons of the first side with each of the others.

        Its maps are those of the first text; one that a worker cannot give any more is left out.

        Args:
            comparisons: One for each of the other sides.
            statistics: Keys of the statistics that are shown.
            count: How many pairs of each; ``None`` for all.

        Raises:
            Cancelled: A Ctrl-C came.
        """
        made = []
        for other, comparison in enumerate(comparisons, 1):
            runs = self.sides[0].analyses[0], self.sides[other].analyses[0]
            maps = self._maps(other, chosen_pairs(comparison, next(iter(statistics), "")), runs)
            made.append(ComparedPart(comparison, runs, maps, statistics=tuple(statistics), count=count))
        return made

    def little_maps(self) -> list[tuple[Overview, ...]]:
        """For each side the maps in little of the first text, to be kept with its run.

        Raises:
            Cancelled: A Ctrl-C came.
        """
        return [self._machines[side].little_maps(side, one.analyses[0]) for side, one in enumerate(self.sides)]

    @property
    def over(self) -> Segments:
        """Common segments of the first text, of the kinds of maps of which not all models have the same tokens."""
        return {kind: found for kind, found in self._segments.items() if not all(one.same for one in found)}

    def little_maps_over_segments(
        self, other: int, comparison: Comparison
    ) -> tuple[tuple[Overview, ...], tuple[Overview, ...]]:
        """Maps in little of the first text over `over`, of the first side and of side ``other``, to be kept with them.

        Raises:
            Cancelled: A Ctrl-C came.
        """
        made = []
        for side, place in enumerate((0, other)):
            machine = self._machines[place]
            heads = telling_heads_over if self.sides[place].reference.host else every_head_over
            made.append(machine.maps_over_segments(place, heads(self.over, comparison, side)))
        return made[0], made[1]

    def _maps(self, other: int, pairs: Sequence[ChosenPair], runs: tuple[Analysis, Analysis]) -> tuple[PairMaps, ...]:
        found = []
        for chosen in pairs:
            over = self._segments.get(chosen.pair.a.kind)
            frame = None if over is None else PairFrame.of(chosen.pair, over, (0, other), runs)
            if frame is None:
                continue
            try:
                a, b = (
                    self._machines[side].tile(side, frame, head)
                    for side, head in zip(frame.sides, frame.heads, strict=True)
                )
            except Cancelled:
                raise
            except FaaError:
                continue  # let go, or too large for what memory is left: the numbers are there all the same
            found.append(frame.maps(a, b))
        return tuple(found)


def _entered(
    stack: ExitStack, hosts: Hosts, host: str | None, narrate: Callable[[object], None], bar: Progress
) -> Session:
    """A session on ``host`` that ``stack`` will close; a person is asked to log in where that is needed."""
    try:
        return stack.enter_context(session(hosts.launch(host), narrate))
    except LoginError:
        if not host or not log_in(hosts, host, bar):
            raise
        return stack.enter_context(session(hosts.launch(host), narrate))


class _Machine:
    """A worker, and the models of the comparison that it runs.

    Args:
        worker: The session with it.
        options: How to run there.
        references: Place in the comparison to model.
    """

    def __init__(self, worker: Session, options: protocol.RunOptions, references: dict[int, ModelReference]) -> None:
        self._worker = worker
        self._options = options
        self._references = references
        self._runs: dict[int, int] = {}
        self._grids: dict[tuple[int, MapKind], int] = {}

    @property
    def sides(self) -> tuple[int, ...]:
        """Places in the comparison of the models that it runs."""
        return tuple(self._references)

    def analyse(self, text: str) -> dict[int, Analysis]:
        """Run its models on a text."""
        found = {}
        for side, reference in self._references.items():
            read = "" if reference.source == "array" else text
            found[side] = self._worker.analyse(str(here(reference)), read, self._options)
            self._runs[side] = self._worker.run
        return found

    def sketch(self, segments: Segments) -> dict[int, tuple[LayerSketch, ...]]:
        """Sketch the runs of the last text."""
        found = {}
        for side, run in self._runs.items():
            try:
                found[side] = tuple(
                    sketch for kind in segments for sketch in self._sketch(side, run, kind, *segments[kind])
                )
            except GoneError:
                found[side] = ()  # too little memory to keep it: the statistics are there all the same
        return found

    def tile(self, side: int, frame: PairFrame, head: Head) -> NDArray[np.float16]:
        """All cells of a head's map on the last text.

        Raises:
            FaaError: The worker does not keep it any more, or is gone itself.
        """
        rows, columns = frame.shape
        grid = self._grids.get((side, head.kind), 0)
        return self._worker.tile(
            head.kind, head.layer, head.head, frame.level, 0, rows, 0, columns, grid, self._runs[side]
        )

    def little_maps(self, side: int, analysis: Analysis) -> tuple[Overview, ...]:
        """Maps in little of a model on the last text, on which its run was ``analysis``."""
        return little_maps(self._worker, self._references[side], analysis, self._runs[side])

    def maps_over_segments(self, side: int, wishes: Sequence[Wish]) -> tuple[Overview, ...]:
        """Maps in little of a model on the last text, over the segments that were laid for its sketch."""
        grids = {kind: grid for (place, kind), grid in self._grids.items() if place == side}
        return fetched(self._worker, wishes, self._runs[side], grids)

    def let_go(self) -> None:
        """Have the worker forget the runs of the last text."""
        for run in self._runs.values():
            self._worker.release(run)
        self._runs.clear()
        self._grids.clear()

    def _sketch(
        self, side: int, run: int, kind: MapKind, queries: Alignment, keys: Alignment
    ) -> tuple[LayerSketch, ...]:
        grid = 0
        if not (queries.same and keys.same):
            grid = self._worker.align(kind, queries.segments[side], keys.segments[side], run)
            self._grids[side, kind] = grid
        return self._worker.sketch(kind, sketch_rows(len(queries)), TOP, grid, run)


class _Narrator:
    """What a worker reports, as a line of the progress bar."""

    def __init__(self, bar: Progress, host: str | None, runs: int) -> None:
        self._bar = bar
        self._where = f"{visible(host)}: " if host else ""
        self._runs = runs
        self._started = 0
        self._task = bar.add_task(f"{self._where}Starting the worker", total=None)

    def __call__(self, event: object) -> None:
        self._started += isinstance(event, protocol.Started)
        if isinstance(event, protocol.Progress):
            said = f"{self._where}{visible(event.text)}"
            self._bar.update(self._task, description=said, completed=event.done, total=event.total or None)
        elif isinstance(event, protocol.LayerReady):
            said = f"{self._where}Run {self._started} of {self._runs}"
            self._bar.update(self._task, description=said, completed=event.index + 1, total=event.total)


def together(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """What the jobs return, in their order; several are done at the same time.

    Raises:
        Cancelled: A Ctrl-C came. Jobs under way end when their workers are sent away, and nobody waits for them.
    """
    if len(jobs) == 1:
        return [jobs[0]()]  # on this thread, where a session hears a Ctrl-C itself
    futures = [Future[T]() for _ in jobs]
    try:
        for future, job in zip(futures, jobs, strict=True):
            threading.Thread(target=_fulfil, args=(future, job), daemon=True).start()
        return [future.result() for future in futures]
    except KeyboardInterrupt:
        raise Cancelled("The comparison was cancelled.") from None


def _fulfil(future: Future[T], job: Callable[[], T]) -> None:
    try:
        future.set_result(job())
    except BaseException as error:  # whatever it is, it belongs to whoever waits
        future.set_exception(error)


def _segments(runs: Sequence[Analysis], text: str) -> Segments:
    """Common segments of every kind of map that all runs have."""
    kinds = [[layer.info.kind for layer in run.layers] for run in runs]
    shared = [kind for kind in dict.fromkeys(kinds[0]) if all(kind in other for other in kinds)]
    return {
        kind: (align([run.queries_of(kind) for run in runs], text), align([run.keys_of(kind) for run in runs], text))
        for kind in shared
    }
