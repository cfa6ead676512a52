"""One line that says what is under the cursor of the map."""

from __future__ import annotations

import math

from textual.content import Content
from textual.widgets import Static

from faa_core.records import Tokens
from faa_tui.rendering.text import token_label
from faa_tui.widgets.heat_map import HeatMap

_LABEL = 16
"""Most cells of a token."""
_REST = 24
"""Cells that the short form needs beside its two tokens."""


class Readout(Static):
    """Query, key, weight and lift, in as many words as there is room for."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.update(Content.styled("The map appears once it is measured.", "dim"))

    def show(self, event: HeatMap.CursorMoved, queries: Tokens, keys: Tokens, without_first: bool = False) -> None:
        """Show the cell of ``event``; weight and lift of a cell of several tokens are given as upper bounds.

        Args:
            event: Which cell, with its numbers.
            queries: Tokens of the rows.
            keys: Tokens of the columns.
            without_first: Whether they are those of a map without key 0, so that they may be undefined for its sake.
        """
        room = min(max((self.size.width - _REST) // 2, 4), _LABEL)
        query, key = (
            (f'"{token_label(tokens.pieces[index], room)}"', "bold") if index < len(tokens) else (str(index), "bold")
            for tokens, index in ((queries, event.query), (keys, event.key))
        )
        most = "" if event.exact else "≤ "
        weight = (f"{most}{event.weight:.3f}" if math.isfinite(event.weight) else "·", "bold")
        lift = (f"{most}{event.lift:.1f}" if math.isfinite(event.lift) else "·", "bold")
        why = ""
        if without_first and event.key == 0:
            why = "   left out"
        elif without_first and event.exact and math.isnan(event.weight):
            why = "   key 0 has over .95 of this row"
        content = Content.assemble(
            ("query ", "dim"),
            f"{event.query} ",
            query,
            ("  →  key ", "dim"),
            f"{event.key} ",
            key,
            ("   weight ", "dim"),
            weight,
            ("   lift ", "dim"),
            lift,
            (why, "dim"),
        )
        if content.cell_length > self.size.width:
            content = Content.assemble(query, (" → ", "dim"), key, "  ", weight, (" lift ", "dim"), lift, (why, "dim"))
        self.update(content, layout=False)  # a new layout at every step would cost more than the map itself
