"""The machines that models can run on: those of the configuration, and any name that ssh knows."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import msgspec

from faa_core import configuration
from faa_core.reference import ModelReference
from faa_core.worker.launch import Launch, LocalLaunch
from faa_core.worker.login import Logins
from faa_core.worker.protocol import RunOptions
from faa_core.worker.ssh import HostEntry, SshLaunch
from faa_tui import config


class Hosts:
    """How a worker is started on each machine, and who is logged in where.

    The configuration is read when a machine is first asked for, and again for one that is not in it. May be used from
    several threads, and as a context that forgets at its end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logins = Logins()
        self._entries: dict[str, HostEntry] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.forget()

    @property
    def names(self) -> tuple[str, ...]:
        """Machines of the configuration, in its order.

        Raises:
            UsageError: The configuration has a mistake.
        """
        return tuple(self._known())

    def entry(self, host: str) -> HostEntry:
        """What the user has said of a machine; the defaults for one that only ssh knows.

        Raises:
            UsageError: The configuration has a mistake.
        """
        if host not in self._known():
            with self._lock:
                self._entries = None  # it may have been written down meanwhile
        return self._known().get(host) or HostEntry()

    def add(self, host: str, entry: HostEntry | None = None) -> None:
        """Write a machine into the configuration, and know it from now on.

        Raises:
            UsageError: The name cannot be one, is there already, or the file cannot be written.
        """
        entry = entry or HostEntry()
        known = self._known()
        config.add_host(host, entry)
        known[host] = entry

    def launch(self, host: str | None) -> Launch:
        """How a worker is started on ``host``, over the connection of a login if there is one.

        Args:
            host: As in a reference; ``None`` or "" for this machine.

        Raises:
            UsageError: The configuration has a mistake.
        """
        return SshLaunch(host, self.entry(host), self.socket(host)) if host else LocalLaunch()

    def options(self, host: str | None, options: RunOptions) -> RunOptions:
        """``options`` with the device of a machine where none was asked for."""
        device = self.entry(host).device if host and options.device == "auto" else options.device
        return msgspec.structs.replace(options, device=device)

    def login(self, host: str) -> tuple[str, ...]:
        """Program and arguments with which a person logs in to ``host``: to be run at the terminal, in the foreground.

        It asks what it must, ends with 0, and leaves a connection open that the next `launch` uses.

        Raises:
            UsageError: The configuration has a mistake.
            HostError: The name is no host name, or there is no ssh here.
        """
        launch = SshLaunch(host, self.entry(host))
        with self._lock:
            return self._logins.command(launch)

    def logged_in(self, host: str) -> bool:
        """Whether a connection that `login` has opened is there."""
        return self.socket(host) is not None

    def socket(self, host: str) -> str | None:
        """Socket of that connection."""
        with self._lock:
            return self._logins.socket(host)

    def forget(self) -> None:
        """Log out everywhere. It also happens when the process ends."""
        with self._lock:
            self._logins.close()

    def _known(self) -> dict[str, HostEntry]:
        with self._lock:
            if self._entries is None:
                self._entries = dict(configuration.load().hosts)
            return self._entries


def here(reference: ModelReference) -> ModelReference:
    """A reference as its own machine knows it: a worker is told of local models only."""
    return msgspec.structs.replace(reference, host=None)
