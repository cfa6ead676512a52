"""Logging in where a machine asks: the user's own ``ssh`` at the terminal opens a connection that a worker then uses.

The worker's own connection never asks anything (`BatchMode`), since it has no terminal. So a person runs the real
``ssh`` once, which puts the questions itself - a password, a second factor, a passphrase, the fingerprint of a new
host - and stays in the background as the master of a connection, behind a socket in a folder that only the user can
enter. Nothing of what is typed passes through faa.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import tempfile
import weakref
from pathlib import Path

from faa_core.errors import HostSetupError
from faa_core.worker.ssh import SAFE, SshLaunch, keep_alive, run_locally, ssh_program

KEPT_SECONDS = 600
"""How long a connection without a worker stays open: enough to start a crashed one again without another login."""

_LONGEST = 60
"""Characters of the folder. A socket's path has at most 104, and ssh adds up to 20 while it makes one."""
_PLAIN = re.compile(r"[\w./-]+")


def login_command(launch: SshLaunch, socket: str) -> tuple[str, ...]:
    """Program and arguments to run at a terminal, in the foreground, with its three streams there.

    It ends with 0 when the user is logged in, and leaves the connection open behind ``socket``.

    Raises:
        HostError: The name is no host name, or there is no ssh here.
    """
    destination = launch.destination
    return (
        *(*ssh_program(), "-f", "-N", "-T"),
        *SAFE,
        *("-o", "BatchMode=no", "-o", "ControlMaster=yes", "-o", f"ControlPath={socket}"),
        *("-o", f"ControlPersist={KEPT_SECONDS}"),
        *keep_alive(destination),
        *("--", destination),
    )


def log_out(launch: SshLaunch, socket: str) -> None:
    """Close the connection behind ``socket``; harmless where there is none."""
    if os.path.exists(socket):
        run_locally((*ssh_program(), "-O", "exit", "-o", f"ControlPath={socket}", "--", launch.destination))


class Logins:
    """The connections that a person has logged in for, and the private folder of their sockets.

    They are closed, and the folder is removed, by `close`, or when the process ends.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._opened: list[tuple[SshLaunch, str]] = []
        self._folder: Path | None = None
        self._finish: weakref.finalize[..., Logins] | None = None

    def command(self, launch: SshLaunch) -> tuple[str, ...]:
        """What to run at the terminal so that the user can log in; see `login_command`.

        Raises:
            HostError: The name is no host name, there is no ssh here, or no place for a socket.
        """
        ssh_program()
        launch.destination  # noqa: B018  # refuses what is no name before anything is made
        if self._folder is None:
            self._folder = _private_folder()
            self._finish = weakref.finalize(self, _log_out_everywhere, self._opened, self._folder)
        # A number, and no name of a host: the path stays short and holds nothing that ssh expands. A new one each
        # time, because a worker may be using the last, and ssh opens none where a killed one has left its own.
        socket = str(self._folder / str(next(self._numbers)))
        self._opened.append((launch, socket))
        return login_command(launch, socket)

    def socket(self, host: str) -> str | None:
        """Socket of the newest connection to ``host``, if one is open."""
        sockets = (socket for launch, socket in reversed(self._opened) if launch.host == host)
        return next(filter(os.path.exists, sockets), None)

    def close(self) -> None:
        """Log out everywhere."""
        if self._finish is not None:
            self._finish()
        self._opened, self._folder, self._finish = [], None, None


def _private_folder() -> Path:
    """A new folder with a short path that only the user can enter.

    Raises:
        HostSetupError: There is no place for one.
    """
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if parent and _PLAIN.fullmatch(parent) and len(parent) + len("/faa-12345678") <= _LONGEST:
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="faa-", dir=parent))  # mkdtemp makes it 0700
    raise HostSetupError(
        "There is no folder for the socket of a login.",
        "Let XDG_RUNTIME_DIR or TMPDIR name a writable one with a short path.",
    )


def _log_out_everywhere(opened: list[tuple[SshLaunch, str]], folder: Path) -> None:
    for launch, socket in opened:
        with contextlib.suppress(HostSetupError):
            log_out(launch, socket)
    shutil.rmtree(folder, ignore_errors=True)
