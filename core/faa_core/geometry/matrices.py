"""The front door of every public function of the geometry: arrays in, one checked batch of matrices out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.support import Support

Array = torch.Tensor | NDArray[np.generic]
"""What the public functions take: [..., n, m], on any device."""
SupportLike = Literal["full", "causal"] | Support

OUTSIDE = 1e-3
"""Share of a row's mass that may lie outside its support: what rounding to half precision leaves there."""

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Matrices:
    """A batch whose support is known and whose weights are finite and non-negative.

    Attributes:
        weights: float32 or float64 [batch, n, m] where ``x`` was, zero outside of the support. Matrices that hold NaN
            or infinity are all zero.
        support: Visible keys, on the same device.
        lead: Shape in front of the two axes of the matrix, () for a single one.
        finite: bool [batch]: false for the matrices that hold NaN or infinity.
    """

    weights: torch.Tensor
    support: Support
    lead: tuple[int, ...]
    finite: NDArray[np.bool_]

    @property
    def lift(self) -> torch.Tensor:
        """[batch, n, m]: weight times the number of keys that the row sees, so that even attention has lift 1."""
        return self.weights * self.support.lengths.to(self.weights.dtype)[:, None]

    def shaped(self, values: NDArray[_Scalar]) -> NDArray[_Scalar]:
        """[batch, ...] with the shape of the caller's batch in front."""
        return values.reshape(self.lead + values.shape[1:])


def support_of(support: SupportLike, queries: int, keys: int) -> Support:
    """The support that a caller named or gave, checked against the shape of the matrices.

    Raises:
        ValueError: It has another shape, or the name is unknown.
    """
    if isinstance(support, str):
        if support not in ("full", "causal"):
            raise ValueError(f'A support is "full", "causal" or a Support, not "{support}".')
        return Support.full(queries, keys) if support == "full" else Support.causal(queries, keys)
    if (support.queries, support.keys) != (queries, keys):
        raise ValueError(f"The support is {support.queries} x {support.keys}, the matrices are {queries} x {keys}.")
    return support


def tensor_of(x: Array) -> torch.Tensor:
    """``x`` as a tensor [..., n, m] where it is.

    Raises:
        ValueError: It has fewer than two axes or no entries, or holds complex numbers.
    """
    x = torch.as_tensor(x)
    if x.dim() < 2 or x.numel() == 0:
        raise ValueError(f"A batch of matrices is [..., n, m] with n, m >= 1, not {tuple(x.shape)}.")
    if x.is_complex():
        raise ValueError("Attention weights are real, not complex.")
    return x


def matrices_of(x: Array, support: SupportLike = "full") -> Matrices:
    """Check a batch.

    Rows need not sum to one: measures of any total mass, images and heads with a learned sink are all welcome.

    Args:
        x: [..., n, m], tensor or array of any real dtype; half precision is computed with in float32.
        support: Visible keys: all, the usual causal triangle, or any.

    Raises:
        ValueError: ``x`` is no batch of matrices, does not have the shape of the support, has a negative weight, or
            has weight outside of the support; row, key and value are named.
    """
    x = tensor_of(x)
    *lead, n, m = x.shape
    allowed = support_of(support, n, m).to(x.device)
    weights = x.reshape(-1, n, m)
    if weights.dtype != torch.float64:
        wide = weights.dtype in (torch.int32, torch.int64)
        weights = weights.to(torch.float64 if wide else torch.float32)
    finite = torch.isfinite(weights).all(-1).all(-1)
    if not bool(finite.all()):
        weights = torch.where(finite[:, None, None], weights, torch.zeros((), dtype=weights.dtype, device=x.device))
    if bool((weights < 0).any()):
        batch, row, key = (weights < 0).nonzero()[0].tolist()
        value = float(weights[batch, row, key])
        raise ValueError(f"Weights must not be negative: matrix {batch}, row {row}, key {key} holds {value:g}.")
    if bool((allowed.lengths < m).any()):
        inside = weights * allowed.mask()
        outside = weights.sum(-1) - inside.sum(-1)
        stray = outside > OUTSIDE * weights.sum(-1)
        if bool(stray.any()):
            batch, row = stray.nonzero()[0].tolist()
            first, stop = int(allowed.first[row]), int(allowed.stop[row])
            raise ValueError(
                f"Row {row} of matrix {batch} has weight {float(outside[batch, row]):g} outside of its support, "
                f"keys {first} to {stop - 1}."
            )
        weights = inside
    return Matrices(weights, allowed, tuple(lead), finite.cpu().numpy())


__all__ = ["OUTSIDE", "Array", "Matrices", "SupportLike", "matrices_of", "support_of", "tensor_of"]
