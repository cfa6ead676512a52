"""How many independent rows an attention map has: effective rank, stable rank, and the gap of its spectrum.

Rank collapse makes all rows of a map, and so all outputs of a head, alike (Dong et al. 2021, "Attention Is Not All You
Need"). Singular values show it; the eigenvalues of a causal map do not, since they are just its diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry import Support
from faa_core.geometry.estimate import names_of
from faa_core.geometry.matrices import Array, SupportLike, matrices_of
from faa_core.heads.without_key import null_on_same_rows, statuses_of
from faa_core.records import status_code

Floats = NDArray[np.float64]

_ENTRIES = 1 << 22  # of the matrices that are decomposed together


@dataclass(frozen=True, eq=False)
class Ranks:
    """Three summaries of the singular values s_1 >= s_2 >= ... of each matrix of a batch of shape [...].

    Each null is that of even attention over the same visible keys, on the rows in which the matrix has mass.

    Attributes:
        effective: float64 [...], 1 to min(n, m): exp of the entropy of s_k / sum(s), the number of directions that
            carry the map (Roy and Vetterli 2007, "The Effective Rank", section 2).
        effective_null: float64 [...].
        stable: float64 [...], 1 to min(n, m): squared Frobenius norm over s_1 squared; small singular values count for
            less than in the effective rank.
        stable_null: float64 [...].
        gap: float64 [...]: s_1 - s_2, in the unit of the weights; s_2 is 0 where there is one row or one key. A gap
            that grows with the text drives the rank collapse of wide models (Nait Saada et al. 2025, "Mind the Gap").
        gap_null: float64 [...].
        status: str [...]: ``ok``, ``non_finite``, or ``no_rows`` for a map of zeros; numbers are NaN unless ``ok``.
    """

    effective: Floats
    effective_null: Floats
    stable: Floats
    stable_null: Floats
    gap: Floats
    gap_null: Floats
    status: NDArray[np.str_]


def ranks(x: Array, support: SupportLike = "full") -> Ranks:
    """Effective rank, stable rank and spectral gap.

    Singular values are computed in float64. The cost grows with the cube of the side.

    Args:
        x: [..., n, m] attention weights.
        support: Visible keys.

    Raises:
        ValueError: ``x`` is no batch of matrices; see `faa_core.geometry.matrices.matrices_of`.
    """
    matrices = matrices_of(x, support)
    status = statuses_of(matrices)
    fine = (status == status_code("ok"))[:, None]
    value = np.where(fine, _summaries(matrices.weights, matrices.support), np.nan)
    null = np.where(fine, null_on_same_rows(_summaries, matrices), np.nan)
    effective, stable, gap = (matrices.shaped(value[:, i]) for i in range(3))
    effective_null, stable_null, gap_null = (matrices.shaped(null[:, i]) for i in range(3))
    names = names_of(matrices.shaped(status))
    return Ranks(effective, effective_null, stable, stable_null, gap, gap_null, names)


def _summaries(weights: torch.Tensor, support: Support) -> Floats:
    """float64 [batch, 3]: effective rank, stable rank and gap of weights [batch, n, m]; NaN for maps of zeros."""
    at_a_time = max(_ENTRIES // weights[0].numel(), 1)
    starts = range(0, len(weights), at_a_time)
    sigma = torch.cat([torch.linalg.svdvals(weights[i : i + at_a_time].double()) for i in starts])
    share = sigma / sigma.sum(-1, keepdim=True)
    effective = torch.special.entr(share).sum(-1).exp()
    stable = sigma.square().sum(-1) / sigma[:, 0].square()
    gap = sigma[:, 0] - sigma[:, 1] if sigma.shape[1] > 1 else sigma[:, 0]
    return torch.stack((effective, stable, gap), -1).cpu().numpy()


__all__ = ["Ranks", "ranks"]
