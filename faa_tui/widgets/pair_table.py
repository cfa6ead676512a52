"""The head-to-head table: every pair of heads, sorted and filtered."""

from __future__ import annotations

from faa_core.catalogue import BY_KEY, Entry
from faa_core.comparison.records import Comparison
from faa_tui.rendering.pair_rows import columns_for, pair_table
from faa_tui.rendering.row_table import Column, RowTable
from faa_tui.widgets.filtered_table import FilteredTable


class PairTable(FilteredTable):
    """One row for each pair of heads; where there is no room for all columns, the weightiest stay.

    Its rows are about indices of pairs.
    """

    HELP = (
        "Sorted by any column, and filtered: words match labels and heads (induction, "
        "L2H3, 2.3), comparisons match numbers (js>.1, q<.05, |d|>.2, layer=3), ! is the contrary."
    )
    EXAMPLE = "induction  L2H3  js>.1  q<.05  |d|>.2  layer=3"
    EMPTY = "The pairs appear when both models are measured."

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: tuple[Comparison | None, Entry] | None = None

    def show(self, comparison: Comparison | None, statistic: str, index: int | None = None) -> None:
        """Show the pairs of a comparison; nothing where it is ``None``.

        Args:
            comparison: Any.
            statistic: The number that is compared.
            index: Index of the pair that is looked at.
        """
        entry = BY_KEY[statistic]
        if self._shown is not None and self._shown[0] is comparison and self._shown[1] is entry:
            self.select(index)
            return
        self._shown = comparison, entry
        self.fill(None if comparison is None else pair_table(comparison, entry), index)

    def columns_in(self, table: RowTable, width: int) -> tuple[Column, ...]:
        """The weightiest columns, in their order."""
        return columns_for(table.columns, width)
