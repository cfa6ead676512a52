"""The order of jobs that wait, and their ends."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faa_core.worker.jobs import JobQueue
from faa_core.worker.protocol import (
    ON_SCREEN,
    SOMEDAY,
    SOON,
    Align,
    Environment,
    Inspect,
    Job,
    Models,
    Residents,
    Run,
    Sketch,
    Tile,
)


def run(id: int, priority: int = ON_SCREEN) -> Run:
    return Run(id, "demo", "text", priority=priority)


def tile(id: int, priority: int = ON_SCREEN) -> Tile:
    return Tile(id, 1, "decoder", 0, 0, 0, 0, 1, 0, 1, priority=priority)


def order(*jobs: Job) -> list[int]:
    queue = JobQueue()
    for job in jobs:
        assert queue.put(job)
    return [queue.take().job.id for _ in jobs]


def test_what_is_on_the_screen_goes_before_what_came_earlier() -> None:
    assert order(run(1, SOMEDAY), run(2, SOON), run(3), run(4, SOMEDAY), run(5)) == [3, 5, 2, 1, 4]


def test_tiles_go_before_other_jobs_of_their_priority_only() -> None:
    assert order(run(1), tile(2, SOMEDAY), tile(3, SOON), tile(4), Sketch(5, 1, "decoder", (0,), priority=SOON)) == [
        4, 1, 3, 5, 2,
    ]  # fmt: skip


def test_segments_are_laid_before_the_tiles_that_count_them() -> None:
    nothing = np.zeros(1, np.int32)
    assert order(run(9), Align(1, 1, "decoder", nothing, nothing), tile(2), Environment(3)) == [1, 2, 9, 3]


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=30))
def test_equals_keep_the_order_in_which_they_came(asked: list[tuple[int, bool]]) -> None:
    jobs = [(tile if brief else run)(id_, priority) for id_, (priority, brief) in enumerate(asked)]
    found = order(*jobs)
    assert found == sorted(found, key=lambda id_: (asked[id_][0], not asked[id_][1], id_))


def test_only_what_is_as_urgent_comes_between_the_strips_of_another_job() -> None:
    queue = JobQueue()
    for job in (tile(1, SOMEDAY), tile(2, SOON), run(3), tile(4)):
        queue.put(job)
    taken = []
    while (ticket := queue.take_between(SOON)) is not None:
        taken.append(ticket.job.id)
    assert taken == [4, 2]
    assert queue.take_between(ON_SCREEN) is None
    assert queue.take().job.id == 3


def test_a_job_is_cancelled_where_it_is_and_ends_once() -> None:
    queue = JobQueue()
    for job in (run(1), run(2), tile(3), run(4)):
        queue.put(job)
    running = queue.take()
    assert running.job.id == 3
    assert not queue.cancel(3)  # under way: its own end will tell
    assert running.cancelled
    assert queue.cancel(2)
    assert not queue.cancel(2)
    assert not queue.cancel(99)
    assert [queue.take().job.id for _ in range(2)] == [1, 4]


def test_an_id_is_free_again_when_its_job_has_ended() -> None:
    queue = JobQueue()
    assert queue.put(run(1))
    assert not queue.put(tile(1))
    ticket = queue.take()
    assert not queue.put(run(1))
    queue.close(ticket)
    assert queue.put(run(1))


def test_a_taker_waits_for_a_job() -> None:
    queue, taken = JobQueue(), []
    waiting = threading.Thread(target=lambda: taken.append(queue.take().job.id), daemon=True)
    waiting.start()
    queue.put(run(7))
    waiting.join(30)
    assert taken == [7]


def test_whoever_chooses_a_model_need_not_wait_for_a_run() -> None:
    assert order(run(1), Models(2), Residents(3), Inspect(4, "gpt2"), Inspect(5, "gpt2", ask_hub=True)) == [
        2,
        3,
        4,
        1,
        5,
    ]
    queue = JobQueue()
    for job in (Models(2), Inspect(5, "gpt2", ask_hub=True)):
        assert queue.put(job)
    served = queue.take_between(ON_SCREEN)
    assert served is not None
    assert served.job == Models(2)
    assert queue.take_between(ON_SCREEN) is None  # the hub may take its time
