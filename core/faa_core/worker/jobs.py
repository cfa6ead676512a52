"""The jobs of a worker, from their requests to their ends."""

from __future__ import annotations

import heapq
import itertools
import threading

from faa_core.worker.protocol import ON_SCREEN, Align, Inspect, Job, Models, Paths, Residents, Tile


class Ticket:
    """A job in the house, from its request to its one `Done` or `Fail`.

    Attributes:
        job: What was asked for.
        priority: The smaller, the sooner. Jobs that have none of their own go with what is on the screen, because
            somebody waits for them.
        brief: Whether it may be done between two strips of another job.
        cancelled: Whether it was given up.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.priority: int = getattr(job, "priority", ON_SCREEN)
        self.brief = isinstance(job, Tile | Align | Models | Paths | Residents) or (
            isinstance(job, Inspect) and not job.ask_hub  # which may take long to answer
        )
        self.cancelled = False


class JobQueue:
    """Jobs that wait: by priority, brief ones first within it, then in the order in which they came.

    Put and cancelled on one thread, taken on another.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._arrivals = itertools.count()
        self._open: dict[int, Ticket] = {}
        self._brief: list[tuple[int, int, Ticket]] = []
        self._long: list[tuple[int, int, Ticket]] = []

    def put(self, job: Job) -> bool:
        """Take a job in, unless another one with its id is still open; whether it was taken."""
        with self._changed:
            if job.id in self._open:
                return False
            ticket = self._open[job.id] = Ticket(job)
            heapq.heappush(self._lane(ticket), (ticket.priority, next(self._arrivals), ticket))
            self._changed.notify()
            return True

    def cancel(self, id: int) -> bool:
        """Give a job up; whether it was still waiting, so that its end is the caller's to tell."""
        with self._changed:
            ticket = self._open.get(id)
            if ticket is None:
                return False
            ticket.cancelled = True
            lane = self._lane(ticket)
            waiting = [entry for entry in lane if entry[2] is not ticket]
            if len(waiting) == len(lane):
                return False
            heapq.heapify(waiting)
            lane[:] = waiting
            del self._open[id]
            return True

    def take(self) -> Ticket:
        """The next job; waits for one. It stays open until `close`."""
        with self._changed:
            while not (self._brief or self._long):
                self._changed.wait()
            brief = self._brief and (not self._long or self._brief[0][0] <= self._long[0][0])
            return heapq.heappop(self._brief if brief else self._long)[2]

    def take_between(self, priority: int) -> Ticket | None:
        """The next brief job that is at least as urgent as the job of ``priority`` that it interrupts, if any."""
        if not self._brief:  # nearly always, and asked before every strip
            return None
        with self._changed:
            ready = self._brief and self._brief[0][0] <= priority
            return heapq.heappop(self._brief)[2] if ready else None

    def close(self, ticket: Ticket) -> None:
        """The job has ended; its id is free again."""
        with self._changed:
            del self._open[ticket.job.id]

    def _lane(self, ticket: Ticket) -> list[tuple[int, int, Ticket]]:
        return self._brief if ticket.brief else self._long
