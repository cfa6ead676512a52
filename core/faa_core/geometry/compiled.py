"""Compiled kernels in place of torch where numba is installed and there is enough to do.

Results are the same: counts and pyramids to the bit, power sums to rounding. Which of the two computes is decided here
and nowhere else. Importing numba takes half a second, and the kernels' first compilation on a machine a few seconds
more; so torch does the first `RENT` entries of a process, which take it about as long, and a short run never waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from types import ModuleType
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.threads import threads_of_torch

RENT = 1 << 28
"""Entries that are left to torch before numba is imported; the kernels then cost no more than was spent on them."""

_PIECE = 1 << 20  # entries that are worth a task of their own
_seen = 0


def kernels_for(x: torch.Tensor) -> ModuleType | None:
    """The compiled kernels, if they are at hand and can read ``x``: float32, contiguous, on the CPU.

    The entries of ``x`` are added to the ones that were seen; until they exceed `RENT`, and without numba, there are
    no kernels. Ask once for each piece of work.
    """
    global _seen
    if x.device.type != "cpu" or x.dtype != torch.float32 or not x.is_contiguous():
        return None
    _seen += x.numel()
    return _kernels() if _seen > RENT else None


@lru_cache(maxsize=1)
def _kernels() -> ModuleType | None:
    if find_spec("numba") is None:
        return None
    try:
        import numba

        from faa_core.geometry import kernels
    except (ImportError, RuntimeError):  # built for another NumPy, or nowhere to keep what was compiled
        return None
    return None if numba.config.DISABLE_JIT else kernels


def fill_pyramid(kernels: ModuleType, levels: Sequence[torch.Tensor], reduction: str) -> None:
    """Fill all levels but the first of a pyramid.

    Args:
        kernels: From `kernels_for` of the first level.
        levels: float32 [heads, n, m], [heads, ceil(n/2), ceil(m/2)], ..., contiguous.
        reduction: ``max`` or ``mass``.
    """
    halve = kernels.halve_max if reduction == "max" else kernels.halve_mass
    arrays = [level.detach().numpy() for level in levels]

    def fill(start: int, stop: int) -> None:
        # Head by head while a level is large, so that it is still in the cache when the next is made of it.
        large = sum(level[0].size >= 1 << 12 for level in arrays)
        for head in range(start, stop):
            for below, above in pairwise(arrays[: large + 1]):
                halve(below[head : head + 1], above[head : head + 1])
        for below, above in pairwise(arrays[large:]):
            halve(below[start:stop], above[start:stop])

    over_heads(fill, arrays[0])


class HalfOctaves(Protocol):
    """What the kernels need of a grid of thresholds."""

    @property
    def codes(self) -> int:
        """Number of codes."""

    @property
    def steps(self) -> tuple[int, int]:
        """What is added to the bits of a value for its two half-octave steps."""


def _packed(grid: HalfOctaves) -> tuple[np.int32, np.int32, np.int32, np.int32]:
    low, high = grid.steps
    return np.int32(low), np.int32(high), np.int32(grid.codes - 1), np.int32(grid.codes)


def count_block(
    kernels: ModuleType,
    lift: torch.Tensor,
    depth: int,
    grid: HalfOctaves,
    histogram: torch.Tensor,
    cells: torch.Tensor,
) -> torch.Tensor:
    """Add the box counts of a block up to level ``depth``.

    Args:
        kernels: From `kernels_for` of ``lift``.
        lift: float32 [heads, rows, columns].
        depth: Deepest level, 1 or more.
        grid: Thresholds.
        histogram: int64 [heads, levels, codes]: how often each code but 0 occurs; added to.
        cells: int64 [heads]: entries with lift above 1; added to.

    Returns:
        uint8 [heads, ceil(rows / 2^depth), ceil(columns / 2^depth)]: the codes of level ``depth``.
    """
    heads, rows, columns = lift.shape
    top = torch.empty(heads, (rows - 1 >> depth) + 1, (columns - 1 >> depth) + 1, dtype=torch.uint8)
    x, counts, above, out = (t.detach().numpy() for t in (lift, histogram, cells, top))
    packed = _packed(grid)

    def count(start: int, stop: int) -> None:
        part = slice(start, stop)
        kernels.count_block(x[part], packed, depth, counts[part], above[part], out[part])

    over_heads(count, x)
    return top


def count_matrices(
    kernels: ModuleType, x: torch.Tensor, lengths: torch.Tensor, grid: HalfOctaves, levels: int
) -> torch.Tensor:
    """int64 [heads, levels, codes]: how often each code but 0 occurs at each level of the max pyramid of the lift.

    Args:
        kernels: From `kernels_for` of ``x``.
        x: float32 [heads, n, m]: weights.
        lengths: float32 [n]: lift of a weight of 1 in each row.
        grid: Thresholds.
        levels: Number of levels.
    """
    histogram = torch.zeros(len(x), levels, grid.codes, dtype=torch.int64)
    entries, factors, counts, packed = x.detach().numpy(), lengths.numpy(), histogram.numpy(), _packed(grid)

    def count(start: int, stop: int) -> None:
        kernels.counts_of(entries[start:stop], factors, packed, levels, counts[start:stop])

    over_heads(count, entries)
    return histogram


def sum_powers(kernels: ModuleType, x: torch.Tensor, levels: int) -> torch.Tensor:
    """float64 [heads, levels, orders]: power sums of the masses at each level; arguments as in `count_matrices`."""
    sums = torch.zeros(len(x), levels, kernels.ORDERS, dtype=torch.float64)
    entries, out = x.detach().numpy(), sums.numpy()

    def add(start: int, stop: int) -> None:
        kernels.sums_of(entries[start:stop], levels, out[start:stop])

    over_heads(add, entries)
    return sums


def scan_matrices(
    kernels: ModuleType, x: torch.Tensor, lengths: torch.Tensor, grid: HalfOctaves, levels: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """What `count_matrices` and `sum_powers` return, from one reading of ``x``."""
    histogram = torch.zeros(len(x), levels, grid.codes, dtype=torch.int64)
    sums = torch.zeros(len(x), levels, kernels.ORDERS, dtype=torch.float64)
    entries, factors, packed = x.detach().numpy(), lengths.numpy(), _packed(grid)
    counts, out = histogram.numpy(), sums.numpy()

    def scan(start: int, stop: int) -> None:
        kernels.scan_of(entries[start:stop], factors, packed, levels, counts[start:stop], out[start:stop])

    over_heads(scan, entries)
    return histogram, sums


def over_heads(work: Callable[[int, int], None], x: NDArray[np.float32]) -> None:
    """Call ``work(start, stop)`` for ranges that cover the heads of ``x`` [heads, n, m], in as many threads as torch.

    The kernels release the lock of the interpreter. Their threads are not numba's own, which must not be entered from
    two threads at once and take long to compile.
    """
    heads, threads = len(x), torch.get_num_threads()
    pieces = min(heads, 8 * threads, x.size // _PIECE + 1)
    if threads == 1 or pieces < 2:
        work(0, heads)
        return
    edges = [heads * i // pieces for i in range(pieces + 1)]
    running = [threads_of_torch().submit(work, *edge) for edge in pairwise(edges)]
    for task in running:
        task.result()
