"""The table of all heads: every statistic of the run, as many columns as fit, the others to the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from faa_core.catalogue import Entry
from faa_core.findings import HeadTests
from faa_core.records import LayerResult
from faa_tui import head_columns
from faa_tui.live_keys import keys_of
from faa_tui.rendering.head_rows import FIXED, column_symbol, head_rows, shown_column
from faa_tui.rendering.row_table import Column, RowTable, joined_width
from faa_tui.session import Position
from faa_tui.widgets.filtered_table import FilteredTable


class HeadsTable(FilteredTable):
    """One row for each head that is measured; head and label stay where the other columns are scrolled.

    Its rows are about a `Position`.
    """

    HELP = (
        "Sorted by any column, and filtered: "
        "words match labels and heads (induction, L2H3, 2.3), label=sink a label, comparisons the number in a column "
        "(D0<1.8, dD0<-.2, H>2, layer>=6; D is D0), ! is the contrary. A slope in parentheses is no dimension: it "
        "satisfies no comparison. The column with * colours the matrix of heads."
    )
    EXAMPLE = "label=induction  L2H3  D<1.8  sink>.3  layer>=6"
    EMPTY = "The heads appear as their layers are measured."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "scroll(-1)", "Columns left", show=False, id="rows.left", tooltip="Scroll the columns back"),
        Binding("right,l", "scroll(1)", "Columns right", show=False, id="rows.right", tooltip="Scroll the columns on"),
        Binding("C", "choose", "Columns", show=False, id="rows.columns", tooltip="Choose the columns of the table"),
    ]

    class ColumnsWanted(Message):
        """The user wants to choose the columns.

        Attributes:
            heads_table: The sender.
        """

        def __init__(self, heads_table: HeadsTable) -> None:
            super().__init__()
            self.heads_table = heads_table

        @property
        def control(self) -> HeadsTable:
            """The sender."""
            return self.heads_table

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.chosen: frozenset[str] | None = None
        """Keys of the columns that are shown; ``None`` for all."""
        self._first = 0
        self._statistic: Entry | None = None
        self._beside = (0, 0)

    def on_mount(self) -> None:
        """Show the columns that were chosen last."""
        self.chosen = head_columns.load()

    def show(self, layers: Sequence[LayerResult], statistic: Entry, tests: Sequence[HeadTests], head: Position) -> None:
        """Show every head of ``layers``.

        Args:
            layers: What is measured, in the order of the forward pass.
            statistic: What colours the matrix of heads.
            tests: Tests of the heads.
            head: The head that is looked at.
        """
        self._statistic = statistic
        self.fill(head_rows(layers, statistic, tests) if layers else None, head)

    def sortable(self, table: RowTable) -> tuple[Column, ...]:
        """Every column that is chosen."""
        fixed = tuple(column for column in table.columns if column.key in FIXED)
        return (*fixed, *self._scrolled(table))

    def sort_by(self, key: str | None) -> None:
        """Sort by a column, and scroll to it."""
        super().sort_by(key)
        if self._table is not None and key is not None and all(column.key != key for column in self._columns):
            keys = [column.key for column in self._scrolled(self._table)]
            self._first = keys.index(key) if key in keys else 0
            self._lay_out()

    def columns_in(self, table: RowTable, width: int) -> tuple[Column, ...]:
        """Head and label, and as many of the others as there is room for; one at least."""
        rest = self._scrolled(table)
        self._first = max(0, min(self._first, len(rest) - 1))
        shown = [column for column in table.columns if column.key in FIXED]
        for column in rest[self._first :]:
            if joined_width([*shown, column]) > width and len(shown) > len(FIXED):
                break
            shown.append(column)
        after = len(rest) - self._first - len(shown) + len(FIXED)
        self._beside = (self._first, after)
        return tuple(shown)

    def remarks(self) -> list[str]:
        """How many columns are not shown, and where they are; which one colours the heads."""
        before, after = self._beside
        arrows = filter(None, (f"◂{before}" if before else "", f"{after}▸" if after else ""))
        said = " ".join(arrows)
        parts = [f"{said} columns: {self._briefly('rows.left')} {self._briefly('rows.right')}"] if said else []
        if self._statistic is not None:
            parts.append(f"* {column_symbol(shown_column(self._statistic))} colours")
        return parts

    def _briefly(self, action: str) -> str:
        """The key that takes the least room, since there is little."""
        return min(keys_of(self.app, action), key=len)

    def _scrolled(self, table: RowTable) -> list[Column]:
        return [
            column
            for column in table.columns
            if column.key not in FIXED and (self.chosen is None or head_columns.group(column.key) in self.chosen)
        ]

    def action_scroll(self, step: int) -> None:
        """Scroll the columns by one; nothing more than the last ones that fit comes from the right."""
        if step < 0 or self._beside[1]:
            self._first = max(0, self._first + step)
            self._lay_out()

    def action_choose(self) -> None:
        """Say that other columns are wanted."""
        self.post_message(self.ColumnsWanted(self))

    def choose(self, chosen: frozenset[str] | None) -> None:
        """Show these columns, and remember them; ``None`` changes nothing."""
        if chosen is not None:
            self.chosen = chosen
            head_columns.save(chosen)
            self._lay_out()
