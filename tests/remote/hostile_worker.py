"""A worker that means harm, in the way that it is told: ``hostile_worker.py WAY --nonce N``.

What can stand where a greeting should, what can come behind it, and strings that are commands to a terminal.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import struct
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from faa_core import catalogue
from faa_core.findings import HeadExamination, Quantity
from faa_core.records import Label, Statistics
from faa_core.worker import protocol, server, wire

_SCRIPT = Path(__file__).parents[1] / "integration" / "worker" / "scripted_worker.py"
EVIL = "\x1b]0;owned\x07\x1b[2J\x1b[31m[@click=app.quit]\u202egnp.exe\x9b6n\r\n"
"""Sets the title, clears the screen, asks the terminal to type, runs an action as markup, turns the writing round."""


def frame(fields: object) -> bytes:
    header = msgspec.msgpack.encode(fields)
    return struct.pack(">BII", wire.MESSAGE, len(header), 0) + header


def hello(**fields: Any) -> dict[str, Any]:
    return msgspec.to_builtins(server._hello()) | fields


def say(nonce: str, *parts: bytes) -> None:
    os.write(1, b"FAA-HELLO " + nonce.encode() + b"\n" + b"".join(parts))


def wait_for_the_end() -> None:
    sys.stdin.buffer.read()


def banner(nonce: str) -> None:
    """Never comes to the point."""
    while True:
        os.write(1, b"\x1b[2J" + b"welcome " * 1000)


def silent(nonce: str) -> None:
    wait_for_the_end()


def oversize(nonce: str) -> None:
    say(nonce, frame(hello()), struct.pack(">BII", wire.MESSAGE, 2**32 - 1, 2**32 - 1))
    wait_for_the_end()


def oversize_hello(nonce: str) -> None:
    say(nonce, struct.pack(">BII", wire.MESSAGE, 2**32 - 1, 0))
    wait_for_the_end()


def bomb(nonce: str) -> None:
    """A short header that claims a long array."""
    say(nonce, struct.pack(">BII", wire.MESSAGE, 5, 0) + b"\xdd\xff\xff\xff\xff")
    wait_for_the_end()


def wrong_types(nonce: str) -> None:
    say(nonce, frame(hello(versions=[1, 2], pid="x", capabilities={"run": 1})))
    wait_for_the_end()


def wrong_event(nonce: str) -> None:
    say(nonce, frame(hello()), frame({"type": "done", "id": "one", "seconds": [], "notes": 7}))
    wait_for_the_end()


def other_major(nonce: str) -> None:
    say(nonce, frame(hello(protocol=[7, 1], versions={"faa": "9.0"})))
    wait_for_the_end()


def older_minor(nonce: str) -> None:
    say(nonce, frame(hello(protocol=[1, 0], versions={"faa": "1.9.0"}, capabilities=["load", "run", "tile", "cancel"])))
    wait_for_the_end()


def contradiction(nonce: str) -> None:
    """A layer with two heads and the labels of none, which a screen would look for."""
    layer = msgspec.structs.replace(scripted().layer(0), labels=())
    say(nonce, frame(hello()), wire.encode(protocol.LayerReady(1, 0, 1, layer)))
    wait_for_the_end()


def scripted() -> Any:
    """The module of the scripted worker."""
    spec = importlib.util.spec_from_file_location("scripted_worker", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def escapes(nonce: str) -> int:
    """Serves, and every string it says is `EVIL`."""
    module = scripted()
    model, layer = module.model, module.layer
    label = Label(EVIL, EVIL, 0.9, 0.1, EVIL, 0.2)

    class Evil(module.ScriptedEngine):  # type: ignore[misc, name-defined]
        def echo(self, listener: server.Listener) -> tuple[str, ...]:
            listener.progress("load", EVIL, 1, 2, EVIL)
            print(EVIL)
            return (EVIL,)

        def failing(self, listener: server.Listener) -> None:
            from faa_core.errors import ModelError

            raise ModelError(f"No such model {EVIL}", f"Try {EVIL}")

        def examine(self, job: protocol.Examine, listener: server.Listener) -> HeadExamination:
            quantities = (Quantity(EVIL, 1.0, EVIL, 1.0), Quantity("D1", 1.0, EVIL, 1.0))
            return HeadExamination(job.kind, job.layer, job.head, 8, 8, quantities, (), *[np.ones(2)] * 4, 0.1)

        def environment(self) -> Any:
            return {EVIL: EVIL, "torch": EVIL}, (EVIL,), {EVIL: 1}, ((EVIL, True, EVIL),)

    module.model = lambda reference: msgspec.structs.replace(
        model(EVIL), architecture=EVIL, device=EVIL, revision=EVIL, attention=EVIL, versions={EVIL: EVIL}
    )
    numbers = np.full((len(catalogue.KEYS), module.HEADS), 0.5)
    statistics = Statistics(catalogue.KEYS, numbers, numbers, numbers, np.zeros(numbers.shape, np.uint8))
    module.layer = lambda index: msgspec.structs.replace(
        layer(index), statistics=statistics, labels=(label,) * module.HEADS
    )
    greeting = msgspec.structs.replace(
        server._hello(), hostname=EVIL, versions={"faa": EVIL, "python": EVIL, EVIL: EVIL}
    )
    server._hello = lambda: greeting
    sys.stderr.write(EVIL)
    return server.serve(Evil, nonce)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("way")
    parser.add_argument("--nonce", required=True)
    arguments = parser.parse_args()
    os._exit(globals()[arguments.way](arguments.nonce) or 0)
