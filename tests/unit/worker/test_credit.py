"""Credit on simulated connections: a way there and back, and a rate at which bytes leave the buffers in between."""

from __future__ import annotations

import heapq
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faa_core.worker.credit import MOST, Credit

CHUNK = 64 * 1024
LEAST = 256 * 1024


def transfer(credit: Credit, total: int, way: float, rate: float) -> tuple[float, list[float]]:
    """Seconds that a transfer takes, and how long an answer would wait behind its bytes whenever one leaves.

    Args:
        credit: Fresh credit.
        total: Bytes.
        way: Seconds there and back of an empty connection.
        rate: Bytes a second.
    """
    now, sent, received, free = 0.0, 0, 0, 0.0
    acks: list[tuple[float, int]] = []
    waits = []
    while received < total:
        while sent < total and credit.left:
            sent += CHUNK
            credit.send(CHUNK, now)
            free = max(free, now) + CHUNK / rate
            waits.append(free - now)
            heapq.heappush(acks, (free + way, sent))
        now, received = heapq.heappop(acks)
        credit.receive(received, now)
    return now, waits


@pytest.mark.parametrize("way", [0.001, 0.02, 0.1])
@pytest.mark.parametrize("rate", [5e6, 100e6])
def test_a_long_way_is_filled(way: float, rate: float) -> None:
    total = 64 * 1024 * 1024
    seconds, _ = transfer(Credit(LEAST), total, way, rate)
    possible = min(rate, MOST / (way + MOST / rate) if way else rate)
    assert total / seconds > 0.6 * possible


@pytest.mark.parametrize(("way", "rate"), [(0.0001, 300e6), (0.001, 100e6), (0.02, 100e6), (0.05, 10e6)])
def test_an_answer_waits_little_longer_than_behind_the_least_window(way: float, rate: float) -> None:
    _, waits = transfer(Credit(LEAST), 64 * 1024 * 1024, way, rate)
    assert median(waits) < LEAST / rate + 0.0015 + way / 2


def test_without_a_window_there_is_always_credit() -> None:
    credit = Credit()
    for _ in range(1000):
        assert credit.left
        credit.send(10**9, 0.0)
    credit.receive(5, 1.0)
    assert credit.window == 0


def test_small_arrays_now_and_then_grow_no_window() -> None:
    credit = Credit(LEAST)
    for at in range(1000):
        credit.send(1000, float(at))
        credit.receive(1000 * (at + 1), at + 0.01)
    assert credit.window == LEAST


@given(st.lists(st.tuples(st.booleans(), st.integers(-10, 10**9), st.floats(0, 10)), max_size=50))
def test_no_acknowledgement_leaves_a_sender_with_less_than_the_least(told: list[tuple[bool, int, float]]) -> None:
    credit, now = Credit(LEAST), 0.0
    for is_send, amount, later in told:
        now += later
        if not is_send:
            credit.receive(amount, now)
        elif credit.left:
            credit.send(CHUNK, now)
        assert LEAST <= credit.window <= MOST
