"""The page of ``faa compare --html``: one file that opens offline and runs no script.

Everything that comes from a model, a text or the command line is hostile and goes through `_text`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

import numpy as np

from faa_core import catalogue
from faa_core.comparison.order import RATE, largest
from faa_core.comparison.records import Comparison
from faa_core.records import LayerInfo, MapKind
from faa_tui.cli.compare_table import columns, foot, head_name, heading, pair_cells, shown, title
from faa_tui.rendering.text import visible

_STYLE = """\
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --dim: #59636e; --line: #d0d7de; --warn: #7a4b00;
  --warn-paper: #fff4d6; --more: 197 90 17; --less: 29 103 181; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --dim: #9198a1; --line: #3d444d;
  --warn: #f2cc60; --warn-paper: #332500; --more: 240 136 62; --less: 88 166 255; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-top: 2rem; }
.dim { color: var(--dim); } .scroll { overflow-x: auto; }
.warnings { background: var(--warn-paper); color: var(--warn); border: 1px solid; border-radius: 6px;
  padding: .5rem 1rem .5rem 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); padding: .3rem 0; }
th, td { padding: .15rem .6rem; text-align: right; white-space: nowrap; }
th.word, td.word { text-align: left; } thead th { border-bottom: 1px solid var(--line); }
.grid td { border: 1px solid var(--line); min-width: 3.2rem; }
"""

_WORDS = ("A", "B", "A looks like", "B looks like")


def page(comparisons: Sequence[Comparison], statistics: Sequence[str], count: int | None) -> str:
    """A whole HTML document.

    Args:
        comparisons: What to show, one below the other.
        statistics: Those of which grids and the largest differences are shown.
        count: How many pairs of each; ``None`` for all.
    """
    first = comparisons[0]
    named = " / ".join([first.a.reference, *(comparison.b.reference for comparison in comparisons)])
    body = "\n".join(_comparison(comparison, statistics, count) for comparison in comparisons)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{_text(named)} - faa compare</title>
<style>
{_STYLE}</style>
</head>
<body>
<h1>Attention compared</h1>
{body}
</body>
</html>
"""


def _comparison(comparison: Comparison, statistics: Sequence[str], count: int | None) -> str:
    parts = [f"<h2>{_text(comparison.a.reference)} and {_text(comparison.b.reference)}</h2>"]
    if comparison.warnings:
        parts.append(f'<ul class="warnings">{_items(comparison.warnings)}</ul>')
    parts += [f"<p>{'<br>'.join(map(_text, heading(comparison)))}</p>"]
    for statistic in statistics:
        parts.append(f"<h3>{_text(title(comparison, statistic))}</h3>")
        parts.append(f'<p class="dim">{_text(catalogue.BY_KEY[statistic].definition)}</p>')
        parts += [_grid(comparison, statistic, kind) for kind in _kinds(comparison)]
        parts.append(_largest(comparison, statistic, count))
    parts.append(f'<ul class="dim">{_items(foot(comparison))}</ul>')
    versions = comparison.a.model.versions
    used = ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
    parts.append(f'<p class="dim">seed {comparison.seed}; {_text(used)}</p>')
    return "\n".join(parts)


def _grid(comparison: Comparison, statistic: str, kind: MapKind) -> str:
    """Layers of the first model by heads: the difference, orange where the other has more, blue where less."""
    differences = comparison.differences
    row = differences.row(statistic)
    places = {
        (pair.a.layer, pair.a.head): place
        for place, pair in enumerate(comparison.matching.pairs)
        if pair.a.kind == kind
    }
    every = {*places, *((head.layer, head.head) for head in comparison.matching.alone_a if head.kind == kind)}
    heads = max(head for _, head in every) + 1
    values = differences.difference[row]
    scale = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    lines = []
    for layer in sorted({layer for layer, _ in every}):
        cells = "".join(_cell(comparison, statistic, places.get((layer, head)), scale) for head in range(heads))
        lines.append(f'<tr><th scope="row">{LayerInfo(kind, layer, heads, "other").name}</th>{cells}</tr>')
    numbers = "".join(f'<th scope="col">{head}</th>' for head in range(heads))
    several = "; * where it is a discovery" if len(comparison.a.tokens) > 1 else ""
    return (
        f'<div class="scroll"><table class="grid"><caption>{kind} maps, layers of A by heads of A: difference of '
        f"{_text(statistic)}, orange where B has more{several}</caption><thead><tr><td></td>{numbers}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(comparison: Comparison, statistic: str, place: int | None, scale: float) -> str:
    if place is None:
        return '<td title="no partner"></td>'
    differences, pair = comparison.differences, comparison.matching.pairs[place]
    row = differences.row(statistic)
    value = float(differences.difference[row, place])
    cells = pair_cells(comparison, statistic, place)
    tip = f"{head_name(pair.a)} and {head_name(pair.b)}: {cells['value A']} and {cells['value B']}"
    if math.isnan(value):
        return f'<td title="{_text(tip)}">-</td>'
    mark = "*" if differences.q[row, place] <= RATE else ""
    share = abs(value) / scale if scale > 0 else 0.0
    colour = "more" if value > 0 else "less"
    return (
        f'<td title="{_text(tip)}" style="background: rgb(var(--{colour}) / {0.75 * share:.2f})">'
        f"{shown(value, '+.2f')}{mark}</td>"
    )


def _largest(comparison: Comparison, statistic: str, count: int | None) -> str:
    always, extra = columns(comparison)
    names = [*always, *extra]
    head = "".join(f'<th scope="col"{_kind_of(name)}>{_text(name)}</th>' for name in names)
    lines = []
    for place in largest(comparison, statistic)[:count].tolist():
        cells = pair_cells(comparison, statistic, place)
        lines.append("<tr>" + "".join(f"<td{_kind_of(name)}>{_text(cells[name])}</td>" for name in names) + "</tr>")
    return (
        f'<div class="scroll"><table><caption>Largest differences</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _kinds(comparison: Comparison) -> list[MapKind]:
    return list(dict.fromkeys(pair.a.kind for pair in comparison.matching.pairs))


def _kind_of(name: str) -> str:
    return ' class="word"' if name in _WORDS else ""


def _items(lines: Iterable[str]) -> str:
    return "".join(f"<li>{_text(line)}</li>" for line in lines)


def _text(text: str) -> str:
    """Harmless in text and in attributes: no mark-up, no control characters, no marks that turn the writing."""
    return html.escape(visible(text), quote=True)
