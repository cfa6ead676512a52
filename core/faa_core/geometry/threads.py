"""Work on many pieces side by side: in as many threads as torch has, each of which has one thread of torch to itself.

Operations of torch on matrices of a few hundred tokens are too short to be worth dividing, and part of what is asked of
a head (random bits, sorting) torch does not divide at all. Whole pieces are done apart instead; where other programs
want the same cores, nobody then waits at a barrier for the slowest thread of each operation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import lru_cache
from itertools import islice
from typing import TypeVar

import torch

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Piece], Result], pieces: Iterable[Piece], at_most: int
) -> Generator[tuple[Piece, Result], None, None]:
    """Each piece with what ``work`` makes of it, as soon as it is done and in no order.

    The work has to release the lock of the interpreter to gain anything. Closing the generator drops the pieces that
    were not begun and waits for those that were.

    Args:
        work: Called in other threads, one piece each; in the caller's where there is but one piece at a time.
        pieces: What there is to do.
        at_most: Pieces under way at a time, if fewer than torch has threads: what memory is enough for. One does them
            in the thread of the caller and in order.

    Raises:
        BaseException: What ``work`` raised first.
    """
    threads = torch.get_num_threads()
    if min(threads, at_most) < 2:
        for piece in pieces:
            yield piece, work(piece)
        return
    pool, waiting = threads_of_torch(), iter(pieces)
    # One more for each thread, to go on with while the caller looks at what is done.
    most = at_most if at_most < threads else 2 * threads
    running: dict[Future[Result], Piece] = {}
    try:
        while True:
            for piece in islice(waiting, most - len(running)):
                running[pool.submit(work, piece)] = piece
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), done.result()
    finally:
        for future in running:
            future.cancel()
        wait(running)


def threads_of_torch() -> ThreadPoolExecutor:
    """The threads, as many as torch has in the thread of the caller."""
    return _pool(torch.get_num_threads())


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    started = threading.Barrier(threads + 1)

    def alone() -> None:
        torch.get_num_threads()  # takes the process's number over, which would otherwise happen after the next line
        torch.set_num_threads(1)
        started.wait()

    pool = ThreadPoolExecutor(threads, "faa-geometry", alone)
    for _ in range(threads):
        pool.submit(int)  # a thread is started for it, because none is free before all are there
    started.wait()
    torch.set_num_threads(threads)  # what threads that come later take over; those of the pool keep theirs
    return pool


__all__ = ["side_by_side", "threads_of_torch"]
