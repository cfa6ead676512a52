"""Which textbook pattern a head matches: one table of rules, in the order in which they are tried.

Most heads of a trained model put much of their mass on the first token whatever else they do. If that rule came first
it would swallow the others, so the rules on content come first, then those on position, and the sink is asked only of
heads that match neither. A head that is merely even over few keys exceeds any threshold on a short text; a score must
therefore also exceed its null, the score of even attention, by a margin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from faa_core.records import Label, MapKind

MARGIN = 0.1
"""By how much a score must exceed its null where the rule looks for a concentration."""


class Rule(NamedTuple):
    """One row of the table.

    Attributes:
        name: What a head that matches is called.
        statistic: Key of the statistic that decides.
        threshold: What it must exceed.
        above_null: Whether it must also exceed its null by `MARGIN`.
        kinds: Kinds of maps that the rule applies to.
    """

    name: str
    statistic: str
    threshold: float
    above_null: bool = True
    kinds: tuple[MapKind, ...] = ("encoder", "decoder")


RULES: tuple[Rule, ...] = (
    Rule("induction", "induction", 0.4),
    Rule("duplicate token", "duplicate_token", 0.4),
    Rule("previous token", "previous_token", 0.4),
    Rule("current token", "current_token", 0.4),
    Rule("next token", "next_token", 0.4, kinds=("encoder",)),
    Rule("sink", "sink", 0.3, kinds=("encoder", "decoder", "cross")),
    Rule("diffuse", "normalised_entropy", 0.9, above_null=False, kinds=("encoder", "decoder", "cross")),
)
"""Every rule; the first that holds names the head."""

MIXED = "mixed"
"""Name of a head that no rule fits; its evidence is the rule that comes closest."""
UNDEFINED = "undefined"
"""Name of a head whose attention is not valid, so that no statistic is defined."""


class _Score(NamedTuple):
    rule: Rule
    score: float
    threshold: float

    @property
    def ratio(self) -> float:
        return self.score / self.threshold


def label(value: Mapping[str, float], null: Mapping[str, float], kind: MapKind) -> Label:
    """Name the pattern that one head matches best, with the evidence.

    Args:
        value: Statistics of the head by key; NaN where undefined.
        null: Their nulls.
        kind: Kind of map.

    Returns:
        The first rule that holds. ``threshold`` is what its score had to exceed on this text, the margin above the
        null included; the runner-up is the best of the other rules by score over threshold.
    """
    scores = []
    for rule in RULES:
        score = value[rule.statistic]
        if kind not in rule.kinds or np.isnan(score):
            continue
        floor = null[rule.statistic] + MARGIN if rule.above_null and not np.isnan(null[rule.statistic]) else 0.0
        scores.append(_Score(rule, score, max(rule.threshold, floor)))
    if not scores:
        return Label(UNDEFINED, "", float("nan"), float("nan"))
    matched = next((score for score in scores if score.score > score.threshold), None)
    others = sorted((score for score in scores if score is not matched), key=lambda score: -score.ratio)
    chosen = matched or others[0]
    runner_up = (others[0].rule.name, others[0].score) if others else ("", float("nan"))
    name = matched.rule.name if matched else MIXED
    return Label(name, chosen.rule.statistic, chosen.score, chosen.threshold, *runner_up)
