"""Dyadic pyramids of a matrix: level l holds the largest value, or the mass, of every 2^l x 2^l box.

Boxes start at the upper left corner and the edge is padded with zeros, so level l of an n x m matrix has
ceil(n / 2^l) x ceil(m / 2^l) cells and the last level has one. Values are taken to be non-negative. One pass over the
matrix yields all levels (fast box counting of Ruiz de Miras and Posadas, for any side and not only powers of two).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch

from faa_core.geometry import compiled

Reduction = Literal["max", "mass"]

ALIGN_LEVELS = 6
"""Levels that one aligned strip completes by itself."""
ALIGN = 1 << ALIGN_LEVELS
"""Rows, and columns, to whose multiples the strips of a stream are aligned."""

_MATRIX_AT_A_TIME = 1 << 16  # entries


def level_count(queries: int, keys: int) -> int:
    """Number of levels of a ``queries`` x ``keys`` matrix, level 0 included."""
    return (max(queries, keys, 1) - 1).bit_length() + 1


def halve(x: torch.Tensor, reduction: Reduction, out: torch.Tensor | None = None) -> torch.Tensor:
    """Next level of a pyramid.

    Args:
        x: [..., n, m], any real dtype, on any device.
        reduction: ``max`` or ``mass``.
        out: [..., ceil(n/2), ceil(m/2)] to write into.

    Returns:
        [..., ceil(n/2), ceil(m/2)]: the largest value, or the sum, of every 2 x 2 box.
    """
    combine = torch.maximum if reduction == "max" else torch.add
    *lead, n, m = x.shape
    # Rows first: whole rows are contiguous, and half of the data is gone before the slower strided pass.
    rows = x.new_empty(*lead, (n + 1) // 2, m)
    combine(x[..., 0 : n - 1 : 2, :], x[..., 1:n:2, :], out=rows[..., : n // 2, :])
    if n % 2:
        rows[..., -1, :] = x[..., -1, :]
    if out is None:
        out = x.new_empty(*lead, (n + 1) // 2, (m + 1) // 2)
    combine(rows[..., 0 : m - 1 : 2], rows[..., 1:m:2], out=out[..., : m // 2])
    if m % 2:
        out[..., -1] = rows[..., -1]
    return out


def _pyramid(x: torch.Tensor, reduction: Reduction) -> list[torch.Tensor]:
    *lead, n, m = x.shape
    levels = [x]
    for _ in range(level_count(n, m) - 1):
        n, m = (n + 1) // 2, (m + 1) // 2
        levels.append(x.new_empty(*lead, n, m))
    flat = [level.reshape(-1, *level.shape[-2:]) for level in levels]
    if kernels := compiled.kernels_for(flat[0]):
        compiled.fill_pyramid(kernels, flat, reduction)
        return levels
    for below, above in pairwise(flat):
        # On a CPU a large matrix by itself stays in the cache between its two passes; small ones go together.
        single = x.device.type == "cpu" and below.shape[-1] * below.shape[-2] >= _MATRIX_AT_A_TIME
        for part in [slice(i, i + 1) for i in range(len(flat[0]))] if single else [slice(None)]:
            halve(below[part], reduction, out=above[part])
    return levels


def max_pyramid(x: torch.Tensor) -> list[torch.Tensor]:
    """All levels of the largest value in each box.

    Args:
        x: [..., n, m], non-negative, any real dtype, on any device. NaN spreads to every box that holds it.

    Returns:
        Level l at index l, of ``x``'s dtype: [..., ceil(n / 2^l), ceil(m / 2^l)]; level 0 is ``x`` itself.
    """
    return _pyramid(x, "max")


def mass_pyramid(x: torch.Tensor) -> list[torch.Tensor]:
    """All levels of the sum over each box; arguments and result as in `max_pyramid`."""
    return _pyramid(x, "mass")


class PyramidStream:
    """The same levels from strips of rows, without the matrix.

    A strip that starts at a multiple of `ALIGN` rows completes `ALIGN_LEVELS` levels by itself, so only the level
    above them is kept, 1/4096 of the matrix.

    Args:
        reduction: ``max`` or ``mass``.
        queries: Rows of the matrix.
        keys: Columns of the matrix.
        levels: Levels that a strip completes; strips are aligned to 2^levels rows and columns.
    """

    def __init__(self, reduction: Reduction, queries: int, keys: int, levels: int = ALIGN_LEVELS) -> None:
        self._reduction: Reduction = reduction
        self._shape = (queries, keys)
        self._align = 1 << levels
        self._levels = min(levels, level_count(queries, keys) - 1)
        self._top: torch.Tensor | None = None

    def add(self, row: int, strip: torch.Tensor, column: int = 0) -> list[torch.Tensor]:
        """Reduce rows ``row`` and on; columns that are left out are zero.

        Args:
            row: First row of the strip, a multiple of the alignment.
            strip: [..., rows, columns]: any number of whole aligned bands, or the last rows of the matrix.
            column: First column of the strip, a multiple of the alignment.

        Returns:
            Levels 0 to ``levels`` (fewer where the matrix has fewer) of the strip.

        Raises:
            ValueError: The strip is not aligned or leaves the matrix.
        """
        rows, columns = strip.shape[-2:]
        ends = (row + rows, column + columns)
        if any(
            start % self._align or stop > side or (stop % self._align and stop != side)
            for start, stop, side in zip((row, column), ends, self._shape, strict=True)
        ):
            raise ValueError(
                f"Rows {row} to {ends[0]}, columns {column} to {ends[1]} are not an aligned strip of {self._shape}."
            )
        levels = [strip]
        for _ in range(self._levels):
            levels.append(halve(levels[-1], self._reduction))
        top = levels[-1]
        if self._top is None:
            n, m = ((side - 1 >> self._levels) + 1 for side in self._shape)
            self._top = top.new_zeros(*top.shape[:-2], n, m)
        i, j = row >> self._levels, column >> self._levels
        self._top[..., i : i + top.shape[-2], j : j + top.shape[-1]] = top
        return levels

    def finish(self) -> list[torch.Tensor]:
        """Levels above the ones that the strips completed, up to one cell; empty where there are none."""
        return [] if self._top is None else _pyramid(self._top, self._reduction)[1:]
