"""All workers of the application: one for each machine, shared by all models on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.message import Message

from faa_core.reference import parse
from faa_core.worker.protocol import ON_SCREEN, RunOptions
from faa_tui.link import JobName, Link
from faa_tui.messages import AlignKey, BoxKey, HeadKey, Inquiry, SketchKey, TestsKey, TileKey
from faa_tui.session import Order

if TYPE_CHECKING:
    from faa_core.worker.launch import Launch

HERE = ""
"""Name of this machine."""


def host_of(reference: str) -> str:
    """Machine on which the model of a reference runs; `HERE` for this one."""
    return parse(reference).host or HERE


class Fleet:
    """Sends every request to the machine that it belongs to; answers come as messages.

    Args:
        post: Takes the messages, on any thread.
        launch: Says how a worker is started on a host.
        options: Fills in what the user has said of a host.
    """

    def __init__(
        self,
        post: Callable[[Message], object],
        launch: Callable[[str], Launch | Sequence[str] | None],
        options: Callable[[str, RunOptions], RunOptions] = lambda host, options: options,
    ) -> None:
        self._post = post
        self._launch = launch
        self._options = options
        self._links: dict[str, Link] = {}
        self._hosts: dict[int, str] = {}

    def link(self, host: str) -> Link:
        """The end of the worker on ``host``."""
        if host not in self._links:
            self._links[host] = Link(host, self._post, lambda: self._launch(host))
        return self._links[host]

    def run(self, number: int, order: Order, priority: int = ON_SCREEN) -> None:
        """Analyse ``order`` as run ``number``, on the machine that its reference names."""
        host = self._hosts[number] = host_of(order.reference)
        self.link(host).run(number, replace(order, options=self._options(host, order.options)), priority)

    def host_of_run(self, number: int) -> str:
        """Machine that run ``number`` was sent to."""
        return self._hosts.get(number, HERE)

    def holds(self, number: int) -> bool:
        """Whether maps of run ``number`` can still be asked for."""
        return number in self._hosts and self.link(self._hosts[number]).holds(number)

    def fetch(self, key: TileKey) -> None:
        """Ask for a tile."""
        self.link(self.host_of_run(key.run)).fetch(key)

    def ask(self, key: HeadKey | BoxKey | TestsKey | AlignKey | SketchKey) -> None:
        """Ask about a run."""
        self.link(self.host_of_run(key.run)).ask(key)

    def inquire(self, inquiry: Inquiry) -> None:
        """Ask about no run."""
        self.link(inquiry.host).inquire(inquiry)

    def cancel(self, job: JobName) -> None:
        """Give up a job."""
        host = job.host if isinstance(job, Inquiry) else self.host_of_run(job if isinstance(job, int) else job.run)
        self.link(host).cancel(job)

    def release(self, number: int) -> None:
        """Let the worker forget the maps of a run."""
        if number in self._hosts:
            self.link(self._hosts.pop(number)).release(number)

    def close(self, timeout: float = 0.3) -> None:
        """Send all workers away at once, within ``timeout`` seconds."""
        threads = [threading.Thread(target=link.close, args=(timeout,), daemon=True) for link in self._links.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout)
