"""How long the screen goes on after a held key is released, on links of several rates.

The application runs on a pseudo-terminal whose other end is a model of a link and a terminal behind it: what is
written waits in buffers as large as those of ``ssh`` and the network, leaves them at the rate of the link, and arrives
half a round trip later; only then the terminal answers questions for its cursor. A key is held for three seconds.

    python tests/benchmark/slow_link.py [--json]
"""

from __future__ import annotations

import bisect
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar

from frame_time import TOKENS, Panning
from textual.app import ComposeResult
from textual.widgets import Static

from faa_tui.widgets.heat_map import HeatMap

SIZE = (200, 50)
KEYS_PER_SECOND = 30
HELD_SECONDS = 3.0
ROUND_TRIP = 0.02
BUFFERS = 2_000_000
"""Bytes that ssh and the network take in before they make a writer wait."""
LINKS = {"80 Mbit/s": 10e6, "16 Mbit/s": 2e6, "4 Mbit/s": 0.5e6, "1 Mbit/s": 0.125e6}
QUESTION = b"\x1b[6n"


@dataclass
class Link:
    """A link to a terminal that shows everything at once as it arrives.

    Attributes:
        descriptor: Of the pseudo-terminal.
        rate: Bytes a second.
        answers: Whether the terminal answers questions.
        arrivals: When how many bytes had arrived, after each piece.
    """

    descriptor: int
    rate: float
    answers: bool = True
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    text: bytearray = field(default_factory=bytearray)  # bytes would be copied whole for each piece
    _waiting: deque[bytes] = field(default_factory=deque)
    _queued: int = 0
    _free: float = 0.0
    _coming: deque[tuple[float, bytes]] = field(default_factory=deque)

    def run(self, seconds: float) -> None:
        """Carry bytes for so long."""
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            reading = [self.descriptor] if self._queued < BUFFERS else []
            if select.select(reading, [], [], 0.001)[0]:
                data = os.read(self.descriptor, 1 << 16)
                self._waiting.append(data)
                self._queued += len(data)
            self._carry(now)

    def when(self, place: int) -> float:
        """When the byte at a place had arrived."""
        return self.arrivals[
            min(bisect.bisect(self.arrivals, place, key=lambda item: item[1]), len(self.arrivals) - 1)
        ][0]

    def _carry(self, now: float) -> None:
        while self._waiting and self._free <= now:
            data = self._waiting.popleft()
            piece, rest = data[:1400], data[1400:]
            if rest:
                self._waiting.appendleft(rest)
            self._queued -= len(piece)
            self._free = max(self._free, now - 0.002) + len(piece) / self.rate
            self._coming.append((self._free + ROUND_TRIP / 2, piece))
        while self._coming and self._coming[0][0] <= now:
            _, piece = self._coming.popleft()
            before = self.text[-8:].count(QUESTION)
            self.text += piece
            self.arrivals.append((now, len(self.text)))
            asked = self.text[-len(piece) - 8 :].count(QUESTION) - before
            if asked and self.answers:
                os.write(self.descriptor, b"\x1b[1;1R" * asked)  # half a round trip early, which is little


class Held(Panning):
    """A map of noise that a key pans, and at the foot of the screen how often it was pressed."""

    CSS = "HeatMap { width: 100%; height: 1fr; } Static { height: 1; }"
    BINDINGS: ClassVar = [("d", "pan", "Pan")]

    def __init__(self) -> None:
        super().__init__(0)
        self.presses = 0

    def compose(self) -> ComposeResult:
        """The map, and the line below it."""
        yield from super().compose()
        yield Static()

    def begin(self) -> None:
        """Zoom to life size."""
        while self.query_one(HeatMap).cell_size > 1:
            self.query_one(HeatMap).action_zoom(True)
        self.query_one(HeatMap).move_cursor(TOKENS // 2, 0)
        self.query_one(Static).update("pressed 0.")

    def action_pan(self) -> None:
        """Pan by one cell."""
        self.presses += 1
        self.query_one(HeatMap).action_pan(1, 0)
        self.query_one(Static).update(f"pressed {self.presses}.")


def measure(rate: float, answers: bool = True) -> dict[str, float]:
    """Hold the key for a while, release it, and see how long the screen goes on."""
    pid, descriptor = pty.fork()
    if pid == 0:
        environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TEXTUAL_FPS")}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
        os.execve(sys.executable, [sys.executable, __file__, "--child"], environment)
    link = Link(descriptor, rate, answers)
    try:
        while b"pressed 0." not in link.text:
            link.run(0.1)
        link.run(1.0 + 400_000 / rate)
        before = len(link.text)
        presses = int(HELD_SECONDS * KEYS_PER_SECOND)
        began = time.perf_counter()
        for press in range(presses):
            os.write(descriptor, b"d")
            if press < presses - 1:
                link.run(began + (press + 1) / KEYS_PER_SECOND - time.perf_counter())
        released, last = time.perf_counter(), f"pressed {presses}.".encode()
        while last not in link.text:
            link.run(0.01)
        link.run(1.0 + 400_000 / rate)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(descriptor)
        os.waitpid(pid, 0)
    at = link.text.index(last)
    shown = [int(number) for number in re.findall(rb"pressed (\d+)\.", link.text[before:])]
    return {
        "lag_s": link.when(at) - released,
        "exact_s": link.when(len(link.text)) - released,
        "frames": len(shown),
        "kb_a_frame": (at - before) / max(1, len(shown)) / 1000,
    }


def main() -> None:
    """Measure every link, or with ``--json`` that of 4 Mbit/s alone."""
    if "--child" in sys.argv:
        Held().run()
    elif "--json" in sys.argv:
        print(json.dumps(measure(LINKS["4 Mbit/s"])))
    else:
        for name, rate in LINKS.items():
            for answers in (True, False):
                found = measure(rate, answers)
                words = "  ".join(f"{key} {value:.2f}" for key, value in found.items())
                print(f"{name:>10}  {'answers' if answers else 'silent ':7}  {words}", flush=True)


if __name__ == "__main__":
    main()
