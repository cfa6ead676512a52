"""Progress told as often as a person can read it, and the moment to give up and to serve what waits."""

from __future__ import annotations

import threading
import time

from faa_core.listener import Listener

TOLD_SECONDS = 0.1
"""Amounts are told at most this often."""


class PacedProgress:
    """A `faa_core.models.fetching.Progress` for a job: tells its listener, and lets it end what goes on.

    Args:
        listener: Who is told; its ``check`` is called each time, on the thread that made this. What brief jobs it
            serves then are served on that thread, as always.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._thread = threading.get_ident()
        self._told: tuple[str, str, int, int, str] | None = None
        self._at = 0.0

    def __call__(self, stage: str, text: str, done: int, total: int, unit: str) -> None:
        """Tell, unless it was told just now.

        Raises:
            Cancelled: The job was given up.
        """
        if threading.get_ident() == self._thread:
            self._listener.check()
        new, now = (stage, text, done, total, unit), time.monotonic()
        other = self._told is None or self._told[:2] != new[:2] or done == total
        if new != self._told and (other or now - self._at >= TOLD_SECONDS):
            self._told, self._at = new, now
            self._listener.progress(*new)
