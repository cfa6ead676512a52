"""What may come instead of a greeting, and what may come behind it that is no protocol."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from faa_core.errors import WorkerError
from faa_core.worker import protocol, wire
from faa_core.worker.client import ArrayReady, WorkerClient, WorkerExited

Watch = Callable[..., Any]


def no_process(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("way", "message", "hint"),
    [
        ("failing", "exit code 3", "libmagic.so: cannot open shared object file"),
        ("refused_login", "ended before it greeted", "This account is currently not available."),
        ("chatty", "64 KiB and no greeting", "all work and no play"),
        ("other_nonce", "ended before it greeted", "FAA-HELLO 0000000000000000"),
        ("other_major", "speaks protocol 2.0, this program 1.5", "pip install faa-tui=="),
    ],
)
def test_a_worker_that_does_not_greet_is_refused_with_what_it_said(
    watch: Watch, way: str, message: str, hint: str
) -> None:
    w = watch(way, start=False)
    with pytest.raises(WorkerError, match=message) as caught:
        w.client.start()
    assert hint in caught.value.hint
    assert not w.client.alive
    assert no_process(w.client.pid)
    assert w.events == []


def test_a_worker_that_says_nothing_is_given_up(watch: Watch) -> None:
    w = watch("silent", start=False)
    with pytest.raises(WorkerError, match=r"did not greet within 0\.5 seconds"):
        w.client.start(timeout=0.5)
    assert no_process(w.client.pid)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(WorkerError, match="no-such-faa"):
        WorkerClient(lambda event: None, ["no-such-faa"]).start()


def test_a_shell_without_the_program_is_put_into_words() -> None:
    with pytest.raises(WorkerError, match="command not found"):
        WorkerClient(lambda event: None, ["sh", "-c", "no-such-faa; exit $?"]).start()


def test_a_banner_is_skipped(watch: Watch) -> None:
    w = watch("behind_a_banner")
    assert w.until(protocol.Done, w.run("echo"))


@pytest.mark.parametrize(("way", "message"), [("oversize", "2,147,483,648"), ("stray_print", "unknown kind 78")])
def test_what_is_no_frame_ends_the_connection(watch: Watch, way: str, message: str) -> None:
    w = watch(way)
    exited = w.until(WorkerExited)
    assert message in exited.text
    assert no_process(w.client.pid)


def test_a_newer_worker_may_say_more(watch: Watch) -> None:
    w = watch("newer_minor", start=False)
    assert w.client.start().protocol == (1, 9)
    assert w.until(protocol.Pong) == protocol.Pong(4)
    assert w.client.alive


@pytest.mark.parametrize("lie", range(9))
def test_an_array_that_was_not_asked_for_ends_the_connection(watch: Watch, lie: int) -> None:
    w = watch("liar")
    tile = w.tile(1, column=lie)
    assert w.until(WorkerExited)
    assert [type(event) for event in w.of(tile)] == [protocol.Fail]
    assert not [event for event in w.events if isinstance(event, ArrayReady)]


class Raw:
    """The worker's pipes without a client, for what no client sends."""

    def __init__(self, command: tuple[str, ...]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [*command, "--nonce", "abc"], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"FAA-HELLO abc\n"
        assert isinstance(self.receive(), protocol.Hello)

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self) -> Any:
        """Next message that is no sign of life; ``None`` at the end."""
        stream = self.process.stdout
        while (head := wire.read_head(stream)) is not None:  # type: ignore[arg-type]
            payload = wire.read_payload(stream, head)  # type: ignore[arg-type]
            event = wire.Decoder[Any](protocol.Event)(head.header, payload)
            if not isinstance(event, protocol.Beat):
                return event
        return None


@pytest.fixture
def raw(command: Callable[..., tuple[str, ...]]) -> Any:
    worker = Raw(command())
    with worker.process:
        yield worker
        worker.process.kill()


def test_the_worker_refuses_what_it_does_not_know_and_goes_on(raw: Raw) -> None:
    raw.send(frame({"type": "survey", "id": 12}))
    fail = raw.receive()
    assert (fail.id, fail.kind) == (12, "usage")
    raw.send(frame({"type": "run", "id": 13, "reference": ["not", "a", "string"]}))
    assert (raw.receive()).id == 13
    raw.send(frame({"type": "eval", "code": "1"}))
    assert (raw.receive()).id == 0
    raw.send(frame({"type": "ping", "token": 3, "unknown": True}))
    assert raw.receive() == protocol.Pong(3)


def test_the_worker_does_not_take_an_id_twice(raw: Raw) -> None:
    raw.send(wire.encode(protocol.Run(1, "until-told", "text")) + wire.encode(protocol.Run(1, "echo", "text")))
    while not isinstance(event := raw.receive(), protocol.Fail):
        pass
    assert (event.id, event.kind) == (0, "usage")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">BII", 1, 2**30, 0),
        struct.pack(">BII", 1, 1, 0) + b"\xc1",
        struct.pack(">BII", 2, 1, 0) + b"\x80",
    ],
)
def test_a_bad_frame_ends_the_worker_with_a_word(raw: Raw, data: bytes) -> None:
    raw.send(data)
    fail = raw.receive()
    assert (fail.id, fail.kind) == (0, "worker")
    assert raw.receive() is None
    assert raw.process.wait(30) == 76


def test_the_end_of_input_is_the_end(raw: Raw) -> None:
    raw.process.stdin.close()  # type: ignore[union-attr]
    assert raw.process.wait(30) == 0


def test_bye_is_the_end_even_in_the_middle_of_a_job(raw: Raw) -> None:
    raw.send(wire.encode(protocol.Run(1, "spinning", "text")))
    while not isinstance(raw.receive(), protocol.LayerReady):
        pass
    raw.send(wire.encode(protocol.Bye()))
    assert raw.process.wait(30) == 0


def frame(fields: object) -> bytes:
    header = msgspec.msgpack.encode(fields)
    return struct.pack(">BII", wire.MESSAGE, len(header), 0) + header


WORKER = [sys.executable, "-m", "faa_core.worker"]


def test_in_a_terminal_the_worker_explains_itself() -> None:
    master, slave = pty.openpty()
    try:
        done = subprocess.run(WORKER, stdin=slave, capture_output=True, text=True, check=False, timeout=60)
    finally:
        os.close(master)
        os.close(slave)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "faa" in done.stderr


@pytest.mark.parametrize("nonce", ["a b", "x" * 65, "\n", "ü"])
def test_a_strange_nonce_is_refused(nonce: str) -> None:
    done = subprocess.run([*WORKER, "--nonce", nonce], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stdout == b""


def test_the_real_worker_greets_and_leaves() -> None:
    client = WorkerClient(lambda event: None)
    hello = client.start()
    assert hello.versions["transformers"]
    client.close()
    assert no_process(hello.pid)
