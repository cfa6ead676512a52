"""The runs of a comparison: one worker on each machine, all machines at a time, text by text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from rich.progress import Progress

from faa_core.comparison.alignment import Alignment, align
from faa_core.comparison.sketch import TOP, sketch_rows
from faa_core.errors import Cancelled, GoneError, LoginError
from faa_core.records import Analysis, LayerSketch, MapKind
from faa_core.reference import ModelReference
from faa_core.worker import protocol
from faa_core.worker.session import Session, session
from faa_tui.cli.narration import log_in, progress_bar
from faa_tui.hosts import Hosts, here
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


def measure(
    references: Sequence[ModelReference],
    texts: Sequence[str],
    options: protocol.RunOptions,
    hosts: Hosts,
    sketched: bool = True,
) -> list[Measured]:
    """Run every model on every text, and sketch its heads on the segments that all of them share.

    Models of one machine share a worker and follow each other; machines work at the same time. A text is finished on
    all of them before the next begins, so that a worker has to keep no more than one run of each model.

    Args:
        references: The models.
        texts: The texts; a file of attention, which has none, is measured anew for each.
        options: How to run.
        hosts: How workers are started.
        sketched: Whether heads are sketched; if not, tokens need not be alignable.

    Raises:
        FaaError: A worker cannot be started, a run failed, or the tokens cannot be aligned.
        Cancelled: A Ctrl-C came.
    """
    found = [Measured(reference) for reference in references]
    by_host: dict[str | None, list[int]] = {}
    for side, reference in enumerate(references):
        by_host.setdefault(reference.host, []).append(side)
    with ExitStack() as stack:
        bar = stack.enter_context(progress_bar())
        machines = []
        for host, sides in by_host.items():
            narrate = _Narrator(bar, host, len(texts) * len(sides))
            worker = _entered(stack, hosts, host, narrate, bar)
            run_options = hosts.options(host, options)
            machines.append(_Machine(worker, run_options, {side: references[side] for side in sides}))
            for side in sides:
                found[side].machine = worker.hello.hostname
        for text in texts:
            for analysed in together([partial(machine.analyse, text) for machine in machines]):
                for side, analysis in analysed.items():
                    found[side].analyses.append(analysis)
            if not sketched:
                continue
            segments = _segments([side.analyses[-1] for side in found], text)
            for by_side in together([partial(machine.sketch, segments) for machine in machines]):
                for side, sketches in by_side.items():
                    found[side].sketches.append(sketches)
    return found


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

    def analyse(self, text: str) -> dict[int, Analysis]:
        """Run its models on a text."""
        found = {}
        for side, reference in self._references.items():
            read = "" if reference.source == "array" else text
            found[side] = self._worker.analyse(str(here(reference)), read, self._options)
            self._runs[side] = self._worker.run
        return found

    def sketch(self, segments: Segments) -> dict[int, tuple[LayerSketch, ...]]:
        """Sketch the runs of the last text, and let them go."""
        found = {}
        for side, run in self._runs.items():
            try:
                found[side] = tuple(
                    sketch for kind in segments for sketch in self._sketch(side, run, kind, *segments[kind])
                )
            except GoneError:
                found[side] = ()  # too little memory to keep it: the statistics are there all the same
            self._worker.release(run)
        return found

    def _sketch(
        self, side: int, run: int, kind: MapKind, queries: Alignment, keys: Alignment
    ) -> tuple[LayerSketch, ...]:
        grid = 0
        if not (queries.same and keys.same):
            grid = self._worker.align(kind, queries.segments[side], keys.segments[side], run)
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
