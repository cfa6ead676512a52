"""Which heads of a run are worth a map, and how fine the map is.

The heads that depart most from even attention come first, then the clearest head of each label.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from faa_core.catalogue import BY_KEY
from faa_core.records import Analysis, LayerResult

UNLABELLED = ("mixed", "undefined")
"""Labels of heads that match no pattern, and of those without valid attention: `faa_core.heads.labels` needs torch."""
MOST_MAPS = 12
"""Heads whose maps a report shows at most."""
MOST_CELLS = 512
"""Cells along a side of a map at most."""
_LARGEST = 4  # heads that are shown for their departure alone
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
    reasons: dict[tuple[str, int, int], list[str]] = {}
    places: dict[tuple[str, int, int], tuple[LayerResult, int]] = {}

    def add(layer: LayerResult, head: int, reason: str) -> None:
        address = (layer.info.kind, layer.info.layer, head)
        places[address] = (layer, head)
        reasons.setdefault(address, []).append(reason)

    symbol = BY_KEY[key].symbol
    for rank, (layer, head) in enumerate(by_departure(analysis, key)[:_LARGEST]):
        ordinal = ("largest", "second largest", "third largest", "fourth largest")[rank]
        add(layer, head, f"{ordinal} departure from even attention in {symbol}")
    for name, (layer, head) in clearest(analysis).items():
        add(layer, head, f"clearest match to the pattern '{name}'")
    return tuple(Chosen(*places[address], "; ".join(why)) for address, why in list(reasons.items())[:most])
