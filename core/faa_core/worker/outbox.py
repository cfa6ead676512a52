"""What the worker sends: two lanes into one stream, so that an answer never waits behind a large array.

Between the worker and a client on another machine lie buffers that can hold megabytes, and an answer would wait behind
all of them. There the client asks for credit, see `faa_core.worker.credit`, and acknowledges what has come in.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO

from faa_core.worker.credit import Credit

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
        self._credit = Credit()
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
        """Begin to give credit: from ``window`` bytes on, which may always be on the way; 0 for any number."""
        with self._changed:
            self._credit = Credit(window)
            self._changed.notify_all()

    def acknowledge(self, received: int) -> None:
        """So many bytes have come in at the client since `limit`."""
        with self._changed:
            self._credit.receive(received, time.monotonic())
            self._changed.notify_all()

    def drain(self, timeout: float) -> None:
        """Write what is queued, and stop; gives up after ``timeout`` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)

    def _next(self) -> Frame | None:
        with self._changed:
            while not (self._events or (self._bulk and self._credit.left) or self._closing):
                self._changed.wait()
            frame: Frame | None = None
            if self._events:
                frame = self._events.popleft()
            elif self._bulk:
                credit, frame = self._bulk.popleft()
                self._credit.send(credit, time.monotonic())
            self._changed.notify_all()
            return frame

    def _write(self) -> None:
        try:
            while (frame := self._next()) is not None:
                for part in frame:
                    self._stream.write(part)
                self._stream.flush()
        except OSError:
            self._broken()
