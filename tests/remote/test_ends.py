"""How remote workers, connections and clients end, and that nothing stays behind. All with a real sshd."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from faa_core.worker import protocol
from faa_core.worker.client import WorkerExited
from faa_core.worker.ssh import HostEntry, SshLaunch

Gone = Callable[[int], bool]
ENTRY = HostEntry(environment={"WAY": "ordinary"})


def running(heard: Any, work: str) -> int:
    """Start a worker and a run on it; a descriptor of the remote process."""
    hello = heard.client.start()
    heard.client.send(protocol.Run(heard.client.new_id(), work, "text"))
    heard.until(protocol.LayerReady)
    return os.pidfd_open(hello.pid)


@pytest.mark.parametrize(
    ("sent", "words", "code"),
    [(signal.SIGKILL, "SIGKILL (often the out-of-memory killer)", 137), (signal.SIGSEGV, "segmentation fault", 139)],
)
def test_a_remote_worker_that_dies_by_a_signal_is_told_from_a_lost_connection(
    hear: Any, gone: Gone, sent: int, words: str, code: int
) -> None:
    heard = hear(SshLaunch("gpu7", ENTRY))
    process = running(heard, "until-told")
    signal.pidfd_send_signal(process, sent)
    fail = heard.until(protocol.Fail)
    exited = heard.until(WorkerExited)
    assert gone(process)
    assert words in exited.text
    assert "on gpu7" in exited.text
    assert exited.code == code
    assert not exited.lost_link
    assert (fail.text, fail.retry) == (exited.text, True)


def test_a_frozen_network_is_noticed_and_leaves_no_worker(hear: Any, gone: Gone, network: Any) -> None:
    heard = hear(SshLaunch("gpu7-frozen", ENTRY))
    process = running(heard, "until-told")
    network.freeze()
    exited = heard.until(WorkerExited)
    assert exited.lost_link
    assert exited.text.startswith("The connection to gpu7-frozen was lost.")
    assert "not responding" in exited.text
    network.tear_down()
    assert gone(process)


@pytest.mark.parametrize("work", ["until-told", "spinning", "in-c"])
def test_no_worker_outlives_a_killed_ssh(hear: Any, gone: Gone, work: str) -> None:
    heard = hear(SshLaunch("gpu7", ENTRY))
    process = running(heard, work)
    os.kill(heard.client.pid, signal.SIGKILL)
    exited = heard.until(WorkerExited)
    assert exited.lost_link
    assert "connection to gpu7 was lost" in exited.text
    assert gone(process)


def test_a_connection_that_the_machine_closes_is_a_lost_one(hear: Any, gone: Gone, network: Any) -> None:
    heard = hear(SshLaunch("gpu7-frozen", ENTRY))
    process = running(heard, "until-told")
    network.tear_down()
    assert heard.until(WorkerExited).lost_link
    assert gone(process)


def test_a_worker_that_was_ended_from_here_is_no_lost_connection(hear: Any, gone: Gone) -> None:
    heard = hear(SshLaunch("gpu7", ENTRY))
    process = running(heard, "spinning")
    heard.client.kill()
    exited = heard.until(WorkerExited)
    assert not exited.lost_link
    assert "ended from here" in exited.text
    assert gone(process)


@pytest.mark.parametrize("work", ["until-told", "in-c"])
def test_closing_leaves_no_process_on_either_side(hear: Any, gone: Gone, work: str) -> None:
    heard = hear(SshLaunch("gpu7", ENTRY))
    process = running(heard, work)
    local = heard.client.pid
    heard.client.close()
    assert gone(process)
    with pytest.raises(ProcessLookupError):
        os.kill(local, 0)


CLIENT = """
import sys
from faa_core.worker.client import WorkerClient
from faa_core.worker.ssh import HostEntry, SshLaunch
client = WorkerClient(lambda event: None, SshLaunch("gpu7", HostEntry(environment={"WAY": "ordinary"})))
print(client.start().pid, client.pid, flush=True)
sys.stdin.read()
"""


def test_a_killed_application_leaves_neither_ssh_nor_worker(gone: Gone) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CLIENT], stdin=pipe, stdout=pipe, text=True) as client:
        assert client.stdout is not None
        processes = [os.pidfd_open(int(pid)) for pid in client.stdout.readline().split()]
        client.kill()
        assert len(processes) == 2
        assert all(gone(process) for process in processes)
