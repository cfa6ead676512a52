"""The application's workers: how each is started, how it is, and how a person logs in to its machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from faa_core.errors import FaaError, LoginError
from faa_core.worker.protocol import Fail, Hello, RunOptions
from faa_tui import messages
from faa_tui.application.terminal import TerminalApp
from faa_tui.fleet import HERE, Fleet
from faa_tui.foreground import in_foreground
from faa_tui.live_keys import key_of

if TYPE_CHECKING:
    from faa_core.worker.launch import Launch
    from faa_tui.hosts import Hosts

STALL_SECONDS = 5.0
"""Silence after which a worker is called stalled; it beats every second, also while it computes."""


@dataclass
class WorkerState:
    """What is known about the worker of one machine.

    Attributes:
        hello: Its greeting; ``None`` while there is none.
        last_sign: When it was heard last, on the monotonic clock.
        busy: Whether it says that it works.
        resident: Bytes of memory that it holds.
        device_memory: Bytes of them on an accelerator.
        reconnecting: What is done about a lost connection; "" where there is none.
        wants_login: Whether it could not be started because only a person can log in there.
    """

    hello: Hello | None = None
    last_sign: float = 0.0
    busy: bool = False
    resident: int = 0
    device_memory: int = 0
    reconnecting: str = ""
    wants_login: bool = False

    def memory_on(self, device: str) -> int:
        """Bytes that it holds where a model on ``device`` lies; 0 before it has told."""
        return self.resident if device.startswith("cpu") else self.device_memory

    @property
    def ready(self) -> bool:
        """Whether it is there."""
        return self.hello is not None


class WorkersApp(TerminalApp, inherit_bindings=False):
    """Has a worker on each machine that a reference names.

    Args:
        command: Command line of the worker on this machine; by default that of this Python.
    """

    def __init__(self, command: Sequence[str] | None) -> None:
        super().__init__()
        self._command = command
        self.fleet = Fleet(self.post_message, self._launch, self._options_on)
        self._worker_states: dict[str, WorkerState] = {}

    # --- what the rest of the application adds -------------------------------------------------------------------

    def workers_changed(self) -> None:
        """The state of a worker is another one."""

    def worker_lost(self, host: str, fail: Fail) -> None:
        """A worker could not be started, or is gone."""

    def logged_in(self, host: str) -> None:
        """A machine that wanted a login can be reached now."""

    def show_fault(self, fail: Fail) -> None:
        """Tell the user of a fault."""

    def host_added(self, name: str) -> None:
        """The user has named another machine."""

    @property
    def current_host(self) -> str:
        """Machine of the model that was asked for last."""
        return HERE

    # --- workers -------------------------------------------------------------------------------------------------

    def _launch(self, host: str) -> Launch | Sequence[str] | None:
        """How a worker is started on ``host``; asked on the thread of its link."""
        if host == HERE:
            return self._command
        return self.hosts.launch(host)

    def _options_on(self, host: str, options: RunOptions) -> RunOptions:
        try:
            return options if host == HERE else self.hosts.options(host, options)
        except FaaError:
            return options  # the launch on this host will say what is wrong with the configuration

    @cached_property
    def hosts(self) -> Hosts:
        """Machines that are known, and who is logged in where; nobody needs them who stays on this one."""
        from faa_tui.hosts import Hosts

        return Hosts()

    def send_away(self, timeout: float) -> None:
        """Send all workers away within ``timeout`` seconds, and log out where a person has logged in."""
        self.fleet.close(timeout)
        if "hosts" in self.__dict__:
            self.hosts.forget()

    def worker(self, host: str) -> WorkerState:
        """What is known about the worker on ``host``."""
        return self._worker_states.setdefault(host, WorkerState())

    def on_worker_ready(self, message: messages.WorkerReady) -> None:
        """The worker is there; the run was sent behind its greeting."""
        worker = self.worker(message.host)
        worker.hello, worker.last_sign, worker.reconnecting = message.hello, time.monotonic(), ""
        self.workers_changed()

    def on_worker_beat(self, message: messages.WorkerBeat) -> None:
        """The worker lives."""
        worker = self.worker(message.host)
        worker.last_sign, worker.busy = time.monotonic(), message.beat.busy != 0
        worker.resident, worker.device_memory = message.beat.resident, message.beat.device_memory

    def on_worker_lost(self, message: messages.WorkerLost) -> None:
        """The worker is gone; the results stay, and the next run starts another one."""
        self._worker_states[message.host] = WorkerState(wants_login=message.kind == LoginError.kind)
        self.worker_lost(
            message.host, Fail(0, message.kind, message.text, message.hint, message.kind != LoginError.kind)
        )
        self.workers_changed()

    def on_reconnecting(self, message: messages.Reconnecting) -> None:
        """The connection was lost in the middle of a run; it is being made anew."""
        self._worker_states[message.host] = WorkerState(reconnecting=f"lost, attempt {message.attempt} of {message.of}")
        self.workers_changed()

    def on_reconnected(self, message: messages.Reconnected) -> None:
        """What was under way begins again, which the user is told."""
        self.notify(
            f"The connection to {message.host} was lost and is back. "
            "Nothing of a run survives that on the other side: it begins again from the start.",
            title="Connected again",
            markup=False,
            timeout=10,
        )

    def worker_words(self, host: str, under_way: bool) -> tuple[str, bool]:
        """How the worker on ``host`` is, in words, and whether that is a reason to worry.

        Args:
            host: The machine.
            under_way: Whether a job of the user's is.
        """
        worker, name = self.worker(host), host or "local"
        if worker.reconnecting:
            return f"{name}, {worker.reconnecting}", True
        if not worker.ready:
            return (
                (f"starting {host}".strip(), False) if under_way else (f"none, {key_of(self, 'run')} starts one", True)
            )
        silence = time.monotonic() - worker.last_sign
        if silence > STALL_SECONDS:
            return f"{name} stalled {silence:.0f} s", True
        return (f"{name}, busy" if worker.busy or under_way else name), False

    # --- machines ------------------------------------------------------------------------------------------------

    def action_add_host(self) -> None:
        """Ask for another machine, write it down, and ask for a model on it."""
        from faa_tui.screens.add_host import AddHost

        def answered(name: str | None) -> None:
            if name is not None:
                self.host_added(name)

        self.push_screen(AddHost(self.hosts), answered)

    def action_login(self) -> None:
        """Give the terminal to the user's own ssh, so that it can ask; then go on where a login was missing."""
        waiting = [host for host, worker in self._worker_states.items() if worker.wants_login]
        host = waiting[0] if waiting else self.current_host
        if host == HERE:
            self.notify("This machine needs no login; a reference such as gpu7:gpt2 names another one.", markup=False)
            return
        try:
            command = self.hosts.login(host)
            with self.suspend():
                print(f"faa: logging in to {host}. ssh asks what it must; ctrl+c goes back.", flush=True)
                code = in_foreground(command)
        except FaaError as error:
            self.show_fault(Fail(0, error.kind, error.message, error.hint))
            return
        except SuspendNotSupported:
            self.notify("This terminal cannot be lent to ssh; log in from a shell.", severity="error", markup=False)
            return
        if code or not self.hosts.logged_in(host):
            key = key_of(self, "login")
            hint = f"{key} tries once more; what ssh printed is above the application."
            self.show_fault(
                Fail(0, LoginError.kind, f"The login to {host} did not succeed (ssh ended with {code}).", hint)
            )
            return
        self.worker(host).wants_login = False
        self.logged_in(host)
