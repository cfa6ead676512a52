"""A worker whose engine does what the reference of the job names; started as a process by the tests beside it.

``scripted_worker.py [way of starting] --nonce N``
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import os
import signal
import struct
import sys
import time
import weakref
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from faa_core.errors import ModelError, TextError, UsageError
from faa_core.records import BoxCounts, Label, LayerInfo, LayerResult, ModelInfo, Statistics, Tokens
from faa_core.worker import protocol, server, wire

LAYERS, HEADS, LENGTH = 3, 2, 8


class ScriptedEngine:
    def __init__(self) -> None:
        self.torch_was_there = "torch" in sys.modules
        self.tiles = 0
        self.text = ""
        self.left_behind: weakref.ref[Any] = weakref.ref(self)

    def load(self, job: protocol.Load, listener: server.Listener) -> ModelInfo:
        if job.reference == "no-such-model":
            raise ModelError("There is no model no-such-model.", "Check the name.")
        listener.progress("load", "Reading weights", 5, 10, "bytes")
        return model(job.reference)

    def run(self, job: protocol.Run, listener: server.Listener) -> tuple[float, tuple[str, ...]]:
        self.text = job.text
        pieces = tuple(job.text.split())
        tokens = Tokens(tuple(range(len(pieces))), pieces, ((0, 0),) * len(pieces), (False,) * len(pieces))
        listener.started(model(job.reference), tokens, None, None)
        listener.layer(0, LAYERS, layer(0))
        notes = getattr(self, job.reference.replace("-", "_"))(listener) or ()
        for index in range(1, LAYERS):
            listener.check()
            listener.layer(index, LAYERS, layer(index))
        return 0.125, tuple(notes)

    def tile(self, job: protocol.Tile, check: Callable[[], None]) -> np.ndarray:
        if job.level < 0:
            raise UsageError("No level is negative.")
        self.tiles += 1
        if job.head == 1:  # larger than asked for
            return np.zeros((job.row_stop - job.row + 1, 1), np.float16)
        block = np.arange(64 * 32).reshape(64, 32).astype(np.float16)
        return block[np.arange(job.row, job.row_stop) % 64][:, np.arange(job.column, job.column_stop) % 32]

    def align(self, job: protocol.Align) -> None: ...

    def residents(self) -> tuple[protocol.Resident, ...]:
        return ()

    def environment(self) -> tuple[dict[str, str], tuple[str, ...], dict[str, int], tuple[tuple[str, bool, str], ...]]:
        return {"torch seen before": str(self.torch_was_there)}, ("cpu",), {"host_total": 1}, (("ok", True, "fine"),)

    # --- what a reference can name

    def echo(self, listener: server.Listener) -> None:
        """Nothing out of the ordinary."""

    def printing(self, listener: server.Listener) -> None:
        print("python prints")
        os.write(1, b"FAA-HELLO raw bytes\n")
        libc = ctypes.CDLL(None)
        libc.puts(b"C prints")
        libc.fflush(None)
        os.system("echo a child prints")
        for _ in range(100):
            print("x" * 10_000)  # far more than a pipe or the ring holds
        print("\x1b[2Jthe last line")

    def asking(self, listener: server.Listener) -> tuple[str, ...]:
        try:
            input("Do you trust this code? ")
        except EOFError:
            return ("nobody to ask",)
        return ("answered",)

    def too_long(self, listener: server.Listener) -> None:
        raise TextError("The text has 9 tokens; the model takes 8.", "Allow truncation.")

    def buggy(self, listener: server.Listener) -> None:
        raise ZeroDivisionError("division by zero")

    def leaving(self, listener: server.Listener) -> None:
        sys.exit(5)

    def hungry(self, listener: server.Listener) -> None:
        held = np.zeros(1 << 24)
        self.left_behind = weakref.ref(held)
        cycle: list[Any] = [held]
        cycle.append(cycle)  # only the garbage collector frees this
        raise MemoryError("no room for 128 MiB more")

    def fed(self, listener: server.Listener) -> tuple[str, ...]:
        return ("released" if self.left_behind() is None else "still held",)

    def endless_header(self, listener: server.Listener) -> None:
        listener.progress("load", "x" * protocol.HEADER_LIMIT)

    def broken_device(self, listener: server.Listener) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def crashing(self, listener: server.Listener) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def spinning(self, listener: server.Listener) -> None:
        for _ in itertools.count():
            pass

    def in_c(self, listener: server.Listener) -> None:
        ctypes.CDLL(None).sleep(3600)

    def holding_the_lock(self, listener: server.Listener) -> None:
        """Holds the interpreter's lock for good from the moment that a byte can be read from the pipe of the text."""
        pipe = os.open(self.text, os.O_WRONLY)
        ctypes.PyDLL(None).write(pipe, bytes(1 << 20), 1 << 20)

    def until_told(self, listener: server.Listener) -> None:
        """Ends by a cancel, or when a tile was served meanwhile."""
        seen = self.tiles
        while self.tiles == seen:
            listener.check()
            time.sleep(0.001)


def model(reference: str) -> ModelInfo:
    layers = tuple(LayerInfo("decoder", index, HEADS, "causal") for index in range(LAYERS))
    return ModelInfo(reference, "Scripted", "1", "cpu", "float32", "eager", "file", 0, None, "", layers, {})


