"""How far a terminal has come with what was written to it, by its own answers.

Between an application and the screen of a terminal lie buffers: of the pseudo-terminal, of ``ssh`` at both ends, of
the network. On a slow link they hold seconds of frames that nobody wants to see any more. So the terminal is asked for
the place of its cursor after each frame (``ESC [ 6 n``). It answers when it has come so far, and what has not been
answered is what is still on its way. Drawing waits while that is too much; keys never wait.

A terminal that has never answered is not waited for, and one that stops answering is waited for once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

QUESTION: Final = "\x1b[6n"
"""Asks for the place of the cursor."""
IN_FLIGHT: Final = 2
"""Frames that may be on their way: with one, the way there and back would set the frame rate."""
QUEUE_SECONDS: Final = 0.05
"""What is on its way may take the link so long, beside one frame."""
PATIENCE_SECONDS: Final = 2.0
"""A question that was not answered for so long will not be."""
RETRY_SECONDS: Final = 30.0
"""After so long a terminal that did not answer is asked again."""
WORTH_ASKING: Final = 2048
"""Bytes since the last question below which none is asked."""
FRAME_SECONDS: Final = 0.08
"""What a frame of something that moves may take the link."""
_WEIGHT: Final = 0.3
"""Of the newest measurement of the rate."""


class _Question(NamedTuple):
    asked: float
    nbytes: int


class Pacing:
    """What is on its way to one terminal, and how fast it goes.

    Args:
        clock: Seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: deque[_Question] = deque()
        self._written = 0
        self._answered = -1.0  # when the last answer came; negative before the first
        self._silent = False
        self._least = PATIENCE_SECONDS
        self.rate: float | None = None
        """Bytes a second that the link carries, as far as is known."""

    def wrote(self, nbytes: int) -> None:
        """So many bytes went to the terminal."""
        self._written += nbytes

    def ask(self) -> bool:
        """Whether to ask now, at the end of a frame; if so, the question counts as asked."""
        now = self._clock()
        if self._open and now - self._open[-1].asked > RETRY_SECONDS:
            self._open.clear()
        if self._written < WORTH_ASKING or len(self._open) > IN_FLIGHT or (self._silent and self._open):
            return False
        self._open.append(_Question(now, self._written))
        self._written = 0
        return True

    def answered(self, now: float) -> None:
        """At ``now`` the terminal has answered the oldest question; without one, a person has pressed a key."""
        if not self._open:
            return
        question = self._open.popleft()
        began = max(question.asked, self._answered)
        self._least = min(self._least, now - question.asked)
        # The way there and back takes its time on the fastest link; it says nothing about the rate.
        taken = now - began if began > question.asked else now - began - self._least
        if taken > 0:
            measured = question.nbytes / taken
            self.rate = measured if self.rate is None else (1 - _WEIGHT) * self.rate + _WEIGHT * measured
        self._answered, self._silent = now, False

    @property
    def held(self) -> bool:
        """Whether drawing is to wait."""
        if self._silent or self._answered < 0 or not self._open:
            return False
        if len(self._open) >= IN_FLIGHT:
            return True
        return self.rate is not None and self._open[0].nbytes > self.rate * QUEUE_SECONDS

    @property
    def unanswered(self) -> int:
        """Questions whose answers may still come."""
        return 0 if self._silent or self._answered < 0 else len(self._open)

    def give_up(self) -> None:
        """No answer came in `PATIENCE_SECONDS`: go on without, until one comes."""
        self._silent = True

    def forget(self) -> None:
        """What was asked will not be answered: the terminal was left to another program."""
        self._open.clear()
        self._written = 0

    def frame_bytes(self, most: float) -> float:
        """What a frame of something that moves may have: ``most``, or less where the link takes long for that."""
        return most if self.rate is None else min(most, self.rate * FRAME_SECONDS)

    def slow_for(self, nbytes: float) -> bool:
        """Whether so many bytes take the link longer than a frame of something that moves may."""
        return self.rate is not None and nbytes > self.rate * FRAME_SECONDS
