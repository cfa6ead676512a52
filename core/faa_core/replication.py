"""Many texts through one model: what holds over them, with intervals.

One text supports no statement about a head, only about that head on that text. The unit of replication is the text:
a head's mean over texts has an interval that comes from drawing texts, not from the pixels of a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.errors import UsageError
from faa_core.records import Analysis, LayerInfo, LayerResult, ModelInfo

SCHEMA = "faa.replication/1"
"""Name and major version of the JSON shape."""
LEVEL = 0.95
"""Coverage that the intervals aim at."""
RESAMPLES = 2000
"""Draws of texts behind each interval."""
UNEVEN = 1.1
"""Ratio of the longest text to the shortest from which on a note says that dimensions depend on length."""


class LayerReplication(msgspec.Struct, frozen=True, eq=False):
    """One layer over all texts. Every array is float64 [statistics, heads] but the last two.

    Of dimensions the effective slopes are averaged: a head whose map has one power law on some texts and none on
    others would else be judged by a selection of its texts.

    Attributes:
        info: Which layer.
        names: Keys of `faa_core.catalogue`.
        mean: Mean of the values; NaN where fewer than two texts define it.
        excess: Mean of value minus null, each text beside its own null.
        error: Standard error of ``excess`` over texts.
        low: Lower end of its interval.
        high: Upper end of its interval.
        used: int32: texts in which value and null are defined.
        variability: float64 [heads]: how much the pattern changes from text to text; NaN where it is not defined.
        labels: For each head the names that the texts gave it, the most frequent first, and how often.
    """

    info: LayerInfo
    names: tuple[str, ...]
    mean: NDArray[np.float64]
    excess: NDArray[np.float64]
    error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    used: NDArray[np.int32]
    variability: NDArray[np.float64]
    labels: tuple[tuple[tuple[str, int], ...], ...]


class Replication(msgspec.Struct, frozen=True, eq=False):
    """One model over several texts.

    Attributes:
        model: The model.
        tokens: Length of each text.
        layers: One for each layer with maps.
        seed: Where the random draws of texts began.
        notes: What the reader should know.
    """

    model: ModelInfo
    tokens: tuple[int, ...]
    layers: tuple[LayerReplication, ...]
    seed: int
    notes: tuple[str, ...] = ()


def replicate(analyses: Sequence[Analysis], seed: int = 0) -> Replication:
    """Means over texts and their intervals.

    Args:
        analyses: Runs of the same model on different texts.
        seed: Where the random draws of texts begin.

    Raises:
        UsageError: There are fewer than two runs.
    """
    if len(analyses) < 2:
        raise UsageError("Means over texts need at least two texts.", "Give more, or analyse the one with --text.")
    model = analyses[0].model
    tokens = tuple(len(analysis.tokens) for analysis in analyses)
    notes = list(analyses[0].notes)
    cut = sum(analysis.truncated_from is not None for analysis in analyses)
    if cut:
        notes.append(f"{cut} of {len(analyses)} texts were cut, as asked for.")
    if max(tokens) > UNEVEN * min(tokens):
        notes.append(
            f"The texts have {min(tokens)} to {max(tokens)} tokens. Most statistics, and every dimension, depend on "
            "the length; compare excesses, and texts of one length where you can."
        )
    by_layer = zip(*(analysis.layers for analysis in analyses), strict=True)
    return Replication(model, tokens, tuple(_layer(list(results), seed) for results in by_layer), seed, tuple(notes))


def _layer(results: list[LayerResult], seed: int) -> LayerReplication:
    from faa_core.significance import bootstrap_mean  # SciPy takes a while, and who only reads means needs none of it

    info, names = results[0].info, results[0].statistics.names
    value = np.stack([result.effective for result in results])
    excess = value - np.stack([result.statistics.null for result in results])
    over_texts = bootstrap_mean(excess, replicates=RESAMPLES, seed=seed, level=LEVEL)
    defined = np.isfinite(value)
    texts = defined.sum(0)  # of the values alone: a text may define one whose null it does not
    mean = np.where(texts >= 2, np.where(defined, value, 0).sum(0) / np.maximum(texts, 1), np.nan)
    return LayerReplication(
        info=info,
        names=names,
        mean=mean,
        excess=over_texts.mean,
        error=over_texts.error,
        low=over_texts.low,
        high=over_texts.high,
        used=np.isfinite(excess).sum(0).astype(np.int32),
        variability=variability([result.corner for result in results if result.corner is not None], info.heads),
        labels=tuple(_counted([result.labels[head].name for result in results]) for head in range(info.heads)),
    )


def variability(corners: Sequence[NDArray[np.floating[Any]]], heads: int) -> NDArray[np.float64]:
    """How much the pattern of each head changes from text to text (Vig and Belinkov 2019).

    sum_x sum_ij |A_ij(x) - mean A_ij| / (2 sum_x sum_ij A_ij(x)) over the first positions: 0 for a head that looks at
    positions whatever stands there, near 1 for one that never looks at the same place twice.

    Args:
        corners: For each text, [heads, n, n] weights among its first n positions; cut to the shortest.
        heads: Number of heads.

    Returns:
        float64 [heads]; NaN where there are fewer than two texts or no mass.
    """
    n = min((corner.shape[1] for corner in corners), default=0)
    if len(corners) < 2 or n < 2:
        return np.full(heads, np.nan)
    maps = np.stack([corner[:, :n, :n].astype(np.float64) for corner in corners])
    total = maps.sum((0, 2, 3))
    change = np.abs(maps - maps.mean(0)).sum((0, 2, 3))
    return np.asarray(np.divide(change, 2 * total, out=np.full(heads, np.nan), where=total > 0))


def _counted(names: list[str]) -> tuple[tuple[str, int], ...]:
    counts = {name: names.count(name) for name in names}
    return tuple(sorted(counts.items(), key=lambda item: -item[1]))
