"""A report as one HTML file that opens offline, under a policy that lets it load nothing and run only its own script.

Every string that the templates print goes through `faa_core.visible.visible` and is escaped after that, whether or not
it came from a model or a text: the templates have no way around it but `Markup`, and only this module makes that.
"""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from faa_core import __version__
from faa_core.catalogue import BY_KEY, Entry
from faa_core.comparison.order import largest
from faa_core.comparison.records import Comparison
from faa_core.records import STATUS_MEANING, Analysis, LayerResult, ModelInfo
from faa_core.report.choice import UNLABELLED, Chosen, chosen_heads, ranking_statistic
from faa_core.report.curves import head_plots, profile
from faa_core.report.numbers import count
from faa_core.report.pictures import BUDGET, STEPS, Picture, palette, pictures
from faa_core.report.png import data_uri, png
from faa_core.report.raw import downloads
from faa_core.report.records import ComparedPart, MeasuredPart, Report
from faa_core.report.sentences import comparison_sentences, head_name, run_sentences, statement
from faa_core.report.svg import Plot
from faa_core.report.tables import (
    Matrix,
    Table,
    difference_matrices,
    heads_table,
    matrices,
    pairs_table,
    tint_rules,
)
from faa_core.visible import visible

TEXT_CHARACTERS = 20_000
"""Of a longer text the page shows the beginning."""
_TOLD_OF_A_HEAD = ("D1", "D0", "normalised_entropy")
_PAIRS_WITH_CURVES = 2
_ALWAYS = ("D0", "D1")  # defined in every report: the curves are theirs


def render(report: Report) -> str:
    """The whole HTML document."""
    style, script = _part("report.css") + tint_rules(), _part("report.js")
    runs = [_run(part, place, len(report.measured)) for place, part in enumerate(report.measured)]
    compared = [_comparison(part, place) for place, part in enumerate(report.compared)]
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            report=report,
            version=__version__,
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script),
            runs=runs,
            comparisons=compared,
            downloads=downloads(report),
            definitions=_definitions([*runs, *compared]),
            statuses=STATUS_MEANING,
            bar=data_uri("image/png", png(np.arange(STEPS, dtype=np.uint8)[None], palette())),
            colours=json.dumps([f"{r},{g},{b}" for r, g, b in palette()[:STEPS]]),
            safe_uri=_safe_uri,
        )
    )


class Card(msgspec.Struct, frozen=True):
    """One head at length.

    Attributes:
        name: ``1.5``.
        label: What it looks like, with its score where it matches.
        reason: Why it is shown.
        statements: What may be said of its numbers.
        picture: Its map; ``None`` where it is not at hand.
        plots: Its curves.
    """

    name: str
    label: str
    reason: str
    statements: tuple[str, ...]
    picture: Picture | None
    plots: tuple[Plot, ...]


