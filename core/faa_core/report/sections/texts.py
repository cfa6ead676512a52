"""The section of one model over several texts."""

from __future__ import annotations

from typing import Any

from faa_core.replication import LayerReplication
from faa_core.report.choice import Chosen, chosen_over_texts, ranking_over_texts
from faa_core.report.curves import head_plots, mean_departures, profile
from faa_core.report.pictures import Picture, pictures
from faa_core.report.records import ReplicatedPart
from faa_core.report.sections.cards import Card, sentence
from faa_core.report.sections.facts import model_facts, text_facts, text_shown, token_facts
from faa_core.report.sentences_of_texts import mean_statement, texts_sentences
from faa_core.report.tables_of_texts import mean_matrices, means_table

_TOLD_OF_A_HEAD = ("D1", "normalised_entropy")


def texts_section(part: ReplicatedPart, id: str, budget: int) -> dict[str, Any]:
    """What the template prints of one model over several texts; its pictures take ``budget`` characters at most."""
    replication, first = part.replication, part.first
    chosen = chosen_over_texts(replication, first)
    drawn = pictures(first, chosen, part.maps, budget)
    key = ranking_over_texts(replication)
    table = means_table(replication)
    layers = {(layer.info.kind, layer.info.layer): layer for layer in replication.layers}
    of = [layers[head.layer.info.kind, head.layer.info.layer] for head in chosen]
    return {
        "id": id,
        "title": replication.model.reference,
        "sentences": texts_sentences(replication),
        "facts": model_facts(replication.model)
        | {
            "texts": f"{len(replication.tokens)}, of {token_facts(replication.tokens)}",
            "first text": text_facts(first),
            "seed": f"{replication.seed}, of the draws of texts",
        },
        "notes": replication.notes,
        **text_shown(first.text),
        "table": table,
        "matrices": mean_matrices(replication),
        "profile": profile([("", mean_departures(replication, key))], key),
        "cards": [_card(head, layer, drawn.get(head.name)) for head, layer in zip(chosen, of, strict=True)],
        "linked": {head.name for head in chosen},
        "keys": {column.anchor for column in table.columns if column.anchor},
    }


def _card(head: Chosen, layer: LayerReplication, picture: Picture | None) -> Card:
    told = [key for key in _TOLD_OF_A_HEAD if key in layer.names]
    return Card(
        head.name,
        f"Head {head.name}",
        ", ".join(f"{name} {number}" for name, number in layer.labels[head.head]),
        sentence(head.reason),
        tuple(sentence(mean_statement(layer, head.head, key)) for key in told),
        () if picture is None else (picture,),
        head_plots(head.layer, head.head),
    )
