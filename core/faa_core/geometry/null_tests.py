"""How far a number of a head lies from the same number of its surrogates."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.estimate import names_of
from faa_core.geometry.logit_additive import FLOOR_SHARE, logit_additive
from faa_core.geometry.matrices import Array, Matrices, SupportLike, matrices_of
from faa_core.geometry.scaling import Floats
from faa_core.geometry.support import Support
from faa_core.geometry.surrogates import RowRotation, RowShuffle, Streams
from faa_core.geometry.tested import STATISTICS, Statistic, Tested, tested
from faa_core.geometry.threads import side_by_side
from faa_core.records import status_code

Null = Literal["row_shuffle", "row_rotation", "logit_additive", "residual"]
REFUSED = {
    "diagonal_shuffle": "shuffling along the diagonals and renormalising mixes rows of different scale: at the 5 % "
    "level it rejects 90 % (D_1) and 55 % (D_2) of independent heads",
    "ipf": "fitting row, column and diagonal sums to the weights follows the few largest of them: at the 5 % level it "
    "rejects 95 % of independent heads",
}
"""Surrogates that are not offered, and why: at n = 128, 40 heads of independent softmax noise, 99 replicates."""

TIE = 1e-6
"""Two values of a statistic closer than this, relative to the larger of 1 and the observed one, are equal: rounding."""

_CELLS_IN_CACHE = 1 << 21  # of the surrogates that one thread draws and measures together
_CELLS_AT_A_TIME = 1 << 26  # of those of all threads, or of an accelerator; one surrogate where it is larger


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
    matrices = matrices_of(x, support)
    asked = tested(statistic, matrices.support)
    surrogates = _surrogates_of(null, matrices.support, asked)
    heads, n, m = matrices.weights.shape
    on_cpu = matrices.weights.device.type == "cpu"
    together = (_CELLS_IN_CACHE if on_cpu else _CELLS_AT_A_TIME) // (n * m)

    observed, sampled, underflow = [], [], []
    done = 0
    for indices in _ranges(heads, together):
        answers, draw, on_floor = surrogates(matrices.weights[indices.start : indices.stop])
        found = asked.measure(answers)
        numbers = found.new_empty(replicates, *found.shape)
        work = partial(_measured, asked, draw, seed, indices, answers.device)
        blocks = _ranges(replicates, together // len(indices))
        largest = len(blocks[0]) * answers.numel()
        threads = _CELLS_AT_A_TIME // largest if on_cpu and asked.in_threads else 1
        with closing(side_by_side(work, blocks, threads)) as measured:
            for block, values in measured:
                numbers[block.start : block.stop] = values
                done += len(block) * len(indices)
                if progress is not None:
                    progress(done, heads * replicates)
        observed.append(found)
        sampled.append(numbers)
        underflow.append(on_floor)
    value = asked.value(torch.cat(observed).cpu().numpy())
    sample = asked.value(torch.cat(sampled, 1).cpu().numpy())

    floored = torch.cat(underflow).cpu().numpy()
    undefined = ~matrices.finite | floored
    value[~matrices.finite] = np.nan
    sample[:, undefined] = np.nan
    mean, deviation, z, p, p_error, flat = _compared(value, sample)
    status = np.full(heads, status_code("ok"), np.uint8)
    status[flat] = status_code("degenerate")
    status[np.isnan(value)] = status_code("no_rows")
    status[floored] = status_code("underflow")
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


class _Surrogates(NamedTuple):
    """Some heads and their surrogates.

    Attributes:
        answers: [heads, n, m], as of `Tested.answers`: what is observed.
        draw: Answers [replicates, heads, n, m] of surrogates.
        underflow: bool [heads]: whether logits say nothing.
    """

    answers: torch.Tensor
    draw: Callable[[Streams], torch.Tensor]
    underflow: torch.Tensor


def _surrogates_of(null: Null, support: Support, asked: Tested) -> Callable[[torch.Tensor], _Surrogates]:
    """What makes surrogates of weights [heads, n, m]."""

    def permuted(weights: torch.Tensor) -> _Surrogates:
        answers = asked.answers(weights)
        return _Surrogates(answers, partial(permute, answers), weights.new_zeros(len(weights), dtype=torch.bool))

    def fitted(weights: torch.Tensor) -> _Surrogates:
        fit = logit_additive(Matrices(weights, support, (len(weights),), np.ones(len(weights), bool)))
        underflow = fit.floored > FLOOR_SHARE
        if null == "residual":
            return permuted(fit.residual_field())._replace(underflow=underflow)
        return _Surrogates(asked.answers(weights), lambda streams: asked.answers(fit.surrogates(streams)), underflow)

    permute = (RowRotation if null == "row_rotation" else RowShuffle)(support)
    return fitted if null in ("logit_additive", "residual") else permuted


def _measured(
    asked: Tested,
    draw: Callable[[Streams], torch.Tensor],
    seed: int,
    heads: range,
    device: torch.device,
    replicates: range,
) -> torch.Tensor:
    """float64 [replicates, heads, numbers], as of `Tested.measure`, of some surrogates of some heads."""
    drawn = draw(Streams(seed, replicates, heads, device))
    return asked.measure(drawn.flatten(0, 1)).view(len(replicates), len(heads), -1)


def _ranges(count: int, step: int) -> list[range]:
    """0 to ``count`` in steps of at least one."""
    step = max(step, 1)
    return [range(start, min(start + step, count)) for start in range(0, count, step)]


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


__all__ = ["REFUSED", "STATISTICS", "Null", "NullTest", "Statistic", "null_test"]
