"""Which sparse pattern would keep a head's attention: the mass that masks of three families recover at equal budget.

After MInference 1.0 (Jiang et al. 2024), which gives every head the cheapest of three masks that keeps its output:
A-shape (the first keys and a local band), vertical-slash (some keys for all rows and some distances), and blocks. The
budgets there are fixed for long texts. Here every mask covers the same number of visible cells, a share of all, so
that the three compare with one another at any length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from faa_core.geometry import Support
from faa_core.geometry.estimate import names_of
from faa_core.geometry.matrices import Array, SupportLike, matrices_of
from faa_core.heads.without_key import null_on_same_rows, statuses_of
from faa_core.records import status_code

Floats = NDArray[np.float64]

PATTERNS = ("A-shape", "vertical-slash", "block")
"""From the fewest free choices to the most."""
SHARE = 1 / 8
"""Share of the visible cells that a mask covers."""
SPLITS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Parts of the budget that columns may have; diagonals have the rest."""
TIE = 0.02
"""Gains this close are equal. A vertical-slash mask can be an A-shape, so that without it the richer family would win
even where the simpler one is the whole truth."""
LEAST_GAIN = 0.25
"""Less is no pattern: the best mask for noise already recovers more than the best one for even attention. Softmax of
independent normal logits of standard deviation 3 gains up to .14 at 64 to 256 tokens and .06 at 1024."""
BLOCKS_ACROSS = 32
"""Smallest number of blocks along the longer side of a map of 256 or more; blocks have 8 to 32 tokens."""

_ENTRIES = 1 << 22  # of the matrices that are searched together
_KEYS = 256  # whose part of the diagonals is added up together


@dataclass(frozen=True, eq=False)
class PatternRecall:
    """Share of the mass of each matrix of a batch of shape [...] that the best mask of each family recovers.

    Attributes:
        recall: float64 [..., 3], 0 to 1, in the order of `PATTERNS`.
        null: float64 [..., 3]: the recall of masks of the same families and size on attention that is even over the
            visible keys, on the rows in which the matrix has mass. It exceeds ``share`` under a causal mask, where
            early rows have few cells.
        best: str [...]: the pattern of largest gain, (recall - null) / (1 - null), which is 0 for even attention and 1
            where the mask loses nothing: the first within `TIE` of the largest; ``none`` where no gain exceeds
            `LEAST_GAIN`, "" where undefined. Under a causal mask recall itself would favour blocks, which can sit in
            the corner where even attention is densest.
        share: Share of the visible cells that each mask covers.
        block: Side of a block in tokens.
        status: str [...]: ``ok``, ``non_finite``, or ``no_rows`` for a map of zeros; numbers are NaN unless ``ok``.
    """

    recall: Floats
    null: Floats
    best: NDArray[np.str_]
    share: float
    block: int
    status: NDArray[np.str_]


