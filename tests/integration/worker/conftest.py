from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import pytest

from faa_core.worker import protocol, wire
from faa_core.worker.client import ClientEvent, WorkerClient

SCRIPT = Path(__file__).with_name("scripted_worker.py")
PATIENCE = 30.0

E = TypeVar("E")


class Counted(io.RawIOBase):
    """A stream that counts what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        return data


@dataclass
class Wire:
    """A worker without a client: requests as they are written, frames as they come."""

    process: subprocess.Popen[bytes]
    stream: Counted
    decoder: Any

    def send(self, frame: bytes) -> None:
        """Write a frame."""
        assert self.process.stdin is not None
        self.process.stdin.write(frame)
        self.process.stdin.flush()

    def receive(self, *ids: int) -> tuple[Any, bytes, int]:
        """Next event of one of some jobs, its payload, and what it took on the wire."""
        while True:
            before = self.stream.count
            head = wire.read_head(self.stream)
            assert head is not None
            payload = wire.read_payload(self.stream, head)
            event = self.decoder(head.header, payload)
            if getattr(event, "id", None) in ids:
                return event, payload, self.stream.count - before

    def ask(self, job: protocol.Job) -> tuple[list[Any], bytes, int]:
        """Events of a job that ends well, the bytes of its array, and what both took on the wire."""
        self.send(wire.encode(job))
        events, array, taken = [], b"", 0
        while not (events and isinstance(events[-1], protocol.Done)):
            event, payload, nbytes = self.receive(job.id)
            assert not isinstance(event, protocol.Fail), event
            array += payload if isinstance(event, protocol.Chunk) else b""
            taken += nbytes
            events.append(event)
        return events, array, taken


class Watched:
    """A client, and everything it reported so far."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self.events: list[ClientEvent] = []
        self._changed = threading.Condition()
        self.client = WorkerClient(self._take, command)
        self.command = command

    def _take(self, event: ClientEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def until(self, wanted: type[E], id: int | None = None, where: Callable[[E], bool] = lambda event: True) -> E:
        """First event of a type, of a job, waited for if need be."""

        def found() -> E | None:
            for event in self.events:
                if isinstance(event, wanted) and (id is None or event.id == id) and where(event):  # type: ignore[attr-defined]
                    return event
            return None

        with self._changed:
            assert self._changed.wait_for(found, PATIENCE), f"no {wanted.__name__} of {id} in {self.events}"
            event = found()
            assert event is not None
            return event

    def of(self, id: int, *types: type) -> list[ClientEvent]:
        """Events of a job, of the types given."""
        with self._changed:
            return [e for e in self.events if getattr(e, "id", None) == id and isinstance(e, types or object)]

    def ends(self, id: int) -> list[ClientEvent]:
        """Every `Done` and `Fail` of a job."""
        return self.of(id, protocol.Done, protocol.Fail)

    def run(self, reference: str, text: str = "one two three") -> int:
        """Send a run; its id."""
        id = self.client.new_id()
        self.client.send(protocol.Run(id, reference, text))
        return id

    def tile(self, run: int, rows: int = 2, columns: int = 2, **fields: Any) -> int:
        """Send a tile request; its id."""
        id = self.client.new_id()
        place = {"kind": "decoder", "layer": 0, "head": 0, "level": 0, "row": 0, "column": 0} | fields
        stops = {"row_stop": place["row"] + rows, "column_stop": place["column"] + columns}
        self.client.send(protocol.Tile(id=id, run=run, **(place | stops)))
        return id

    def ping(self, token: int) -> protocol.Pong:
        """Send a ping and wait for its answer."""
        self.client.send(protocol.Ping(token))
        return self.until(protocol.Pong, where=lambda pong: pong.token == token)


@pytest.fixture
def command() -> Callable[..., tuple[str, ...]]:
    """Command line of a scripted worker that starts in a given way."""
    return lambda way="ordinary": (sys.executable, str(SCRIPT), way)


@pytest.fixture
def watch(command: Callable[..., tuple[str, ...]]) -> Iterator[Callable[..., Watched]]:
    """Makes clients of scripted workers, started unless told otherwise; all are closed afterwards."""
    made: list[Watched] = []

    def make(way: str = "ordinary", start: bool = True) -> Watched:
        watched = Watched(command(way))
        made.append(watched)
        if start:
            watched.client.start()
        return watched

    yield make
    for watched in made:
        watched.client.close()


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe: the text of a job that holds the interpreter's lock."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.fixture
def held(pipe: Path) -> Iterator[Callable[[], None]]:
    """Returns when a worker holds its interpreter's lock."""
    opened: list[IO[bytes]] = []

    def wait() -> None:
        opened.append(pipe.open("rb", buffering=0))
        assert opened[0].read(1)

    yield wait
    for end in opened:
        end.close()


@pytest.fixture(scope="module")
def wired() -> Iterator[Callable[..., Wire]]:
    """Starts workers that are spoken to without a client; all end afterwards."""
    made: list[subprocess.Popen[bytes]] = []

    def connect(command: tuple[str, ...], *requests: protocol.Request) -> Wire:
        pipe = subprocess.PIPE
        process = subprocess.Popen([*command, "--nonce", "x"], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        made.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        found = Wire(process, Counted(process.stdout), wire.Decoder(protocol.Event))
        for request in requests:
            found.send(wire.encode(request))
        return found

    yield connect
    for process in made:
        with process:
            assert process.stdin is not None
            process.stdin.close()
