"""Logging in where a machine asks, at a real terminal, with the user's own ssh."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from faa_core.errors import LoginError
from faa_core.worker.session import session
from faa_tui.hosts import Hosts

PASSPHRASE = "open sesame"
WAY = 'environment = { WAY = "ordinary" }\n'


def socket_of(hosts: Hosts, host: str) -> Path:
    (option,) = (word for word in hosts.login(host) if word.startswith("ControlPath="))
    return Path(option.removeprefix("ControlPath="))


def log_in(at_terminal: Any, command: tuple[str, ...]) -> None:
    typist = at_terminal(command)
    typist.until("passphrase for key .*locked_key")
    typist.type(PASSPHRASE)
    assert typist.ended() == 0
    assert PASSPHRASE not in typist.printed


def test_a_passphrase_typed_once_lets_workers_in(hosts: Hosts, at_terminal: Any, configured: Any) -> None:
    configured(f"[hosts.gpu7-locked]\n{WAY}")
    with pytest.raises(LoginError), session(hosts.launch("gpu7-locked")):
        pass
    assert not hosts.logged_in("gpu7-locked")

    log_in(at_terminal, hosts.login("gpu7-locked"))
    assert hosts.logged_in("gpu7-locked")
    for _ in range(2):
        with session(hosts.launch("gpu7-locked")) as worker:
            assert worker.analyse("echo", "one two")

    hosts.forget()
    assert not hosts.logged_in("gpu7-locked")
    with pytest.raises(LoginError), session(hosts.launch("gpu7-locked")):
        pass


def test_the_fingerprint_of_a_new_host_is_asked_by_ssh_itself(
    hosts: Hosts, at_terminal: Any, configured: Any, lab: Any
) -> None:
    configured(f"[hosts.gpu7-stranger]\n{WAY}")
    known = lab.folder / "known_by_nobody"
    typist = at_terminal(hosts.login("gpu7-stranger"))
    typist.until("fingerprint is SHA256:")
    typist.until(r"\(yes/no")
    assert not known.exists()
    typist.type("yes")
    assert typist.ended() == 0
    try:
        with session(hosts.launch("gpu7-stranger")) as worker:
            assert worker.analyse("echo", "one two")
    finally:
        known.unlink()


def test_a_login_that_is_refused_says_so_and_opens_nothing(hosts: Hosts, at_terminal: Any) -> None:
    typist = at_terminal(hosts.login("gpu7-refused"))
    assert typist.ended() == 255
    assert "Permission denied" in typist.printed
    assert not hosts.logged_in("gpu7-refused")


def test_a_login_that_is_begun_again_disturbs_no_worker(hosts: Hosts, at_terminal: Any, configured: Any) -> None:
    configured(f"[hosts.gpu7-locked]\n{WAY}")
    log_in(at_terminal, hosts.login("gpu7-locked"))
    with session(hosts.launch("gpu7-locked")) as worker:
        hosts.login("gpu7-locked")  # and given up at the question
        assert worker.analyse("echo", "one two")
        assert hosts.logged_in("gpu7-locked")


def test_the_socket_is_in_a_folder_that_only_the_user_can_enter(hosts: Hosts) -> None:
    socket = socket_of(hosts, "gpu7")
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert len(str(socket)) < 80
    hosts.forget()
    assert not socket.parent.exists()


def test_a_login_can_be_made_anew_where_a_killed_ssh_left_its_socket(
    hosts: Hosts, at_terminal: Any, configured: Any, lab: Any
) -> None:
    configured(f"[hosts.gpu7-locked]\n{WAY}")
    command = hosts.login("gpu7-locked")
    log_in(at_terminal, command)
    check = subprocess.run(
        [*lab.ssh.split(), "-O", "check", "-S", next(w for w in command if "ControlPath" in w).split("=")[1], "x"],
        capture_output=True,
        text=True,
        check=True,
    )
    master = int(check.stderr.split("pid=")[1].split(")")[0])
    process = os.pidfd_open(master)
    os.kill(master, 9)
    os.close(process)
    with pytest.raises(LoginError), session(hosts.launch("gpu7-locked")):
        pass
    log_in(at_terminal, hosts.login("gpu7-locked"))
    with session(hosts.launch("gpu7-locked")) as worker:
        assert worker.analyse("echo", "one two")


LEAVING = """
import subprocess, sys
from faa_tui.hosts import Hosts
hosts = Hosts()
assert subprocess.run(hosts.login("gpu7")).returncode == 0
assert hosts.logged_in("gpu7")
print(next(word for word in hosts.login("gpu7") if "ControlPath" in word), flush=True)
"""


def test_the_end_of_the_application_is_the_end_of_the_login() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVING], capture_output=True, text=True, check=True, timeout=60)
    folder = Path(done.stdout.strip().removeprefix("ControlPath=")).parent
    assert folder.name.startswith("faa-")
    assert not folder.exists()
