"""The statistics that heads are tested by, in the three steps in which thousands of surrogates are measured.

What a statistic asks of each weight (is its lift above 1?) it asks once, of the head: a permutation of a row changes
the place of an answer and no answer. What is then summed over boxes stays where it was computed, and the slopes of all
surrogates are fitted together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.lacunarity import GlidingLacunarity
from faa_core.geometry.matrices import Matrices
from faa_core.geometry.pyramid import max_pyramid
from faa_core.geometry.renyi import curves_of_masses, fit_range
from faa_core.geometry.scaling import Floats, box_sizes, default_range, effective_dimensions, fit_line
from faa_core.geometry.support import Support
from faa_core.geometry.unfolding import UnfoldedMassStream, boxes_per_side, masses_of

STATISTICS = ("D0", "D1", "D2", "lacunarity")
"""Statistics that have a name."""
LACUNARITY_SIDE = 8
"""Side in tokens of the box whose lacunarity the statistic ``lacunarity`` is."""


class Statistic(Protocol):
    """A number of each head of a batch, NaN where it is undefined."""

    def __call__(self, x: torch.Tensor, support: Support, /) -> NDArray[np.floating]:
        """[heads] from [heads, n, m], which is zero outside of ``support``, on the same device."""


@dataclass(frozen=True, eq=False)
class Tested:
    """A statistic under one support.

    Attributes:
        answers: Of weights [..., n, m], zero outside of the support, what the statistic asks of each: [..., n, m] of
            any dtype. An answer depends on its weight and its row alone, and is zero where the weight is.
        measure: float64 [heads, numbers] of answers [heads, n, m], on their device.
        value: float64 [...] of such numbers [..., numbers]: the statistic.
        in_threads: Whether ``measure`` may be called in several threads at a time.
    """

    answers: Callable[[torch.Tensor], torch.Tensor]
    measure: Callable[[torch.Tensor], torch.Tensor]
    value: Callable[[Floats], Floats]
    in_threads: bool = True


def tested(statistic: str | Statistic, support: Support) -> Tested:
    """A statistic by its name, or a function of the caller's, which is called in the caller's thread.

    Args:
        statistic: One of `STATISTICS`, or a function of (batch, support).
        support: Visible keys, on the device of the batches.

    Raises:
        ValueError: The name is unknown.
    """
    if not isinstance(statistic, str):
        return _given(statistic, support)
    if statistic == "D0":
        return _box_dimension(support)
    if statistic in ("D1", "D2"):
        return _renyi_dimension(float(statistic[1:]), support)
    if statistic == "lacunarity":
        return _lacunarity(support)
    raise ValueError(f'A statistic is a function or "D0", "D1", "D2" or "lacunarity", not "{statistic}".')


def _box_dimension(support: Support) -> Tested:
    """Box-counting dimension of lift > 1: `faa_core.geometry.box_counting.box_dimension`."""
    n, m = support.queries, support.keys
    sizes = box_sizes(n, m)
    first, last = default_range(sizes, min(n, m))
    lengths = support.lengths[:, None]

    def above(x: torch.Tensor) -> torch.Tensor:
        return (x * lengths.to(x.dtype) > 1).to(torch.uint8)

    def counts(above: torch.Tensor) -> torch.Tensor:
        counts = above.new_zeros(len(above), len(sizes), dtype=torch.float64)  # at sizes that no fit uses
        for index, level in enumerate(max_pyramid(above)[: last + 1]):
            if index >= first:
                counts[:, index] = level.sum((-2, -1), dtype=torch.int64)
        return counts

    return Tested(above, counts, lambda counts: effective_dimensions(sizes, counts, n, m))


def _renyi_dimension(order: float, support: Support) -> Tested:
    """Renyi dimension of the unfolded measure: `faa_core.geometry.renyi.renyi_dimensions`."""
    seen = support.to("cpu")  # where grids are laid out
    orders = np.array([order])
    grids = np.log(np.array(boxes_per_side(UnfoldedMassStream(1, seen).boxes), np.float64))

    def curves(x: torch.Tensor) -> torch.Tensor:
        masses = masses_of(Matrices(x, seen, (), np.ones(len(x), bool)), unfold=True)
        return curves_of_masses(masses.finest, orders)[:, 0]

    return Tested(_unchanged, curves, lambda curves: fit_line(grids, curves, *fit_range(grids), 0.0).effective)


def _lacunarity(support: Support) -> Tested:
    """`faa_core.geometry.lacunarity.lacunarity` of boxes of `LACUNARITY_SIDE` tokens."""
    lengths = support.lengths[:, None]
    if min(support.queries, support.keys) < LACUNARITY_SIDE:
        return Tested(_unchanged, lambda x: x.new_full((len(x), 1), torch.nan, dtype=torch.float64), _only)
    gaps = GlidingLacunarity(support, LACUNARITY_SIDE)
    return Tested(lambda x: x * lengths.to(x.dtype), lambda lift: gaps(lift)[:, None], _only)


def _given(statistic: Statistic, support: Support) -> Tested:
    def measure(x: torch.Tensor) -> torch.Tensor:
        values = np.asarray(statistic(x, support), dtype=np.float64)
        if values.shape != (len(x),):
            raise ValueError(
                f"A statistic gives one number for each of {len(x)} heads, not an array of {values.shape}."
            )
        return torch.from_numpy(values)[:, None]

    return Tested(_unchanged, measure, _only, in_threads=False)


def _unchanged(x: torch.Tensor) -> torch.Tensor:
    return x


def _only(numbers: Floats) -> Floats:
    return numbers[..., 0]


__all__ = ["LACUNARITY_SIDE", "STATISTICS", "Statistic", "Tested", "tested"]