def pattern_recall(x: Array, support: SupportLike = "full", share: float = SHARE) -> PatternRecall:
    """Recall of A-shape, vertical-slash and block masks that cover the same number of visible cells.

    Columns, diagonals and blocks are taken whole, the densest in mass for each visible cell first, until the budget is
    spent; the last one counts for the fraction that still fits. Columns and diagonals that cross do not count twice.
    An A-shape takes the columns from the first, and the diagonals from the main one outwards; the main diagonal ends
    in the lower right corner. The best of the `SPLITS` of the budget counts. In cross-attention, where positions of
    queries and keys do not compare, only columns and blocks have a meaning.

    Args:
        x: [..., n, m] attention weights.
        support: Visible keys.
        share: Share of the visible cells that a mask covers, above 0 and below 1.

    Raises:
        ValueError: ``x`` is no batch of matrices (see `faa_core.geometry.matrices.matrices_of`), or ``share`` is out
            of range.
    """
    if not 0 < share < 1:
        raise ValueError(f"A mask covers a share of the visible cells above 0 and below 1, not {share:g}.")
    matrices = matrices_of(x, support)
    status = statuses_of(matrices)
    fine = status == status_code("ok")
    block = _block_side(*matrices.weights.shape[1:])

    def measure(weights: torch.Tensor, support: Support) -> Floats:
        at_a_time = max(_ENTRIES // weights[0].numel(), 1)
        starts = range(0, len(weights), at_a_time)
        parts = [_recalls(weights[i : i + at_a_time], support, share, block) for i in starts]
        return np.asarray(torch.cat(parts).cpu())

    recall = np.where(fine[:, None], measure(matrices.weights, matrices.support), np.nan)
    null = np.where(fine[:, None], null_on_same_rows(measure, matrices), np.nan)
    # Few rows with mass can leave a mask that covers them all, and so nothing to recover beyond the null.
    gain = (recall - null) / np.where(null < 1, 1 - null, np.inf)
    near = (gain > LEAST_GAIN) & (gain >= gain.max(1, keepdims=True) - TIE)
    named = np.where(near.any(1), np.asarray(PATTERNS)[near.argmax(1)], "none")
    return PatternRecall(
        recall=matrices.shaped(recall),
        null=matrices.shaped(null),
        best=matrices.shaped(np.where(fine, named, "")),
        share=share,
        block=block,
        status=names_of(matrices.shaped(status)),
    )


def _block_side(n: int, m: int) -> int:
    """Power of two from 8 to 32."""
    return min(max(1 << (max(n, m) // BLOCKS_ACROSS).bit_length() >> 1, 8), 32)


def _recalls(weights: torch.Tensor, support: Support, share: float, block: int) -> torch.Tensor:
    """float64 [batch, 3]; NaN for matrices without mass."""
    mask = support.mask()[None].to(weights.dtype)
    total = weights.sum((1, 2), dtype=torch.float64)
    columns, column_cells = (part.sum(1, dtype=torch.float64) for part in (weights, mask))
    n, m = weights.shape[1:]
    budget = share * support.lengths.sum().double()
    part = torch.tensor(SPLITS, dtype=torch.float64, device=weights.device)[:, None]

    # [batch, family, split, columns], then the same of the diagonals in what the columns leave.
    first = torch.arange(m, device=weights.device).expand(len(weights), m)
    column_order = torch.stack((first, _densest(columns, column_cells)), 1)[:, :, None]
    cover = _take(column_order, column_cells, part * budget)
    diagonals, cells = _diagonal_sums(weights, 1 - cover), _diagonal_sums(mask, 1 - cover)
    diagonal_order = _densest(diagonals, cells)
    from_main = (torch.arange(n + m - 1, device=weights.device) - (n - 1)).abs()
    diagonal_order[:, 0] = torch.argsort(from_main, stable=True)
    found = (cover * columns[:, None, None]).sum(-1)
    found += (_take(diagonal_order, cells, (1 - part) * budget) * diagonals).sum(-1)

    blocks, block_cells = _block_sums(weights, block), _block_sums(mask, block)
    in_blocks = (_take(_densest(blocks, block_cells), block_cells, budget) * blocks).sum(-1, keepdim=True)
    return torch.cat((found.amax(-1), in_blocks), -1) / total[:, None]


def _densest(mass: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """Order of the elements, those with most mass for each visible cell first: int64 [..., elements]."""
    density = torch.where(cells > 0, mass / cells, -1.0)
    return torch.argsort(density, dim=-1, descending=True, stable=True)


def _take(order: torch.Tensor, cells: torch.Tensor, budget: torch.Tensor) -> torch.Tensor:
    """Fraction of each element that fits into the budget of cells, taken in this order: float64 [..., elements].

    Args:
        order: int64 [..., elements].
        cells: float64 [..., elements].
        budget: float64 [..., 1]; all three broadcast.
    """
    order = order + torch.zeros_like(budget, dtype=torch.int64) + torch.zeros_like(cells, dtype=torch.int64)
    ordered = cells.expand_as(order).gather(-1, order)
    left = budget - (ordered.cumsum(-1) - ordered)
    fraction = torch.where(ordered > 0, left / ordered, 0.0).clamp_(0, 1)
    return torch.zeros_like(fraction).scatter_(-1, order, fraction)


def _diagonal_sums(x: torch.Tensor, open_share: torch.Tensor) -> torch.Tensor:
    """Sums over the diagonals of maps of which some share of each column is open.

    Args:
        x: [batch, n, m], or [1, n, m].
        open_share: float64 [batch, family, split, m].

    Returns:
        float64 [batch, family, split, n + m - 1]; the diagonal of the lower right corner is at index n - 1.
    """
    n, m = x.shape[1:]
    sums = open_share.new_zeros(*open_share.shape[:-1], n + m - 1)
    for start in range(0, m, _KEYS):
        stop = min(start + _KEYS, m)
        width = stop - start
        # Keys as rows, last key first, padded and read with rows of one less: each key lies one place to the right of
        # the one before, so that diagonals are columns, and all open shares are one matrix product.
        keys = x[:, :, start:stop].flip(-1).transpose(1, 2).double()
        skewed = F.pad(keys, (0, width)).flatten(1)[:, : width * (n + width - 1)].view(-1, 1, width, n + width - 1)
        sums[..., m - stop : m - start + n - 1] += open_share[..., start:stop].flip(-1) @ skewed
    return sums


def _block_sums(x: torch.Tensor, side: int) -> torch.Tensor:
    """Sums of [batch, n, m] over its blocks: float64 [batch, blocks]."""
    batch, n, m = x.shape
    x = F.pad(x, (0, -m % side, 0, -n % side))
    rows = x.view(batch, -1, side, x.shape[2]).sum(2, dtype=torch.float64)
    return rows.view(batch, rows.shape[1], -1, side).sum(3).flatten(1)


__all__ = ["PATTERNS", "SHARE", "PatternRecall", "pattern_recall"]
