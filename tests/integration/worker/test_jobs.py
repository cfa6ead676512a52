from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from faa_core.errors import UsageError, WorkerError
from faa_core.worker import protocol
from faa_core.worker.client import ArrayReady, WorkerExited

Watch = Callable[..., Any]


def test_a_run_reports_every_layer_and_ends_once(watch: Watch) -> None:
    w = watch()
    job = w.run("echo", "a b \x1b[31m")
    done = w.until(protocol.Done, job)
    assert done.seconds == 0.125
    layers = w.of(job, protocol.LayerReady)
    assert [event.index for event in layers] == [0, 1, 2]
    assert layers[2].result.statistics.value.tolist() == [[2, 2], [2, 2]]
    assert w.of(job, protocol.Started)[0].tokens.pieces == ("a", "b", "\x1b[31m")
    assert [type(event).__name__ for event in w.of(job)][-1] == "Done"
    assert w.ends(job) == [done]


def test_the_greeting_comes_before_torch_and_names_its_version(watch: Watch) -> None:
    w = watch(start=False)
    hello = w.client.start()
    assert hello.protocol == protocol.VERSION
    assert hello.pid == w.client.pid != os.getpid()
    assert hello.versions["torch"]
    assert os.getsid(hello.pid) == hello.pid
    w.client.send(protocol.Environment(1))
    assert w.until(protocol.EnvironmentReport, 1).versions == {"torch seen before": "False"}
    assert w.until(protocol.Done, 1)


def test_load_says_loaded_even_if_the_engine_did_not(watch: Watch) -> None:
    w = watch()
    w.client.send(protocol.Load(1, "gpt2"))
    w.until(protocol.Done, 1)
    assert [event.model.reference for event in w.of(1, protocol.Loaded)] == ["gpt2"]
    assert [event.stage for event in w.of(1, protocol.Progress)] == ["import", "load"]


def test_errors_keep_kind_words_and_hint(watch: Watch) -> None:
    w = watch()
    job = w.run("too-long")
    assert w.until(protocol.Fail, job) == protocol.Fail(
        job, "text", "The text has 9 tokens; the model takes 8.", "Allow truncation."
    )
    w.client.send(protocol.Load(9, "no-such-model"))
    assert w.until(protocol.Fail, 9).kind == "model"
    bug = w.until(protocol.Fail, w.run("buggy"))
    assert (bug.kind, bug.text, bug.retry) == ("error", "Unexpected ZeroDivisionError: division by zero", False)
    assert "in buggy" in bug.detail
    assert w.until(protocol.Fail, w.run("leaving")).kind == "error"
    assert w.until(protocol.Done, w.run("echo"))


def test_whatever_prints_does_no_harm_and_is_kept(watch: Watch) -> None:
    w = watch()
    job = w.run("printing")
    w.until(protocol.Done, job)
    assert len(w.of(job, protocol.LayerReady)) == 3
    assert w.until(protocol.Done, w.run("echo"))
    w.client.kill()
    w.until(WorkerExited)  # then all of it has been read
    assert w.client.stderr_tail.endswith("\x1b[2Jthe last line\n")
    assert len(w.client.stderr_tail) <= 4096


def test_a_library_that_asks_a_question_gets_no_answer(watch: Watch) -> None:
    w = watch()
    assert w.until(protocol.Done, w.run("asking")).notes == ("nobody to ask",)


def test_the_next_job_after_out_of_memory_has_the_memory_back(watch: Watch) -> None:
    w = watch()
    pid = w.client.pid
    fail = w.until(protocol.Fail, w.run("hungry"))
    assert (fail.kind, fail.retry) == ("out-of-memory", True)
    assert w.until(protocol.Done, w.run("fed")).notes == ("released",)
    assert w.client.pid == pid
    assert not w.of(0)


