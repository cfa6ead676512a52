"""What the names of 1.0.0 take: one matrix, checked, and the support that shows in it."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from faa_core.geometry.matrices import Array, SupportLike, tensor_of

Method = Literal["corrected", "faa-1.0.0"]
"""Whether a name means the corrected quantity or the one of 1.0.0, to the last digit."""
Matrix: TypeAlias = NDArray[np.floating]


def is_reference(method: Method) -> bool:
    """Whether the numbers of 1.0.0 are asked for.

    Raises:
        ValueError: There is no such method.
    """
    if method not in get_args(Method):
        raise ValueError(f'A method is "corrected" or "faa-1.0.0", not {method!r}.')
    return method == "faa-1.0.0"


def matrix_of(a: Array, name: str) -> Matrix:
    """One matrix as a NumPy array: float64 stays, every other dtype becomes float32 as 1.0.0 had it from its models.

    Args:
        a: [n, m], tensor on any device, or array.
        name: Name of the argument, for the message.

    Raises:
        ValueError: It is no matrix.
    """
    x = tensor_of(a).detach().cpu()
    if x.dim() != 2:
        raise ValueError(f"{name} must be one matrix [n, m], not {tuple(x.shape)}.")
    dtype = np.float64 if x.element_size() == 8 else np.float32
    return np.asarray((x.double() if dtype is np.float64 else x.float()).numpy(), dtype=dtype)


def finite_matrix_of(a: Array, name: str) -> Matrix:
    """`matrix_of`, and every entry is a finite weight.

    Raises:
        ValueError: It is no matrix, or holds NaN, infinity or a negative weight; row, key and value are named.
    """
    x = matrix_of(a, name)
    bad = ~np.isfinite(x) | (x < 0)
    if bad.any():
        row, key = np.argwhere(bad)[0]
        raise ValueError(f"{name} must hold finite weights of at least 0: row {row}, key {key} is {x[row, key]:g}.")
    return x


def visible_support(a: Matrix) -> SupportLike:
    """``causal`` for a square matrix of two rows or more without weight above the diagonal, else ``full``.

    A bidirectional head that never looks ahead cannot be told from a causal one by its weights. Both then have the lift
    of causal rows; give the support where that is not meant.
    """
    causal = a.shape[0] == a.shape[1] > 1 and not np.triu(a, 1).any()
    return "causal" if causal else "full"
