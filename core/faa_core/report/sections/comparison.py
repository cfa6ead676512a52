"""The section of a comparison."""

from __future__ import annotations

import math
from typing import Any

from faa_core.catalogue import BY_KEY
from faa_core.comparison.records import Comparison, Head
from faa_core.records import Analysis, LayerResult, MapKind
from faa_core.report.choice import ChosenPair, chosen_pairs, default_statistic, ranking_statistic
from faa_core.report.curves import departures_of, head_plots, profile
from faa_core.report.pictures import Picture, pair_pictures
from faa_core.report.records import ComparedPart
from faa_core.report.sections.cards import Card, sentence
from faa_core.report.sections.facts import model_facts, text_shown, token_facts
from faa_core.report.sentences import comparison_sentences, head_name, pair_statement
from faa_core.report.svg import Plot
from faa_core.report.tables import difference_matrices, pairs_table


def comparison_section(part: ComparedPart, id: str, budget: int) -> dict[str, Any]:
    """What the template prints of a comparison; its pictures take ``budget`` characters at most."""
    comparison = part.comparison
    statistics = [key for key in part.statistics or (default_statistic(comparison),) if key]
    told = statistics[0] if statistics else ""
    cards = _cards(part, told, budget)
    return {
        "id": id,
        "title": f"{comparison.a.reference} and {comparison.b.reference}",
        "warnings": comparison.warnings,
        "notes": comparison.notes,
        "sentences": comparison_sentences(comparison, told) if told else (),
        "sides": [
            (name, model_facts(side.model, side.reference) | {"machine": side.host, "tokens": token_facts(side.tokens)})
            for name, side in (("A", comparison.a), ("B", comparison.b))
        ],
        "seed": comparison.seed,
        "statistics": [_difference(comparison, key, part.count) for key in statistics],
        "alone": [
            (side, ", ".join(map(head_name, heads)))
            for side, heads in (("A", comparison.matching.alone_a), ("B", comparison.matching.alone_b))
            if heads
        ],
        "profile": None if part.runs is None else _profile(part.runs),
        "cards": cards,
        "linked": {card.name for card in cards},
        "where": _where(part),
        **text_shown("" if part.runs is None else part.runs[0].text),
        "mapped": any(card.pictures for card in cards),
        "segments": any(one.segments for one in part.maps),
        "keys": {*statistics, "divergence"},
    }


def _difference(comparison: Comparison, key: str, most: int | None) -> dict[str, Any]:
    return {
        "entry": BY_KEY[key],
        "matrices": difference_matrices(comparison, key),
        "table": pairs_table(comparison, key, most),
    }


def _profile(runs: tuple[Analysis, Analysis]) -> Plot | None:
    key = ranking_statistic(runs[0])
    return profile([(f"{side}: ", departures_of(run, key)) for side, run in zip("AB", runs, strict=True)], key)


def _where(part: ComparedPart) -> str:
    """Which text curves and maps are of, where there are several."""
    texts = len(part.comparison.a.tokens)
    return f"text {part.text + 1} of {texts}" if texts > 1 else ""


def _cards(part: ComparedPart, key: str, budget: int) -> list[Card]:
    """The pairs that differ most, as far as there are curves or maps of them."""
    comparison = part.comparison
    layers = [_layers(run) for run in part.runs or ()]
    drawn = _pictures(part, budget)
    cards = []
    for chosen in chosen_pairs(comparison, key):
        pair = chosen.pair
        plots: tuple[Plot, ...] = ()
        if layers and (pair.a.kind, pair.a.layer) in layers[0] and (pair.b.kind, pair.b.layer) in layers[1]:
            other = layers[1][pair.b.kind, pair.b.layer], pair.b.head
            plots = head_plots(layers[0][pair.a.kind, pair.a.layer], pair.a.head, other)
        pictures = drawn.get((pair.a, pair.b), ())
        if plots or pictures:
            cards.append(_card(comparison, key, chosen, pictures, plots))
    return cards


def _card(
    comparison: Comparison, key: str, chosen: ChosenPair, pictures: tuple[Picture, ...], plots: tuple[Plot, ...]
) -> Card:
    place, pair = chosen.place, chosen.pair
    labels = comparison.labels_a[place], comparison.labels_b[place]
    said = [pair_statement(comparison, key, place)] if key else []
    if math.isfinite(divergence := float(comparison.divergence[place])):
        said.append(f"The Jensen-Shannon divergence of the two maps is {divergence:.2f} nats.")
    return Card(
        head_name(pair.a),
        f"Head {head_name(pair.a)} of A and head {head_name(pair.b)} of B",
        labels[0] if labels[0] == labels[1] else f"{labels[0]} in A, {labels[1]} in B",
        sentence(chosen.reason),
        tuple(said),
        pictures,
        plots,
    )


def _pictures(part: ComparedPart, budget: int) -> dict[tuple[Head, Head], tuple[Picture, ...]]:
    names = [(head_name(one.pair.a), head_name(one.pair.b)) for one in part.maps]
    drawn = pair_pictures(part.maps, names, budget)
    return {(one.pair.a, one.pair.b): tuple(found) for one, found in zip(part.maps, drawn, strict=True)}


def _layers(run: Analysis) -> dict[tuple[MapKind, int], LayerResult]:
    return {(layer.info.kind, layer.info.layer): layer for layer in run.layers}
