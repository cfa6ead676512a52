"""Attention without one of its keys, and the rule that goes with it: a row without mass takes no part in any number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry import Support
from faa_core.geometry.matrices import Array, Matrices, SupportLike, matrices_of
from faa_core.records import status_code

LEAST_MASS = 0.05
"""A row that puts all but this much on the key says too little about the others to be scaled up."""


def without_key(x: Array, support: SupportLike = "full", key: int = 0) -> tuple[torch.Tensor, Support]:
    """Drop one key, most often the first token, and scale each row up to one again.

    Many heads rest on the first token when they find nothing to look at (the attention sink of Xiao et al. 2024,
    "Efficient Streaming Language Models with Attention Sinks"). What such a head does otherwise shows only without it.
    The result goes into any function of this package that takes a matrix and its support. Keys behind the dropped one
    move one column to the left; functions that compare positions count them from the lower right corner, which stays
    where it is when key 0 goes. A self-attention map of the remaining tokens is ``weights[..., 1:, :]`` with
    ``support.rows(1, n)``.

    Args:
        x: [..., n, m] attention weights; rows sum to at most one.
        support: Visible keys.
        key: Column to drop.

    Returns:
        Weights [..., n, m - 1], float32 or float64, and their support. Rows left with less than `LEAST_MASS` are zero,
        and so see nothing; all others sum to one, whatever a learned sink took. Matrices that held NaN or infinity are
        NaN.

    Raises:
        ValueError: ``x`` is bad as in `faa_core.geometry.matrices.matrices_of`, has no column ``key``, or has no other.
    """
    matrices = matrices_of(x, support)
    weights, visible = matrices.weights, matrices.support
    if not 0 <= key < visible.keys:
        raise ValueError(f"There is no key {key} among {visible.keys}.")
    if visible.keys == 1:
        raise ValueError("A map of one key has none left without it.")
    rest = torch.cat((weights[..., :key], weights[..., key + 1 :]), -1)
    mass = rest.sum(-1, keepdim=True, dtype=torch.float64)
    # Rounding of the weights must not decide about a row that keeps exactly this much.
    kept = mass >= LEAST_MASS * (1 - 1e-6)
    rest.div_(torch.where(kept, mass, torch.inf).to(rest.dtype))
    finite = torch.from_numpy(matrices.finite).to(rest.device)
    rest[~finite] = torch.nan
    fewer = Support(
        visible.first - (visible.first > key).long(), visible.stop - (visible.stop > key).long(), visible.keys - 1
    )
    return rest.reshape(*matrices.lead, *rest.shape[1:]), fewer


def null_on_same_rows(
    measure: Callable[[torch.Tensor, Support], NDArray[np.float64]], matrices: Matrices
) -> NDArray[np.float64]:
    """What ``measure`` gives for even attention on the rows in which each matrix has mass.

    Args:
        measure: From weights [batch, n, m] and their support to float64 [batch, ...].
        matrices: The batch; most often all of its matrices have mass in the same rows, and are measured as one.

    Returns:
        float64 [batch, ...].
    """
    patterns, which = torch.unique((matrices.weights > 0).any(-1), dim=0, return_inverse=True)
    uniform = matrices.support.uniform()
    null = [measure((uniform * rows[:, None])[None], matrices.support)[0] for rows in patterns]
    return np.asarray(np.stack(null)[which.cpu().numpy()])


def statuses_of(matrices: Matrices) -> NDArray[np.uint8]:
    """uint8 [batch]: ``ok``, ``non_finite``, or ``no_rows`` where no row has mass."""
    empty = ~(matrices.weights > 0).flatten(1).any(1).cpu().numpy()
    status = np.where(empty, status_code("no_rows"), status_code("ok"))
    return np.where(matrices.finite, status, status_code("non_finite")).astype(np.uint8)


__all__ = ["LEAST_MASS", "null_on_same_rows", "statuses_of", "without_key"]