def layer(index: int) -> LayerResult:
    block = np.full((2, HEADS), float(index))
    numbers = np.arange(3, dtype=np.float64)
    per_head = np.full(HEADS, np.nan)
    boxes = BoxCounts(
        np.array([1, 2, 4]), numbers, np.ones((HEADS, 3), np.int64), np.array([36, 10, 3]),
        np.zeros(HEADS, np.int16), np.full(HEADS, 2, np.int16), per_head, per_head, numbers, np.ones((HEADS, 3)),
    )  # fmt: skip
    statistics = Statistics(("a", "b"), block, np.zeros((2, HEADS)), block * np.nan, np.zeros((2, HEADS), np.uint8))
    rows = np.arange(LENGTH, dtype=np.int32)
    info = LayerInfo("decoder", index, HEADS, "causal")
    labels = (Label("mixed", "", 0.0, 0.0),) * HEADS
    return LayerResult(info, LENGTH, LENGTH, rows * 0, rows + 1, statistics, labels, boxes)


# --- ways of starting: what may stand where a greeting should, or come behind it


def greet(nonce: str, hello: object = None, then: bytes = b"") -> None:
    hello = hello or server._hello()
    header = msgspec.msgpack.encode(hello)
    frame = struct.pack(">BII", wire.MESSAGE, len(header), 0) + header
    os.write(1, b"FAA-HELLO " + nonce.encode() + b"\n" + frame + then)


def silent(nonce: str) -> None:
    sys.stdin.read()


def failing(nonce: str) -> None:
    sys.stderr.write("libmagic.so: cannot open shared object file\n")
    sys.exit(3)


def refused_login(nonce: str) -> None:
    print("This account is currently not available.")
    sys.exit(1)


def chatty(nonce: str) -> None:
    while True:
        os.write(1, b"all work and no play ")


def other_nonce(nonce: str) -> None:
    greet("0" * 16)


def other_major(nonce: str) -> None:
    greet(nonce, {"type": "hello", "protocol": [2, 0], "process": "fields changed too"})
    sys.stdin.read()


def oversize(nonce: str) -> None:
    greet(nonce, then=struct.pack(">BII", wire.MESSAGE, 2**31, 0))
    sys.stdin.read()


def stray_print(nonce: str) -> None:
    greet(nonce, then=b"NCCL version 2.19.3+cuda12.3\n")
    sys.stdin.read()


def newer_minor(nonce: str) -> None:
    hello = msgspec.to_builtins(server._hello()) | {"protocol": [1, 9], "colour": "green"}
    greet(nonce, hello, frame({"type": "hologram", "id": 1}) + frame({"type": "pong", "token": 4, "extra": 1}))
    sys.stdin.read()


def liar(nonce: str) -> None:
    """Answers a tile request as the column of the request tells."""
    greet(nonce)
    stream = os.fdopen(0, "rb")
    decode = wire.Decoder[protocol.Request](protocol.Request)
    tile: protocol.Request | None = None
    while not isinstance(tile, protocol.Tile):
        head = wire.read_head(stream)
        assert head is not None
        tile = decode(head.header)
    name, dtype, shape, offset, total, size = [
        ("tile", "<f2", (3, 2), 0, 12, 12),  # more rows than asked for
        ("tile", "<f8", (2, 2), 0, 32, 32),
        ("other", "<f2", (2, 2), 0, 8, 8),
        ("tile", "<f2", (2, 2), 0, 2**40, 8),
        ("tile", "<f2", (2, 2), 4, 8, 4),  # not the first piece
        ("tile", "<f2", (2, 2), 0, 8, 12),  # longer than the array
        ("tile", "<f2", (2, 2), 0, 8, 0),  # pieces without end
        ("tile", "<f2", (-2, -2), 0, 8, 8),
        ("tile", "<f2", (2, 2), 0, 8, 4),  # half an array, and done
    ][tile.column]
    chunk = protocol.Chunk(tile.id, name, dtype, shape, offset, total)
    parts = wire.encode_chunk(chunk, memoryview(bytes(size)))
    os.write(1, b"".join(parts) + wire.encode(protocol.Done(tile.id, 0.0)))
    stream.read()


def frame(fields: object) -> bytes:
    header = msgspec.msgpack.encode(fields)
    return struct.pack(">BII", wire.MESSAGE, len(header), 0) + header


def behind_a_banner(nonce: str) -> int:
    os.write(1, b"\x1b[32mWelcome to gpu7\x1b[0m\n" + b"motd " * 5_000 + b"\nquota: 97 %")
    return server.serve(ScriptedEngine, nonce)


def impatient(nonce: str) -> int:
    server.STALL_SECONDS = 2.0
    return server.serve(ScriptedEngine, nonce)


def without_torch(nonce: str) -> int:
    sys.modules["torch"] = None  # type: ignore[assignment]  # makes any import of it fail
    return server.serve(server.make_engine, nonce)


def ordinary(nonce: str) -> int:
    return server.serve(ScriptedEngine, nonce)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("way", nargs="?", default="ordinary")
    parser.add_argument("--nonce", required=True)
    arguments = parser.parse_args()
    way: Callable[[str], int | None] = globals()[arguments.way]
    os._exit(way(arguments.nonce) or 0)
