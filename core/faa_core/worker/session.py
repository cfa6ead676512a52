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
from faa_core.records import Analysis, LayerResult, MapKind, ModelInfo
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
        self._analysis: Analysis | None = None
        self.hello: protocol.Hello

    def load(self, reference: str, options: protocol.RunOptions = _DEFAULT) -> ModelInfo:
        """Load a model and keep it in the worker.

        Raises:
            FaaError: Of the class that the worker named.
        """
        events, _ = self._wait(protocol.Load(self._client.new_id(), reference, options))
        return _only(events, protocol.Loaded).model

    def analyse(self, reference: str, text: str, options: protocol.RunOptions = _DEFAULT) -> Analysis:
        """Measure all layers and heads of a model on one text.

        Raises:
            FaaError: Of the class that the worker named.
        """
        job = protocol.Run(self._client.new_id(), reference, text, options)
        events, done = self._wait(job)
        started = _only(events, protocol.Started)
        layers = sorted((event for event in events if isinstance(event, protocol.LayerReady)), key=lambda e: e.index)
        self._run = job.id
        self._analysis = Analysis(
            started.model,
            text,
            started.tokens,
            started.decoder_tokens,
            started.truncated_from,
            tuple(event.result for event in layers),
            done.seconds,
            done.notes,
        )
        return self._analysis

    def map(self, kind: MapKind, layer: int, head: int) -> NDArray[np.float16]:
        """Whole attention map of one head of the last analysis, float16 [queries, keys].

        Raises:
            FaaError: There is no such map.
        """
        result = self._layer(kind, layer)
        return self.tile(kind, layer, head, 0, 0, result.queries, 0, result.keys)

    def tile(
        self, kind: MapKind, layer: int, head: int, level: int, row: int, row_stop: int, column: int, column_stop: int
    ) -> NDArray[np.float16]:
        """Rectangle of a map of the last analysis; the arguments are the fields of `protocol.Tile`.

        Returns:
            float16 [row_stop - row, column_stop - column], clipped to the map; read-only.

        Raises:
            FaaError: There is no such map or rectangle.
        """
        place = (kind, layer, head, level, row, row_stop, column, column_stop)
        events, _ = self._wait(protocol.Tile(self._client.new_id(), self._run, *place))
        return _only(events, ArrayReady).array

    def test(
        self, statistic: str, surrogate: Surrogate = "row_shuffle", replicates: int = 199, seed: int = 0
    ) -> HeadTests:
        """Test one statistic of every head of the last analysis; the arguments are the fields of `protocol.Test`.

        Raises:
            FaaError: There is no analysis, or the statistic cannot be tested.
        """
        job = protocol.Test(self._client.new_id(), self._run, statistic, surrogate, replicates, seed)
        events, _ = self._wait(job)
        return _only(events, protocol.Tested).result

    def probe(self, reference: str, options: protocol.RunOptions = _DEFAULT, seed: int = 0) -> RepeatProbe:
        """Score every head of a model on random sequences said twice.

        Raises:
            FaaError: Of the class that the worker named.
        """
        events, _ = self._wait(protocol.Probe(self._client.new_id(), reference, options, seed=seed))
        return _only(events, protocol.Probed).result

    def examine(self, kind: MapKind, layer: int, head: int) -> HeadExamination:
        """Measure all that needs the whole map of one head of the last analysis.

        Raises:
            FaaError: There is no such map.
        """
        events, _ = self._wait(protocol.Examine(self._client.new_id(), self._run, kind, layer, head))
        return _only(events, protocol.Examined).result

    def rollout(self) -> tuple[RolloutToLast, ...]:
        """Attention rollout of the last analysis, one for each stack of self-attention.

        Raises:
            FaaError: There is no analysis, or its rows can no longer be computed.
        """
        events, _ = self._wait(protocol.Rollout(self._client.new_id(), self._run))
        return _only(events, protocol.Rolled).result

    def environment(self) -> protocol.EnvironmentReport:
        """What the worker's machine has.

        Raises:
            FaaError: The engine cannot be imported, or the worker is gone.
        """
        events, _ = self._wait(protocol.Environment(self._client.new_id()))
        return _only(events, protocol.EnvironmentReport)

    def _layer(self, kind: MapKind, layer: int) -> LayerResult:
        for result in self._analysis.layers if self._analysis else ():
            if (result.info.kind, result.info.layer) == (kind, layer):
                return result
        raise UsageError(f"The last analysis has no {kind} layer {layer}.", "Analyse a text first.")

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
