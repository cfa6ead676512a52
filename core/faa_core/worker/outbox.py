"""What the worker sends: two lanes into one stream, so that an answer never waits behind a large array.

Between the worker and a client on another machine lie buffers that can hold megabytes, and an answer would wait behind
all of them. There the client gives credit: so many bytes may be on the way, and no more until it has acknowledged some.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO

Frame = Sequence[bytes | memoryview]

CHUNKS_QUEUED = 16
"""Frames in the bulk lane before the sender waits."""
EVENTS_QUEUED = 256
"""Frames in the event lane before a job's own events wait for a client that does not read."""


class Outbox:
    """Writes frames to a stream on its own thread; events overtake bulk, and each lane keeps its order.

    Args:
        stream: Where to; owned by the outbox.
        broken: Called on the writing thread when the stream cannot be written any more.
    """

    def __init__(self, stream: IO[bytes], broken: Callable[[], None]) -> None:
        self._stream = stream
        self._broken = broken
        self._events: deque[Frame] = deque()
        self._bulk: deque[tuple[int, Frame]] = deque()
        self._window = 0
        self._sent = 0
        self._received = 0
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._write, name="outbox", daemon=True)
        self._thread.start()

    def event(self, frame: bytes, patient: bool = False) -> None:
        """Queue an event. A ``patient`` sender waits while the client leaves many unread."""
        with self._changed:
            while patient and len(self._events) >= EVENTS_QUEUED:
                self._changed.wait()
            self._events.append((frame,))
            self._changed.notify_all()

    def beat(self, frame: bytes) -> None:
        """Queue an event that is worth nothing late: it is dropped when others are still waiting."""
        with self._changed:
            if not self._events:
                self._events.append((frame,))
                self._changed.notify_all()

    def bulk(self, *frame: bytes | memoryview, credit: int = 0) -> None:
        """Queue a frame that may be overtaken; waits while `CHUNKS_QUEUED` of them are queued.

        Args:
            frame: Its parts.
            credit: Bytes that the client will acknowledge.
        """
        with self._changed:
            while len(self._bulk) >= CHUNKS_QUEUED:
                self._changed.wait()
            self._bulk.append((credit, frame))
            self._changed.notify_all()

    def limit(self, window: int) -> None:
        """From now on no more than ``window`` bytes, and a frame, are on the way unacknowledged; 0 for any number."""
        with self._changed:
            self._window = max(window, 0)
            self._changed.notify_all()

    def acknowledge(self, received: int) -> None:
        """So many bytes have come in at the client since the beginning."""
        with self._changed:
            self._received = max(received, self._received)
            self._changed.notify_all()

    def drain(self, timeout: float) -> None:
        """Write what is queued, and stop; gives up after ``timeout`` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)

    def _next(self) -> Frame | None:
        with self._changed:
            while not (self._events or self._may_send_bulk() or self._closing):
                self._changed.wait()
            frame: Frame | None = None
            if self._events:
                frame = self._events.popleft()
            elif self._bulk:
                credit, frame = self._bulk.popleft()
                self._sent += credit
            self._changed.notify_all()
            return frame

    def _may_send_bulk(self) -> bool:
        return bool(self._bulk) and (not self._window or self._sent - self._received < self._window)

    def _write(self) -> None:
        try:
            while (frame := self._next()) is not None:
                for part in frame:
                    self._stream.write(part)
                self._stream.flush()
        except OSError:
            self._broken()
