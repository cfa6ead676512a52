"""A worker for programs that wait for its answers; Ctrl-C gives up what is under way.

For programs that go on meanwhile there is `faa_core.worker.client.WorkerClient`.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from faa_core.errors import Cancelled, FaaError, UsageError, WorkerError, by_kind
from faa_core.findings import HeadExamination, HeadTests, RepeatProbe, RolloutToLast, Surrogate
from faa_core.inventory import Inventory, ModelDetails
from faa_core.records import Analysis, LayerSketch, MapKind, ModelInfo
from faa_core.worker import protocol
from faa_core.worker.client import ArrayReady, ClientEvent, WorkerClient, WorkerExited
from faa_core.worker.launch import Launch, as_launch

E = TypeVar("E")

_DEFAULT = protocol.RunOptions()
_CANCEL_SECONDS = 2.0
"""How long an interrupted job may take to give up before the worker is killed."""


class Session:
    """A worker, and the calls that wait for its answers. Made by `session`.

    A Ctrl-C while one waits gives the job up, kills the worker if that takes more than two seconds, and raises
    `Cancelled`.

    Attributes:
        command: Program and arguments of the worker, as a person would type them.
        hello: What the worker said of itself.
    """

    def __init__(self, on_event: Callable[[ClientEvent], None] | None, launch: Launch) -> None:
        self.command = tuple(launch.program)
        self._on_event = on_event or (lambda event: None)
        self._events: queue.SimpleQueue[ClientEvent] = queue.SimpleQueue()
        self._client = WorkerClient(self._events.put, launch)
        self._run = 0
        self._sides: dict[tuple[int, MapKind, int], tuple[int, int]] = {}
        self.hello: protocol.Hello

    @property
    def run(self) -> int:
        """Id of the last analysis, by which it can be asked about later; 0 before the first."""
        return self._run

    def load(self, reference: str, options: protocol.RunOptions = _DEFAULT) -> ModelInfo:
        """Load a model and keep it in the worker.

        Raises:
            FaaError: Of the class that the worker named.
        """
        events, _ = self._wait(protocol.Load(self._client.new_id(), reference, options))
        return _only(events, protocol.Loaded).model

    def analyse(
        self,
        reference: str,
        text: str,
        options: protocol.RunOptions = _DEFAULT,
        priority: int = protocol.ON_SCREEN,
    ) -> Analysis:
        """Measure all layers and heads of a model on one text. `run` is its id from then on.

        Raises:
            FaaError: Of the class that the worker named.
        """
        job = protocol.Run(self._client.new_id(), reference, text, options, priority)
        events, done = self._wait(job)
        started = _only(events, protocol.Started)
        layers = sorted((event for event in events if isinstance(event, protocol.LayerReady)), key=lambda e: e.index)
        self._run = job.id
        results = tuple(event.result for event in layers)
        for result in results:
            self._sides[job.id, result.info.kind, result.info.layer] = result.queries, result.keys
        return Analysis(
            started.model,
            text,
            started.tokens,
            started.decoder_tokens,
            started.truncated_from,
            results,
            done.seconds,
            done.notes,
        )

    def map(self, kind: MapKind, layer: int, head: int, run: int | None = None) -> NDArray[np.float16]:
        """Whole attention map of one head, float16 [queries, keys].

        Args:
            kind: Kind of the map.
            layer: Layer within the kind.
            head: Head within the layer.
            run: Id of the analysis; the last one by default.

        Raises:
            FaaError: There is no such map.
        """
        sides = self._sides.get((self._of(run), kind, layer))
        if sides is None:
            raise UsageError(f"The analysis has no {kind} layer {layer}.", "Analyse a text first.")
        return self.tile(kind, layer, head, 0, 0, sides[0], 0, sides[1], run=run)

    def tile(
        self,
        kind: MapKind,
        layer: int,
        head: int,
        level: int,
        row: int,
        row_stop: int,
        column: int,
        column_stop: int,
        grid: int = 0,
        run: int | None = None,
        without_first: bool = False,
    ) -> NDArray[np.float16]:
        """Rectangle of a map; the arguments are the fields of `protocol.Tile`, and ``run`` is the last one by default.

        Returns:
            float16 [row_stop - row, column_stop - column], clipped to the map; read-only.

        Raises:
            GoneError: The worker does not keep it any more.
            FaaError: There is no such map or rectangle.
        """
        place = (kind, layer, head, level, row, row_stop, column, column_stop, grid)
        job = protocol.Tile(self._client.new_id(), self._of(run), *place, without_first=without_first)
        events, _ = self._wait(job)
        return _only(events, ArrayReady).array

    def boxes(
        self, kind: MapKind, layer: int, head: int, level: int, threshold: int, run: int | None = None
    ) -> NDArray[np.bool_]:
        """Which boxes of a head are counted; the arguments are the fields of `protocol.Boxes`.

        Returns:
            bool [rows of boxes, columns of boxes].

        Raises:
            GoneError: The worker does not keep its map any more.
            FaaError: There is no such map, size or threshold.
        """
        job = protocol.Boxes(self._client.new_id(), self._of(run), kind, layer, head, level, threshold)
        events, _ = self._wait(job)
        boxed = _only(events, protocol.Boxed)
        return np.unpackbits(boxed.bits, axis=1, count=boxed.columns).astype(bool)

    def align(self, kind: MapKind, queries: NDArray[np.int32], keys: NDArray[np.int32], run: int | None = None) -> int:
        """Lay segments over the maps of a kind, see `protocol.Align`; returns the ``grid`` of tiles and sketches.

        Raises:
            GoneError: The worker does not keep the run any more.
            FaaError: The segments do not fit the maps.
        """
        job = protocol.Align(self._client.new_id(), self._of(run), kind, queries, keys)
        self._wait(job)
        return job.id

    def sketch(
        self, kind: MapKind, rows: Sequence[int], top: int = 8, grid: int = 0, run: int | None = None
    ) -> tuple[LayerSketch, ...]:
        """A few rows of every head; the arguments are the fields of `protocol.Sketch`.

        Returns:
            One sketch for each layer of the kind, in order.

        Raises:
            GoneError: The worker does not keep them any more.
            FaaError: There are no such maps or rows.
        """
        job = protocol.Sketch(self._client.new_id(), self._of(run), kind, tuple(map(int, rows)), top, grid)
        events, _ = self._wait(job)
        sketched = sorted((e for e in events if isinstance(e, protocol.Sketched)), key=lambda e: e.index)
        return tuple(event.sketch for event in sketched)

    def test(
        self,
        statistic: str,
        surrogate: Surrogate = "row_shuffle",
        replicates: int = 199,
        seed: int = 0,
        run: int | None = None,
    ) -> HeadTests:
        """Test one statistic of every head of an analysis; the arguments are the fields of `protocol.Test`.

        Raises:
            FaaError: There is no analysis, or the statistic cannot be tested.
        """
        job = protocol.Test(self._client.new_id(), self._of(run), statistic, surrogate, replicates, seed)
        events, _ = self._wait(job)
        return _only(events, protocol.Tested).result

    def probe(self, reference: str, options: protocol.RunOptions = _DEFAULT, seed: int = 0) -> RepeatProbe:
        """Score every head of a model on random sequences said twice.

        Raises:
            FaaError: Of the class that the worker named.
        """
        events, _ = self._wait(protocol.Probe(self._client.new_id(), reference, options, seed=seed))
        return _only(events, protocol.Probed).result

    def examine(self, kind: MapKind, layer: int, head: int, run: int | None = None) -> HeadExamination:
        """Measure all that needs the whole map of one head of an analysis, by default the last.

        Raises:
            FaaError: There is no such map.
        """
        events, _ = self._wait(protocol.Examine(self._client.new_id(), self._of(run), kind, layer, head))
        return _only(events, protocol.Examined).result

    def rollout(self, run: int | None = None) -> tuple[RolloutToLast, ...]:
        """Attention rollout of an analysis, by default the last, one for each stack of self-attention.

        Raises:
            FaaError: There is no analysis, or its rows can no longer be computed.
        """
        events, _ = self._wait(protocol.Rollout(self._client.new_id(), self._of(run)))
        return _only(events, protocol.Rolled).result

    def environment(self) -> protocol.EnvironmentReport:
        """What the worker's machine has.

        Raises:
            FaaError: The engine cannot be imported, or the worker is gone.
        """
        events, _ = self._wait(protocol.Environment(self._client.new_id()))
        return _only(events, protocol.EnvironmentReport)

    def release(self, run: int | None = None) -> None:
        """Have the worker forget the maps of an analysis, by default the last; harmless where they are gone."""
        self._wait(protocol.Release(self._client.new_id(), self._of(run)))

    def unload(self, reference: str) -> None:
        """Have the worker give back the memory of a model and of its runs; harmless where it is not loaded."""
        self._wait(protocol.Unload(self._client.new_id(), reference))

    def residents(self) -> tuple[protocol.Resident, ...]:
        """The models in the worker's memory, the one used longest ago first."""
        events, _ = self._wait(protocol.Residents(self._client.new_id()))
        return _only(events, protocol.ResidentReport).models

    def models(self, folders: Sequence[str] = (".",)) -> Inventory:
        """The models that lie on the worker's machine; ``folders`` as in `protocol.Models`.

        Raises:
            FaaError: The worker is of an older version, or gone.
        """
        events, _ = self._wait(protocol.Models(self._client.new_id(), tuple(folders)))
        return _only(events, protocol.ModelsReport).inventory

    def inspect(
        self, reference: str, options: protocol.RunOptions = _DEFAULT, tokens: int = 0, ask_hub: bool = False
    ) -> ModelDetails | None:
        """What a model is and takes, without loading it; the arguments are the fields of `protocol.Inspect`.

        Raises:
            FaaError: Of the class that the worker named.
        """
        events, _ = self._wait(protocol.Inspect(self._client.new_id(), reference, options, tokens, ask_hub))
        return _only(events, protocol.Inspected).details

    def _of(self, run: int | None) -> int:
        return self._run if run is None else run

    def _wait(self, job: protocol.Job) -> tuple[list[ClientEvent], protocol.Done]:
        """Send a job and collect its events until it is done."""
        events: list[ClientEvent] = []
        try:
            self._client.send(job)
            while True:
                event = self._events.get()
                self._on_event(event)
                if isinstance(event, WorkerExited):
                    raise WorkerError(event.text, event.hint)
                if getattr(event, "id", None) != job.id:
                    continue
                if isinstance(event, protocol.Fail):
                    raise _error(event)
                if isinstance(event, protocol.Done):
                    return events, event
                events.append(event)
        except KeyboardInterrupt:
            self._give_up(job.id)
            raise Cancelled("The job was cancelled.") from None

    def _give_up(self, id_: int) -> None:
        deadline = time.monotonic() + _CANCEL_SECONDS
        try:
            self._client.cancel(id_)
            while True:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
                if isinstance(event, protocol.Done | protocol.Fail) and event.id == id_:
                    return
        except (queue.Empty, KeyboardInterrupt, WorkerError):
            self._client.kill()


