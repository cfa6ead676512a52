"""Every statistic of every pair of heads: the difference, how sure it is, and whether it is one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faa_core import catalogue
from faa_core.comparison.records import Differences, Head, HeadPair
from faa_core.errors import UsageError
from faa_core.records import Analysis
from faa_core.replication import LEVEL, RESAMPLES
from faa_core.significance import benjamini_hochberg, bootstrap_mean, paired_effect, sign_flip_p

Floats = NDArray[np.float64]

ROUNDING = 1e-5
"""Differences up to this share of the larger of 1 and the value are rounding, and count as 0.

Statistics come from attention in float32, which another processor, or another number of threads, sums in another order.
"""


def shared_statistics(a: Sequence[Analysis], b: Sequence[Analysis]) -> tuple[str, ...]:
    """Statistics that every layer of every run of both models has, in the order of the catalogue."""
    each = [set(layer.statistics.names) for run in (*a, *b) for layer in run.layers]
    shared = set.intersection(*each) if each else set()
    return tuple(entry.key for entry in catalogue.ENTRIES if entry.key in shared)


def differences(a: Sequence[Analysis], b: Sequence[Analysis], pairs: Sequence[HeadPair], seed: int = 0) -> Differences:
    """Compare matched heads, text by text.

    The difference of a text is the excess of the other head, value minus null, minus that of the first: each value
    beside what its own mask gives at its own length. Where a null is not defined on some text, the values themselves
    are compared, on all of them. Intervals are those of `faa_core.significance.bootstrap_mean`, p-values those of
    `faa_core.significance.sign_flip_p`, and all pairs of one statistic are the family whose false discovery rate is
    controlled.

    Args:
        a: Runs of the first model.
        b: Runs of the other one, on the same texts in the same order.
        pairs: Which heads.
        seed: Where random draws begin.

    Raises:
        UsageError: A run has no such head.
    """
    names = shared_statistics(a, b)
    value_a, null_a = _stacked(a, names, [pair.a for pair in pairs])
    value_b, null_b = _stacked(b, names, [pair.b for pair in pairs])
    plain = value_b - value_a
    excess = plain - (null_b - null_a)
    beside_nulls = (np.isfinite(excess) | ~np.isfinite(plain)).all(0)
    found = np.where(beside_nulls, excess, plain)
    scale = np.maximum(1.0, np.maximum(np.abs(value_a), np.abs(value_b)))
    found = np.where(np.abs(found) <= ROUNDING * scale, 0.0, found)
    found = np.where(np.isfinite(found), found, np.nan)

    shape = (len(names), len(pairs))
    mean, error, low, high, p = (np.full(shape, np.nan) for _ in range(5))
    for row in range(len(names)):  # one at a time: resamples of all of them would not fit in memory
        over_texts = bootstrap_mean(found[:, row], replicates=RESAMPLES, seed=seed, level=LEVEL)
        mean[row], error[row] = over_texts.mean, over_texts.error
        low[row], high[row] = over_texts.low, over_texts.high
        p[row] = sign_flip_p(found[:, row], seed=seed).p
    counts = np.isfinite(found)
    return Differences(
        names=names,
        a=_mean(value_a, counts),
        b=_mean(value_b, counts),
        difference=mean,
        error=error,
        low=low,
        high=high,
        p=p,
        q=benjamini_hochberg(p, axis=1) if len(pairs) else p,
        effect=paired_effect(found),
        used=counts.sum(0).astype(np.int32),
    )


def _stacked(runs: Sequence[Analysis], names: Sequence[str], heads: Sequence[Head]) -> tuple[Floats, Floats]:
    """Values, of dimensions the effective slopes, and nulls of some heads: both [texts, statistics, heads]."""
    shape = (len(runs), len(names), len(heads))
    value, null = np.empty(shape), np.empty(shape)
    for text, run in enumerate(runs):
        column: dict[Head, int] = {}
        values, nulls = [], []
        for layer in run.layers:
            first = len(column)
            column |= {Head(layer.info.kind, layer.info.layer, h): first + h for h in range(layer.info.heads)}
            rows = [layer.statistics.row(name) for name in names]
            values.append(layer.effective[rows])
            nulls.append(layer.statistics.null[rows])
        try:
            wanted = [column[head] for head in heads]
        except KeyError as error:
            head = error.args[0]
            raise UsageError(
                f"{run.model.reference} has no {head.kind} layer {head.layer} head {head.head} on text {text + 1}."
            ) from None
        value[text] = np.concatenate(values, axis=1)[:, wanted]
        null[text] = np.concatenate(nulls, axis=1)[:, wanted]
    return value, null


def _mean(values: Floats, counts: NDArray[np.bool_]) -> Floats:
    """Mean over the texts that count; NaN where none does."""
    texts = counts.sum(0)
    return np.asarray(np.where(counts, values, 0.0).sum(0) / np.where(texts > 0, texts, np.nan))


__all__ = ["ROUNDING", "differences", "shared_statistics"]
