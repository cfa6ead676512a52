"""Attention that is additive in its logits: what a head owes to the query, to the key and to the distance alone.

ln A_ij = r_i + c_j + t_(i-j) + e_ij is fitted by least squares inside the support. Sinks, favoured keys and recency are
in r, c and t; what is left is e. Shuffling e makes surrogates that keep all of that (`LogitAdditive.surrogates`), and
e by itself is a field from which all of that was taken (`LogitAdditive.residual_field`). Logits, because the weights
of a row are multiplied by such effects, and because on weights a fit would follow the few largest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch

from faa_core.geometry.matrices import Matrices
from faa_core.geometry.support import Support
from faa_core.geometry.surrogates import Streams, shuffled

FLOOR = 2.0**-24
"""Lift below which a weight is taken to be this lift: what float32 still tells apart from nothing beside 1."""
FLOOR_SHARE = 0.5
"""Share of the visible keys on the floor above which the logits say nothing (status ``underflow``)."""

_ITERATIONS = 1000
_PRECISION = 1e-10


@dataclass(frozen=True, eq=False)
class LogitAdditive:
    """The fit of a batch of heads.

    Attributes:
        fitted: [heads, n, m]: r_i + c_j + t_(i-j) inside the support, 0 outside.
        residual: [heads, n, m]: e_ij inside the support, 0 outside.
        mass: [heads, n, 1]: sum of each row.
        floored: float64 [heads]: share of the visible keys on the floor.
        support: Visible keys, on the device of the tensors.
    """

    fitted: torch.Tensor
    residual: torch.Tensor
    mass: torch.Tensor
    floored: torch.Tensor
    support: Support

    def surrogates(self, streams: Streams) -> torch.Tensor:
        """Shuffle the residuals among keys of like distance, and return to weights.

        Residuals change places within one octave of the distance |i - j|; key 0, where sinks are, is an octave of its
        own. Distances count from the diagonal that ends in the lower right corner. Rows keep their sums.

        Returns:
            [replicates, heads, n, m] of the dtype of the weights.
        """
        heads, n, m = self.fitted.shape
        shape = (streams.replicates, heads)
        cells, octaves, fitted, residual = self._by_octave
        drawn = fitted.new_empty(*shape, len(cells))
        for octave in octaves:
            part = residual[:, octave].expand(*shape, -1).gather(-1, shuffled(streams.bits(octave.stop - octave.start)))
            torch.add(part, fitted[:, octave], out=drawn[..., octave])
        logits = fitted.new_full((*shape, n * m), -torch.inf)
        logits.scatter_(-1, cells.expand(*shape, -1), drawn)
        return self._softmax(logits.view(*shape, n, m)).mul_(self.mass)

    @cached_property
    def _by_octave(self) -> tuple[torch.Tensor, list[slice], torch.Tensor, torch.Tensor]:
        """The visible cells by octave, where each octave is among them, and fit and residuals [heads, cells] there."""
        cells = _octaves(self.support)
        stops = np.cumsum([len(octave) for octave in cells]).tolist()
        flat = torch.cat([self.support.first[:0], *cells])
        fitted, residual = (field.flatten(1)[:, flat] for field in (self.fitted, self.residual))
        return flat, [slice(start, stop) for start, stop in pairwise([0, *stops])], fitted, residual

    def residual_field(self) -> torch.Tensor:
        """[heads, n, m]: exp(e) over its row sum: no effect of query, key or distance is left, and rows sum to 1."""
        return self._softmax(self.residual.masked_fill(~self.support.mask(), -torch.inf))

    def _softmax(self, logits: torch.Tensor) -> torch.Tensor:
        """Softmax of [..., n, m], which is overwritten, over the visible keys; rows that see nothing are zero."""
        logits[..., self._blind, :] = 0.0
        weights = logits.softmax(-1)
        weights[..., self._blind, :] = 0.0
        return weights

    @cached_property
    def _blind(self) -> torch.Tensor:
        """int64: the rows that see nothing."""
        return (self.support.lengths == 0).nonzero()[:, 0]


def logit_additive(matrices: Matrices) -> LogitAdditive:
    """Fit ln A_ij = r_i + c_j + t_(i-j) + e_ij inside the support, by ordinary least squares.

    Lifts below `FLOOR` count as `FLOOR`. The normal equations are solved by conjugate gradients in float64; they hold
    one equation for each row, column and diagonal, so an iteration costs no pass over the maps.

    Args:
        matrices: The batch.

    Returns:
        The fit, in the dtype of the weights.
    """
    support = matrices.support
    inside = support.mask()
    lift = matrices.lift.to(torch.float64)
    floored = ((lift <= FLOOR) & inside).sum((-2, -1)).to(torch.float64) / inside.sum().clamp(min=1)
    logits = lift.clamp(min=FLOOR).log() * inside
    table = _Table(support)
    effects = _solve(table, table.sums(logits))
    fitted = table.field(effects) * inside
    mass = matrices.weights.sum(-1, keepdim=True, dtype=torch.float64)
    dtype = matrices.weights.dtype
    return LogitAdditive(fitted.to(dtype), (logits - fitted).to(dtype), mass.to(dtype), floored, support)


class _Table:
    """The three-way table of rows, columns and diagonals: sums over it, and the normal equations.

    A vector of effects is [..., rows + columns + diagonals]; diagonals are counted from the lower left corner.
    """

    def __init__(self, support: Support) -> None:
        n, m = support.queries, support.keys
        self._sizes = [n, m, n + m - 1]
        mask = support.mask().to(torch.float64)
        self._rows_columns = mask
        self._rows_diagonals = _skewed(mask)
        # Seen from a column, its diagonals run the other way.
        self._columns_diagonals = _skewed(mask.T.contiguous()).flip(-1)
        self.counts = torch.cat([mask.sum(1), mask.sum(0), self._rows_diagonals.sum(0)])

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        """Sums of [..., n, m] over each row, each column and each diagonal."""
        return torch.cat([x.sum(-1), x.sum(-2), _skewed(x).sum(-2)], -1)

    def field(self, effects: torch.Tensor) -> torch.Tensor:
        """[..., n, m]: the sum of its row's, column's and diagonal's effect in each cell."""
        rows, columns, diagonals = torch.split(effects, self._sizes, dim=-1)
        n, m = self._sizes[:2]
        diagonal = torch.arange(m, device=effects.device) - torch.arange(n, device=effects.device)[:, None] + n - 1
        return rows[..., :, None] + columns[..., None, :] + diagonals[..., diagonal]

    def normal(self, effects: torch.Tensor) -> torch.Tensor:
        """`sums` of the `field` of ``effects`` inside the support, without the field."""
        rows, columns, diagonals = torch.split(effects, self._sizes, dim=-1)
        mixed = torch.cat(
            [
                columns @ self._rows_columns.T + diagonals @ self._rows_diagonals.T,
                rows @ self._rows_columns + diagonals @ self._columns_diagonals.T,
                rows @ self._rows_diagonals + columns @ self._columns_diagonals,
            ],
            -1,
        )
        return mixed + effects * self.counts


