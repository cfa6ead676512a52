"""What the main screen has to copy, and what it has to explain, in the pane that is in focus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from faa_core.catalogue import BY_KEY
from faa_core.explain import CONCEPTS
from faa_tui import copying, explaining
from faa_tui.copying import Cell, Offer
from faa_tui.explaining import Explained
from faa_tui.rendering.page import PLAIN
from faa_tui.screens.main_empty import MainEmpty
from faa_tui.session import Order, Position, Results


class MainOffers(MainEmpty):
    """The main screen as far as it gives away what it shows."""

    CURVE_PAGES: ClassVar[Mapping[str, str]] = {
        "boxes": "D0",
        "slopes": "D0",
        "thresholds": "lift",
        "orders": "D1",
        "strengths": "alpha_width",
        "distance": "distance",
        "row": "lift",
        "column": "lift",
    }
    """What is explained of each page of curves; of others the statistic that colours the heads."""

    def offers(self, order: Order) -> tuple[Offer, ...]:
        """All that can be copied or written to a file, that of the pane in focus first.

        Args:
            order: How the run on the screen was asked for.
        """
        results, position, pane = self._results, self.position, self.pane_id or "text"  # which takes no keys
        offers: list[Offer] = []
        if pane == "models":
            offers += copying.of_models(self._models.marked, self._models.references)
        if pane == "runs" and (kept := self.runs.marked) is not None:
            offers += copying.of_kept(kept)
        if results is not None and position is not None:
            offers += self._of_pane(pane, results, position, order)
        if results is not None:
            offers += copying.of_run(results, order, position, self.statistic)
        if self.address is not None:
            offers += [copying.MAP_PICTURE, copying.REPORT]
        return (*offers, copying.PICTURE)

    def _of_pane(self, pane: str, results: Results, position: Position, order: Order) -> tuple[Offer, ...]:
        result, table = results.at(position), self._table()
        if pane == "text":
            tokens = self._tokens.tokens or results.keys_of(position.kind)
            row = self._row_known()
            known = row if row is not None and len(row) == len(tokens) and self._tokens.role == "query" else None
            return copying.of_text(order.text, tokens, self._tokens.cursor, known)
        if pane == "layers" and table is not None:
            return copying.of_layers(results, table, position)
        if pane == "heads" and table is not None:
            return copying.of_heads(results, table, position)
        if pane == "all-heads":
            return copying.of_table(results, position)
        if pane == "attention" and (cell := self._cell_known()) is not None:
            return copying.of_map(cell, results.keys_of(position.kind), position)
        if pane == "numbers" and result is not None:
            drawn = [line.plain for line in self._curve.draw_page(*self._curve.size) or ()]
            return (
                *copying.of_statistics(result, position.head, self._statistics.marked),
                *copying.of_curve(self._curve.title, self._curve.current(PLAIN), drawn),
            )
        return ()

    def _cell_known(self) -> Cell | None:
        """What is under the cursor of the map; from its exact row, where that is here."""
        reading, results, position = self._map.reading, self._results, self.position
        if reading is None or results is None or position is None:
            return None
        query, key = self._map.cursor
        queries, keys = results.queries_of(position.kind), results.keys_of(position.kind)
        pieces = tuple(
            tokens.pieces[place] if place < len(tokens) else "" for tokens, place in ((queries, query), (keys, key))
        )
        row, weight, lift, exact = self._row_known(), reading.weight, reading.lift, reading.exact
        if row is not None and not exact:
            weight, exact = float(row[key]), True
            lift = weight * float(np.isfinite(row).sum())
        elif row is not None:
            weight = row[key]  # in the type that it has, whose digits are fewer
        return Cell(query, key, (pieces[0], pieces[1]), weight, lift, exact, row)

    def _row_known(self) -> np.ndarray | None:
        """The row of the map under the cursor, NaN where it may not see; ``None`` where it is not all here."""
        result, address = self._results.at(self.position) if self._results else None, self.address
        if result is None or address is None:
            return None
        query = min(self._cell[0], result.queries - 1)
        row = self._blocks.row(address, query, result.keys)
        if row is None:
            return None
        row[: max(result.first_key[query], int(self.without_first))] = np.nan
        row[result.stop_key[query] :] = np.nan
        return row

    def explained(self) -> tuple[Explained, ...]:
        """What can be explained, the number that is marked first."""
        results, position, table = self._results, self.position, self._table()
        key = self.statistic if table is None else table.entry.key
        result = None if results is None else results.at(position)
        head = 0 if position is None else position.head
        here = explaining.of_head(key, result, head)
        if self.pane_id == "attention":
            return Explained("lift"), here
        if self.pane_id == "numbers":
            marked = explaining.of_head(self._statistics.marked_key or key, result, head)
            curves = explaining.of_head(self.CURVE_PAGES.get(self._curve.page, key), result, head)
            return (marked, curves) if curves.name != marked.name else (marked,)
        if self.pane_id == "all-heads":
            column = (self._table_of_heads.sorted_by or "").removeprefix("delta ")
            if column in BY_KEY or column in CONCEPTS:
                return (explaining.of_head(column, result, head),)
        return (here,)
