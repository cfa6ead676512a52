"""Box counting of the lift: how many boxes of side s hold a key that gets more than its even share.

The lift of an entry is its weight times the number of keys its row sees, so even attention has lift 1 in every row.
The set is lift > tau. Its box counts at all dyadic sizes are read off one
max pyramid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.estimate import Estimate, estimate_of
from faa_core.geometry.matrices import Array, SupportLike, matrices_of, support_of, tensor_of
from faa_core.geometry.pyramid import max_pyramid
from faa_core.geometry.scaling import box_sizes, fit_counts, log_counts, size_regressor
from faa_core.records import status_code


@dataclass(frozen=True, eq=False)
class BoxDimension(Estimate):
    """A box-counting dimension: an `Estimate` whose curve is ln N on ln ceil(n / s), and the counts themselves.

    ``difference`` is exactly 0 where the set is the whole support; 2 + ``difference`` is the dimension relative to it.

    Attributes:
        counts: int64 [..., scales]: boxes that hold a cell of the set.
        null_counts: int64 [scales]: boxes that hold a cell of the support.
    """

    counts: NDArray[np.int64]
    null_counts: NDArray[np.int64]


def box_dimension(x: Array, support: SupportLike = "full", threshold: float = 1.0) -> BoxDimension:
    """Box-counting dimension of the entries of a matrix that get more than their even share.

    Fit, error and status are those of `faa_core.geometry.scaling.fit_counts`.

    Args:
        x: [..., n, m], tensor or array. Real numbers are attention: the set is lift > ``threshold``. Booleans are the
            set itself, cut to the support. An image of zeros and ones with full support needs no conversion: its
            ones have lift m, so at the default threshold they are the set.
        support: Visible keys: all, the usual causal triangle, or any.
        threshold: Lift that an entry must exceed; unused for booleans.

    Returns:
        Dimensions, counts and fit. A matrix with NaN or infinity has status ``non_finite`` and counts of zero.

    Raises:
        ValueError: ``x`` is no batch of matrices, does not have the shape of ``support``, has negative weights, or
            weight outside of the support.
    """
    x = tensor_of(x)
    *lead, n, m = x.shape
    if x.dtype == torch.bool:
        allowed = support_of(support, n, m)
        counts = _counts_above((x & allowed.mask(x.device)).to(torch.uint8), 0)
        finite = np.ones(lead, bool)
    else:
        matrices = matrices_of(x, support)
        allowed = matrices.support
        counts = matrices.shaped(_counts_above(matrices.lift, threshold))
        finite = matrices.shaped(matrices.finite)
    null_counts = _counts_above(allowed.mask().to(torch.uint8), 0)

    sizes = box_sizes(n, m)
    fit = fit_counts(sizes, counts, n, m)
    fit = replace(fit, status=np.where(finite, fit.status, status_code("non_finite")).astype(np.uint8))
    null = fit_counts(sizes, null_counts, n, m).effective
    curve, null_curve = log_counts(counts), log_counts(null_counts)
    estimate = estimate_of(fit, null, sizes, size_regressor(sizes, n, m), curve, null_curve)
    return BoxDimension(**vars(estimate), counts=counts, null_counts=null_counts)


def _counts_above(x: torch.Tensor, threshold: float) -> NDArray[np.int64]:
    """int64 [..., sizes]: boxes of each size that hold a value above ``threshold``."""
    return np.stack([(level > threshold).sum((-2, -1)).cpu().numpy() for level in max_pyramid(x)], axis=-1)
