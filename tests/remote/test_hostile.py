"""A machine that means harm: what it sends costs at most a message, and reaches no terminal as a command."""

from __future__ import annotations

import os
from typing import Any

import pytest

from faa_core.errors import HostError, WorkerError
from faa_core.worker.client import WorkerExited
from faa_core.worker.session import session
from faa_core.worker.ssh import HostEntry, SshLaunch


def hostile(way: str) -> SshLaunch:
    return SshLaunch("gpu7", HostEntry(environment={"WAY": f"hostile-{way}"}))


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("banner", "64 KiB and no greeting"),
        ("oversize_hello", "4,294,967,295"),
        ("bomb", "gpu7"),
        ("wrong_types", "gpu7"),
    ],
)
def test_what_is_no_greeting_is_refused(hear: Any, way: str, words: str) -> None:
    heard = hear(hostile(way))
    with pytest.raises(HostError, match=words) as caught:
        heard.client.start()
    assert "gpu7" in caught.value.message
    assert len(str(caught.value)) < 3_000
    with pytest.raises(ProcessLookupError):
        os.kill(heard.client.pid, 0)


@pytest.mark.parametrize("way", ["oversize", "wrong_event", "contradiction"])
def test_what_is_no_message_ends_the_connection(hear: Any, way: str) -> None:
    heard = hear(hostile(way))
    heard.client.start()
    exited = heard.until(WorkerExited)
    assert not exited.lost_link
    assert not heard.client.alive


def test_a_lie_about_the_version_is_one_line() -> None:
    with pytest.raises(WorkerError, match=r"protocol 7\.1"), session(hostile("other_major")):
        pass


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", "gpu7:echo", "--text", "one two"),
        ("analyze", "gpu7:failing", "--text", "one two"),
        ("show", "gpu7:echo", "--map", "1.0", "--text", "one two"),
        ("examine", "gpu7:echo", "1.0", "--text", "one two"),
        ("doctor", "gpu7"),
    ],
)
def test_no_string_of_a_worker_reaches_the_terminal_as_a_command(faa: Any, configured: Any, arguments: Any) -> None:
    configured('[hosts.gpu7]\nenvironment = { WAY = "hostile-escapes" }\n')
    done = faa(*arguments, env={"NO_COLOR": "1", "TERM": "dumb"})
    printed = done.stdout + done.stderr
    assert "owned" in printed, done
    for command in ("\x1b", "\x07", "\x9b", "\u202e", "\r"):
        assert command not in printed


def test_no_string_of_an_error_reaches_the_terminal_as_a_command(faa: Any, configured: Any) -> None:
    configured("[hosts.gpu7]\ncommand = 'printf \"\\033]0;owned\\007\"; false'\n")
    done = faa("analyze", "gpu7:demo")
    assert done.returncode == 3
    assert "owned" in done.stderr
    assert "\x1b" not in done.stderr