@contextmanager
def session(
    launch: Launch | Sequence[str] | None = None, on_event: Callable[[ClientEvent], None] | None = None
) -> Iterator[Session]:
    """A worker for the duration of a ``with`` block.

    Args:
        launch: Where and how it is started, or program and arguments of a local one; by default this Python's.
        on_event: Called with everything that the worker reports, on the thread that waits.

    Raises:
        WorkerError: It cannot be started.
        Cancelled: A Ctrl-C came while it started.
    """
    made = Session(on_event, as_launch(launch))
    with made._client as client:
        try:
            made.hello = client.start()
        except KeyboardInterrupt:
            raise Cancelled("The start of the worker was cancelled.") from None
        yield made


def analyse(
    reference: str,
    text: str,
    options: protocol.RunOptions = _DEFAULT,
    on_event: Callable[[ClientEvent], None] | None = None,
    command: Launch | Sequence[str] | None = None,
    tiles: Sequence[protocol.Tile] = (),
) -> Analysis:
    """One analysis with a worker of its own.

    Args:
        reference: The model.
        text: The text.
        options: How to run.
        on_event: Called with everything that the worker reports.
        command: Where and how the worker is started, as for `session`.
        tiles: Rectangles to fetch after the run; their ``id`` and ``run`` are filled in, and each comes to
            ``on_event`` as `ArrayReady`, in order.

    Raises:
        FaaError: Of the class that the worker named.
        Cancelled: A Ctrl-C came.
    """
    with session(command, on_event) as worker:
        analysis = worker.analyse(reference, text, options)
        for tile in tiles:
            worker.tile(
                tile.kind, tile.layer, tile.head, tile.level, tile.row, tile.row_stop, tile.column, tile.column_stop
            )
        return analysis


def _only(events: Sequence[ClientEvent], wanted: type[E]) -> E:
    """The one event of a type that its job cannot end without.

    Raises:
        WorkerError: The worker left it out.
    """
    for event in events:
        if isinstance(event, wanted):
            return event
    raise WorkerError(f"The worker called a job done and sent no {wanted.__name__}.")


def _error(fail: protocol.Fail) -> FaaError:
    """The exception that ``fail`` stands for, with the worker's traceback as a note."""
    error = by_kind(fail.kind)(fail.text, fail.hint)
    if fail.detail:
        error.add_note(f"In the worker:\n{fail.detail}")
    return error