def _run(part: MeasuredPart, place: int, parts: int) -> dict[str, Any]:
    analysis = part.analysis
    chosen = chosen_heads(analysis)
    drawn = pictures(analysis, chosen, part.maps, BUDGET // parts)
    key = ranking_statistic(analysis)
    text = analysis.text[:TEXT_CHARACTERS]
    table = heads_table(analysis)
    return {
        "id": f"run{place}",
        "title": analysis.model.reference,
        "sentences": run_sentences(analysis, part.findings),
        "facts": _facts(analysis.model) | _run_facts(analysis, part),
        "notes": analysis.notes,
        "lines": text.split("\n") if text else (),
        "text_left_out": max(0, len(analysis.text) - TEXT_CHARACTERS),
        "table": table,
        "matrices": matrices(analysis),
        "profile": profile([("", analysis)], key),
        "cards": [_card(head, drawn.get(head.name)) for head in chosen],
        "shown": {head.name for head in chosen},
        "keys": {column.anchor for column in table.columns if column.anchor},
    }


def _card(head: Chosen, picture: Picture | None) -> Card:
    layer, label = head.layer, head.layer.labels[head.head]
    told = [key for key in _TOLD_OF_A_HEAD if key in layer.statistics.names]
    matches = label.name not in UNLABELLED and label.statistic
    score = f" ({BY_KEY[label.statistic].symbol} {label.score:.2f})" if matches else ""
    reason = head.reason[0].upper() + head.reason[1:]
    return Card(
        head.name,
        label.name + score,
        reason,
        tuple(_sentence(statement(layer, head.head, key)) for key in told),
        picture,
        head_plots(layer, head.head),
    )


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."


def _comparison(part: ComparedPart, place: int) -> dict[str, Any]:
    comparison = part.comparison
    statistics = part.statistics or (default_statistic(comparison),)
    return {
        "id": f"comparison{place}",
        "title": f"{comparison.a.reference} and {comparison.b.reference}",
        "warnings": comparison.warnings,
        "notes": comparison.notes,
        "sentences": comparison_sentences(comparison, statistics[0]) if statistics[0] else (),
        "sides": [
            (name, _facts(side.model, side.reference) | {"machine": side.host, "tokens": _tokens(side.tokens)})
            for name, side in (("A", comparison.a), ("B", comparison.b))
        ],
        "seed": comparison.seed,
        "statistics": [_difference(comparison, key, part.count) for key in statistics if key],
        "alone": [
            (side, ", ".join(map(head_name, heads)))
            for side, heads in (("A", comparison.matching.alone_a), ("B", comparison.matching.alone_b))
            if heads
        ],
        "profile": None if part.runs is None else _profiles(part.runs),
        "pairs": [] if part.runs is None or not statistics[0] else _pair_curves(comparison, part.runs, statistics[0]),
        "keys": {*statistics, "divergence"} - {""},
    }


def default_statistic(comparison: Comparison) -> str:
    """The statistic that a comparison is told by: the information dimension, or the first that is defined in a pair.

    A dimension is defined on no short text. "" where nothing was measured on both sides.
    """
    differences = comparison.differences
    names = [name for name in ("D1", *differences.names) if name in differences.names]
    defined = [name for name in names if np.isfinite(differences.difference[differences.row(name)]).any()]
    return next(iter((*defined, *names)), "")


def _difference(comparison: Comparison, key: str, most: int | None) -> dict[str, Any]:
    return {
        "entry": BY_KEY[key],
        "matrices": difference_matrices(comparison, key),
        "table": pairs_table(comparison, key, most),
    }


def _profiles(runs: tuple[Analysis, Analysis]) -> Plot | None:
    return profile([("A: ", runs[0]), ("B: ", runs[1])], ranking_statistic(runs[0]))


def _pair_curves(
    comparison: Comparison, runs: tuple[Analysis, Analysis], key: str
) -> list[tuple[str, tuple[Plot, ...]]]:
    """Curves of the pairs that differ most, the two sides over each other."""
    layers: list[dict[tuple[str, int], LayerResult]] = [
        {(layer.info.kind, layer.info.layer): layer for layer in run.layers} for run in runs
    ]
    found = []
    for place in largest(comparison, key)[:_PAIRS_WITH_CURVES]:
        pair = comparison.matching.pairs[int(place)]
        a, b = layers[0].get((pair.a.kind, pair.a.layer)), layers[1].get((pair.b.kind, pair.b.layer))
        if a is not None and b is not None:
            name = f"Head {head_name(pair.a)} of A and head {head_name(pair.b)} of B"
            found.append((name, head_plots(a, pair.a.head, (b, pair.b.head))))
    return found


def _facts(model: ModelInfo, reference: str = "") -> dict[str, str]:
    """Name and value of what must be known to get the same numbers again."""
    return {
        "model": reference or model.reference,
        "architecture": model.architecture,
        "commit or digest": model.revision,
        "tokenizer": model.tokenizer_hash,
        "device": model.device,
        "number format": model.dtype,
        "attention": model.attention,
        "maps taken by": model.route,
        "parameters": f"{model.parameters:,}" if model.parameters else "",
        "versions": ", ".join(f"{name} {model.versions[name]}" for name in sorted(model.versions)),
    }


def _run_facts(analysis: Analysis, part: MeasuredPart) -> dict[str, str]:
    seeds = {f"{test.statistic} {test.seed}" for test in part.findings.tests}
    if part.findings.probe is not None:
        seeds.add(f"probe {part.findings.probe.seed}")
    return {
        "text": f"{len(analysis.text):,} characters, {count(len(analysis.tokens), 'token')}",
        "seed": ", ".join(sorted(seeds)) or "none: nothing here is random",
        "time": f"{analysis.seconds:.2f} s",
    }


def _tokens(numbers: tuple[int, ...]) -> str:
    if len(set(numbers)) < 2:
        return count(numbers[0], "token") if numbers else ""
    return f"{min(numbers):,} to {max(numbers):,} tokens"


def _definitions(parts: list[dict[str, Any]]) -> tuple[Entry, ...]:
    """Every quantity that the page names, in the order of the catalogue."""
    used = {*_ALWAYS, *(key for part in parts for key in part["keys"])}
    used |= {matrix.anchor for part in parts for matrix in part.get("matrices", ()) if matrix.anchor}
    return tuple(entry for key, entry in BY_KEY.items() if key in used)


def _safe_uri(uri: str) -> Markup:
    """A data URI that this package made, printed as it is: it is long, and base64 has nothing to escape."""
    return Markup(uri)


def _policy(style: str, script: str) -> Markup:
    """A Content-Security-Policy that lets the page load nothing, and apply and run only what is in it."""
    return Markup(
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"


@cache
def _part(name: str) -> str:
    return files("faa_core.report").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("faa_core.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )


def _harmless(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


__all__ = ["Matrix", "Table", "default_statistic", "render"]
