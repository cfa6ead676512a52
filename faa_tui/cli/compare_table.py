"""The tables of ``faa compare``: the largest differences of each statistic, and what may be said of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from faa_core import catalogue
from faa_core.comparison.order import RATE, discoveries, largest
from faa_core.comparison.records import Comparison, Head, Side
from faa_core.records import LayerInfo
from faa_core.replication import LEVEL
from faa_tui.rendering.text import visible

_LEFT = ("A", "B", "A looks like", "B looks like")
_WIDE = {"A": 6, "B": 6, "A looks like": 15, "B looks like": 15, "difference": 10}
_CELLS = 6


def comparison_table(
    comparison: Comparison, statistics: Sequence[str], count: int | None, width: int
) -> RenderableType:
    """One comparison.

    Args:
        comparison: The numbers.
        statistics: Those of which the largest differences are shown.
        count: How many pairs of each; ``None`` for all.
        width: Cells of a line.
    """
    parts: list[RenderableType] = [Text(visible(line)) for line in heading(comparison)]
    parts += [Text(visible(f"warning: {line}"), style="bold yellow") for line in comparison.warnings]
    for statistic in statistics:
        parts += [Text(), Text(visible(title(comparison, statistic)), style="bold")]
        parts.append(_table(comparison, statistic, count, width))
    parts += [Text(), *(Text(visible(line), style="dim") for line in foot(comparison))]
    return Group(*parts)


def heading(comparison: Comparison) -> list[str]:
    """Lines that say what was compared with what, on which texts."""
    texts, segments = len(comparison.a.tokens), comparison.segments
    span = str(segments[0]) if min(segments) == max(segments) else f"{min(segments)} to {max(segments)}"
    what = "tokens, the same on both sides" if comparison.aligned == "tokens" else "common segments"
    return [
        _side_line("A", comparison.a),
        _side_line("B", comparison.b),
        f"{texts} text{'' if texts == 1 else 's'} of {span} {what}; {len(comparison.matching.pairs)} pairs of heads",
    ]


def title(comparison: Comparison, statistic: str) -> str:
    """A statistic, and how many pairs differ in it."""
    named = f"{statistic}  {catalogue.BY_KEY[statistic].title}, B minus A"
    if len(comparison.a.tokens) == 1:
        return named
    row = comparison.differences.row(statistic)
    tested = np.isfinite(comparison.differences.q[row]).sum()
    return f"{named}: {discoveries(comparison)[statistic]} of {tested} pairs differ at q = {RATE:g}"


def foot(comparison: Comparison) -> list[str]:
    """Discoveries of all statistics, the meaning of columns, and notes."""
    lines = []
    if len(comparison.a.tokens) > 1:
        counts = sorted(discoveries(comparison).items(), key=lambda item: -item[1])
        found = ", ".join(f"{name} {number}" for name, number in counts if number) or "none"
        lines.append(f"pairs that differ at q = {RATE:g}: {found}.")
        lines.append(
            f"A, B: mean values; difference: mean over texts of the difference of value minus null; low, high: its "
            f"{LEVEL:.0%} interval from drawing texts; d: effect size; JS: Jensen-Shannon divergence in nats."
        )
    else:
        lines.append("difference: of value minus null; JS: Jensen-Shannon divergence in nats.")
    lines += comparison.notes
    alone = [("A", comparison.matching.alone_a), ("B", comparison.matching.alone_b)]
    lines += [f"without a partner in {side}: {', '.join(map(head_name, heads))}." for side, heads in alone if heads]
    return lines


def head_name(head: Head) -> str:
    """``1.5``, ``e1.5`` or ``x1.5``."""
    return f"{LayerInfo(head.kind, head.layer, 1, 'other').name}.{head.head}"


def pair_cells(comparison: Comparison, statistic: str, place: int) -> dict[str, str]:
    """Column title to text, for one pair."""
    differences, pair = comparison.differences, comparison.matching.pairs[place]
    row = differences.row(statistic)
    how = f".{max(catalogue.BY_KEY[statistic].decimals, 3)}f"

    def cell(values: NDArray[np.float64], form: str) -> str:
        return shown(float(values[row, place]), form)

    return {
        "A": head_name(pair.a),
        "B": head_name(pair.b) + ("*" if pair.method == "hand" else ""),
        "A looks like": comparison.labels_a[place],
        "B looks like": comparison.labels_b[place],
        "value A": cell(differences.a, how),
        "value B": cell(differences.b, how),
        "difference": cell(differences.difference, f"+{how}"),
        "low": cell(differences.low, f"+{how}"),
        "high": cell(differences.high, f"+{how}"),
        "p": cell(differences.p, ".4f"),
        "q": cell(differences.q, ".3f"),
        "d": cell(differences.effect, "+.1f"),
        "JS": shown(float(comparison.divergence[place]), ".3f"),
    }


def columns(comparison: Comparison) -> tuple[list[str], list[str]]:
    """Titles that are always shown, and those for which there may be room, in their order."""
    if len(comparison.a.tokens) == 1:
        return ["A", "B", "value A", "value B", "difference", "JS"], ["A looks like", "B looks like"]
    always = ["A", "B", "value A", "value B", "difference", "low", "high", "q"]
    return always, ["JS", "A looks like", "B looks like", "d", "p"]


def shown(value: float, how: str) -> str:
    """A number without a minus before zero; ``-`` for none."""
    return "-" if math.isnan(value) else format(value, f"{how[:-3]}z{how[-3:]}")


def _table(comparison: Comparison, statistic: str, count: int | None, width: int) -> Table:
    always, extra = columns(comparison)
    left = width - sum(_width(name) for name in always)
    chosen = set(always)
    for name in extra:
        left -= _width(name)
        if left < 0:
            break
        chosen.add(name)
    order = ("A", "A looks like", "B", "B looks like", "value A", "value B", "difference", "low", "high", "p", "q")
    names = [name for name in (*order, "d", "JS") if name in chosen]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=True)
    for place in largest(comparison, statistic)[:count].tolist():
        cells = pair_cells(comparison, statistic, place)
        table.add_row(*(Text(visible(cells[name])) for name in names))
    return table


def _width(name: str) -> int:
    return _WIDE.get(name, max(_CELLS, len(name))) + 2


def _side_line(name: str, side: Side) -> str:
    model = side.model
    words: Iterable[str] = (model.architecture, model.revision, model.device, model.dtype, side.host)
    return f"{name}  {side.reference}  " + "  ".join(filter(None, words))
