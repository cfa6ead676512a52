"""How far a map looks like a smaller copy of itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.matrices import Array, SupportLike, matrices_of
from faa_core.geometry.scaling import Floats
from faa_core.records import STATUSES, status_code

_CONSTANT = 1e-10  # variance of the lift, whose mean is 1, below which nothing varies; rounding in float32 makes 1e-14


@dataclass(frozen=True, eq=False)
class SelfSimilarity:
    """Correlation of a map with its own shrunken copy, one for each leading index.

    Attributes:
        value: float64 [...]: -1 to 1; NaN unless the status is ``ok``.
        null: float64 [...]: 0, what shuffling each row over its visible keys leaves on average.
        status: str [...]: ``ok``, ``degenerate`` where the map or its copy does not vary (even attention),
            ``too_few_scales`` where fewer than two cells can be compared, ``non_finite``.
    """

    value: Floats
    null: Floats
    status: NDArray[np.str_]


def self_similarity(x: Array, support: SupportLike = "full", factor: int = 2) -> SelfSimilarity:
    """Correlate a map with its own coarse-grained version.

    Each row is taken as a share of its own mass, so its mean lift is 1; rows without mass take no part. The whole map
    of lift is shrunk by ``factor``: each cell of the copy is the mean lift of the visible entries of one block. The
    copy is laid over the corner of the map that has its size, the first queries and the first keys, and the Pearson
    correlation is taken over the entries visible in both. So a map is compared with itself under a dilation about the
    first token: 1 means that the attention over the whole text, seen ``factor`` times coarser, is that over its first
    part. This is the affine match of a shrunken domain onto a range in fractal image coding (Jacquin 1992,
    IEEE Transactions on Image Processing 1, 18-30) for one domain, the map, and one range, its corner.

    A self-similar set whose generator keeps the corner has 1 exactly, at factors that are powers of its base. The lift
    takes the mask out: even attention does not vary and has no value. Rows that are shuffled independently have
    covariance 0 with the copy, except where both hold the same row, which is the first; that is of order 1 / n.

    Args:
        x: [..., n, m], tensor or array.
        support: Visible keys: all, the usual causal triangle, or any.
        factor: How much smaller the copy is along both axes, at least 2. Its blocks are as even as whole numbers allow.

    Raises:
        ValueError: ``factor`` is below 2, or ``x`` is refused by `faa_core.geometry.matrices.matrices_of`.
    """
    if factor < 2:
        raise ValueError(f"A copy is smaller by a factor of at least 2, not {factor}.")
    matrices = matrices_of(x, support)
    weights = matrices.weights.to(torch.float64)
    mass = weights.sum(-1, keepdim=True)
    lengths = matrices.support.lengths.to(torch.float64)[:, None]
    lift = weights * lengths / torch.where(mass > 0, mass, 1.0)
    used = matrices.support.mask().to(torch.float64) * (mass > 0)
    n, m = lift.shape[-2:]
    rows, columns = n // factor, m // factor
    area = _block_sums(used, rows, columns)
    both = used[:, :rows, :columns] * (area > 0)
    pair = lift[:, :rows, :columns], _block_sums(lift, rows, columns) / area.clamp(min=1)

    cells = both.sum((-2, -1))
    means = [(both * part).sum((-2, -1), keepdim=True) / cells.clamp(min=1)[:, None, None] for part in pair]
    fine, coarse = (both * (part - mean) for part, mean in zip(pair, means, strict=True))
    spreads = [part.square().sum((-2, -1)) for part in (fine, coarse)]
    varies = (spreads[0] > _CONSTANT * cells) & (spreads[1] > _CONSTANT * cells)
    value = (fine * coarse).sum((-2, -1)) / torch.where(varies, spreads[0] * spreads[1], 1.0).sqrt()

    status = np.full(len(lift), status_code("ok"), np.uint8)
    status[~varies.cpu().numpy()] = status_code("degenerate")
    status[(cells < 2).cpu().numpy()] = status_code("too_few_scales")
    status[~matrices.finite] = status_code("non_finite")
    known = np.where(status == status_code("ok"), value.cpu().numpy(), np.nan)
    return SelfSimilarity(
        value=matrices.shaped(known),
        null=matrices.shaped(np.zeros_like(known)),
        status=matrices.shaped(np.asarray(STATUSES)[status]),
    )


def _block_sums(x: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Sums over rows x columns blocks whose edges are floor(k n / rows): [..., n, m] -> [..., rows, columns]."""
    for axis, blocks in ((-2, rows), (-1, columns)):
        edges = torch.arange(blocks + 1, device=x.device) * x.shape[axis] // max(blocks, 1)
        running = torch.nn.functional.pad(x.cumsum(axis), (1, 0) if axis == -1 else (0, 0, 1, 0))
        x = running.index_select(axis, edges).diff(dim=axis)
    return x
