"""How workers and clients end: crashes, kills, lost pipes, goodbyes. All with real processes."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faa_core.worker import protocol
from faa_core.worker.client import WorkerExited

Watch = Callable[..., Any]
Gone = Callable[[int], bool]


def test_a_killed_worker_fails_its_jobs_and_a_new_one_works(watch: Watch) -> None:
    w = watch()
    running, queued = w.run("until-told"), w.run("echo")
    w.until(protocol.LayerReady, running)
    os.kill(w.client.pid, signal.SIGKILL)
    exited = w.until(WorkerExited)
    assert "SIGKILL (often the out-of-memory killer)" in exited.text
    assert exited.hint
    assert exited.code == -9
    for job in (running, queued):
        (fail,) = w.ends(job)
        assert (fail.kind, fail.retry, fail.text) == ("worker", True, exited.text)
    assert w.events[-1] is exited

    again = watch()
    assert again.until(protocol.Done, again.run("echo"))


def test_a_segmentation_fault_is_named_and_leaves_its_traceback(watch: Watch) -> None:
    w = watch()
    job = w.run("crashing")
    exited = w.until(WorkerExited)
    assert "segmentation fault" in exited.text
    assert w.ends(job)[0].text == exited.text
    assert "in crashing" in w.client.stderr_tail


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_an_ended_worker_is_kept_by_nothing_but_its_client(watch: Watch, how: str) -> None:
    w = watch()
    process = weakref.ref(w.client._process)
    if how == "closed":
        w.client.close()
    else:
        w.client.kill()
        w.until(WorkerExited)
    w.client._process = None
    for thread in threading.enumerate():
        if thread.name.startswith("worker "):
            thread.join()
    gc.collect()
    assert process() is None


def test_kill_ends_a_worker_that_listens_to_nothing(
    watch: Watch, gone: Gone, pipe: Path, held: Callable[[], None]
) -> None:
    w = watch()
    job = w.run("holding-the-lock", str(pipe))
    held()
    process = os.pidfd_open(w.client.pid)
    w.client.kill()
    assert gone(process)
    assert w.until(protocol.Fail, job).kind == "worker"
    assert w.until(WorkerExited).code == -9


@pytest.mark.parametrize("work", ["until-told", "spinning", "in-c"])
def test_sigterm_ends_the_worker_with_143_whatever_it_does(watch: Watch, work: str) -> None:
    w = watch()
    w.until(protocol.LayerReady, w.run(work))
    os.kill(w.client.pid, signal.SIGTERM)
    exited = w.until(WorkerExited)
    assert exited.code == 143
    assert "SIGTERM" in exited.text


@pytest.mark.parametrize("work", ["", "until-told", "spinning", "in-c", "holding-the-lock"])
def test_close_leaves_no_process_and_takes_no_time(
    watch: Watch, work: str, pipe: Path, held: Callable[[], None]
) -> None:
    w = watch()
    if work == "holding-the-lock":
        w.run(work, str(pipe))
        held()
    elif work:
        w.until(protocol.LayerReady, w.run(work))
    pid = w.client.pid
    began = time.monotonic()
    w.client.close()
    # The bound is the contract of close, which the application's own exit waits for; ten times it is room enough.
    assert time.monotonic() - began < 3
    assert not w.client.alive
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    w.client.close()


def test_a_closed_client_reports_nothing_more(watch: Watch) -> None:
    w = watch()
    w.until(protocol.LayerReady, w.run("until-told"))
    w.client.close()
    count = len(w.events)
    for thread in threading.enumerate():
        if thread.name.startswith("worker std"):
            thread.join(30)
    assert len(w.events) == count


CLIENT = """
import sys, threading
from faa_core.worker.client import WorkerClient
from faa_core.worker.protocol import LayerReady, Run
ready = threading.Event()
client = WorkerClient(lambda event: isinstance(event, LayerReady) and ready.set(), sys.argv[3:])
hello = client.start()
print(hello.pid, flush=True)
client.send(Run(1, sys.argv[1], sys.argv[2]))
ready.wait()
print("ready", flush=True)
sys.stdin.read()
"""


def client_of(work: str, text: str, command: tuple[str, ...]) -> tuple[subprocess.Popen[str], int]:
    """Another process with a client and a run; it ends when its standard input does."""
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, work, text, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert client.stdout is not None
    return client, os.pidfd_open(int(client.stdout.readline()))


@pytest.mark.parametrize("work", ["until-told", "spinning", "in-c"])
@pytest.mark.parametrize("end", ["SIGKILL", "exit"])
def test_the_worker_of_a_client_that_ended_is_gone(
    command: Callable[..., tuple[str, ...]], gone: Gone, work: str, end: str
) -> None:
    client, worker = client_of(work, "text", command())
    with client:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        if end == "SIGKILL":
            client.kill()
        elif client.stdin is not None:
            client.stdin.close()
        assert gone(worker)


def test_an_orphan_that_holds_the_interpreter_lock_ends_itself(
    command: Callable[..., tuple[str, ...]], gone: Gone, pipe: Path, held: Callable[[], None]
) -> None:
    client, worker = client_of("holding-the-lock", str(pipe), command("impatient"))
    with client:
        held()
        client.kill()
        assert gone(worker)


def test_a_forgotten_client_takes_its_worker_along(watch: Watch, command: Any, gone: Gone) -> None:
    w = watch(start=False)
    client_type = type(w.client)
    ready = threading.Event()
    client = client_type(lambda event: isinstance(event, protocol.LayerReady) and ready.set(), command())
    client.start()
    client.send(protocol.Run(1, "spinning", "text"))
    assert ready.wait(30)
    process, reference = os.pidfd_open(client.pid), weakref.ref(client)
    del client
    gc.collect()
    assert reference() is None
    assert gone(process)


def test_a_receiver_that_fails_does_not_keep_the_worker(
    command: Any, gone: Gone, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: seen.append(arguments.exc_type))

    def fail(event: object) -> None:
        if isinstance(event, protocol.Started):
            raise LookupError("no such widget")
        events.append(event)

    events: list[object] = []
    client = type(watch(start=False).client)(fail, command())
    client.start()
    process = os.pidfd_open(client.pid)
    client.send(protocol.Run(1, "spinning", "text"))
    assert gone(process)
    for thread in threading.enumerate():
        if thread.name == "worker stdout":
            thread.join(30)
    assert seen == [LookupError]
    (exited,) = (event for event in events if isinstance(event, WorkerExited))
    assert "no such widget" in exited.text
