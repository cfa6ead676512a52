"""What client and worker say of themselves before the first job, and what an unknown job is answered."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import msgspec

import faa_core
from faa_core.worker import protocol, wire

Wired = Callable[..., Any]
Command = Callable[..., tuple[str, ...]]


def unknown(id: int) -> bytes:
    header = msgspec.msgpack.encode({"type": "survey", "id": id})
    return struct.pack(">BII", wire.MESSAGE, len(header), 0) + header


def test_an_unknown_job_is_answered_with_both_versions(wired: Wired, command: Command) -> None:
    one = wired(command(), protocol.Tune((1, 99)))
    one.send(unknown(12))
    fail, _, _ = one.receive(12)
    major, minor = protocol.VERSION
    assert (fail.kind, fail.hint) == ("usage", "Use the same version of faa.")
    assert "'survey' is not understood" in fail.text
    assert f"This worker speaks version {major}.{minor} of the protocol (faa {faa_core.__version__})" in fail.text
    assert fail.text.endswith("the client 1.99.")
    assert one.ask(protocol.Environment(13))


def test_a_client_that_tells_nothing_is_served_all_the_same(wired: Wired, command: Command) -> None:
    one = wired(command())
    one.send(unknown(12))
    assert one.receive(12)[0].text.endswith("the client one that it did not tell.")
    assert one.ask(protocol.Environment(13))


def test_an_array_waits_for_credit_and_answers_do_not(wired: Wired, command: Command) -> None:
    one = wired(command(), protocol.Tune(protocol.VERSION, window=256 * 1024))
    one.ask(protocol.Run(1, "echo", "text"))
    whole, window = 2 * 256 * 1024, 256 * 1024
    one.send(wire.encode(protocol.Tile(2, 1, "decoder", 0, 0, 0, 0, 256, 0, 1024)))
    one.send(wire.encode(protocol.Environment(3)))
    taken, kinds = 0, []
    while not (kinds and kinds[-1] is protocol.Done):
        event, payload, _ = one.receive(2, 3)
        if event.id == 3:
            kinds.append(type(event))
        taken += len(payload) if event.id == 2 else 0
    assert kinds == [protocol.EnvironmentReport, protocol.Done]
    while taken < window:
        taken += len(one.receive(2)[1])
    assert taken == window
    while taken < whole:
        one.send(wire.encode(protocol.Ack(taken)))
        taken += len(one.receive(2)[1])
    assert isinstance(one.receive(2)[0], protocol.Done)


def test_the_array_is_the_same_packed_or_in_small_pieces(wired: Wired, command: Command) -> None:
    arrays = []
    for tune in ((), (protocol.Tune(protocol.VERSION, deflate=True, window=2**21),)):
        one = wired(command(), *tune)
        one.ask(protocol.Run(1, "echo", "text"))
        arrays.append(one.ask(protocol.Tile(2, 1, "decoder", 0, 0, 0, 3, 500, 1, 500)))
    assert arrays[0][1] == arrays[1][1]
    assert arrays[1][2] < arrays[0][2] / 4  # a pattern that repeats
