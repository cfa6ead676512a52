"""What a run and a comparison show, in sentences that claim no more than the numbers bear.

A slope where no one power law holds is called a slope, a number that is undefined is said to be, a label is a match to
a pattern, and one text says nothing about another.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from faa_core.baseline import against_init
from faa_core.catalogue import BY_KEY
from faa_core.comparison.order import RATE, discoveries, largest
from faa_core.comparison.records import Comparison, Head
from faa_core.findings import Findings, HeadTests
from faa_core.records import STATUS_MEANING, STATUSES, Analysis, LayerInfo, LayerResult
from faa_core.replication import LEVEL
from faa_core.report.choice import UNLABELLED, by_departure, clearest, departures, ranking_statistic
from faa_core.report.numbers import count, listed, shown

_MOST = 3  # heads or pairs that a sentence names


def run_sentences(analysis: Analysis, findings: Findings | None = None) -> tuple[str, ...]:
    """The findings of one run, the weightiest first, and what may not be read into them last."""
    findings = findings or Findings()
    key = ranking_statistic(analysis)
    said = [_measured(analysis)]
    said += _departures(analysis, key)
    said += _statuses(analysis, key)
    said += _labels(analysis)
    said += _first_token(analysis)
    said += _untrained(analysis, findings, key)
    said += [_tested(test) for test in findings.tests]
    said += _probed(findings)
    return (*said, *run_caveats(findings))


def run_caveats(findings: Findings) -> tuple[str, ...]:
    """What one run does not say."""
    tested = (
        "The p-values above say whether a map is more than chance on this text; they say nothing about other texts."
        if findings.tests
        else "Nothing here was tested: a departure on one text has no p-value."
    )
    return (
        "One text was measured, and it says nothing of a head in general: how a head changes from text to text was "
        f"not seen. {tested}",
        "A label is the best match to a textbook pattern, not an explanation of what the head is for.",
    )


def comparison_sentences(comparison: Comparison, statistic: str) -> tuple[str, ...]:
    """The findings of one comparison, by ``statistic`` first, and what may not be read into them last."""
    said = [_compared(comparison), _found(comparison, statistic)]
    said += [pair_statement(comparison, statistic, int(place)) for place in largest(comparison, statistic)[:_MOST]]
    said += _other_statistics(comparison, statistic)
    said += _divergences(comparison)
    said += _changed_labels(comparison)
    said += _alone(comparison)
    if len(comparison.a.tokens) == 1:
        said.append(
            "One text was compared, so there is no p-value and no interval: what differs here is true of this text, "
            "and says nothing of the models in general."
        )
    said.append("Equal attention is not equal function: values and output projections were not compared.")
    return tuple(said)


def statement(layer: LayerResult, head: int, key: str) -> str:
    """One statistic of one head beside even attention, without a full stop: what may be said of it and no more."""
    entry, row = BY_KEY[key], layer.statistics.row(key)
    value, null = float(layer.statistics.value[row, head]), float(layer.statistics.null[row, head])
    error = float(layer.statistics.error[row, head])
    status = STATUSES[layer.statistics.status[row, head]]
    number = float(layer.effective[row, head]) if entry.dimension and math.isnan(value) else value
    unit = f" {entry.unit}" if entry.unit else ""
    if math.isnan(number):
        meaning = STATUS_MEANING[status].rstrip(".")
        return f"{entry.symbol} is undefined: {meaning[0].lower()}{meaning[1:]}"
    digits = shown(number, entry.decimals)
    if entry.dimension and math.isnan(value):
        said = f"follows no one power law; slope {digits} in place of {entry.symbol}"
    elif math.isfinite(error):
        said = f"{entry.symbol} is {digits}{unit} (standard error of the fit {shown(error, entry.decimals)})"
    else:
        said = f"{entry.symbol} is {digits}{unit}"
    return said + _beside(number, null, entry.decimals, unit)


def pair_statement(comparison: Comparison, statistic: str, place: int) -> str:
    """One pair of heads in one statistic, both sides and how sure the difference is; ``place`` is that of the pair."""
    differences, pair = comparison.differences, comparison.matching.pairs[place]
    row, decimals = differences.row(statistic), max(BY_KEY[statistic].decimals, 2)
    value = float(differences.difference[row, place])
    a, b = float(differences.a[row, place]), float(differences.b[row, place])
    symbol = BY_KEY[statistic].symbol
    who = f"Head {head_name(pair.a)}" + ("" if pair.a == pair.b else f" of A and head {head_name(pair.b)} of B")
    if value == 0:
        return f"{who}: no difference in {symbol}."
    said = (
        f"{who}: {symbol} beside its null is {shown(abs(value), decimals)} {'higher' if value > 0 else 'lower'} in B "
        f"(values {shown(a, decimals)} in A, {shown(b, decimals)} in B"
    )
    low, high, q = (float(one[row, place]) for one in (differences.low, differences.high, differences.q))
    if math.isfinite(low) and math.isfinite(high):
        said += (
            f"; {LEVEL:.0%} interval of the difference {shown(low, decimals, True)} to {shown(high, decimals, True)}"
        )
    elif len(comparison.a.tokens) > 1:
        said += "; no interval"
    if math.isfinite(q):
        said += f", q {q:.3f}" + ("" if q <= RATE else ", which is no discovery")
    return said + ")."


def _beside(number: float, null: float, decimals: int, unit: str) -> str:
    if math.isnan(null):
        return ", with no value of even attention to compare with"
    off = abs(number - null)
    even = shown(null, decimals)
    if float(shown(off, decimals)) == 0:
        return f", as even attention has ({even}{unit})"
    return f", {shown(off, decimals)}{unit} {'below' if number < null else 'above'} the {even} of even attention"


def _measured(analysis: Analysis) -> str:
    heads = sum(layer.info.heads for layer in analysis.layers)
    queries = analysis.tokens if analysis.decoder_tokens is None else analysis.decoder_tokens
    tokens = count(len(analysis.tokens), "token")
    if queries is not analysis.tokens:
        tokens += f" in the encoder and {len(queries):,} in the decoder"
    if not heads:
        return f"No layer has an attention map, so there is nothing to measure on the {tokens}."
    layers = count(len(analysis.layers), "layer")
    said = f"{count(heads, 'head was', 'heads were')} measured in {layers}, on one text of {tokens}."
    if analysis.truncated_from is not None:
        said += f" The text had {analysis.truncated_from:,} tokens and was cut."
    return said


def _departures(analysis: Analysis, key: str) -> list[str]:
    ranked = by_departure(analysis, key)
    entry = BY_KEY[key]
    if not ranked:
        return [f"{entry.title} ({entry.symbol}) is undefined in every head, and no head can be ranked by it."]
    said = []
    if key != "D1":
        said.append(
            f"The information dimension is undefined in every head, so heads are ranked by {entry.title.lower()}."
        )
    ranks = (
        "The largest departure from even attention is that of",
        "The second largest is that of",
        "The third is that of",
    )
    for rank, (layer, head) in zip(ranks, ranked[:_MOST], strict=False):
        if departures(layer, key)[head] == 0:
            break
        pattern = f" Its pattern: {layer.labels[head].name}." if _named(layer, head) else ""
        said.append(f"{rank} head {_head(layer, head)}: {statement(layer, head, key)}.{pattern}")
    return said or [f"No head departs from even attention in {entry.symbol}."]


def _statuses(analysis: Analysis, key: str) -> list[str]:
    """How far the dimension can be trusted over all heads."""
    entry = BY_KEY[key]
    statuses = Counter(
        STATUSES[code] for layer in analysis.layers for code in layer.statistics.status[layer.statistics.row(key)]
    )
    total = sum(statuses.values())
    if not total or not entry.dimension or statuses["ok"] == total:
        return []
    parts = [f"{entry.symbol} is one power law in {statuses['ok']} of {count(total, 'head')}"]
    if slopes := statuses["no_scaling"]:
        parts.append(f"{slopes} follow{'s' if slopes == 1 else ''} none, and show an effective slope in parentheses")
    undefined = {name: number for name, number in statuses.items() if name not in ("ok", "no_scaling")}
    if undefined:
        why = listed([f"{name.replace('_', ' ')} in {number}" for name, number in sorted(undefined.items())])
        parts.append(f"it is undefined in {sum(undefined.values())}: {why}")
    return ["; ".join(parts) + "."]


def _labels(analysis: Analysis) -> list[str]:
    names = Counter(label.name for layer in analysis.layers for label in layer.labels)
    if not names:
        return []
    parts = []
    for name, (layer, head) in clearest(analysis).items():
        label = layer.labels[head]
        number = names[name]
        parts.append(
            f"{name} {number} (clearest {_head(layer, head)}, {BY_KEY[label.statistic].symbol} {label.score:.2f} "
            f"where {label.threshold:.2f} is needed)"
        )
    said = f"By pattern: {listed(parts)}." if parts else "No head matches a textbook pattern."
    if names["mixed"]:
        said += (
            f" {count(names['mixed'], 'head matches', 'heads match')} none of them and {_is_are(names['mixed'])} mixed."
        )
    if names["undefined"]:
        said += f" {count(names['undefined'], 'head has', 'heads have')} no valid attention to label."
    return [said]


def _first_token(analysis: Analysis) -> list[str]:
    values, nulls = [], []
    for layer in analysis.layers:
        if "first_token" in layer.statistics.names and layer.info.kind != "cross":
            row = layer.statistics.row("first_token")
            values.append(layer.statistics.value[row])
            nulls.append(layer.statistics.null[row])
    if not values:
        return []
    value, null = np.concatenate(values), np.concatenate(nulls)
    defined = np.isfinite(value) & np.isfinite(null)
    if not defined.any():
        return []
    mean, even = float(value[defined].mean()), float(null[defined].mean())
    return [
        f"On average over {count(int(defined.sum()), 'head')} of self-attention, {mean:.0%} of the attention goes to "
        f"the first token, where even attention gives it {even:.0%}."
    ]


def _untrained(analysis: Analysis, findings: Findings, key: str) -> list[str]:
    if findings.init is None:
        return []
    found = []
    for layer, baseline in zip(analysis.layers, against_init(analysis, findings.init), strict=True):
        row = baseline.names.index(key)
        for head, value in enumerate(baseline.difference[row]):
            if np.isfinite(value):
                found.append((abs(float(value)), float(value), float(baseline.mean[row]), layer, head))
    if not found:
        return [f"Beside the untrained model nothing can be said of {key}: it is not defined in both."]
    _, value, mean, layer, head = max(found, key=lambda item: item[0])
    return [
        f"Beside the same architecture untrained, on the same text, head {_head(layer, head)} differs most in {key}: "
        f"by {value:+.2f} from the {mean:.2f} that the untrained heads of its layer have on average. The untrained "
        "model is that of one seed."
    ]


def _tested(test: HeadTests) -> str:
    q = np.concatenate([layer.q for layer in test.layers]) if test.layers else np.zeros(0)
    defined = int(np.isfinite(q).sum())
    against = test.surrogate.replace("_", " ")
    if not defined:
        return f"{test.statistic} could be tested in no head."
    found = int((q[np.isfinite(q)] <= RATE).sum())
    return (
        f"Tested against {against} surrogates of this text, {test.replicates} a head, {found} of "
        f"{count(defined, 'head')} differ in {test.statistic} at a false discovery rate of {RATE:g} over all heads."
    )


def _probed(findings: Findings) -> list[str]:
    probe = findings.probe
    if probe is None or not probe.layers:
        return []
    best = max(
        (
            (float(layer.value[layer.names.index("induction"), head]), layer, head)
            for layer in probe.layers
            for head in range(layer.info.heads)
        ),
        key=lambda item: -math.inf if math.isnan(item[0]) else item[0],
    )
    score, layer, head = best
    if math.isnan(score):
        return ["The probe with random repeats is undefined in every head."]
    error = float(layer.error[layer.names.index("induction"), head])
    return [
        f"On {count(probe.draws, 'random sequence')} of {probe.length} tokens said twice, head "
        f"{layer.info.name}.{head} has the highest induction score, {score:.2f} (standard error over the draws "
        f"{error:.2f})."
    ]


def _compared(comparison: Comparison) -> str:
    texts = len(comparison.a.tokens)
    on = "one text" if texts == 1 else f"{texts} texts"
    how = (
        "the tokens are the same on both sides"
        if comparison.aligned == "tokens"
        else "maps are compared on common segments of the text, statistics on each model's own tokens"
    )
    return (
        f"{count(len(comparison.matching.pairs), 'pair')} of heads of {comparison.a.reference} (A) and "
        f"{comparison.b.reference} (B) were compared on {on}; {how}."
    )


def _found(comparison: Comparison, statistic: str) -> str:
    differences, entry = comparison.differences, BY_KEY[statistic]
    row = differences.row(statistic)
    defined = int(np.isfinite(differences.difference[row]).sum())
    name = f"{entry.title.lower()} ({entry.symbol})"
    if not defined:
        return f"The {name} is defined in no pair of heads on both sides, and nothing can be said of it."
    slopes = ", as slopes over the sizes of the fit even where no one power law holds" if entry.dimension else ""
    if len(comparison.a.tokens) == 1:
        return f"The {name} is compared in {count(defined, 'pair')}, each value beside its own null{slopes}."
    tested = int(np.isfinite(differences.q[row]).sum())
    if not tested:
        return f"The {name} is compared in {count(defined, 'pair')}{slopes}; no pair could be tested."
    found = discoveries(comparison)[statistic]
    return (
        f"In the {name}, {found} of {count(tested, 'pair')} differ at a false discovery rate of {RATE:g} over all "
        f"pairs{slopes}."
    )


def _other_statistics(comparison: Comparison, statistic: str) -> list[str]:
    if len(comparison.a.tokens) == 1:
        return []
    found = {name: number for name, number in discoveries(comparison).items() if number and name != statistic}
    if not found:
        return ["No other number has a discovery."]
    most = sorted(found.items(), key=lambda item: -item[1])[:_MOST]
    words = [f"{BY_KEY[name].title.lower()} ({number})" for name, number in most]
    return [
        f"Of the other numbers, {listed(words)} {_has_have(len(words))} the most pairs that differ; each "
        "is a family of tests of its own, and reading many of them at once is not covered."
    ]


def _divergences(comparison: Comparison) -> list[str]:
    values = comparison.divergence
    if not np.isfinite(values).any():
        return ["How alike the maps of the pairs are was not measured."]
    place = int(np.nanargmax(values))
    pair, low, high = (
        comparison.matching.pairs[place],
        comparison.divergence_low[place],
        comparison.divergence_high[place],
    )
    interval = f" ({LEVEL:.0%} interval {low:.2f} to {high:.2f})" if math.isfinite(low) and math.isfinite(high) else ""
    return [
        f"The maps differ most in heads {head_name(pair.a)} and {head_name(pair.b)}: Jensen-Shannon divergence "
        f"{values[place]:.2f} nats{interval} of at most {math.log(2):.2f}; the median over all pairs is "
        f"{float(np.nanmedian(values)):.2f}. It is taken from a few rows of each head."
    ]


def _changed_labels(comparison: Comparison) -> list[str]:
    pairs = list(zip(comparison.matching.pairs, comparison.labels_a, comparison.labels_b, strict=True))
    changed = [(pair, a, b) for pair, a, b in pairs if a != b]
    if not changed:
        return [f"The label is the same on both sides in all {count(len(pairs), 'pair')}."] if pairs else []
    named = "; ".join(f"{head_name(pair.a)} {a} in A, {b} in B" for pair, a, b in changed[:_MOST])
    more = "; and others" if len(changed) > _MOST else ""
    return [
        f"The label differs in {len(changed)} of {count(len(pairs), 'pair')}: {named}{more}. A label is the best match "
        "to a pattern, and a small change of a score near its threshold changes it."
    ]


def _alone(comparison: Comparison) -> list[str]:
    matching = comparison.matching
    sides = [("A", matching.alone_a), ("B", matching.alone_b)]
    return [
        f"{count(len(heads), 'head')} of {side} {_has_have(len(heads))} no partner and {_is_are(len(heads))} left out."
        for side, heads in sides
        if heads
    ]


def head_name(head: Head) -> str:
    """``1.5``, ``e1.5`` or ``x1.5``."""
    return f"{LayerInfo(head.kind, head.layer, 1, 'other').name}.{head.head}"


def _head(layer: LayerResult, head: int) -> str:
    return f"{layer.info.name}.{head}"


def _named(layer: LayerResult, head: int) -> bool:
    return layer.labels[head].name not in UNLABELLED


def _has_have(number: int) -> str:
    return "has" if number == 1 else "have"


def _is_are(number: int) -> str:
    return "is" if number == 1 else "are"
