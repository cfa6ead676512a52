"""The client's side of a worker, for programs that go on meanwhile; `faa_core.worker.session` is for those that wait.

Needs neither torch nor an event loop. Everything the worker sends is held to be untrusted: lengths, shapes and types
are checked, arrays are only accepted where they were asked for and up to the size asked for, and what remains, the
strings, must be escaped by whoever shows them.
"""

from __future__ import annotations

import itertools
import secrets
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import IO, Any

import msgspec
from numpy.typing import NDArray

from faa_core.errors import HostError, HostSetupError, UsageError, WorkerError
from faa_core.worker import protocol, shapes, wire
from faa_core.worker.greeting import NoGreeting, OtherVersion, await_hello, cannot_do, said
from faa_core.worker.incoming import OpenJob
from faa_core.worker.launch import Launch, as_launch
from faa_core.worker.process import Exit, WorkerProcess

_EXIT_SECONDS = 2.0
"""How long a process may live on after its standard output has ended."""


class ArrayReady(msgspec.Struct, frozen=True, eq=False):
    """An array came in completely: ``name`` of job ``id``, read-only."""

    id: int
    name: str
    array: NDArray[Any]


class WorkerExited(msgspec.Struct, frozen=True):
    """The worker is gone; the last event of a client.

    Attributes:
        text: What happened.
        hint: What to do next.
        code: Exit code as `subprocess` gives it, negative for a signal.
        lost_link: Whether the connection to another machine was lost: the worker itself did nothing wrong, and a new
            connection may be tried.
    """

    text: str
    hint: str
    code: int
    lost_link: bool = False


ClientEvent = (
    protocol.Progress
    | protocol.Loaded
    | protocol.Started
    | protocol.LayerReady
    | protocol.Tested
    | protocol.Probed
    | protocol.Examined
    | protocol.Rolled
    | protocol.Sketched
    | protocol.Boxed
    | protocol.ResidentReport
    | protocol.ModelsReport
    | protocol.PathsReport
    | protocol.Inspected
    | protocol.EnvironmentReport
    | protocol.Done
    | protocol.Fail
    | protocol.Log
    | protocol.Beat
    | protocol.Pong
    | ArrayReady
    | WorkerExited
)


