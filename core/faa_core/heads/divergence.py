"""How differently two heads attend: the Jensen-Shannon divergence of their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.estimate import names_of
from faa_core.geometry.matrices import Array, Matrices, SupportLike, matrices_of
from faa_core.records import status_code

Floats = NDArray[np.float64]

_ENTRIES = 1 << 20  # of the float64 blocks that are compared together


@dataclass(frozen=True, eq=False)
class Divergence:
    """Divergence of every head of one set from every head of another.

    Attributes:
        value: float64 [h, g], nats, 0 to ln 2: mean over the rows in which both heads have mass. 0 for heads that
            attend alike, ln 2 for heads that never look at the same key. Its square root is a metric.
        null: float64 [h, g]: 0, the divergence of two heads whose attention is even over the visible keys.
        rows: int64 [h, g]: number of rows compared.
        status: str [h, g]: ``ok``, ``non_finite`` where a head holds NaN or infinity, or ``no_rows`` where no row has
            mass in both; ``value`` and ``null`` are NaN unless ``ok``.
    """

    value: Floats
    null: Floats
    rows: NDArray[np.int64]
    status: NDArray[np.str_]


def head_divergence(a: Array, b: Array | None = None, support: SupportLike = "full") -> Divergence:
    """Mean Jensen-Shannon divergence of the rows of all pairs of heads.

    Heads may come from different layers or models, as long as their texts have the same tokens. Unlike Clark et al.
    (2019, "What Does BERT Look At?", section 6), who add a constant to every weight and sum over rows, zeros are taken
    as they are, 0 ln 0 = 0, and rows are averaged, so that texts of different length compare. Rows are scaled to one
    before, which takes rounding and learned sinks out. The divergence from even attention is that from a ``b`` of
    ``support.uniform()[None]``.

    Memory is bounded by one block of rows; the cost is one logarithm for each pair of heads and visible cell.

    Args:
        a: [h, n, m] attention weights.
        b: [g, n, m] of the same rows and keys; ``a`` itself by default.
        support: Visible keys of both.

    Raises:
        ValueError: ``a`` or ``b`` is no batch of heads of this shape, or holds bad weights; see
            `faa_core.geometry.matrices.matrices_of`.
    """
    left = matrices_of(a, support)
    right = left if b is None else matrices_of(b, support)
    if len(left.lead) != 1 or len(right.lead) != 1:
        raise ValueError("Heads are compared as [heads, n, m].")
    if left.weights.shape[1:] != right.weights.shape[1:]:
        one, other = tuple(left.weights.shape[1:]), tuple(right.weights.shape[1:])
        raise ValueError(f"Heads of {one} and {other} cannot be compared row by row.")
    total, rows = _sums(left, right)
    finite = left.finite[:, None] & right.finite
    status = np.where(rows > 0, status_code("ok"), status_code("no_rows"))
    status = np.where(finite, status, status_code("non_finite")).astype(np.uint8)
    fine = status == status_code("ok")
    value = np.where(fine, total / np.maximum(rows, 1), np.nan)
    return Divergence(value, np.where(fine, 0.0, np.nan), rows, names_of(status))


def _sums(left: Matrices, right: Matrices) -> tuple[Floats, NDArray[np.int64]]:
    """Sum of the divergences over rows, and the number of rows, both [h, g]."""
    h, n, m = left.weights.shape
    g = len(right.weights)
    device = left.weights.device
    total = torch.zeros(h, g, dtype=torch.float64, device=device)
    rows = torch.zeros(h, g, dtype=torch.float64, device=device)
    support = left.support
    step = max(_ENTRIES // (max(h, g) * m), 1)
    for row in range(0, n, step):
        part = slice(row, min(row + step, n))
        low, high = int(support.first[part].min()), int(support.stop[part].max())
        p, p_mass = _distributions(left.weights[:, part, low:high])
        q, q_mass = (p, p_mass) if right is left else _distributions(right.weights[:, part, low:high])
        rows += p_mass.double() @ q_mass.double().T
        p_entropy = torch.special.entr(p).sum(-1)
        q_entropy = p_entropy if right is left else torch.special.entr(q).sum(-1)
        for i in range(h):
            j = i if right is left else 0  # of a symmetric matrix, the upper half is enough
            mixed = torch.special.entr((p[i] + q[j:]) / 2).sum(-1)
            divergence = mixed - (p_entropy[i] + q_entropy[j:]) / 2
            total[i, j:] += torch.where(p_mass[i] & q_mass[j:], divergence, 0.0).sum(-1)
    if right is left:
        total = total.triu() + total.triu(1).T
    return total.cpu().numpy(), rows.cpu().numpy().astype(np.int64)


def _distributions(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows scaled to one, float64, and which of them have mass, bool [heads, rows]."""
    exact = weights.double()
    mass = exact.sum(-1)
    return exact / torch.where(mass > 0, mass, 1.0)[..., None], mass > 0


__all__ = ["Divergence", "head_divergence"]