def _skewed(x: torch.Tensor) -> torch.Tensor:
    """[..., n, n + m - 1] from [..., n, m]: row i moved n - 1 - i to the right, so that diagonals become columns."""
    n, m = x.shape[-2:]
    wide = torch.nn.functional.pad(x.flip(-2), (0, n))
    return wide.flatten(-2)[..., : n * (n + m - 1)].reshape(*x.shape[:-2], n, n + m - 1).flip(-2)


def _solve(table: _Table, sums: torch.Tensor) -> torch.Tensor:
    """Least-squares effects by conjugate gradients, to which consistent singular equations are no obstacle."""
    scale = torch.where(table.counts > 0, table.counts, 1.0).reciprocal()
    effects = torch.zeros_like(sums)
    gap = sums.clone()
    goal = _PRECISION * gap.norm(dim=-1).clamp(min=torch.finfo(gap.dtype).tiny)
    step = scale * gap
    power = (gap * step).sum(-1, keepdim=True)
    for _ in range(_ITERATIONS):
        if bool((gap.norm(dim=-1) <= goal).all()):
            break
        image = table.normal(step)
        curvature = (step * image).sum(-1, keepdim=True)
        length = torch.where(curvature > 0, power / torch.where(curvature > 0, curvature, 1.0), 0.0)
        effects += length * step
        gap -= length * image
        scaled = scale * gap
        new = (gap * scaled).sum(-1, keepdim=True)
        step = scaled + torch.where(power > 0, new / torch.where(power > 0, power, 1.0), 0.0) * step
        power = new
    return effects


def _octaves(support: Support) -> list[torch.Tensor]:
    """Flat indices of the visible cells of key 0 and of each octave of the distance, without the empty ones."""
    n, m = support.queries, support.keys
    key = torch.arange(m, device=support.first.device)
    query = torch.arange(n, device=support.first.device)[:, None] + (m - n)
    distance = (query - key).abs()
    # frexp(d) has exponent 0 for 0, 1 for 1, 2 for 2 and 3, ...
    octave = torch.frexp(distance.to(torch.float64)).exponent + 1
    octave = torch.where(key == 0, 0, octave).flatten()
    octave[~support.mask().flatten()] = -1
    return [cells for k in range(int(octave.max()) + 1) if len(cells := (octave == k).nonzero()[:, 0])]


__all__ = ["FLOOR", "FLOOR_SHARE", "LogitAdditive", "logit_additive"]