class WorkerClient:
    """One worker process. It is not restarted: after `WorkerExited` make a new client.

    As a context manager it closes itself. A client that is forgotten, or whose process ends, takes its worker along.

    Args:
        on_event: Called on the reading thread with everything that happens after `start`; it should return soon. It
            is not called any more once `close` has begun, save for a call that is under way.
        launch: Where and how the worker is started, or program and arguments of a local one; by default this
            Python's.
    """

    def __init__(self, on_event: Callable[[ClientEvent], None], launch: Launch | Sequence[str] | None = None) -> None:
        self._on_event = on_event
        self._launch = as_launch(launch)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._jobs: dict[int, OpenJob] = {}
        self._process: WorkerProcess | None = None
        self._leave: weakref.finalize[..., WorkerClient] | None = None
        self._decoder: wire.Decoder[protocol.Event] = wire.Decoder(protocol.Event)
        self._greeted = threading.Event()
        self._hello: protocol.Hello | None = None
        self._failure: WorkerError | None = None
        self._over = False
        self._quiet = False
        self._killed = False
        self._windowed = False
        self._received = 0

    def __enter__(self) -> WorkerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what a program calls

    def start(self, timeout: float = 20.0) -> protocol.Hello:
        """Start the process and wait for its greeting.

        Args:
            timeout: Seconds until a worker without a greeting is given up.

        Raises:
            WorkerError: It cannot be started, does not greet, or speaks another version of the protocol. The hint
                quotes what it printed instead. For another machine it is a `HostError`, or a `LoginError` where a
                person has to log in.
        """
        if self._process is not None:
            raise WorkerError("The worker was started before.", "Make a new client.")
        nonce = secrets.token_hex(8)
        process = self._process = WorkerProcess(self._launch.command(nonce), self._launch.host)
        self._leave = weakref.finalize(self, process.hang_up)
        threading.Thread(
            target=_listen, args=(weakref.ref(self), process, nonce), name="worker stdout", daemon=True
        ).start()
        try:
            if not self._greeted.wait(timeout):
                self._failure = self._launch.failure(None, process.stderr_tail) or WorkerError(
                    f"The worker did not greet within {timeout:g} seconds.", said(process.stderr_tail)
                )
        finally:
            if self._hello is None:
                self.close()
        if self._failure is not None or self._hello is None:
            raise self._failure or WorkerError("The worker ended before it greeted.")
        return self._hello

    def new_id(self) -> int:
        """An id for a job that this client has not given before."""
        return next(self._ids)

    def send(self, request: protocol.Request) -> None:
        """Send a request from any thread; never waits for the worker.

        Raises:
            WorkerError: The worker is gone.
            UsageError: The request is too large for the protocol, its id belongs to a job that is still open, or the
                worker is of a version that cannot do it.
        """
        frame = wire.encode(request)
        with self._lock:
            if self._process is None or not self.alive:
                raise WorkerError("The worker is gone.", "Start a new one.")
            if isinstance(request, protocol.Job):
                self._check_ability(request)
                if request.id in self._jobs:
                    raise UsageError(f"Job {request.id} is still open.", "Use a new id.")
                self._jobs[request.id] = OpenJob(request)
            self._process.send(frame)

    def cancel(self, id: int) -> None:
        """Ask the worker to give up a job; its end still comes as `Done` or `Fail`. Harmless when it is over."""
        if self.alive:
            self.send(protocol.Cancel(id))

    def kill(self) -> None:
        """End the process at once; open jobs fail and `WorkerExited` follows."""
        with self._lock:
            self._over = self._killed = True
        if self._process is not None:
            self._process.kill()

    def close(self, timeout: float = 0.3) -> None:
        """Send the worker away: politely, then by SIGTERM, then by SIGKILL, all within ``timeout`` seconds."""
        self._quiet = True
        if self._process is not None and self._leave is not None:
            self._process.send(wire.encode(protocol.Bye()))
            self._leave()  # which also lets the process go: what waits for the end of Python is never collected
            self._process.end(timeout)

    @property
    def alive(self) -> bool:
        """Whether requests can be sent."""
        return self._hello is not None and not self._over and not self._quiet

    @property
    def pid(self) -> int | None:
        """Process id of the child; ``None`` before `start`."""
        return self._process.pid if self._process else None

    @property
    def stderr_tail(self) -> str:
        """Last 4 KiB of what the worker printed; hostile to a terminal until it is escaped."""
        return self._process.stderr_tail if self._process else ""

    # --- on the reading thread

    def _greet(self, hello: protocol.Hello) -> None:
        self._hello = hello
        self._tune(hello)
        self._greeted.set()

    def _tune(self, hello: protocol.Hello) -> None:
        """Say what this client takes: over a network few bytes, and few of them on the way."""
        if "tune" in hello.capabilities and self._process is not None:
            self._windowed = bool(self._launch.host)
            wishes = protocol.Tune(
                protocol.VERSION, deflate=self._windowed, window=protocol.WINDOW_BYTES if self._windowed else 0
            )
            self._process.send(wire.encode(wishes))

    def _acknowledge(self, nbytes: int) -> None:
        self._received += nbytes
        if self._windowed and self._process is not None:
            self._process.send(wire.encode(protocol.Ack(self._received)))

    def _receive(self, head: wire.Head, stream: IO[bytes]) -> None:
        """Take one frame from the stream.

        Raises:
            WorkerError: It breaks the protocol.
        """
        if head.kind == wire.CHUNK:
            self._receive_chunk(head, stream)
            return
        payload = wire.read_payload(stream, head)
        try:
            event = self._decoder(head.header, payload)
        except wire.BadMessage as error:
            if error.tag in _TAGS or not error.tag:
                raise
            return  # a newer worker may say more than this client knows
        if isinstance(event, protocol.Hello | protocol.Chunk):
            raise WorkerError(f"A {type(event).__name__} message came out of place.")
        shapes.check(event)
        if isinstance(event, protocol.Done | protocol.Fail) and event.id:
            with self._lock:
                job = self._jobs.get(event.id)
                if job is None:
                    return
                if isinstance(event, protocol.Done) and isinstance(job.request, protocol.Tile) and not job.arrived:
                    raise WorkerError(f"Tile {event.id} was called done before it had come in.")
                del self._jobs[event.id]
        self._deliver(event)

    def _receive_chunk(self, head: wire.Head, stream: IO[bytes]) -> None:
        chunk = _CHUNKS(head.header)
        with self._lock:
            job = self._jobs.get(chunk.id)
        if job is None:
            raise WorkerError(f"An array came for job {chunk.id}, which is not open.")
        array = job.take(chunk, head, stream)
        self._acknowledge(head.payload)
        if array is not None:
            self._deliver(ArrayReady(chunk.id, chunk.name, array))

    def _end(self, failure: WorkerError | None, process: WorkerProcess) -> None:
        """The stream has ended, or what came was no protocol: tell everyone who waits."""
        if failure is not None and not (isinstance(failure, NoGreeting) and failure.ended):
            process.kill()
        exit_ = process.reap(_EXIT_SECONDS)
        if self._leave is not None:
            self._leave()
        if self._hello is None:
            self._failure = self._failure or self._unstarted(failure, exit_, process.stderr_tail)
            self._greeted.set()
            return
        text, hint = (failure.message, failure.hint) if failure else (exit_.text, exit_.hint)
        lost = exit_.lost_link and failure is None and not self._killed
        if self._killed and exit_.lost_link:
            text = f"The worker on {self._launch.host} was ended from here."
        with self._lock:
            self._over = True
            open_ids = sorted(self._jobs)
            self._jobs.clear()
        for id_ in open_ids:
            self._deliver(protocol.Fail(id_, WorkerError.kind, text, hint, retry=True))
        self._deliver(WorkerExited(text, hint, exit_.code, lost))

    def _unstarted(self, failure: WorkerError | None, exit_: Exit, printed: str) -> WorkerError:
        """Why there is no greeting."""
        launch = self._launch
        if isinstance(failure, OtherVersion):
            hint = f"Install the same version on both sides, for example: {launch.install}"
            if launch.host:
                return HostSetupError(f"On {launch.host}: {failure.message}", hint)
            return WorkerError(failure.message, hint)
        if failure is None or (isinstance(failure, NoGreeting) and failure.ended):
            banner = failure.banner if isinstance(failure, NoGreeting) else ""
            known = launch.failure(exit_.code, f"{banner}\n{printed}".strip())
            if known is not None:
                return known
        if failure is None:
            return WorkerError(exit_.text, f"{exit_.hint} {said(printed)}".strip())
        return HostError(f"On {launch.host}: {failure.message}", failure.hint) if launch.host else failure

    def _check_ability(self, job: protocol.Job) -> None:
        """Refuse a job that the worker's greeting does not offer.

        Raises:
            UsageError: It does not.
        """
        needed = [job.__struct_config__.tag]
        if isinstance(job, protocol.Tile) and job.without_first:
            needed.append("without-first")  # a worker that does not know the field would ignore it
        lacking = [] if self._hello is None else [tag for tag in needed if tag not in self._hello.capabilities]
        if self._hello is not None and lacking:
            raise UsageError(
                cannot_do(self._hello, f"do {lacking[0]!r}", self._launch.host),
                f"Install the same version on both sides, for example: {self._launch.install}",
            )

    def _deliver(self, event: ClientEvent) -> None:
        if not self._quiet:
            self._on_event(event)


_CHUNKS: wire.Decoder[protocol.Chunk] = wire.Decoder(protocol.Chunk)
_TAGS = {type_.__struct_config__.tag for type_ in protocol.Event.__args__}


def _listen(reference: weakref.ref[WorkerClient], process: WorkerProcess, nonce: str) -> None:
    """Body of the reading thread. It holds the client only while a frame is handled, so that it can be forgotten."""
    failure: WorkerError | None = None
    with process.output as stream:
        try:
            hello = await_hello(stream, nonce)
            if hello is not None and (client := reference()) is not None:
                client._greet(hello)
                del client
                while (head := wire.read_head(stream)) is not None and (client := reference()) is not None:
                    client._receive(head, stream)
                    del client
        except WorkerError as error:
            failure = error
        finally:
            # Also when on_event raised: a client that cannot be told must not keep a worker.
            if (client := reference()) is not None:
                client._end(failure or _unexpected(), process)
            else:
                process.reap(_EXIT_SECONDS)


def _unexpected() -> WorkerError | None:
    error = sys.exception()
    return None if error is None else WorkerError(f"The receiver of the worker's events failed: {error!r}.")
