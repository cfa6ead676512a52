"""How many bytes of arrays may be on the way to a client on another machine."""

from __future__ import annotations

from collections import deque

MOST = 8 * 1024 * 1024
"""Largest window that credit grows to, in bytes."""
QUEUE_SECONDS = 0.0005
"""How long bytes may wait in buffers on the way before the window shrinks; a quarter of the way itself, where that is
more."""


class Credit:
    """Credit that finds out how much a connection carries, by how long acknowledgements take.

    The shortest delay seen is the way there and back. Bytes that take longer waited behind others in some buffer, as
    whatever is asked meanwhile would. So the window grows, by what comes in, while it holds the sender back and bytes
    do not wait; and it shrinks when they do (as in TCP Vegas; Brakmo and Peterson 1995). A window that never grew would
    carry 5 MB a second over a way of 50 ms.

    Args:
        least: Bytes that may always be on the way; 0 for any number at any time.
    """

    def __init__(self, least: int = 0) -> None:
        self._least = max(least, 0)
        self._window = self._least
        self._sent = 0
        self._received = 0
        self._under_way: deque[tuple[int, float, bool]] = deque()
        self._way = float("inf")

    @property
    def window(self) -> int:
        """Bytes that may be on the way at present; 0 for any number."""
        return self._window

    @property
    def left(self) -> bool:
        """Whether a frame may be sent: the last one may pass the window, so that none is too large for it."""
        return not self._window or self._sent - self._received < self._window

    def send(self, nbytes: int, now: float) -> None:
        """Note that so many bytes leave.

        Args:
            nbytes: Number of bytes.
            now: Seconds, of a clock that only goes forward.
        """
        self._sent += nbytes
        if nbytes and self._window:
            self._under_way.append((self._sent, now, not self.left))

    def receive(self, total: int, now: float) -> None:
        """Note that the client has so many bytes, of all that were ever sent to it.

        Args:
            total: Number of bytes; what is more than was sent, or less than was received before, changes nothing.
            now: Seconds of the same clock.
        """
        if not self._received < total <= self._sent:
            return
        gained, self._received = total - self._received, total
        left_at, held_back = now, False
        while self._under_way and self._under_way[0][0] <= total:
            _, left_at, held_back = self._under_way.popleft()
        delay = now - left_at
        self._way = min(self._way, delay)
        if delay - self._way > max(QUEUE_SECONDS, self._way / 4):
            self._window = max(self._window - gained // 2, self._least)
        elif held_back:
            self._window = min(self._window + gained, max(MOST, self._least))
