"""The section of one run."""

from __future__ import annotations

from typing import Any

from faa_core.catalogue import BY_KEY
from faa_core.records import Analysis
from faa_core.report.choice import UNLABELLED, Chosen, chosen_heads, ranking_statistic
from faa_core.report.curves import departures_of, head_plots, profile
from faa_core.report.pictures import Picture, pictures
from faa_core.report.records import MeasuredPart
from faa_core.report.sections.cards import Card, sentence
from faa_core.report.sections.facts import model_facts, text_facts, text_shown
from faa_core.report.sentences import run_sentences, statement
from faa_core.report.tables import heads_table, matrices

_TOLD_OF_A_HEAD = ("D1", "D0", "normalised_entropy")


def run_section(part: MeasuredPart, id: str, budget: int) -> dict[str, Any]:
    """What the template prints of a run; its pictures take ``budget`` characters at most."""
    analysis = part.analysis
    chosen = chosen_heads(analysis)
    drawn = pictures(analysis, chosen, part.maps, budget)
    key = ranking_statistic(analysis)
    table = heads_table(analysis)
    return {
        "id": id,
        "title": analysis.model.reference,
        "sentences": run_sentences(analysis, part.findings),
        "facts": model_facts(analysis.model) | _run_facts(analysis, part),
        "notes": analysis.notes,
        **text_shown(analysis.text),
        "table": table,
        "matrices": matrices(analysis),
        "profile": profile([("", departures_of(analysis, key))], key),
        "cards": [_card(head, drawn.get(head.name)) for head in chosen],
        "linked": {head.name for head in chosen},
        "keys": {column.anchor for column in table.columns if column.anchor},
    }


def _card(head: Chosen, picture: Picture | None) -> Card:
    layer, label = head.layer, head.layer.labels[head.head]
    told = [key for key in _TOLD_OF_A_HEAD if key in layer.statistics.names]
    matches = label.name not in UNLABELLED and label.statistic
    score = f" ({BY_KEY[label.statistic].symbol} {label.score:.2f})" if matches else ""
    return Card(
        head.name,
        f"Head {head.name}",
        label.name + score,
        sentence(head.reason),
        tuple(sentence(statement(layer, head.head, key)) for key in told),
        () if picture is None else (picture,),
        head_plots(layer, head.head),
    )


def _run_facts(analysis: Analysis, part: MeasuredPart) -> dict[str, str]:
    seeds = {f"{test.statistic} {test.seed}" for test in part.findings.tests}
    if part.findings.probe is not None:
        seeds.add(f"probe {part.findings.probe.seed}")
    return {
        "text": text_facts(analysis),
        "seed": ", ".join(sorted(seeds)) or "none: nothing here is random",
        "time": f"{analysis.seconds:.2f} s",
    }