def test_a_running_job_is_cancelled_and_the_worker_used_again(watch: Watch) -> None:
    w = watch()
    job = w.run("until-told")
    w.until(protocol.LayerReady, job)
    w.client.cancel(job)
    w.client.cancel(job)
    fail = w.until(protocol.Fail, job)
    assert fail.kind == "cancelled"
    w.client.cancel(job)
    w.client.cancel(12345)
    again = w.run("echo")
    w.until(protocol.Done, again)
    assert w.ends(job) == [fail]
    assert len(w.ends(again)) == 1


def test_a_queued_job_is_cancelled_before_it_begins(watch: Watch) -> None:
    w = watch()
    running, queued, last = w.run("until-told"), w.run("echo"), w.run("echo")
    w.client.cancel(queued)
    assert w.until(protocol.Fail, queued).kind == "cancelled"
    assert not w.ends(running)
    w.client.cancel(running)
    w.until(protocol.Done, last)
    assert w.of(queued) == w.ends(queued)
    assert len(w.ends(running)) == 1


def test_jobs_run_in_the_order_they_came(watch: Watch) -> None:
    w = watch()
    jobs = [w.run("echo") for _ in range(5)]
    w.until(protocol.Done, jobs[-1])
    assert [e.id for e in w.events if isinstance(e, protocol.Done)] == jobs


def test_a_job_for_someday_does_not_hold_up_one_for_the_screen(watch: Watch) -> None:
    w = watch()
    running = w.run("until-told")
    w.until(protocol.LayerReady, running)
    ids = [w.client.new_id() for _ in range(4)]
    priorities = (protocol.SOMEDAY, protocol.SOON, protocol.ON_SCREEN, protocol.ON_SCREEN)
    for id_, priority in zip(ids, priorities, strict=True):
        w.client.send(protocol.Run(id_, "echo", "text", priority=priority))
    w.client.cancel(running)
    w.until(protocol.Done, ids[0])
    assert [e.id for e in w.events if isinstance(e, protocol.Done)] == [ids[2], ids[3], ids[1], ids[0]]


def test_segments_are_laid_while_a_run_goes_on_and_longer_jobs_wait(watch: Watch) -> None:
    w = watch()
    run = w.run("until-told")
    w.until(protocol.LayerReady, run)
    longer, align = w.client.new_id(), w.client.new_id()
    w.client.send(protocol.Run(longer, "echo", "text"))
    w.client.send(protocol.Align(align, run, "decoder", np.zeros(8, np.int32), np.zeros(8, np.int32)))
    w.until(protocol.Done, align)
    assert not w.ends(run)
    assert not w.ends(longer)
    w.client.cancel(run)
    w.until(protocol.Done, longer)


def test_a_prefetched_tile_waits_for_the_run_and_one_on_the_screen_does_not(watch: Watch) -> None:
    w = watch()
    run = w.run("until-told")
    w.until(protocol.LayerReady, run)
    early, tile = w.tile(run, priority=protocol.SOON), w.tile(run)
    w.until(protocol.Done, early)
    assert [e.id for e in w.events if isinstance(e, protocol.Done)] == [tile, run, early]


def test_a_tile_is_the_rectangle_asked_for(watch: Watch) -> None:
    w = watch()
    run = w.run("echo")
    w.until(protocol.Done, run)
    tile = w.tile(run, rows=3, columns=5, row=2, column=7)
    array = w.until(ArrayReady, tile).array
    assert array.dtype == np.float16
    assert array.tolist() == [[row * 32 + column for column in range(7, 12)] for row in range(2, 5)]
    assert not array.flags.writeable
    w.until(protocol.Done, tile)
    assert [type(event).__name__ for event in w.of(tile)] == ["ArrayReady", "Done"]


def test_a_tile_is_served_while_a_run_goes_on(watch: Watch) -> None:
    w = watch()
    run, queued = w.run("until-told"), w.run("echo")
    w.until(protocol.LayerReady, run)
    tile = w.tile(run)
    w.until(protocol.Done, run)  # the script goes on only when it has served one
    assert w.until(protocol.Done, tile)
    w.until(protocol.Done, queued)
    order = [event.id for event in w.events if isinstance(event, protocol.Done)]
    assert order.index(run) < order.index(queued)


