"""How far a number of a head lies from the same number of its surrogates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.box_counting import box_dimension
from faa_core.geometry.estimate import names_of
from faa_core.geometry.lacunarity import lacunarity
from faa_core.geometry.logit_additive import FLOOR_SHARE, logit_additive
from faa_core.geometry.matrices import Array, Matrices, SupportLike, matrices_of
from faa_core.geometry.renyi import renyi_dimensions
from faa_core.geometry.scaling import Floats
from faa_core.geometry.support import Support
from faa_core.geometry.surrogates import Streams, row_rotation, row_shuffle
from faa_core.records import status_code

Null = Literal["row_shuffle", "row_rotation", "logit_additive", "residual"]
STATISTICS = ("D0", "D1", "D2", "lacunarity")
"""Statistics that have a name."""

REFUSED = {
    "diagonal_shuffle": "shuffling along the diagonals and renormalising mixes rows of different scale: at the 5 % "
    "level it rejects 90 % (D_1) and 55 % (D_2) of independent heads",
    "ipf": "fitting row, column and diagonal sums to the weights follows the few largest of them: at the 5 % level it "
    "rejects 95 % of independent heads",
}
"""Surrogates that are not offered, and why: at n = 128, 40 heads of independent softmax noise, 99 replicates."""

LACUNARITY_SIDE = 8
"""Side in tokens of the box whose lacunarity the statistic ``lacunarity`` is."""
TIE = 1e-6
"""Two values of a statistic closer than this, relative to the larger of 1 and the observed one, are equal: rounding."""

_CELLS_AT_A_TIME = 1 << 22


class Statistic(Protocol):
    """A number of each head of a batch, NaN where it is undefined."""

    def __call__(self, x: torch.Tensor, support: Support, /) -> NDArray[np.floating]:
        """[heads] from [heads, n, m], which is zero outside of ``support``, on the same device."""


@dataclass(frozen=True, eq=False)
class NullTest:
    """A statistic beside its distribution over surrogates; arrays have the leading shape [...] of the batch.

    Attributes:
        value: float64 [...]: the statistic of the head; with ``residual``, of its residual field.
        mean: float64 [...]: mean over the surrogates.
        deviation: float64 [...]: standard deviation over the surrogates.
        difference: float64 [...]: ``value - mean``.
        z: float64 [...]: ``difference / deviation``, an effect size and no test; NaN where nothing varies.
        p: float64 [...]: two-sided p-value, from 2 / (replicates + 1) to 1; NaN where the value or the null is.
        p_error: float64 [...]: standard error of ``p`` that the finite number of replicates leaves.
        status: str [...]: names in `faa_core.records.STATUSES`. ``non_finite``; ``underflow`` where more than half of
            the visible keys lie on the floor, so that logits say nothing; ``no_rows`` where the statistic is undefined
            on the head; ``degenerate`` where it is the same for all surrogates (``p`` holds, ``z`` does not); ``ok``.
        sample: float64 [replicates, ...]: the statistic of every surrogate.
        null: Name of the null.
        replicates: Number of surrogates of each head.
        seed: Seed of the random streams.
    """

    value: Floats
    mean: Floats
    deviation: Floats
    difference: Floats
    z: Floats
    p: Floats
    p_error: Floats
    status: NDArray[np.str_]
    sample: Floats
    null: Null
    replicates: int
    seed: int


def null_test(
    x: Array,
    statistic: str | Statistic,
    null: Null = "row_shuffle",
    support: SupportLike = "full",
    replicates: int = 199,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> NullTest:
    """Test a statistic of each head against surrogates of that head.

    The null says what the surrogates keep, and so what a rejection means:

    - ``row_shuffle``: the weights of each row, in any order. Exact. Rejects whatever gives keys, distances or
      neighbours a meaning, a sink too.
    - ``row_rotation``: each row up to where it starts. Exact under the same hypothesis; tests how rows are aligned.
    - ``logit_additive``: effects of query, key and distance on the logit, and the law of what is left. Approximate
      (measured size at 5 %: .00 to .07). Its effects absorb nested blocks, against which it has no power.
    - ``residual``: the residual field of that fit against its own row shuffle, powerful where the former is not.
      Approximate (measured size at 5 %: .02 to .12); report both.

    The p-value is min(1, 2 min[(1 + #{T_b <= T}) / (B + 1), (1 + #{T_b >= T}) / (B + 1)]) (Davison & Hinkley 1997,
    section 4.2; Phipson & Smyth 2010: never 0). A surrogate without a value counts on both sides.

    Args:
        x: [..., n, m], tensor or array.
        statistic: A function of (batch, support), or the name of one: ``D0``, the box-counting dimension of lift > 1;
            ``D1`` and ``D2``, Renyi dimensions of the unfolded measure; ``lacunarity`` of boxes of
            `LACUNARITY_SIDE` tokens. Dimensions are effective slopes, defined without scaling too.
        null: Kind of the surrogates.
        support: Visible keys: all, the usual causal triangle, or any.
        replicates: Surrogates of each head, at least 2.
        seed: Together with the place of a head in the batch it sets the surrogates of the head.
        progress: Called with the surrogates done and those to do, over all heads. May raise, to cancel.

    Raises:
        ValueError: ``x`` does not pass `faa_core.geometry.matrices.matrices_of`; a name is unknown, or names a null
            that rejects true nulls; fewer than two replicates; the statistic returns anything but one number for each
            head.
    """
    if null in REFUSED:
        raise ValueError(f'The null "{null}" is not offered: {REFUSED[null]}.')
    if null not in ("row_shuffle", "row_rotation", "logit_additive", "residual"):
        raise ValueError(f'A null is "row_shuffle", "row_rotation", "logit_additive" or "residual", not "{null}".')
    if replicates < 2:
        raise ValueError(f"A null distribution takes at least 2 replicates, not {replicates}.")
    measure = _named(statistic) if isinstance(statistic, str) else statistic
    matrices = matrices_of(x, support)
    heads, n, m = matrices.weights.shape

    value = np.empty(heads)
    sample = np.empty((replicates, heads))
    underflow = np.zeros(heads, bool)
    block = max(1, _CELLS_AT_A_TIME // (n * m))
    done = 0
    for start in range(0, heads, block):
        part = slice(start, min(start + block, heads))
        count = part.stop - part.start
        observed, draw, underflow[part] = _surrogates(null, matrices, part)
        value[part] = _measured(measure, observed, matrices.support)
        at_a_time = max(1, _CELLS_AT_A_TIME // (n * m * count))
        for first in range(0, replicates, at_a_time):
            numbers = range(first, min(first + at_a_time, replicates))
            drawn = draw(Streams(seed, numbers, range(part.start, part.stop), observed.device))
            values = _measured(measure, drawn.flatten(0, 1), matrices.support)
            sample[numbers.start : numbers.stop, part] = values.reshape(len(numbers), count)
            done += len(numbers) * count
            if progress is not None:
                progress(done, heads * replicates)

    undefined = ~matrices.finite | underflow
    value[~matrices.finite] = np.nan
    sample[:, undefined] = np.nan
    mean, deviation, z, p, p_error, flat = _compared(value, sample)
    status = np.full(heads, status_code("ok"), np.uint8)
    status[flat] = status_code("degenerate")
    status[np.isnan(value)] = status_code("no_rows")
    status[underflow] = status_code("underflow")
    status[~matrices.finite] = status_code("non_finite")
    return NullTest(
        value=matrices.shaped(value),
        mean=matrices.shaped(mean),
        deviation=matrices.shaped(deviation),
        difference=matrices.shaped(value - mean),
        z=matrices.shaped(z),
        p=matrices.shaped(p),
        p_error=matrices.shaped(p_error),
        status=names_of(matrices.shaped(status)),
        sample=sample.reshape(replicates, *matrices.lead),
        null=null,
        replicates=replicates,
        seed=seed,
    )


Draw = Callable[[Streams], torch.Tensor]


def _surrogates(null: Null, matrices: Matrices, part: slice) -> tuple[torch.Tensor, Draw, NDArray[np.bool_]]:
    """What is observed of some heads, how to draw their surrogates, and whether their logits underflow."""
    weights, support = matrices.weights[part], matrices.support
    if null in ("row_shuffle", "row_rotation"):
        kind = row_shuffle if null == "row_shuffle" else row_rotation
        return weights, partial(kind, weights, support), np.zeros(len(weights), bool)
    fit = logit_additive(Matrices(weights, support, (len(weights),), matrices.finite[part]))
    underflow = (fit.floored > FLOOR_SHARE).cpu().numpy()
    if null == "logit_additive":
        return weights, fit.surrogates, underflow
    field = fit.residual_field()
    return field, partial(row_shuffle, field, support), underflow


def _compared(value: Floats, sample: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
    """Mean, deviation, z, p, error of p, and whether nothing varies, of [heads] against [replicates, heads]."""
    replicates = len(sample)
    found = ~np.isnan(sample)
    count = found.sum(0)
    mean = np.where(found, sample, 0.0).sum(0) / np.where(count > 0, count, np.nan)
    squares = np.where(found, sample - mean, 0.0) ** 2
    deviation = np.sqrt(squares.sum(0) / np.where(count > 1, count - 1, np.nan))
    tie = TIE * np.maximum(1.0, np.abs(value))
    flat = deviation <= tie
    z = (value - mean) / np.where(flat, np.nan, deviation)

    sides = np.stack([~(sample > value + tie), ~(sample < value - tie)]).sum(1)
    share = (1 + sides.min(0)) / (replicates + 1)
    defined = ~np.isnan(value) & (count > 0)
    p = np.where(defined, np.minimum(1.0, 2 * share), np.nan)
    p_error = np.where(defined, 2 * np.sqrt(share * (1 - share) / replicates), np.nan)
    return mean, deviation, z, p, p_error, flat


def _measured(statistic: Statistic, x: torch.Tensor, support: Support) -> Floats:
    values = np.asarray(statistic(x, support), dtype=np.float64)
    if values.shape != (len(x),):
        raise ValueError(f"A statistic gives one number for each of {len(x)} heads, not an array of {values.shape}.")
    return values


def _named(name: str) -> Statistic:
    if name == "D0":
        return lambda x, support: box_dimension(x, support).effective
    if name in ("D1", "D2"):
        order = float(name[1:])
        return lambda x, support: renyi_dimensions(x, (order,), support).effective[..., 0]
    if name == "lacunarity":
        return _lacunarity
    raise ValueError(f'A statistic is a function or "D0", "D1", "D2" or "lacunarity", not "{name}".')


def _lacunarity(x: torch.Tensor, support: Support) -> Floats:
    if min(x.shape[-2:]) < LACUNARITY_SIDE:
        return np.full(len(x), np.nan)
    return lacunarity(x, support, (LACUNARITY_SIDE,)).value[..., 0]


__all__ = ["REFUSED", "STATISTICS", "Null", "NullTest", "Statistic", "null_test"]
