"""What one pass over the rows of a layer leaves, for all keys or without the first.

Most heads of a trained model rest on the first token, and whatever else they do is small beside it. Without it the
rows are renormalised, so that a head is judged by what it does with the remaining mass; rows that have next to none
left would be judged by their rounding noise, and do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

SMOOTHING = 1e-10
"""Added to every weight before its logarithm is taken, as in FAA 1.0.0."""
LEAST_MASS = 0.05
"""A row that gives less than this to all keys but the first does not count without it."""


@dataclass(frozen=True, eq=False)
class RowSums:
    """Sums that statistics are drawn from; rows that do not count are zero.

    Attributes:
        counts: bool [heads, queries]: rows that count.
        first: int64 [queries]: first key that each row may see.
        stop: int64 [queries]: one past the last.
        mass: float64 [heads, queries]: sum of each row.
        largest: float64 [heads, queries]: largest weight of each row.
        entropy: float64 [heads, queries]: entropy of each row in nats.
        square: float64 [heads, queries]: sum of the squared weights of each row.
        column: float64 [heads, keys]: sum of each column.
        offset: float64 [heads, queries + keys - 1]: sum of each diagonal, from j - i = 1 - queries on.
        repeat: float64 [2, heads, queries]: mass of each row on duplicate and on induction entries.
        repeats: bool [2, queries]: rows that see any such entry; ``None`` where the tokens are not known.
    """

    counts: torch.Tensor
    first: torch.Tensor
    stop: torch.Tensor
    mass: torch.Tensor
    largest: torch.Tensor
    entropy: torch.Tensor
    square: torch.Tensor
    column: torch.Tensor
    offset: torch.Tensor
    repeat: torch.Tensor
    repeats: torch.Tensor | None


@dataclass(frozen=True, eq=False)
class PassSums:
    """What a pass over the rows collects: key 0 stands apart from the rest, so that neither is got by subtraction.

    Attributes:
        first: int64 [queries]: first key that each row may see.
        stop: int64 [queries]: one past the last.
        on_first: float32 [heads, queries]: weight on key 0.
        mass: float32 [heads, queries]: sum of the other weights of each row; the following are of those, too.
        largest: float32 [heads, queries].
        plogp: float32 [heads, queries]: sum of A ln A.
        norm: float32 [heads, queries]: root of the sum of squares.
        repeat: float32 [2, heads, queries]: mass on duplicate and on induction entries.
        repeats: bool [2, queries] on the CPU: rows that see any such entry; ``None`` where the tokens are not known.
        copies_first: bool [queries] on the CPU: rows for which key 0 is a duplicate entry.
        column: float64 [2, heads, keys]: sums of columns, of the rows as they are and of renormalised rows.
        offset: float64 [2, heads, queries + keys - 1]: sums of diagonals, likewise.
    """

    first: torch.Tensor
    stop: torch.Tensor
    on_first: torch.Tensor
    mass: torch.Tensor
    largest: torch.Tensor
    plogp: torch.Tensor
    norm: torch.Tensor
    repeat: torch.Tensor
    repeats: torch.Tensor | None
    copies_first: torch.Tensor
    column: torch.Tensor
    offset: torch.Tensor

    @classmethod
    def empty(cls, heads: int, first: torch.Tensor, stop: torch.Tensor, keys: int, repeats: bool) -> PassSums:
        """Zeros to add to, on the device of ``first``."""
        device, queries = first.device, len(first)
        rows = torch.zeros(7, heads, queries, dtype=torch.float32, device=device)
        on_first, mass, largest, plogp, norm = rows[:5]
        return cls(
            first=first,
            stop=stop,
            on_first=on_first,
            mass=mass,
            largest=largest,
            plogp=plogp,
            norm=norm,
            repeat=rows[5:],
            repeats=torch.zeros(2, queries, dtype=torch.bool) if repeats else None,
            copies_first=torch.zeros(queries, dtype=torch.bool),
            column=torch.zeros(2, heads, keys, dtype=torch.float64, device=device),
            offset=torch.zeros(2, heads, queries + keys - 1, dtype=torch.float64, device=device),
        )


def row_weights(mass: torch.Tensor) -> torch.Tensor:
    """What a row is multiplied with when the first key is left out.

    Args:
        mass: float32 [...]: what the row gives to the other keys.

    Returns:
        float32 [...]: one over the mass; 0 where the row does not count.
    """
    return torch.where(mass >= LEAST_MASS, 1 / mass, 0)


def with_first(sums: PassSums) -> RowSums:
    """The sums over all keys; every row that sees a key counts."""
    on_first = sums.on_first.double()
    heads, queries = on_first.shape
    column, offset = sums.column[0].clone(), sums.offset[0].clone()
    column[:, 0] += on_first.sum(1)
    offset[:, :queries] += on_first.flip(1)  # key 0 is i keys before row i
    repeat, repeats = sums.repeat.double(), sums.repeats
    if repeats is not None:
        copies_first = sums.copies_first.to(on_first.device)
        repeat[0] += on_first * copies_first
        repeats = repeats.to(on_first.device, copy=True)
        repeats[0] |= copies_first
    return RowSums(
        counts=(sums.stop > sums.first).expand(heads, queries),
        first=sums.first,
        stop=sums.stop,
        mass=sums.mass.double() + on_first,
        largest=torch.maximum(sums.largest, sums.on_first).double(),
        # The smoothing can push a one-hot row's entropy a rounding error below zero.
        entropy=(-(sums.plogp.double() + on_first * (on_first + SMOOTHING).log())).clamp(min=0),
        square=sums.norm.double().square() + on_first.square(),
        column=column,
        offset=offset,
        repeat=repeat,
        repeats=repeats,
    )


def without_first(sums: PassSums) -> RowSums:
    """The same without key 0, each row renormalised; rows with less than `LEAST_MASS` left do not count."""
    counts = sums.mass >= LEAST_MASS
    share = row_weights(sums.mass).double()
    sees = sums.stop > sums.first
    return RowSums(
        counts=counts,
        first=torch.where(sees, sums.first.clamp(min=1), sums.first),
        stop=torch.where(sees, sums.stop.clamp(min=1), sums.stop),
        mass=sums.mass.double() * share,
        largest=sums.largest.double() * share,
        entropy=torch.where(counts, sums.mass.double().log() - sums.plogp.double() * share, 0).clamp(min=0),
        square=(sums.norm.double() * share).square(),
        column=sums.column[1],
        offset=sums.offset[1],
        repeat=sums.repeat.double() * share,
        repeats=None if sums.repeats is None else sums.repeats.to(share.device),
    )
