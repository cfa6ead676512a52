"""The worker: takes jobs from standard input, runs them one at a time, and answers on standard output.

Jobs run on the main thread, where CUDA and signal handlers are at home. Four more threads keep the process
answering meanwhile: one reads requests (a ping is answered and a cancel noted while a job computes), one writes,
one beats each second, and one turns SIGTERM into an exit even when the main thread is inside a C function.

A tile may be asked for while a run goes on. It is served by the main thread whenever the run's engine calls
`Listener.check`, so the engine is never entered by two threads. What `faa_core.worker.jobs` calls brief comes between
two strips of another job, and only where it is as urgent as that; every other job waits for its turn.
"""

from __future__ import annotations

import faulthandler
import importlib.metadata
import os
import platform
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

import faa_core
from faa_core.errors import Cancelled, FaaError, OutOfMemoryError, UsageError, WorkerError
from faa_core.findings import HeadExamination, HeadTests, RepeatProbe, RolloutToLast
from faa_core.inventory import ModelDetails
from faa_core.listener import Listener
from faa_core.models.continuing import continuing, is_model
from faa_core.models.finding import find_models
from faa_core.records import LayerResult, LayerSketch, ModelInfo, Tokens
from faa_core.worker import faults, protocol, stdio, wire
from faa_core.worker.jobs import JobQueue, Ticket
from faa_core.worker.outbox import Outbox

STALL_SECONDS = 300.0
"""How long the interpreter's lock may be held before the process ends itself with a traceback.

Code that holds the lock stops every Python thread, the one that watches for the client's end included; only a C
thread can end such a process. Long enough for the first import of a CUDA library from a slow network disk.
"""

EXIT_TERMINATED = 128 + signal.SIGTERM
EXIT_DEVICE = 70
"""The accelerator's context broke, so that only a new process can use it."""
EXIT_PROTOCOL = 76
"""The client sent something that is no frame."""

LARGEST_PACKED = 1024 * 1024
"""Bytes of an array up to which it is packed for a client that takes that."""
CHUNKS_IN_WINDOW = 4
LEAST_CHUNK = 16 * 1024

_PACKAGES = ("torch", "transformers", "numpy")
_ENVIRONMENT = {
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Threads of torch sleep between its operations. Where the screen, another worker or another program wants their
    # cores, those that spin hold each other up: a run of the bundled model then takes ten times as long.
    "OMP_WAIT_POLICY": "passive",
}
"""Settings that the user's own environment goes before."""

_CANCELLED = "The job was cancelled."


class EngineLike(Protocol):
    """What the worker runs; `faa_core.analysis.Engine` in earnest. Only ever called on the main thread."""

    def load(self, job: protocol.Load, listener: Listener) -> ModelInfo:
        """Load a model and keep it."""

    def run(self, job: protocol.Run, listener: Listener) -> tuple[float, Sequence[str]]:
        """Analyse a text; returns seconds without loading, and notes."""

    def tile(self, job: protocol.Tile, check: Callable[[], None]) -> NDArray[np.float16]:
        """Rectangle of a map, float16 [row_stop - row, column_stop - column], clipped to the map."""

    def boxes(self, job: protocol.Boxes, check: Callable[[], None]) -> NDArray[np.bool_]:
        """Which boxes of one head are counted, bool [rows of boxes, columns of boxes]."""

    def align(self, job: protocol.Align) -> None:
        """Lay segments over the maps of one kind of a run."""

    def sketch(self, job: protocol.Sketch, listener: Listener) -> None:
        """Tell a few rows of every head of a run, layer by layer."""

    def test(self, job: protocol.Test, listener: Listener) -> HeadTests:
        """Test one statistic of every head of a run against surrogates."""

    def probe(self, job: protocol.Probe, listener: Listener) -> RepeatProbe:
        """Score every head of a model on random sequences said twice."""

    def examine(self, job: protocol.Examine, listener: Listener) -> HeadExamination:
        """Measure all that needs the whole map of one head of a run."""

    def rollout(self, job: protocol.Rollout, listener: Listener) -> tuple[RolloutToLast, ...]:
        """Attention rollout of a run, one for each stack of self-attention."""

    def release(self, job: protocol.Release) -> None:
        """Forget the maps of a run."""

    def unload(self, job: protocol.Unload) -> None:
        """Give back the memory of a model and of its runs."""

    def residents(self) -> tuple[protocol.Resident, ...]:
        """The models in memory, the one used longest ago first."""

    def inspect(self, job: protocol.Inspect) -> ModelDetails | None:
        """What a model is and takes, without loading it."""

    def environment(
        self,
    ) -> tuple[dict[str, str], Sequence[str], dict[str, int], Sequence[tuple[str, bool, str]]]:
        """Versions, devices, memory and checks, as in `protocol.EnvironmentReport`."""


