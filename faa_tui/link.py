"""The application's end of the worker.

All calls return at once: one daemon thread starts workers and writes requests, the client's reader thread turns
events into messages. Both are daemons, so that a worker that hangs cannot keep the application alive.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING

from textual.message import Message

from faa_core.errors import FaaError, WorkerError
from faa_core.worker.protocol import (
    Beat,
    Done,
    Examine,
    Examined,
    Fail,
    LayerReady,
    Loaded,
    Progress,
    Run,
    Started,
    Tile,
)
from faa_tui import messages
from faa_tui.messages import HeadKey, TileKey
from faa_tui.session import Order

if TYPE_CHECKING:
    from faa_core.worker.client import ClientEvent, WorkerClient
    from faa_tui.widgets.heat_map import MapAddress

JobName = int | TileKey | HeadKey
"""A run by its number, or a tile or an examination by its key."""


class Link:
    """Runs and tiles go out, messages come in.

    A run starts a worker when there is none, so that running again is the way out after a worker died.

    Args:
        post: Takes the messages, on any thread; `App.post_message`.
        command: Command line of the worker; by default that of `WorkerClient`.
    """

    def __init__(self, post: Callable[[Message], object], command: Sequence[str] | None = None) -> None:
        self._post_message = post
        self._command = command
        self._outbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._client: WorkerClient | None = None
        self._jobs: dict[int, JobName] = {}
        self._ids: dict[JobName, int] = {}
        self._worker_runs: set[int] = set()
        self._closing = False
        threading.Thread(target=self._work, name="faa-link", daemon=True).start()

    # --- called by the application -------------------------------------------------------------------------------

    def run(self, number: int, order: Order) -> None:
        """Analyse ``order`` as run ``number``; answered by `messages.RunDone` or `messages.RunFailed`."""
        self._outbox.put(lambda: self._send_run(number, order))

    def fetch(self, key: TileKey) -> None:
        """Ask for a tile; answered by `messages.TileArrived` or `messages.TileFailed`."""
        self._outbox.put(lambda: self._send_tile(key))

    def examine(self, key: HeadKey) -> None:
        """Measure one head at length; answered by `messages.HeadExamined` or `messages.ExaminationFailed`."""
        self._outbox.put(lambda: self._send_examine(key))

    def cancel(self, job: JobName) -> None:
        """Give up a job; it still ends with a message."""
        self._outbox.put(lambda: self._send_cancel(job))

    def kill(self) -> None:
        """End the worker process at once; what it was doing fails."""
        with self._lock:
            client = self._client
        if client is not None:
            client.kill()

    def close(self, timeout: float = 0.3) -> None:
        """Say goodbye to the worker, and end it if it does not leave within ``timeout`` seconds. Sends no messages."""
        with self._lock:
            self._closing = True
            client = self._client
        self._outbox.put(lambda: None)  # wakes the thread, which sees that it is over
        if client is not None:
            client.close(timeout)

    # --- on the link's own thread --------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing:
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

        client = WorkerClient(on_event, self._command)
        with self._lock:
            self._client = client
            self._jobs.clear()
            self._ids.clear()
            self._worker_runs.clear()
        hello = client.start()
        if self._closing:
            client.close(0)
        self._post(messages.WorkerReady(hello))
        return client

    def _send_run(self, number: int, order: Order) -> None:
        try:
            client = self._ready_client()
            self._worker_runs.add(number)
            id = self._register(client, number)
            client.send(Run(id=id, reference=order.reference, text=order.text, options=order.options))
        except FaaError as error:
            self._post(messages.RunFailed(number, _as_fail(error)))
            self._post(messages.WorkerLost(error.message, error.hint))

    def _send_tile(self, key: TileKey) -> None:
        address = key.address
        try:
            client, run = self._holder(address)
            id = self._register(client, key)
            client.send(
                Tile(
                    id=id,
                    run=run,
                    kind=address.kind,
                    layer=address.layer,
                    head=address.head,
                    level=key.level,
                    row=key.row,
                    row_stop=key.row_stop,
                    column=key.column,
                    column_stop=key.column_stop,
                )
            )
        except FaaError as error:
            self._post(messages.TileFailed(key, _as_fail(error)))

    def _send_examine(self, key: HeadKey) -> None:
        address = key.address
        try:
            client, run = self._holder(address)
            id = self._register(client, key)
            client.send(Examine(id=id, run=run, kind=address.kind, layer=address.layer, head=address.head))
        except FaaError as error:
            self._post(messages.ExaminationFailed(key, _as_fail(error)))

    def _holder(self, address: MapAddress) -> tuple[WorkerClient, int]:
        """The worker that holds a map, and its own id of the run.

        Raises:
            WorkerError: It is gone.
        """
        client, run = self._client, self._ids.get(address.run)
        if client is None or run is None or address.run not in self._worker_runs:
            raise WorkerError("The worker that held this map is gone.", "Run again.")
        return client, run

    def _send_cancel(self, job: JobName) -> None:
        client, id = self._client, self._ids.get(job)
        if client is not None and id is not None:
            with contextlib.suppress(FaaError):  # a worker that is gone has ended its jobs already
                client.cancel(id)

    def _register(self, client: WorkerClient, job: JobName) -> int:
        id = client.new_id()
        with self._lock:
            self._jobs[id] = job
            self._ids[job] = id
        return id

    # --- on the client's reader thread ---------------------------------------------------------------------------

    def _receive(self, client: WorkerClient, event: ClientEvent) -> None:
        from faa_core.worker.client import ArrayReady, WorkerExited

        if client is not self._client or self._closing:
            return
        if isinstance(event, Beat):
            self._post(messages.WorkerBeat(event))
        elif isinstance(event, WorkerExited):
            self._post(messages.WorkerLost(event.text, event.hint))
        elif (id := getattr(event, "id", None)) is not None:
            with self._lock:
                job = self._jobs.get(id)
                if isinstance(event, Done | Fail):
                    self._jobs.pop(id, None)
                    # The number of a run stays known: tiles name the run they belong to.
                    if isinstance(job, TileKey | HeadKey):
                        self._ids.pop(job, None)
            if isinstance(job, TileKey):
                if isinstance(event, ArrayReady):
                    self._post(messages.TileArrived(job, event.array))
                elif isinstance(event, Fail):
                    self._post(messages.TileFailed(job, event))
            elif isinstance(job, HeadKey):
                if isinstance(event, Examined):
                    self._post(messages.HeadExamined(job, event.result))
                elif isinstance(event, Fail):
                    self._post(messages.ExaminationFailed(job, event))
            elif job is not None:
                self._post_of_run(job, event)

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

    def _post(self, message: Message) -> None:
        if not self._closing:
            with contextlib.suppress(RuntimeError):  # the event loop has ended between the check and the call
                self._post_message(message)


def _as_fail(error: FaaError) -> Fail:
    return Fail(id=0, kind=error.kind, text=error.message, hint=error.hint, retry=error.retry)
