from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import IO

import pytest

from faa_core.worker.outbox import CHUNKS_QUEUED, EVENTS_QUEUED, Outbox

BIG = bytes(256 * 1024)  # four times what a pipe holds, so that the writer stands in its first chunk


@pytest.fixture
def ends() -> Iterator[tuple[IO[bytes], Outbox]]:
    """The reading end of a pipe, and an outbox on the other."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source, os.fdopen(writer, "wb", buffering=0) as target:
        outbox = Outbox(target, broken=lambda: None)
        yield source, outbox
        source.close()
        outbox.drain(10)


def test_an_event_overtakes_all_chunks_but_the_one_under_way(ends: tuple[IO[bytes], Outbox]) -> None:
    source, outbox = ends
    for _ in range(4):
        outbox.bulk(BIG)
    outbox.event(b"event")
    first = source.read(len(BIG) + 5)
    assert b"event" in first
    assert source.read(3 * len(BIG)) == 3 * BIG


def test_bulk_waits_when_sixteen_chunks_are_queued(ends: tuple[IO[bytes], Outbox]) -> None:
    source, outbox = ends
    sent, all_sent = [], threading.Event()

    def send() -> None:
        for index in range(CHUNKS_QUEUED + 2):
            outbox.bulk(bytes([index]) + BIG)
            sent.append(index)
        all_sent.set()

    threading.Thread(target=send, daemon=True).start()
    # One chunk is being written and sixteen are queued: the last one cannot be accepted before something is read.
    assert not all_sent.wait(0.2)
    assert len(sent) <= CHUNKS_QUEUED + 1
    for index in range(CHUNKS_QUEUED + 2):
        assert source.read(1 + len(BIG))[0] == index
    assert all_sent.wait(10)


def test_beats_are_dropped_while_events_wait(ends: tuple[IO[bytes], Outbox]) -> None:
    source, outbox = ends
    outbox.event(BIG)
    outbox.event(b"1" * 100)
    outbox.event(b"2" * 100)
    for _ in range(10_000):
        outbox.beat(b"beat")
    outbox.event(b"end")
    source.read(len(BIG) + 200)
    assert source.read(3) == b"end"


def test_a_patient_sender_waits_for_a_client_that_does_not_read(ends: tuple[IO[bytes], Outbox]) -> None:
    source, outbox = ends
    outbox.event(BIG)
    accepted = threading.Event()

    def send() -> None:
        for _ in range(EVENTS_QUEUED + 1):
            outbox.event(b"x", patient=True)
        accepted.set()

    threading.Thread(target=send, daemon=True).start()
    assert not accepted.wait(0.2)
    outbox.event(b"!")  # an answer never waits
    source.read(len(BIG))
    assert accepted.wait(10)


def test_no_more_is_on_the_way_than_the_client_gives_credit_for(ends: tuple[IO[bytes], Outbox]) -> None:
    source, outbox = ends
    outbox.limit(100)
    for index in range(4):
        outbox.bulk(bytes([index]) * 50, credit=50)
    assert source.read(100) == b"\0" * 50 + b"\1" * 50
    outbox.event(b"answer")  # not held up
    assert source.read(6) == b"answer"
    outbox.acknowledge(50)
    assert source.read(50) == b"\2" * 50
    outbox.event(b"answer")
    assert source.read(6) == b"answer"
    outbox.acknowledge(50)  # said before: gives nothing
    outbox.event(b"answer")
    assert source.read(6) == b"answer"
    outbox.limit(0)
    assert source.read(50) == b"\3" * 50


def test_drain_writes_what_is_queued(ends: tuple[IO[bytes], Outbox]) -> None:
    source, outbox = ends
    outbox.event(b"one")
    outbox.bulk(b"two", b"three")
    outbox.drain(10)
    assert source.read(11) == b"onetwothree"


def test_a_reader_that_went_away_is_told() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    broken = threading.Event()
    with os.fdopen(writer, "wb", buffering=0) as target:
        Outbox(target, broken=broken.set).event(b"anyone?")
        assert broken.wait(10)
