"""How fast bytes come, and how long it will take: from what a worker tells now and then."""

from __future__ import annotations

from collections import deque

from faa_core.worker.protocol import Progress
from faa_tui.rendering.bytes_in_words import clock, in_words

WINDOW_SECONDS = 8.0
"""The speed is that of this long."""
LEAST_SECONDS = 1.0
"""No speed is told of less."""


class Transfer:
    """Follows the amounts of one job at a time."""

    def __init__(self) -> None:
        self._about: tuple[str, str, int] | None = None
        self._began = 0
        self._seen: deque[tuple[float, int]] = deque()

    @staticmethod
    def follows(progress: Progress) -> bool:
        """Whether a report is about so many bytes of a known sum."""
        return progress.unit == "bytes" and progress.total > 0

    def told(self, progress: Progress, now: float) -> str:
        """``downloading 1.2 of 3.4 GiB, 45 MiB/s, 0:48 left``, and where an earlier download was gone on with.

        Args:
            progress: What the worker tells; `follows` holds for it.
            now: When it came, in seconds of any clock.
        """
        about = (progress.stage, progress.text, progress.total)
        if about != self._about or (self._seen and progress.done < self._seen[-1][1]):
            self._about, self._began = about, progress.done
            self._seen.clear()
        self._seen.append((now, progress.done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW_SECONDS:
            self._seen.popleft()
        doing = {"download": "downloading", "resume": "downloading", "load": "loading"}.get(
            progress.stage, progress.stage
        )
        parts = [f"{doing} {in_words(min(progress.done, progress.total))} of {in_words(progress.total)}"]
        then, had = self._seen[0]
        passed = now - then
        if passed >= LEAST_SECONDS and progress.done > had:
            speed = (progress.done - had) / passed
            parts.append(f"{in_words(int(speed))}/s")
            parts.append(f"{clock((progress.total - progress.done) / speed)} left")
        if progress.stage == "resume":
            parts.append(f"resumed at {in_words(self._began)}")
        return ", ".join(parts)
