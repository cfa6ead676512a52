"""Work that waits for the network, done on a thread of its own, so that it can be given up while nothing comes."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import IO, Any, Generic, TypeVar

from faa_core.errors import Cancelled

T = TypeVar("T")
Report = tuple[str, str, int, int, str]
"""Arguments of a `faa_core.models.fetching.Progress`."""

POLL_SECONDS = 0.1
"""How often whoever waits is asked whether to go on, while nothing is told."""


class Aside(Generic[T]):
    """One piece of work that is waited for on the thread that asked for it, where it can be given up at any moment.

    A thread that is given up ends when it tells something next, or when the network has something for it or fails;
    nobody waits for that. What it writes to is closed before, so that it writes no more.
    """

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[tuple[Report, threading.Event] | None] = queue.SimpleQueue()
        self._given_up = threading.Event()
        self._files: list[IO[Any]] = []
        self._result: T | None = None
        self._error: BaseException | None = None

    def run(self, work: Callable[[], T], progress: Callable[[str, str, int, int, str], None], first: Report) -> T:
        """What ``work`` returns or raises.

        Args:
            work: The work; it calls `report`, and writes to files that it is `holding`.
            progress: Called on this thread with everything that is reported, and with the last of it again while
                nothing is; what it raises gives the work up, and is raised here at once.
            first: What is told at first.
        """

        def body() -> None:
            try:
                self._result = work()
            except BaseException as error:
                self._error = error
            finally:
                self._told.put(None)

        last = first
        progress(*last)
        threading.Thread(target=body, name="aside", daemon=True).start()
        try:
            while True:
                try:
                    told = self._told.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    progress(*last)
                    continue
                if told is None:
                    break
                last, heard = told
                progress(*last)
                heard.set()
        except BaseException:
            self._give_up()
            raise
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def report(self, stage: str, text: str, done: int, total: int, unit: str) -> None:
        """Tell whoever waits, and wait until it is heard; called by the work.

        Raises:
            Cancelled: The work was given up.
        """
        heard = threading.Event()
        self._told.put(((stage, text, done, total, unit), heard))
        while not heard.wait(POLL_SECONDS):
            if self._given_up.is_set():
                raise Cancelled("Given up.")

    @contextlib.contextmanager
    def holding(self, file: IO[Any]) -> Iterator[None]:
        """Have a file that the work writes to closed when it is given up, with what was written by then."""
        self._files.append(file)
        try:
            yield
        finally:
            self._files.remove(file)

    def _give_up(self) -> None:
        self._given_up.set()
        for file in list(self._files):
            with contextlib.suppress(OSError):  # a full disk: what could be written of it is there
                file.close()
