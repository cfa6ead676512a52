"""The row shuffle in closed form: the expected sum of squared box masses, without a single surrogate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.matrices import Array, SupportLike, matrices_of
from faa_core.geometry.renyi import fit_range
from faa_core.geometry.scaling import Floats, fit_line
from faa_core.geometry.support import Support
from faa_core.geometry.unfolding import UnfoldedMassStream, boxes_per_side, row_bands, row_edges


@dataclass(frozen=True, eq=False)
class ShuffleMoment:
    """What the correlation dimension is after every row was permuted, on average over all permutations.

    Attributes:
        boxes: int64 [scales]: boxes to a side, those of `faa_core.geometry.renyi.renyi_dimensions`.
        moment: float64 [..., scales]: expected sum of p^2 over the boxes; NaN for a matrix without mass, or with NaN or
            infinity.
        dimension: float64 [...]: slope of -ln moment on ln boxes: the null of D_2, up to the curvature of the
            logarithm, which is far below the scatter of the surrogates. NaN below four scales.
    """

    boxes: NDArray[np.int64]
    moment: Floats
    dimension: Floats


def row_shuffle_moment(x: Array, support: SupportLike = "full", unfold: bool = True) -> ShuffleMoment:
    """Expected second moment of the box masses over all permutations of each row within the keys that it sees.

    A box takes a share u_j of each cell of a row. Over the permutations of L cells of mean a and population variance v,
    sum u_j A_j has mean a sum u and variance v L / (L - 1) (sum u^2 - (sum u)^2 / L), as of sampling without
    replacement; rows are independent, so that E p^2 is the square of the sum of the means plus the sum of the
    variances. The cost is one pass over the matrix and O(n boxes) at each scale.

    Args:
        x: [..., n, m], tensor or array.
        support: Visible keys: all, the usual causal triangle, or any.
        unfold: Whether rows are stretched by what they see, as in `renyi_dimensions`.

    Raises:
        ValueError: ``x`` does not pass `matrices_of`.
    """
    matrices = matrices_of(x, support)
    length = matrices.support.lengths.clamp(min=1).to(torch.float64)
    total = matrices.weights.sum(-1, dtype=torch.float64)
    mean = total / length
    squares = ((matrices.weights - mean[..., None]) ** 2 * matrices.support.mask()).sum(-1, dtype=torch.float64)
    # Times L / (L - 1): squares are L times the population variance. A single cell has nothing to permute.
    spread = squares / (length - 1).clamp(min=1)
    mass = total.sum(-1).cpu().numpy()

    seen = matrices.support.to("cpu")
    shape = seen if unfold else Support.full(seen.queries, seen.keys)
    grids = boxes_per_side(UnfoldedMassStream(1, shape).boxes)
    mean, spread = mean.cpu(), spread.cpu()
    moments = np.stack([_moment(seen, unfold, mean, spread, boxes).numpy() for boxes in grids], -1)
    defined = matrices.finite & (mass > 0)
    moment = moments / np.where(defined, mass, np.nan)[:, None] ** 2
    regressor = np.log(np.array(grids, dtype=np.float64))
    fit = fit_line(regressor, -np.log(moment), *fit_range(regressor), 0.0)
    return ShuffleMoment(np.array(grids), matrices.shaped(moment), matrices.shaped(fit.effective))


def _moment(support: Support, unfold: bool, mean: torch.Tensor, spread: torch.Tensor, boxes: int) -> torch.Tensor:
    """Expected sum of squares over boxes x boxes boxes, float64 [batch], from [batch, rows]."""
    seeing = support.lengths > 0
    bands = row_bands(seeing if unfold else torch.ones_like(seeing), boxes)
    row, band = bands.row, bands.band
    share = bands.share.to(torch.float64) / boxes
    first, stop, length = support.first[row], support.stop[row], support.lengths[row]

    # Borders in units of 1 / boxes of a key; where rows are not stretched, a box holds what of it the row sees.
    if unfold:
        edges = row_edges(length, boxes) + (first * boxes)[:, None]
    else:
        column = support.keys * torch.arange(boxes + 1)
        edges = column.clamp((first * boxes)[:, None], (stop * boxes)[:, None])
    left, right = edges[:, :-1], edges[:, 1:]
    key, last = left // boxes, (right - 1) // boxes
    divided = ((key + 1) * boxes - left) ** 2 + (right - last * boxes) ** 2 + (last - key - 1) * boxes**2
    squared = torch.where(last > key, divided, (right - left) ** 2).to(torch.float64) / boxes**2
    width = (right - left).to(torch.float64) / boxes

    free = share**2 * (squared.sum(1) - (width**2).sum(1) / length.clamp(min=1))
    covered = share[:, None] * width
    means = [covered.new_zeros(boxes, boxes).index_add_(0, band, covered * one[row, None]) for one in mean]
    return torch.stack([one.square().sum() for one in means]) + (spread[:, row] * free).sum(1)


__all__ = ["ShuffleMoment", "row_shuffle_moment"]