def test_a_tile_without_sense_is_refused_and_so_is_one_larger_than_asked_for(watch: Watch) -> None:
    w = watch()
    run = w.run("echo")
    assert w.until(protocol.Fail, w.tile(run, level=-1)).kind == "usage"
    assert w.until(protocol.Fail, w.tile(run, head=1)).kind == "error"
    assert w.until(protocol.Done, w.tile(run))


def test_64_mib_come_whole_and_a_ping_does_not_wait_for_them(watch: Watch) -> None:
    w = watch()
    run = w.run("echo")
    w.until(protocol.Done, run)
    tile = w.tile(run, rows=4096, columns=8192)
    w.client.send(protocol.Ping(5))
    array = w.until(ArrayReady, tile).array
    assert array.shape == (4096, 8192)
    assert np.array_equal(array, np.tile(np.arange(64 * 32).reshape(64, 32).astype(np.float16), (64, 256)))
    order = [type(e) for e in w.events if isinstance(e, protocol.Pong | ArrayReady)]
    assert order == [protocol.Pong, ArrayReady]


@pytest.mark.parametrize("work", ["spinning", "in-c", "until-told"])
def test_a_ping_is_answered_while_a_job_works(watch: Watch, work: str) -> None:
    w = watch()
    job = w.run(work)
    w.until(protocol.LayerReady, job)
    assert w.ping(41) == protocol.Pong(41)
    assert not w.ends(job)
    beat = w.until(protocol.Beat, where=lambda beat: beat.busy == job)
    assert beat.resident > 10 * 2**20
    assert beat.device_memory == 0


def test_a_message_too_large_for_the_protocol_fails_its_job_only(watch: Watch) -> None:
    w = watch()
    assert w.until(protocol.Fail, w.run("endless-header")).kind == "usage"
    with pytest.raises(UsageError, match="header of a Run"):
        w.run("echo", "x" * protocol.HEADER_LIMIT)
    assert w.until(protocol.Done, w.run("echo"))


def test_an_id_that_is_still_open_cannot_be_used_again(watch: Watch) -> None:
    w = watch()
    job = w.run("until-told")
    with pytest.raises(UsageError, match="still open"):
        w.client.send(protocol.Run(job, "echo", "text"))
    w.client.cancel(job)
    w.until(protocol.Fail, job)


def test_ctrl_c_is_not_for_the_worker(watch: Watch) -> None:
    w = watch()
    job = w.run("until-told")
    w.until(protocol.LayerReady, job)
    os.kill(w.client.pid, signal.SIGINT)
    assert w.ping(1)
    assert not w.ends(job)


def test_a_broken_accelerator_fails_the_job_and_ends_the_worker(watch: Watch) -> None:
    w = watch()
    job, queued = w.run("broken-device"), w.run("echo")
    fail = w.until(protocol.Fail, job)
    assert (fail.kind, fail.retry) == ("worker", True)
    assert w.until(WorkerExited).code == 70
    assert [type(event) for event in w.ends(queued)] == [protocol.Fail]


def test_no_torch_is_told_in_words(watch: Watch) -> None:
    w = watch("without_torch")
    fail = w.until(protocol.Fail, w.run("demo"))
    assert "cannot be imported" in fail.text
    assert "Install" in fail.hint
    assert w.ping(1)


def test_nothing_can_be_sent_before_the_start_or_after_the_end(watch: Watch) -> None:
    w = watch(start=False)
    with pytest.raises(WorkerError, match="gone"):
        w.client.send(protocol.Ping(1))
    w.client.start()
    with pytest.raises(WorkerError, match="started before"):
        w.client.start()
    w.client.kill()
    w.until(WorkerExited)
    assert not w.client.alive
    with pytest.raises(WorkerError, match="gone"):
        w.run("echo")
    w.client.cancel(1)
