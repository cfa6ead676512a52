"""How few keys hold a row's attention: the coverage k_p and the Gini coefficient of a row."""

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

SHARES = (0.9, 0.99)
"""Shares p of a row's mass whose keys are counted."""
SLACK = 1e-6
"""Part of a row's mass that rounding may withhold: nine of ten even weights hold .9 of their row, to float32."""

_ENTRIES = 1 << 24  # of the matrices that are sorted together


@dataclass(frozen=True, eq=False)
class Coverage:
    """Coverage and Gini coefficient of each matrix of a batch of shape [...], as means over its rows.

    A row is judged by the keys that it sees, and by its own mass: a learned sink takes its part before. Rows without
    mass do not count. Each null is that of even attention over the visible keys, on the same rows.

    Attributes:
        shares: `SHARES`.
        keys: float64 [..., 2]: mean of the smallest number of keys that hold the share p of their row; 1 is best.
        keys_null: float64 [..., 2].
        portion: float64 [..., 2], 0 to 1: mean of the same number over the number of keys that the row sees.
        portion_null: float64 [..., 2].
        gini: float64 [...], 0 to 1: mean Gini coefficient of the weights of a row (Gini 1912; Hurley and Rickard 2009,
            "Comparing Measures of Sparsity"): 0 where they are even, 1 - 1 / n_i where one of n_i keys has all.
        gini_null: float64 [...], 0 up to rounding.
        status: str [...]: ``ok``, ``non_finite``, or ``no_rows`` where no row has mass; numbers are NaN unless ``ok``.
    """

    shares: tuple[float, float]
    keys: Floats
    keys_null: Floats
    portion: Floats
    portion_null: Floats
    gini: Floats
    gini_null: Floats
    status: NDArray[np.str_]


def coverage(x: Array, support: SupportLike = "full") -> Coverage:
    """Number of keys that hold 90 % and 99 % of a row, and how uneven the rows are.

    Args:
        x: [..., n, m] attention weights.
        support: Visible keys.

    Raises:
        ValueError: ``x`` is no batch of matrices; see `faa_core.geometry.matrices.matrices_of`.
    """
    matrices = matrices_of(x, support)
    status = statuses_of(matrices)
    fine = (status == status_code("ok"))[:, None]
    value = matrices.shaped(np.where(fine, _means(matrices.weights, matrices.support), np.nan))
    null = matrices.shaped(np.where(fine, null_on_same_rows(_means, matrices), np.nan))
    return Coverage(
        shares=SHARES,
        keys=value[..., 0:2],
        keys_null=null[..., 0:2],
        portion=value[..., 2:4],
        portion_null=null[..., 2:4],
        gini=value[..., 4],
        gini_null=null[..., 4],
        status=names_of(matrices.shaped(status)),
    )


def _means(weights: torch.Tensor, support: Support) -> Floats:
    """float64 [batch, 5]: keys for each share, the same as a portion, Gini; NaN for matrices without mass."""
    at_a_time = max(_ENTRIES // weights[0].numel(), 1)
    starts = range(0, len(weights), at_a_time)
    means = torch.cat([_means_of(weights[i : i + at_a_time], support) for i in starts])
    return np.asarray(means.cpu())


def _means_of(weights: torch.Tensor, support: Support) -> torch.Tensor:
    # Hidden keys are zero, so in falling order they come last and change neither sums nor ranks of the visible ones.
    falling = weights.sort(-1, descending=True).values
    running = falling.cumsum(-1, dtype=torch.float64)
    mass = running[..., -1]
    seen = support.lengths.double()
    rank = torch.arange(1, weights.shape[-1] + 1, dtype=torch.float64, device=weights.device)
    moment = (falling.double() * rank).sum(-1)
    gini = ((seen + 1) * mass - 2 * moment) / (seen * mass)
    keys = [(running < ((share - SLACK) * mass)[..., None]).sum(-1) + 1.0 for share in SHARES]
    rows = torch.stack([*keys, *(count / seen for count in keys), gini], -1)
    has_mass = (mass > 0)[..., None]
    return torch.where(has_mass, rows, 0.0).sum(1) / has_mass.sum(1)


__all__ = ["SHARES", "Coverage", "coverage"]
