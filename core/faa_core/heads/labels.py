"""Which textbook pattern a head matches: one table of rules, in the order in which they are tried.

Most heads of a trained model put much of their mass on the first token whatever else they do. The rules on content and
position are therefore asked of the rows without it, and the sink is asked only of heads that match none of them. A
head that is merely even over few keys exceeds any threshold on a short text; a score must therefore also exceed its
null, the score of even attention, by a margin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from faa_core.records import Label, MapKind, Statistics

MARGIN = 0.1
"""By how much a score must exceed its null where the rule looks for a concentration."""
DORMANT = 0.5
"""Where more than this share of the rows rests on the first token, the other rows do not speak for the head."""


class Scores(NamedTuple):
    """Statistics of one head by key.

    Attributes:
        value: NaN where undefined.
        null: The same for even attention.
    """

    value: Mapping[str, float]
    null: Mapping[str, float]

    @classmethod
    def of(cls, statistics: Statistics, head: int) -> Scores:
        """The column of head ``head``."""
        value, null = statistics.value[:, head].tolist(), statistics.null[:, head].tolist()
        return cls(dict(zip(statistics.names, value, strict=True)), dict(zip(statistics.names, null, strict=True)))


class Rule(NamedTuple):
    """One row of the table.

    Attributes:
        name: What a head that matches is called.
        statistic: Key of the statistic that decides.
        threshold: What it must exceed.
        above_null: Whether it must also exceed its null by `MARGIN`.
        kinds: Kinds of maps that the rule applies to.
        without_first: Whether the score is that of the rows without the first token: if it is defined, always (the
            rule says nothing where it is not), or never.
    """

    name: str
    statistic: str
    threshold: float
    above_null: bool = True
    kinds: tuple[MapKind, ...] = ("encoder", "decoder")
    without_first: Literal["if defined", "always", "never"] = "if defined"


_ALL: tuple[MapKind, ...] = ("encoder", "decoder", "cross")

RULES: tuple[Rule, ...] = (
    Rule("induction", "induction", 0.4),
    Rule("duplicate token", "duplicate_token", 0.4),
    Rule("previous token", "previous_token", 0.4),
    Rule("current token", "current_token", 0.4),
    Rule("next token", "next_token", 0.4, kinds=("encoder",)),
    Rule("local", "local_16", 0.8),
    # A stripe on the first token is a sink, and has a rule of its own.
    Rule("vertical", "column_collapse", 0.6, kinds=_ALL, without_first="always"),
    Rule("sink", "sink", 0.3, kinds=_ALL, without_first="never"),
    Rule("diffuse", "normalised_entropy", 0.9, above_null=False, kinds=_ALL),
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
    without_first: bool

    @property
    def ratio(self) -> float:
        return self.score / self.threshold


def label(all_keys: Scores, without_first: Scores, kind: MapKind) -> Label:
    """Name the pattern that one head matches best, with the evidence.

    Args:
        all_keys: Statistics of the head.
        without_first: Those of its rows without the first token.
        kind: Kind of map.

    Returns:
        The first rule that holds. ``threshold`` is what its score had to exceed on this text, the margin above the
        null included; the runner-up is the best of the other rules by score over threshold.
    """
    awake = all_keys.value["dormant_rows"] <= DORMANT
    scores = [
        score
        for rule in RULES
        if kind in rule.kinds
        for score in [_score(rule, all_keys, without_first if awake else None)]
        if score is not None
    ]
    if not scores:
        return Label(UNDEFINED, "", float("nan"), float("nan"))
    matched = next((score for score in scores if score.score > score.threshold), None)
    others = sorted((score for score in scores if score is not matched), key=lambda score: -score.ratio)
    chosen = matched or others[0]
    runner_up = (others[0].rule.name, others[0].score) if others else ("", float("nan"))
    name = matched.rule.name if matched else MIXED
    return Label(
        name, chosen.rule.statistic, chosen.score, chosen.threshold, *runner_up, without_first=chosen.without_first
    )


def _score(rule: Rule, all_keys: Scores, without_first: Scores | None) -> _Score | None:
    key = rule.statistic
    excluded = (
        rule.without_first != "never"
        and without_first is not None
        and not np.isnan(without_first.value.get(key, np.nan))
    )
    if rule.without_first == "always" and not excluded:
        return None
    value, null = without_first if excluded and without_first is not None else all_keys
    if np.isnan(value[key]):
        return None
    floor = null[key] + MARGIN if rule.above_null and not np.isnan(null[key]) else 0.0
    return _Score(rule, value[key], max(rule.threshold, floor), excluded)
