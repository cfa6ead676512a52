from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from faa_core import errors
from faa_core.worker import protocol
from faa_core.worker.client import ArrayReady
from faa_core.worker.session import analyse, session

Command = Callable[..., tuple[str, ...]]


def test_an_analysis_is_put_together_from_its_events(command: Command) -> None:
    seen: list[Any] = []
    tile = protocol.Tile(0, 0, "decoder", 2, 0, 0, 1, 3, 0, 2)
    analysis = analyse("echo", "one two", on_event=seen.append, command=command(), tiles=[tile])
    assert analysis.model.reference == "echo"
    assert analysis.text == "one two"
    assert analysis.tokens.pieces == ("one", "two")
    assert [layer.info.layer for layer in analysis.layers] == [0, 1, 2]
    assert analysis.seconds == 0.125
    (array,) = (event.array for event in seen if isinstance(event, ArrayReady))
    assert array.tolist() == [[32, 33], [64, 65]]
    assert isinstance(next(event for event in seen if not isinstance(event, protocol.Beat)), protocol.Progress)


def test_one_session_serves_many_calls(command: Command) -> None:
    with session(command()) as worker:
        assert worker.load("echo").reference == "echo"
        assert worker.environment().devices == ("cpu",)
        with pytest.raises(errors.UsageError, match="Analyse a text first"):
            worker.map("decoder", 0, 0)
        worker.analyse("echo", "text")
        whole = worker.map("decoder", 1, 0)
        assert whole.shape == (8, 8)
        assert whole.dtype == np.float16
        with pytest.raises(errors.UsageError, match="no encoder layer 0"):
            worker.map("encoder", 0, 0)
        with pytest.raises(errors.UsageError):
            worker.tile("decoder", 0, 0, -1, 0, 1, 0, 1)
        assert worker.command == command()
        assert worker.hello.pid != os.getpid()


@pytest.mark.parametrize(
    ("reference", "kind"),
    [
        ("too-long", errors.TextError),
        ("hungry", errors.OutOfMemoryError),
        ("buggy", errors.FaaError),
        ("crashing", errors.WorkerError),
        ("broken-device", errors.WorkerError),
    ],
)
def test_a_failed_job_raises_the_class_that_the_worker_named(
    command: Command, reference: str, kind: type[errors.FaaError]
) -> None:
    with pytest.raises(errors.FaaError) as caught:
        analyse(reference, "text", command=command())
    assert type(caught.value) is kind


def test_the_traceback_of_the_worker_is_a_note(command: Command) -> None:
    with pytest.raises(errors.FaaError) as caught:
        analyse("buggy", "text", command=command())
    assert "in buggy" in "".join(caught.value.__notes__)


def test_a_worker_that_cannot_start_raises(command: Command) -> None:
    with pytest.raises(errors.WorkerError, match="exit code 3"):
        analyse("echo", "text", command=command("failing"))


INTERRUPTED = """
import signal
import sys
from faa_core.errors import Cancelled
from faa_core.worker.session import session
from faa_core.worker.protocol import LayerReady
# A shell that starts a command in the background has it ignore the very signal that is sent here.
signal.signal(signal.SIGINT, signal.default_int_handler)
def hear(event):
    if isinstance(event, LayerReady) and event.index == 0:
        print("running", flush=True)
with session(sys.argv[2:], hear) as worker:
    try:
        worker.analyse(sys.argv[1], "text")
    except Cancelled:
        print("cancelled", flush=True)
        if worker._client.alive:
            print(len(worker.analyse("echo", "text").layers), flush=True)
    print(worker.hello.pid, flush=True)
"""


@pytest.mark.parametrize(("work", "survives"), [("until-told", True), ("spinning", False)])
def test_ctrl_c_gives_the_job_up_softly_and_then_hard(command: Command, work: str, survives: bool) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, work, *command()], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "running\n"
        program.send_signal(signal.SIGINT)
        lines = program.stdout.read().split()
    assert program.returncode == 0
    assert lines[:-1] == (["cancelled", "running", "3"] if survives else ["cancelled"])
    with pytest.raises(ProcessLookupError):
        os.kill(int(lines[-1]), 0)


def test_sessions_on_several_threads_do_not_meet(command: Command) -> None:
    found: list[int] = []

    def work() -> None:
        with session(command()) as worker:
            worker.analyse("echo", "text")
            found.append(worker.hello.pid)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(found)) == 2


def test_boxes_over_the_wire_are_those_of_the_record_and_rows_without_the_first_key_sum_to_one() -> None:
    with session() as worker:
        result = worker.analyse("demo", "for name in names:\n    print(name)\n" * 12).layers[1]
        unit = int(np.flatnonzero(result.boxes.thresholds == 1)[0])
        for head in (0, 5):
            found = [worker.boxes("decoder", 1, head, level, unit) for level in range(len(result.boxes.sizes))]
            assert [int(occupied.sum()) for occupied in found] == result.boxes.counts[head].tolist()
            assert found[2].shape == (-(-result.queries // 4), -(-result.keys // 4))
        with_first = worker.map("decoder", 1, 5).astype(np.float64)
        rest = worker.tile("decoder", 1, 5, 0, 0, result.queries, 0, result.keys, without_first=True)
        defined = with_first[:, 0] < 0.949
        assert np.allclose(rest[defined].astype(np.float64).sum(1), 1, atol=5e-3)
        assert np.isnan(rest[with_first[:, 0] > 0.951]).all()
        assert not rest[defined, 0].any()
