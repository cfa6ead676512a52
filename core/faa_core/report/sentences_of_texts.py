"""What one model shows over several texts, in sentences that claim no more than the intervals bear."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from faa_core.catalogue import BY_KEY
from faa_core.replication import LEVEL, LayerReplication, Replication
from faa_core.report.choice import by_sureness, ranking_over_texts, steadiest
from faa_core.report.numbers import count, listed, shown

_MOST = 3  # heads that a sentence names


def texts_sentences(replication: Replication) -> tuple[str, ...]:
    """The findings over the texts, the weightiest first, and what may not be read into them last."""
    key = ranking_over_texts(replication)
    said = [_measured(replication)]
    if not replication.layers:
        return tuple(said)
    said += _surest(replication, key)
    said += _apart(replication, key)
    said += _labels(replication)
    said += _patterns(replication)
    return (
        *said,
        "An interval comes from drawing texts, and speaks for other texts as far as these are a sample of them. No "
        f"interval is corrected for the number of heads: of 100 heads that are as even attention is, some "
        f"{100 * (1 - LEVEL):.0f} have one that leaves 0 out.",
        "A label is the best match to a textbook pattern, not an explanation of what the head is for.",
    )


def mean_statement(layer: LayerReplication, head: int, key: str) -> str:
    """One statistic of one head over the texts beside even attention, without a full stop."""
    entry, row = BY_KEY[key], layer.names.index(key)
    mean, excess, low, high = (float(values[row, head]) for values in (layer.mean, layer.excess, layer.low, layer.high))
    used = int(layer.used[row, head])
    if math.isnan(excess):
        return f"{entry.symbol} is undefined on every text"
    decimals = max(entry.decimals, 2)
    unit = f" {entry.unit}" if entry.unit else ""
    if math.isnan(mean):
        return f"{entry.symbol} is defined on one text alone, which has no interval"
    what = f"{entry.symbol}, as a slope," if entry.dimension else entry.symbol
    off = shown(abs(excess), decimals)
    side = "below" if excess < 0 else "above"
    beside = "as even attention has" if float(off) == 0 else f"{off}{unit} {side} even attention"
    interval = (
        f"{LEVEL:.0%} interval of that {shown(low, decimals, True)} to {shown(high, decimals, True)}"
        if math.isfinite(low) and math.isfinite(high)
        else "no interval"
    )
    return f"{what} is {shown(mean, decimals)}{unit} on average over {count(used, 'text')}, {beside} ({interval})"


def _measured(replication: Replication) -> str:
    heads = sum(layer.info.heads for layer in replication.layers)
    tokens = replication.tokens
    length = f"{tokens[0]:,} tokens each" if len(set(tokens)) == 1 else f"{min(tokens):,} to {max(tokens):,} tokens"
    texts = f"{len(tokens)} texts of {length}"
    if not heads:
        return f"No layer has an attention map, so there is nothing to measure on the {texts}."
    layers = count(len(replication.layers), "layer")
    return f"{count(heads, 'head was', 'heads were')} measured in {layers}, on {texts}."


def _surest(replication: Replication, key: str) -> list[str]:
    entry = BY_KEY[key]
    ranked = by_sureness(replication, key)
    if not ranked:
        return [
            f"{entry.title} ({entry.symbol}) has an interval in no head: too few texts define it, and no head can be "
            "ranked by it."
        ]
    ranks = (
        "The surest departure from even attention, in units of its standard error over texts, is that of",
        "The second surest is that of",
        "The third is that of",
    )
    return [
        f"{rank} head {layer.info.name}.{head}: {mean_statement(layer, head, key)}."
        for rank, (layer, head) in zip(ranks, ranked[:_MOST], strict=False)
        if layer.excess[layer.names.index(key), head] != 0
    ]


def _apart(replication: Replication, key: str) -> list[str]:
    """How many heads have an interval without 0."""
    low, high = (
        np.concatenate([getattr(layer, end)[layer.names.index(key)] for layer in replication.layers])
        for end in ("low", "high")
    )
    told = np.isfinite(low) & np.isfinite(high)
    if not told.any():
        return []
    below, above = int((high[told] < 0).sum()), int((low[told] > 0).sum())
    symbol = BY_KEY[key].symbol
    slopes = ", as slopes even where no one power law holds" if BY_KEY[key].dimension else ""
    return [
        f"Of {count(int(told.sum()), 'head')} with an interval in {symbol}{slopes}, it leaves 0 out in "
        f"{below + above}: {below} below even attention and {above} above."
    ]


def _labels(replication: Replication) -> list[str]:
    texts = len(replication.tokens)
    each = [labels for layer in replication.layers for labels in layer.labels]
    same = Counter(labels[0][0] for labels in each if labels and labels[0][1] == texts)
    said = (
        f"The label is the same on all texts in {sum(same.values())} of {count(len(each), 'head')}"
        if same
        else "No head has the same label on all texts"
    )
    named = [f"{name} {same[name]}" for name in sorted(same, key=lambda name: -same[name])]
    said += f": {listed(named)}." if named else "."
    best = [
        f"{name} {layer.info.name}.{head} ({number} of {texts})"
        for name, (layer, head, number) in steadiest(replication).items()
    ]
    return [said + (f" The head that most texts give each label: {listed(best)}." if best else "")]


def _patterns(replication: Replication) -> list[str]:
    """Which patterns change least and most from text to text."""
    found = [
        (float(value), f"{layer.info.name}.{head}")
        for layer in replication.layers
        for head, value in enumerate(layer.variability)
        if math.isfinite(value)
    ]
    if len(found) < 2:
        return []
    (least, steady), (most, changing) = min(found), max(found)
    return [
        f"Over the first positions the pattern of head {steady} changes least from text to text ({least:.2f}; 0 for "
        f"one that looks at positions whatever stands there) and that of head {changing} most ({most:.2f})."
    ]
