"""What is under the cursor of two maps at once, and what is said of the two heads."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from faa_core.catalogue import Entry
from faa_core.comparison.records import Comparison
from faa_tui.rendering.text import fit, token_label, visible

_LABEL = 16
"""Most cells of a token."""


class DifferenceReadout(Static):
    """Two lines: the pair of tokens with the weight on each side, and the pair of heads with its numbers."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._cell = Content.styled("The maps appear as soon as they are measured.", "dim")
        self._pair = Content("")

    def show_cell(
        self,
        queries: Sequence[str],
        keys: Sequence[str],
        query: int,
        key: int,
        weights: Sequence[tuple[str, float]],
        exact: bool,
        left_out: bool,
    ) -> None:
        """Say what each side gives from ``query`` to ``key``; the last of ``weights`` is the difference.

        Where they are not ``exact``, they are the largest of the cells around the pair, and said to be; so is that the
        key is ``left_out`` of the maps.
        """
        parts: list[str | tuple[str, str]] = [("query ", "dim"), f"{query} ", (_label(queries, query), "bold")]
        parts += [("  →  key ", "dim"), f"{key} ", (_label(keys, key), "bold")]
        for name, weight in weights:
            parts += [(f"   {fit(visible(name), 20)} ", "dim"), (figure(weight, 3), "bold")]
        if not exact:
            parts.append(("   largest of the cell", "dim"))
        if left_out:
            parts.append(("   left out", "dim"))
        self._cell = Content.assemble(*parts)
        self._write()

    def show_pair(self, comparison: Comparison | None, index: int | None, entry: Entry) -> None:
        """Say what is known of one pair of heads; nothing while there is no comparison, or the head has no partner."""
        if comparison is None or index is None:
            self._pair = Content.styled("No numbers of this pair yet.", "dim")
            self._write()
            return
        pair = comparison.matching.pairs[index]
        parts: list[str | tuple[str, str]] = [
            (f"L{pair.a.layer}H{pair.a.head}", "bold"),
            (" with ", "dim"),
            (f"L{pair.b.layer}H{pair.b.head}", "bold"),
            (f" ({METHODS[pair.method]}", "dim"),
            (f", JS {figure(float(comparison.divergence[index]), 3)})", "dim"),
        ]
        differences = comparison.differences
        if entry.key in differences.names:
            row = differences.row(entry.key)
            numbers = {
                name: float(getattr(differences, name)[row, index])
                for name in ("a", "b", "difference", "low", "high", "q", "effect")
            }
            digits = entry.decimals
            parts += [
                (f"   {entry.symbol} ", "dim"),
                f"{figure(numbers['a'], digits)} → {figure(numbers['b'], digits)}",
                ("   difference ", "dim"),
                (figure(numbers["difference"], digits, signed=True), "bold"),
            ]
            if math.isfinite(numbers["low"]):
                parts.append(f" [{figure(numbers['low'], digits)}, {figure(numbers['high'], digits)}]")
            if math.isfinite(numbers["q"]):
                parts += [("   q ", "dim"), figure(numbers["q"], 3), ("   d ", "dim"), figure(numbers["effect"], 2)]
            else:
                parts.append(("   one text: no p-value", "dim") if differences.used.max(initial=0) < 2 else "")
        self._pair = Content.assemble(*parts)
        self._write()

    def _write(self) -> None:
        self.update(Content("\n").join([self._cell, self._pair]), layout=False)


METHODS = {"index": "same place", "divergence": "nearest", "hand": "by hand"}
"""How two heads came to be compared, in words."""


def figure(value: float, digits: int, signed: bool = False) -> str:
    """``value`` with ``digits`` after the point; a middle dot where it is undefined."""
    return f"{value:{'+' if signed else ''}z.{digits}f}" if math.isfinite(value) else "·"


def _label(pieces: Sequence[str], index: int) -> str:
    return f'"{token_label(pieces[index], _LABEL)}"' if 0 <= index < len(pieces) else ""
