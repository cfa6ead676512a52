"""Which heads and pairs of heads are worth a map, and how fine the map is.

The heads that depart most from even attention come first, then the clearest head of each label. Of a comparison, the
pairs that differ most come first, then those whose maps are least alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from faa_core.catalogue import BY_KEY
from faa_core.comparison.order import largest
from faa_core.comparison.records import Comparison, HeadPair
from faa_core.records import Analysis, LayerResult
from faa_core.replication import LayerReplication, Replication

UNLABELLED = ("mixed", "undefined")
"""Labels of heads that match no pattern, and of those without valid attention: `faa_core.heads.labels` needs torch."""
MOST_MAPS = 12
"""Heads whose maps a report shows at most."""
MOST_CELLS = 512
"""Cells along a side of a map at most."""
MOST_PAIR_CELLS = 128
"""Cells along a side of each of the three maps of a pair at most."""
_LARGEST = 4  # heads or pairs that are shown for their departure or difference alone
_LEAST_ALIKE = 2  # pairs that are shown for their divergence alone
_ORDINALS = ("largest", "second largest", "third largest", "fourth largest")
_RANKED_BY = ("D1", "normalised_entropy")  # what tells departures, the surest first; the second is always there


class Chosen(NamedTuple):
    """A head of a run, and why it is shown.

    Attributes:
        layer: The layer.
        head: Head within it.
        reason: Why, in a few words.
    """

    layer: LayerResult
    head: int
    reason: str

    @property
    def name(self) -> str:
        """``1.5``."""
        return f"{self.layer.info.name}.{self.head}"


def map_level(queries: int, keys: int, most: int = MOST_CELLS) -> int:
    """Level of the mip-map whose cells of 2^level tokens are at most ``most`` along a side."""
    return max(0, math.ceil(math.log2(max(queries, keys, 1) / most)))


def ranking_statistic(analysis: Analysis) -> str:
    """The statistic by which heads are ranked: the information dimension, or entropy where that is nowhere defined."""
    for key in _RANKED_BY:
        for layer in analysis.layers:
            if key in layer.statistics.names and np.isfinite(departures(layer, key)).any():
                return key
    return _RANKED_BY[0]


def departures(layer: LayerResult, key: str) -> np.ndarray:
    """float64 [heads]: value minus null, of dimensions the effective slope minus null; NaN where undefined."""
    row = layer.statistics.row(key)
    values = layer.effective[row] if BY_KEY[key].dimension else layer.statistics.value[row]
    return np.asarray(values - layer.statistics.null[row])


def by_departure(analysis: Analysis, key: str) -> list[tuple[LayerResult, int]]:
    """Heads where ``key`` is defined, the largest departure from the null first."""
    found = [
        (abs(float(value)), layer, head)
        for layer in analysis.layers
        if key in layer.statistics.names
        for head, value in enumerate(departures(layer, key))
        if np.isfinite(value)
    ]
    return [(layer, head) for _, layer, head in sorted(found, key=lambda item: -item[0])]


def clearest(analysis: Analysis) -> dict[str, tuple[LayerResult, int]]:
    """For each label that a head has, the head whose score exceeds its threshold most; the commonest label first."""
    best: dict[str, tuple[float, LayerResult, int]] = {}
    counts: dict[str, int] = {}
    for layer in analysis.layers:
        for head, label in enumerate(layer.labels):
            if label.name in UNLABELLED:
                continue
            counts[label.name] = counts.get(label.name, 0) + 1
            ratio = label.score / label.threshold if label.threshold > 0 else label.score
            if label.name not in best or ratio > best[label.name][0]:
                best[label.name] = (ratio, layer, head)
    order = sorted(best, key=lambda name: -counts[name])
    return {name: best[name][1:] for name in order}


def chosen_heads(analysis: Analysis, most: int = MOST_MAPS) -> tuple[Chosen, ...]:
    """The heads whose maps a report of ``analysis`` shows, at most ``most``, each once with all its reasons."""
    key = ranking_statistic(analysis)
    symbol = BY_KEY[key].symbol
    found = [
        (layer, head, f"{rank} departure from even attention in {symbol}")
        for rank, (layer, head) in zip(_ORDINALS, by_departure(analysis, key)[:_LARGEST], strict=False)
    ]
    found += [
        (layer, head, f"clearest match to the pattern '{name}'") for name, (layer, head) in clearest(analysis).items()
    ]
    return _each_once(found, most)


def chosen_over_texts(replication: Replication, first: Analysis, most: int = MOST_MAPS) -> tuple[Chosen, ...]:
    """The heads of a model over several texts that a report shows, as they are on the first text ``first``.

    The surest departures come first, in units of their standard error over texts, then for each label the head that
    most texts give it.
    """
    layers = {(layer.info.kind, layer.info.layer): layer for layer in first.layers}
    key = ranking_over_texts(replication)
    symbol = BY_KEY[key].symbol
    texts = len(replication.tokens)
    found = [
        (layer, head, f"{rank.replace('largest', 'surest')} departure from even attention in {symbol} over the texts")
        for rank, (layer, head) in zip(_ORDINALS, by_sureness(replication, key)[:_LARGEST], strict=False)
    ]
    found += [
        (layer, head, f"labelled '{name}' on {number} of {texts} texts")
        for name, (layer, head, number) in steadiest(replication).items()
    ]
    return _each_once(
        [(layers[layer.info.kind, layer.info.layer], head, reason) for layer, head, reason in found], most
    )


def ranking_over_texts(replication: Replication) -> str:
    """The statistic by which heads are ranked, as `ranking_statistic`, by the means over texts."""
    for key in _RANKED_BY:
        if any(np.isfinite(layer.excess[layer.names.index(key)]).any() for layer in replication.layers):
            return key
    return _RANKED_BY[0]


def by_sureness(replication: Replication, key: str) -> list[tuple[LayerReplication, int]]:
    """Heads with an interval of ``key``, the largest mean departure in units of its standard error first."""
    found = []
    for layer in replication.layers:
        row = layer.names.index(key)
        size = np.abs(layer.excess[row])
        # The same departure on every text has no error and is as sure as can be, unless it is none.
        certain = np.where(size > 0, np.inf, 0.0)
        sure = np.divide(size, layer.error[row], out=certain, where=layer.error[row] > 0)
        found += [
            (float(sure[head]), float(size[head]), layer, head)
            for head in np.flatnonzero(np.isfinite(size) & np.isfinite(layer.error[row])).tolist()
        ]
    return [(layer, head) for _, _, layer, head in sorted(found, key=lambda item: (-item[0], -item[1]))]


def steadiest(replication: Replication) -> dict[str, tuple[LayerReplication, int, int]]:
    """For each label the head that most texts give it, and how many; the label that occurs most often first."""
    best: dict[str, tuple[LayerReplication, int, int]] = {}
    counts: dict[str, int] = {}
    for layer in replication.layers:
        for head, labels in enumerate(layer.labels):
            for name, number in labels:
                if name in UNLABELLED:
                    continue
                counts[name] = counts.get(name, 0) + number
                if name not in best or number > best[name][2]:
                    best[name] = (layer, head, number)
    return {name: best[name] for name in sorted(best, key=lambda name: -counts[name])}


def default_statistic(comparison: Comparison) -> str:
    """The statistic that a comparison is told by: the information dimension, or the first that is defined in a pair.

    A dimension is defined on no short text. "" where nothing was measured on both sides.
    """
    differences = comparison.differences
    names = [name for name in ("D1", *differences.names) if name in differences.names]
    defined = [name for name in names if np.isfinite(differences.difference[differences.row(name)]).any()]
    return next(iter((*defined, *names)), "")


class ChosenPair(NamedTuple):
    """A pair of heads of a comparison, its place in the matching, and why it is shown."""

    place: int
    pair: HeadPair
    reason: str


def chosen_pairs(comparison: Comparison, statistic: str = "") -> tuple[ChosenPair, ...]:
    """The pairs whose maps a report of ``comparison`` shows, each once with all its reasons.

    Args:
        comparison: Any.
        statistic: The one by which it is told; by default that of `default_statistic`.
    """
    key = statistic or default_statistic(comparison)
    found: dict[int, list[str]] = {}
    if key:
        row = comparison.differences.row(key)
        several = len(comparison.a.tokens) > 1
        for rank, place in zip(_ORDINALS, largest(comparison, key).tolist(), strict=False):
            if comparison.differences.difference[row, place] == 0:
                break
            said = rank.replace("largest", "surest") if several else rank
            found.setdefault(place, []).append(f"{said} difference in {BY_KEY[key].symbol}")
    divergence = np.where(np.isfinite(comparison.divergence), comparison.divergence, 0.0)
    for rank, place in zip(_ORDINALS, np.argsort(-divergence, kind="stable")[:_LEAST_ALIKE].tolist(), strict=False):
        if divergence[place] > 0:
            found.setdefault(place, []).append(f"{rank} divergence of the maps")
    pairs = comparison.matching.pairs
    return tuple(ChosenPair(place, pairs[place], "; ".join(why)) for place, why in found.items())


def _each_once(found: Iterable[tuple[LayerResult, int, str]], most: int) -> tuple[Chosen, ...]:
    """The heads in their order, each with all its reasons."""
    reasons: dict[tuple[str, int, int], list[str]] = {}
    places: dict[tuple[str, int, int], tuple[LayerResult, int]] = {}
    for layer, head, reason in found:
        address = (layer.info.kind, layer.info.layer, head)
        places[address] = (layer, head)
        reasons.setdefault(address, []).append(reason)
    return tuple(Chosen(*places[address], "; ".join(why)) for address, why in list(reasons.items())[:most])
