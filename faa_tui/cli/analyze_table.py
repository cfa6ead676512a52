"""The tables of ``faa analyze``: every head on a line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from faa_core import catalogue
from faa_core.baseline import LayerBaseline, against_init
from faa_core.findings import Findings, RolloutToLast
from faa_core.records import STATUSES, Analysis, LayerResult
from faa_core.replication import LEVEL, LayerReplication, Replication
from faa_tui.rendering.text import visible

Chosen = set[tuple[str, int, int]] | None
"""Addresses (kind, layer, head) to show; ``None`` for all."""

COLUMNS = ("previous_token", "induction", "sink", "normalised_entropy", "distance", "confidence")
"""Statistics that the table shows beside the dimensions; all of them are in the JSON."""

_LEFT = ("head", "looks like", "D0 status", "labels")
_WIDE = {"head": 5, "looks like": 22, "D0 status": 13, "labels": 28}
_CELLS = 6
_MOST = 6  # tokens that the line on rollout names


def analysis_table(analysis: Analysis, findings: Findings, chosen: Chosen, width: int) -> RenderableType:
    """One run, and what else was asked about it.

    Args:
        analysis: The run.
        findings: Tests, the probe, and the untrained model.
        chosen: Heads to show.
        width: Cells of a line.
    """
    model = analysis.model
    lines = [
        f"{model.reference}  {model.architecture}  {model.revision}".rstrip(),
        f"{model.device} {model.dtype}  {len(analysis.layers)} layers with maps  {len(analysis.tokens)} tokens  "
        f"{analysis.seconds:.2f} s",
    ]
    if analysis.truncated_from is not None:
        lines.append(f"The text was cut from {analysis.truncated_from} tokens, as asked for.")
    lines += analysis.notes
    foot = [
        "D1: information dimension of the unfolded map, 2 for even attention. D0: box-counting dimension of lift > 1; "
        "delta: D0 minus that of the bare mask. In parentheses: a slope over sizes on which no one power law holds. "
        "The score behind a label leaves the first token out where it can. --json has every statistic with its null."
    ]
    baselines: list[LayerBaseline | None] = [None] * len(analysis.layers)
    if findings.init is not None:
        baselines = list(against_init(analysis, findings.init))
        foot.append(
            f"D1 init: mean of the heads of the layer in {findings.init.model.reference}; diff: D1, or its effective "
            "slope, minus that."
        )
    foot += [
        f"p, q {test.statistic}: two-sided test against {test.surrogate.replace('_', ' ')}, {test.replicates} "
        f"surrogates a head; q after Benjamini-Hochberg over all heads."
        for test in findings.tests
    ]
    if findings.probe is not None:
        probe = findings.probe
        foot.append(f"probe: induction score on {probe.draws} random sequences of {probe.length} tokens said twice.")
    foot += [_rollout_line(analysis, rolled) for rolled in findings.rollouts]
    rows = (
        _head_cells(layer, head) | _finding_cells(layer, head, baseline, findings)
        for layer, baseline in zip(analysis.layers, baselines, strict=True)
        for head in range(layer.info.heads)
        if chosen is None or (layer.info.kind, layer.info.layer, head) in chosen
    )
    always = ["head", "looks like", "D1", "D0", "delta"]
    always += ["D1 init", "diff"] if findings.init is not None else []
    always += [f"{name} {test.statistic}" for test in findings.tests for name in ("p", "q")]
    always += ["probe"] if findings.probe is not None else []
    extra = ["D0 status", "null", "se", *(catalogue.BY_KEY[key].symbol for key in COLUMNS)]
    return _page(lines, _table(rows, always, extra, width), foot)


def replication_table(replication: Replication, chosen: Chosen, width: int) -> RenderableType:
    """One model over several texts: mean excess over the null, with intervals over texts.

    Args:
        replication: Means and intervals.
        chosen: Heads to show.
        width: Cells of a line.
    """
    model, tokens = replication.model, replication.tokens
    lines = [
        f"{model.reference}  {model.architecture}  {model.revision}".rstrip(),
        f"{model.device} {model.dtype}  {len(tokens)} texts of {min(tokens)} to {max(tokens)} tokens",
        *replication.notes,
    ]
    rows = (
        _replicated_cells(layer, head)
        for layer in replication.layers
        for head in range(layer.info.heads)
        if chosen is None or (layer.info.kind, layer.info.layer, head) in chosen
    )
    always = ["head", "labels", "D1", "low", "high"]
    extra = ["D0", *(catalogue.BY_KEY[key].symbol for key in COLUMNS), "vary"]
    foot = [
        f"Means over texts of value minus null, each text beside its own null, of dimensions the effective slope; low, "
        f"high: {LEVEL:.0%} interval of D1 from drawing texts. vary: 0 where the first positions are attended alike in "
        "every text. --json has every statistic with its interval."
    ]
    return _page(lines, _table(rows, always, extra, width), foot)


def _rollout_line(analysis: Analysis, rolled: RolloutToLast) -> str:
    """The tokens that reach the last position most, beyond what the masks alone would send."""
    excess = rolled.value - rolled.null
    pieces = analysis.keys_of(rolled.kind).pieces
    most = [] if np.isnan(excess).any() else np.argsort(-excess)[:_MOST].tolist()
    named = ", ".join(f"{place} {visible(pieces[place])!r} {excess[place]:+z.3f}" for place in most)
    return f"rollout of the {rolled.kind} to its last position, beyond even attention: {named or 'undefined'}."


def _page(lines: Iterable[str], table: Table, foot: Iterable[str]) -> RenderableType:
    head = [Text(visible(line)) for line in lines]
    return Group(*head, Text(), table, Text(), *(Text(visible(line), style="dim") for line in foot))


def _table(rows: Iterator[dict[str, str]], always: list[str], extra: list[str], width: int) -> Table:
    """The columns that fit ``width`` cells, those of ``extra`` in their order."""
    left = width - sum(_WIDE.get(title, max(_CELLS, len(title))) + 2 for title in always)
    shown = list(always)
    for title in extra:
        left -= _WIDE.get(title, max(_CELLS, len(title))) + 2
        if left < 0:
            break
        shown.append(title)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in shown:
        table.add_column(title, justify="left" if title in _LEFT else "right", no_wrap=True)
    for cells in rows:
        table.add_row(*(Text(visible(cells[title])) for title in shown))
    return table


def _head_cells(layer: LayerResult, head: int) -> dict[str, str]:
    """Column title to text, for one head."""
    statistics, label = layer.statistics, layer.labels[head]
    row = statistics.row("D0")
    null = float(statistics.null[row, head])
    # What a mixed head comes closest to is in the JSON; beside "mixed" its score would read as one of being mixed.
    evidence = "" if label.name == "mixed" or math.isnan(label.score) else f" ({label.score:.2f})"
    cells = {
        "head": f"{layer.info.name}.{head}",
        "looks like": label.name + evidence,
        "D1": _dimension(layer, "D1", head),
        "D0": _dimension(layer, "D0", head),
        "delta": _dimension(layer, "D0", head, null, "+.2f"),
        "null": _format(null, ".2f"),
        "se": _format(float(statistics.error[row, head]), ".2f"),
        "D0 status": STATUSES[statistics.status[row, head]].replace("_", " "),
    }
    for key in COLUMNS:
        entry = catalogue.BY_KEY[key]
        number = float(statistics.value[statistics.row(key), head])
        cells[entry.symbol] = _format(number, f".{min(entry.decimals, 2)}f")
    return cells


def _finding_cells(layer: LayerResult, head: int, baseline: LayerBaseline | None, findings: Findings) -> dict[str, str]:
    cells: dict[str, str] = {}
    if baseline is not None:
        row = baseline.names.index("D1")
        cells |= {
            "D1 init": _format(baseline.mean[row], ".2f"),
            "diff": _format(baseline.difference[row, head], "+.2f"),
        }
    for test in findings.tests:
        found = next(item for item in test.layers if item.info == layer.info)
        for name, values in (("p", found.p), ("q", found.q)):
            cells[f"{name} {test.statistic}"] = _format(float(values[head]), ".3f")
    if findings.probe is not None:
        probed = [item for item in findings.probe.layers if item.info == layer.info]
        score = float(probed[0].value[probed[0].names.index("induction"), head]) if probed else math.nan
        cells["probe"] = _format(score, ".2f")
    return cells


def _replicated_cells(layer: LayerReplication, head: int) -> dict[str, str]:
    labels = [f"{name} {count}" for name, count in layer.labels[head]]
    cells = {
        "head": f"{layer.info.name}.{head}",
        "labels": ", ".join(labels[:2]) + (", ..." if len(labels) > 2 else ""),
        "vary": _format(float(layer.variability[head]), ".2f"),
    }
    for key in ("D1", "D0", *COLUMNS):
        entry = catalogue.BY_KEY[key]
        row = layer.names.index(key)
        decimals = 2 if entry.dimension else min(entry.decimals, 2)
        cells[key if entry.dimension else entry.symbol] = _format(float(layer.excess[row, head]), f"+.{decimals}f")
    row = layer.names.index("D1")
    return cells | {"low": _format(layer.low[row, head], "+.2f"), "high": _format(layer.high[row, head], "+.2f")}


def _dimension(layer: LayerResult, key: str, head: int, minus: float = 0.0, how: str = ".2f") -> str:
    """A dimension, in parentheses where it is only an effective slope."""
    row = layer.statistics.row(key)
    value = float(layer.statistics.value[row, head])
    if np.isnan(value) and STATUSES[layer.statistics.status[row, head]] == "no_scaling":
        return f"({_format(float(layer.effective[row, head]) - minus, how)})"
    return _format(value - minus, how)


def _format(value: float, how: str) -> str:
    return "-" if math.isnan(value) else format(value, how if how[0] == "g" else f"{how[:-3]}z{how[-3:]}")
