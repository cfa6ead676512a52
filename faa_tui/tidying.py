"""When the garbage collector may look through everything: not while somebody moves through heads.

A full collection goes through every object of the process, some hundred thousand, and holds up the screen for 40 to 90
milliseconds, five frames. Young objects are collected as ever; the full collections wait until nobody touches a key.
"""

from __future__ import annotations

import gc
import time

IDLE_SECONDS = 3.0
"""How long nobody must have touched anything."""
_NEVER = 1_000_000
_GENERATIONS = 20
"""Collections of the middle generation after which a full one is worth its time."""


class Tidying:
    """Full collections of this process, in its idle moments.

    Until `begin` there are none at all: what is made before the first paint stays.
    """

    def __init__(self) -> None:
        self._before = gc.get_threshold()
        self._touched = time.monotonic()

    def begin(self) -> None:
        """Take what is here as lasting, and collect from now on."""
        gc.freeze()
        gc.set_threshold(*self._before[:2], _NEVER)
        gc.enable()

    def touched(self) -> None:
        """Somebody is at the keyboard."""
        self._touched = time.monotonic()

    def tick(self) -> None:
        """Collect, if this is a good moment and there is reason to."""
        if time.monotonic() - self._touched > IDLE_SECONDS and gc.get_count()[2] > _GENERATIONS:
            gc.collect()

    def end(self) -> None:
        """Leave the collector as it was."""
        gc.set_threshold(*self._before)
        gc.unfreeze()