def make_engine() -> EngineLike:
    """The real engine; imports torch and transformers, told to be quiet and to share its cores.

    Raises:
        FaaError: They cannot be imported.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        from faa_core.analysis import Engine
    except ImportError as error:
        raise FaaError(
            f"The engine cannot be imported: {error}.", "Install faa-tui again, with torch and transformers."
        ) from error
    return Engine()


def serve(make_engine: Callable[[], EngineLike], nonce: str) -> int:
    """Greet the client and serve it until it goes; call it once, on the main thread.

    The process leaves by itself when the client closes the pipe, says `protocol.Bye` or sends what is no frame, and
    on SIGTERM. SIGINT is ignored: a Ctrl-C in the terminal is meant for the client.

    Args:
        make_engine: Called on the first job, after the greeting; may take its time.
        nonce: What the client wrote on the command line, to know the greeting among other output by.

    Returns:
        Exit code, in the one case in which the worker gives up by itself: `EXIT_DEVICE`.
    """
    channel = stdio.claim()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    faulthandler.dump_traceback_later(STALL_SECONDS, exit=True)  # renewed with every beat
    channel.output.write(protocol.HELLO_PREFIX + nonce.encode() + b"\n" + wire.encode(_hello()))
    channel.output.flush()

    outbox = Outbox(channel.output, broken=lambda: _leave(0))
    server = _Server(make_engine, outbox)
    wake = _terminate_by_pipe()
    for name, body in (
        ("signals", lambda: _leave_on_signal(wake)),
        ("heart", lambda: _beat(server, outbox)),
        ("requests", lambda: server.listen(channel.input)),
    ):
        threading.Thread(target=body, name=name, daemon=True).start()
    return server.work()


def _hello() -> protocol.Hello:
    versions = {"faa": faa_core.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return protocol.Hello(protocol.VERSION, os.getpid(), socket.gethostname(), versions, protocol.CAPABILITIES)


class _Server:
    """Keeps the jobs in order and runs them.

    Args:
        make_engine: Called on the first job.
        outbox: Where answers go.
    """

    def __init__(self, make_engine: Callable[[], EngineLike], outbox: Outbox) -> None:
        self._make_engine = make_engine
        self._engine: EngineLike | None = None
        self._outbox = outbox
        self._jobs = JobQueue()
        self._client: tuple[int, int] | None = None
        self._deflate = False
        self._chunk_bytes = protocol.CHUNK_BYTES
        self.busy = 0
        """Id of the job on the main thread, brief ones in between not counted; 0 when idle."""

    # --- on the reading thread

    def listen(self, stream: IO[bytes]) -> None:
        """Take requests until the client is gone, then end the process whatever a job is doing."""
        decoder: wire.Decoder[protocol.Request] = wire.Decoder(protocol.Request)
        try:
            while (head := wire.read_head(stream)) is not None:
                if head.kind != wire.MESSAGE:
                    raise WorkerError("A client sends no chunks.")
                try:
                    request = decoder(head.header, wire.read_payload(stream, head))
                except wire.BadMessage as error:
                    text = f"{error.message} {self._versions()}"
                    self._send(protocol.Fail(error.id, UsageError.kind, text, "Use the same version of faa."))
                else:
                    self._accept(request)
        except WorkerError as error:
            self._send(protocol.Fail(0, error.kind, error.message, retry=error.retry))
            self._outbox.drain(timeout=1.0)
            _leave(EXIT_PROTOCOL)
        _leave(0)

    def _accept(self, request: protocol.Request) -> None:
        match request:
            case protocol.Ping(token):
                self._send(protocol.Pong(token))
            case protocol.Tune():
                self._tune(request)
            case protocol.Ack(received):
                self._outbox.acknowledge(received)
            case protocol.Bye():
                _leave(0)
            case protocol.Cancel(id):
                self._cancel(id)
            case _:
                self._queue(request)

    def _tune(self, wishes: protocol.Tune) -> None:
        self._client = wishes.protocol
        self._deflate = wishes.deflate
        self._outbox.limit(wishes.window)
        # Several chunks to a window, so that acknowledgements come while the next ones are on the way.
        most = wishes.window // CHUNKS_IN_WINDOW if wishes.window else protocol.CHUNK_BYTES
        self._chunk_bytes = min(max(most, LEAST_CHUNK), protocol.CHUNK_BYTES)

    def _versions(self) -> str:
        theirs = "one that it did not tell" if self._client is None else ".".join(map(str, self._client))
        mine = ".".join(map(str, protocol.VERSION))
        return f"This worker speaks version {mine} of the protocol (faa {faa_core.__version__}), the client {theirs}."

    def _queue(self, job: protocol.Job) -> None:
        if not self._jobs.put(job):
            self._send(protocol.Fail(0, UsageError.kind, f"Job {job.id} is still open; its id cannot be used again."))

    def _cancel(self, id_: int) -> None:
        if self._jobs.cancel(id_):
            self._send(protocol.Fail(id_, Cancelled.kind, _CANCELLED))

    def _send(self, message: protocol.Event) -> None:
        self._outbox.event(wire.encode(message))

    def emit(self, event: protocol.Event) -> None:
        """Send an event of a job, packed where the client takes that; waits for a client that does not read."""
        frame = wire.encode(event)
        self._outbox.event(wire.pack(frame) if self._deflate else frame, patient=True)

    # --- on the main thread

    def work(self) -> int:
        """Run jobs for ever; returns an exit code when this process can do no more."""
        while True:
            ticket = self._jobs.take()
            self.busy = ticket.job.id
            usable = self._perform(ticket)
            self.busy = 0
            if not usable:
                self._outbox.drain(timeout=1.0)
                return EXIT_DEVICE

    def serve_between(self, ticket: Ticket) -> None:
        """Answer the brief jobs that wait and are as urgent as the one that runs; called from within that one."""
        while not ticket.brief and (brief := self._jobs.take_between(ticket.priority)) is not None:
            self._perform(brief)

    def _perform(self, ticket: Ticket) -> bool:
        """Do one job and send its end; whether the process can do another."""
        job, usable = ticket.job, True
        end: protocol.Done | protocol.Fail
        try:
            began = time.perf_counter()
            seconds, notes = self._do(ticket)
            end = protocol.Done(job.id, time.perf_counter() - began if seconds is None else seconds, tuple(notes))
        except BaseException as error:
            end = faults.describe(job.id, error)
            usable = not faults.has_broken_device(error)
        # Not in the except block: there the traceback still holds the tensors of every frame it went through.
        if isinstance(end, protocol.Fail) and end.kind == OutOfMemoryError.kind:
            faults.release_memory()
        self._jobs.close(ticket)
        if isinstance(job, protocol.Tile):
            self._outbox.bulk(wire.encode(end))  # behind its own chunks
        else:
            self.emit(end)
        return usable

    def _do(self, ticket: Ticket) -> tuple[float | None, Sequence[str]]:
        job = ticket.job
        listener = _JobListener(self, ticket)
        if isinstance(job, protocol.Models):  # needs no engine, and somebody may be choosing before there is one
            listener.emit(protocol.ModelsReport(job.id, find_models(job.folders)))
            return None, ()
        if isinstance(job, protocol.Paths):
            listener.emit(protocol.PathsReport(job.id, continuing(job.typed), is_model(job.typed)))
            return None, ()
        if self._engine is None:
            listener.progress("import", "Importing PyTorch")
            self._engine = self._make_engine()
        engine = self._engine
        match job:
            case protocol.Load():
                model = engine.load(job, listener)
                if not listener.told_loaded:
                    listener.loaded(model)
            case protocol.Run():
                return engine.run(job, listener)
            case protocol.Tile():
                self._send_array(ticket, "tile", _checked(job, engine.tile(job, listener.check)))
            case protocol.Boxes():
                occupied = engine.boxes(job, listener.check)
                listener.emit(protocol.Boxed(job.id, occupied.shape[1], np.packbits(occupied, axis=1)))
            case protocol.Align():
                engine.align(job)
            case protocol.Sketch():
                engine.sketch(job, listener)
            case protocol.Test():
                listener.emit(protocol.Tested(job.id, engine.test(job, listener)))
            case protocol.Probe():
                listener.emit(protocol.Probed(job.id, engine.probe(job, listener)))
            case protocol.Examine():
                listener.emit(protocol.Examined(job.id, engine.examine(job, listener)))
            case protocol.Rollout():
                listener.emit(protocol.Rolled(job.id, engine.rollout(job, listener)))
            case protocol.Release():
                engine.release(job)
            case protocol.Unload():
                engine.unload(job)
            case protocol.Residents():
                listener.emit(protocol.ResidentReport(job.id, engine.residents()))
            case protocol.Inspect():
                listener.emit(protocol.Inspected(job.id, engine.inspect(job)))
            case protocol.Environment():
                versions, devices, memory, checks = engine.environment()
                listener.emit(protocol.EnvironmentReport(job.id, versions, tuple(devices), memory, tuple(checks)))
        return None, ()

    def _send_array(self, ticket: Ticket, name: str, array: NDArray[Any]) -> None:
        array = wire.little_endian(array)
        data = array.reshape(-1).view(np.uint8).data
        # What fills a screen is small and packs to half. What is larger is wanted whole, and packing would hold it up.
        deflate = self._deflate and array.nbytes <= LARGEST_PACKED
        step = self._chunk_bytes
        for offset in range(0, max(array.nbytes, 1), step):
            if ticket.cancelled:
                raise Cancelled(_CANCELLED)
            chunk = protocol.Chunk(ticket.job.id, name, array.dtype.str, array.shape, offset, array.nbytes)
            part = data[offset : offset + step]
            frame: Sequence[bytes | memoryview] = wire.encode_chunk(chunk, part)
            if deflate:
                frame = (wire.pack(*frame, stride=array.itemsize),)
            self._outbox.bulk(*frame, credit=part.nbytes)


class _JobListener:
    """Turns what the engine reports on one job into events."""

    def __init__(self, server: _Server, ticket: Ticket) -> None:
        self._server = server
        self._ticket = ticket
        self._id = ticket.job.id
        self.told_loaded = False

    def emit(self, event: protocol.Event) -> None:
        self._server.emit(event)

    def progress(self, stage: str, text: str, done: int = 0, total: int = 0, unit: str = "") -> None:
        self.emit(protocol.Progress(self._id, stage, text, done, total, unit))

    def loaded(self, model: ModelInfo) -> None:
        self.told_loaded = True
        self.emit(protocol.Loaded(self._id, model))

    def started(
        self, model: ModelInfo, tokens: Tokens, decoder_tokens: Tokens | None, truncated_from: int | None
    ) -> None:
        self.emit(protocol.Started(self._id, model, tokens, decoder_tokens, truncated_from))

    def layer(self, index: int, total: int, result: LayerResult) -> None:
        self.emit(protocol.LayerReady(self._id, index, total, result))

    def sketched(self, index: int, total: int, sketch: LayerSketch) -> None:
        self.emit(protocol.Sketched(self._id, index, total, sketch))

    def check(self) -> None:
        self._server.serve_between(self._ticket)
        if self._ticket.cancelled:
            raise Cancelled(_CANCELLED)


def _checked(job: protocol.Tile, array: NDArray[Any]) -> NDArray[Any]:
    """What the engine answered, held to what was asked for."""
    rows, columns = job.row_stop - job.row, job.column_stop - job.column
    if array.dtype != np.float16 or array.ndim != 2 or array.shape[0] > rows or array.shape[1] > columns:
        raise TypeError(f"the engine answered {array.dtype} {array.shape} for a tile of {rows} x {columns}")
    return array


def _beat(server: _Server, outbox: Outbox) -> None:
    began, pause = time.monotonic(), threading.Event()
    import psutil  # after the greeting, which it would delay

    process = psutil.Process()
    while True:
        faulthandler.dump_traceback_later(STALL_SECONDS, exit=True)
        seconds = time.monotonic() - began
        beat = protocol.Beat(seconds, process.memory_info().rss, _device_memory(), server.busy)
        outbox.beat(wire.encode(beat))
        pause.wait(protocol.BEAT_SECONDS)


def _device_memory() -> int:
    """Bytes that torch holds on all accelerators; 0 while torch is not imported or has not touched one."""
    held = 0
    cuda = sys.modules.get("torch.cuda")
    initialised = getattr(cuda, "is_initialized", None)  # absent while another thread still imports the module
    if cuda is not None and initialised is not None and initialised():
        held += sum(int(cuda.memory_reserved(index)) for index in range(cuda.device_count()))
    driver = getattr(sys.modules.get("torch.mps"), "driver_allocated_memory", None)
    available = getattr(sys.modules.get("torch.backends.mps"), "is_available", None)
    if driver is not None and available is not None and available():
        held += int(driver())
    return held


def _terminate_by_pipe() -> int:
    """Make SIGTERM readable on the descriptor returned, at once and whatever the main thread is doing."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda number, frame: None)  # a handler must exist for the byte to be written
    return reader


def _leave_on_signal(wake: int) -> None:
    while signal.SIGTERM not in os.read(wake, 64):
        pass
    _leave(EXIT_TERMINATED)


def _leave(code: int) -> None:
    """End the process now: no job, exit handler or driver can hold it up, and the system frees everything."""
    os._exit(code)
