"""The application's end of one worker, here or on another machine.

All calls return at once: one daemon thread starts workers and writes requests, the client's reader thread turns
events into messages. Both are daemons, so that a worker that hangs cannot keep the application alive.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from textual.message import Message

from faa_core.errors import Cancelled, FaaError, LoginError, WorkerError
from faa_core.reference import parse
from faa_core.worker.protocol import (
    SOMEDAY,
    Align,
    Beat,
    Boxed,
    Boxes,
    Done,
    Examine,
    Examined,
    Fail,
    Inspected,
    LayerReady,
    Loaded,
    ModelsReport,
    PathsReport,
    Progress,
    Release,
    ResidentReport,
    Run,
    Sketch,
    Sketched,
    Started,
    Test,
    Tested,
    Tile,
    Unload,
)
from faa_tui import messages
from faa_tui.messages import AlignKey, BoxKey, HeadKey, Inquiry, SketchKey, TestsKey, TileKey
from faa_tui.session import Order

if TYPE_CHECKING:
    from faa_core.worker.client import ClientEvent, WorkerClient, WorkerExited
    from faa_core.worker.launch import Launch

JobName = int | TileKey | HeadKey | BoxKey | TestsKey | AlignKey | SketchKey | Inquiry
"""A run by its number, or anything else by its key."""

RECONNECT_SECONDS = (1.0, 3.0, 9.0)
"""Pauses before each new attempt after a connection was lost while something ran."""


class Link:
    """Runs and questions about their maps go out, messages come in.

    A run starts a worker when there is none, so that running again is the way out after a worker died. A connection
    that is lost while runs are under way is made anew, and they are begun again there.

    Args:
        host: Machine, as in a reference; "" for this one.
        post: Takes the messages, on any thread; `App.post_message`.
        launch: Says how a worker is started; asked anew for each one, since a login changes it.
    """

    def __init__(
        self, host: str, post: Callable[[Message], object], launch: Callable[[], Launch | Sequence[str] | None]
    ) -> None:
        self.host = host
        self._post_message = post
        self._launch = launch
        self._outbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._client: WorkerClient | None = None
        self._jobs: dict[int, JobName] = {}
        self._ids: dict[JobName, int] = {}
        self._orders: dict[int, tuple[Order, int]] = {}
        self._unended: dict[int, Fail] = {}
        self._waiting = False
        self._woken = threading.Event()
        self._closing = threading.Event()
        threading.Thread(target=self._work, name=f"faa-link {host}", daemon=True).start()

    # --- called by the application -------------------------------------------------------------------------------

    def run(self, number: int, order: Order, priority: int) -> None:
        """Analyse ``order`` as run ``number``; answered by `messages.RunDone` or `messages.RunFailed`."""
        self._outbox.put(lambda: self._send_run(number, order, priority))

    def fetch(self, key: TileKey) -> None:
        """Ask for a tile; answered by `messages.TileArrived` or `messages.TileFailed`."""
        self._outbox.put(lambda: self._ask(key))

    def ask(self, key: HeadKey | BoxKey | TestsKey | AlignKey | SketchKey) -> None:
        """Ask about a run; answered by the messages of the key, or `messages.AnswerFailed`."""
        self._outbox.put(lambda: self._ask(key))

    def inquire(self, inquiry: Inquiry) -> None:
        """Ask about no run; starts a worker if need be. Answered by `messages.Replied` or `messages.InquiryFailed`."""
        self._outbox.put(lambda: self._send_inquiry(inquiry))

    def release(self, number: int) -> None:
        """Let the worker forget the maps of a run."""
        self._outbox.put(lambda: self._send_release(number))

    def cancel(self, job: JobName) -> None:
        """Give up a job; it still ends with a message."""
        with self._lock:
            waits = self._waiting and isinstance(job, int) and self._orders.pop(job, None) is not None
        if waits and isinstance(job, int):
            self._post(messages.RunFailed(job, Fail(0, Cancelled.kind, "The run was cancelled while it was cut off.")))
            self._woken.set()
        else:
            self._outbox.put(lambda: self._send_cancel(job))

    def holds(self, number: int) -> bool:
        """Whether maps of this run can be asked for: its worker still lives."""
        with self._lock:
            return number in self._ids and self._client is not None and self._client.alive

    def connect(self) -> None:
        """Start a worker if there is none, before anything is to be run on it."""
        self._outbox.put(self._connect)

    @property
    def pid(self) -> int | None:
        """Process id of the worker, or of the ``ssh`` that leads to it."""
        with self._lock:
            return None if self._client is None else self._client.pid

    def kill(self) -> None:
        """End the worker process at once; what it was doing fails."""
        with self._lock:
            client, waiting = self._client, list(self._orders) if self._waiting else []
            if not self._waiting:
                self._orders.clear()
        for number in waiting:
            self.cancel(number)
        if client is not None:
            client.kill()

    def close(self, timeout: float = 0.3) -> None:
        """Say goodbye to the worker, and end it if it does not leave within ``timeout`` seconds. Sends no messages."""
        with self._lock:
            self._closing.set()
            self._woken.set()
            client = self._client
        self._outbox.put(lambda: None)  # wakes the thread, which sees that it is over
        if client is not None:
            client.close(timeout)

    # --- on the link's own thread --------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing.is_set():
            self._outbox.get()()

    def _ready_client(self) -> WorkerClient:
        """The client of a living worker, started if need be.

        Raises:
            WorkerError: It cannot be started.
        """
        with self._lock:
            if self._client is not None and self._client.alive:
                return self._client
        # Imported here: the first paint does not wait for it.
        from faa_core.worker.client import WorkerClient

        client: WorkerClient

        def on_event(event: ClientEvent) -> None:
            self._receive(client, event)

        client = WorkerClient(on_event, self._launch())
        with self._lock:
            self._client = client
            self._jobs.clear()
            self._ids.clear()
        hello = client.start()
        if self._closing.is_set():
            client.close(0)
        self._post(messages.WorkerReady(self.host, hello))
        return client

    def _connect(self) -> None:
        try:
            self._ready_client()
        except FaaError as error:
            self._tell_lost(error)

    def _send_run(self, number: int, order: Order, priority: int) -> None:
        try:
            client = self._ready_client()
            with self._lock:
                self._orders[number] = (order, priority)
            # The worker knows nothing of hosts: on its machine the model is a local one.
            reference = str(msgspec.structs.replace(parse(order.reference), host=None))
            id = self._register(client, number)
            client.send(Run(id, reference, order.text, order.options, priority))
        except FaaError as error:
            with self._lock:
                self._orders.pop(number, None)
            self._post(messages.RunFailed(number, _as_fail(error)))
            self._tell_lost(error)

    def _ask(self, key: TileKey | HeadKey | BoxKey | TestsKey | AlignKey | SketchKey) -> None:
        try:
            client, run = self._holder(key.run)
            id = client.new_id()
            match key:
                case TileKey(address):
                    grid = self._grid(AlignKey(address.run, address.kind)) if key.aligned else 0
                    corners = (key.level, key.row, key.row_stop, key.column, key.column_stop)
                    place = (address.kind, address.layer, address.head)
                    job: Tile | Examine | Boxes | Test | Align | Sketch = Tile(
                        id, run, *place, *corners, grid, key.priority, address.without_first
                    )
                case HeadKey(address):
                    job = Examine(id, run, address.kind, address.layer, address.head)
                case BoxKey(address):
                    place = (address.kind, address.layer, address.head)
                    job = Boxes(id, run, *place, key.level, key.threshold)
                case TestsKey():
                    job = Test(id, run, key.statistic)
                case AlignKey():
                    assert key.queries is not None
                    assert key.keys is not None
                    job = Align(id, run, key.kind, key.queries, key.keys)
                case SketchKey():
                    grid = self._grid(AlignKey(key.run, key.kind)) if key.aligned else 0
                    job = Sketch(id, run, key.kind, key.rows, key.top, grid, SOMEDAY)
            self._name(id, key)
            client.send(job)
        except FaaError as error:
            self._post(messages.failed(key, _as_fail(error)))

    def _send_inquiry(self, inquiry: Inquiry) -> None:
        try:
            client = self._ready_client()
        except FaaError as error:
            self._post(messages.failed(inquiry, _as_fail(error)))
            self._tell_lost(error)
            return
        try:
            id = self._register(client, inquiry)
            client.send(msgspec.structs.replace(inquiry.job, id=id))
        except FaaError as error:
            self._post(messages.failed(inquiry, _as_fail(error)))

    def _grid(self, key: AlignKey) -> int:
        grid = self._ids.get(key)
        if grid is None:
            raise WorkerError("The worker that held this alignment is gone.", "Compare again.")
        return grid

    def _holder(self, number: int) -> tuple[WorkerClient, int]:
        """The worker that holds a run, and its own id of the run.

        Raises:
            WorkerError: It is gone.
        """
        client, run = self._client, self._ids.get(number)
        if client is None or run is None:
            raise WorkerError("The worker that held this map is gone.", "Run again.")
        return client, run

    def _send_release(self, number: int) -> None:
        with contextlib.suppress(FaaError):  # a worker that is gone holds nothing
            client, run = self._holder(number)
            client.send(Release(client.new_id(), run))

    def _send_cancel(self, job: JobName) -> None:
        with self._lock:
            client, id = self._client, self._ids.get(job)
            if isinstance(job, int):
                self._orders.pop(job, None)
        if client is not None and id is not None:
            with contextlib.suppress(FaaError):  # a worker that is gone has ended its jobs already
                client.cancel(id)

    def _register(self, client: WorkerClient, job: JobName) -> int:
        id = client.new_id()
        self._name(id, job)
        return id

    def _name(self, id: int, job: JobName) -> None:
        with self._lock:
            self._jobs[id] = job
            self._ids[job] = id

    def _reconnect(self, what: str) -> None:
        """Make the lost connection anew and begin its runs again, or say that it cannot be had."""
        error: FaaError = WorkerError(what)
        for attempt, pause in enumerate(RECONNECT_SECONDS, 1):
            self._post(messages.Reconnecting(self.host, what, attempt, len(RECONNECT_SECONDS)))
            self._woken.wait(pause)
            self._woken.clear()
            if self._closing.is_set() or not self._orders:
                break
            try:
                self._ready_client()
            except LoginError as failure:
                error = failure
                break
            except FaaError as failure:
                error = failure
            else:
                with self._lock:
                    orders, self._waiting = dict(self._orders), False
                self._post(messages.Reconnected(self.host, tuple(orders)))
                for number, (order, priority) in orders.items():
                    self._send_run(number, order, priority)
                return
        with self._lock:
            numbers, self._waiting = list(self._orders), False
            self._orders.clear()
        for number in numbers:
            self._post(messages.RunFailed(number, _as_fail(error)))
        self._tell_lost(error)

    # --- on the client's reader thread ---------------------------------------------------------------------------

    def _receive(self, client: WorkerClient, event: ClientEvent) -> None:
        from faa_core.worker.client import ArrayReady, WorkerExited

        if client is not self._client or self._closing.is_set():
            return
        if isinstance(event, Beat):
            self._post(messages.WorkerBeat(self.host, event))
        elif isinstance(event, WorkerExited):
            self._exited(event)
        elif (id := getattr(event, "id", None)) is not None:
            job = self._jobs.get(id)
            if isinstance(event, Done | Fail):
                job = self._ended(client, id, event)
            match job:
                case None:
                    pass
                case int():
                    self._post_of_run(job, event)
                case TileKey() if isinstance(event, ArrayReady):
                    self._post(messages.TileArrived(job, event.array))
                case HeadKey() if isinstance(event, Examined):
                    self._post(messages.HeadExamined(job, event.result))
                case BoxKey() if isinstance(event, Boxed):
                    occupied = np.unpackbits(event.bits, axis=1, count=event.columns).astype(bool)
                    self._post(messages.BoxesArrived(job, occupied))
                case TestsKey() if isinstance(event, Progress):
                    self._post(messages.TestsProgressed(job, event))
                case TestsKey() if isinstance(event, Tested):
                    self._post(messages.TestsArrived(job, event.result))
                case SketchKey() if isinstance(event, Sketched):
                    self._post(messages.SketchArrived(job, event))
                case AlignKey() | SketchKey() if isinstance(event, Done):
                    self._post(messages.Answered(job))
                case Inquiry() if isinstance(event, ModelsReport | PathsReport | Inspected | ResidentReport):
                    self._post(messages.Replied(job, event))
                case Inquiry() if isinstance(event, Done) and isinstance(job.job, Unload):
                    self._post(messages.Replied(job, event))
                case _ if isinstance(event, Fail):
                    self._post(messages.failed(job, event))

    def _ended(self, client: WorkerClient, id: int, event: Done | Fail) -> JobName | None:
        """The job that has ended; ``None`` for a run that ended with its worker, of which `_exited` will decide."""
        with self._lock:
            job = self._jobs.pop(id, None)
            # Numbers of runs and alignments stay known: later requests name them.
            if isinstance(job, TileKey | HeadKey | BoxKey | TestsKey | SketchKey | Inquiry):
                self._ids.pop(job, None)
            if isinstance(job, int) and job in self._orders:
                if isinstance(event, Fail) and not client.alive:
                    self._unended[job] = event
                    return None
                del self._orders[job]
            return job

    def _exited(self, event: WorkerExited) -> None:
        with self._lock:
            failed, self._unended = self._unended, {}
            resumable = event.lost_link and bool(self._orders)
            if not resumable:
                self._orders.clear()
            self._waiting = resumable
        if resumable:
            self._outbox.put(lambda: self._reconnect(event.text))
            return
        for number, fail in failed.items():
            self._post(messages.RunFailed(number, fail))
        self._post(messages.WorkerLost(self.host, WorkerError.kind, event.text, event.hint))

    def _post_of_run(self, run: int, event: ClientEvent) -> None:
        match event:
            case Progress():
                self._post(messages.RunProgressed(run, event))
            case Loaded():
                self._post(messages.ModelLoaded(run, event))
            case Started():
                self._post(messages.RunStarted(run, event))
            case LayerReady():
                self._post(messages.LayerArrived(run, event))
            case Done():
                self._post(messages.RunDone(run, event))
            case Fail():
                self._post(messages.RunFailed(run, event))

    def _tell_lost(self, error: FaaError) -> None:
        self._post(messages.WorkerLost(self.host, error.kind, error.message, error.hint))

    def _post(self, message: Message) -> None:
        if not self._closing.is_set():
            with contextlib.suppress(RuntimeError):  # the event loop has ended between the check and the call
                self._post_message(message)


def _as_fail(error: FaaError) -> Fail:
    return Fail(id=0, kind=error.kind, text=error.message, hint=error.hint, retry=error.retry)
