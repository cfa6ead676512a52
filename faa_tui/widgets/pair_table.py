"""The head-to-head table: every pair of heads, sorted and filtered."""

from __future__ import annotations

from typing import ClassVar, Self

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from faa_core.catalogue import BY_KEY, Entry
from faa_core.comparison.records import Comparison
from faa_tui.rendering.pair_rows import (
    PAIR_FILTER,
    PairColumn,
    PairRow,
    columns_for,
    pair_rows,
    sorted_rows,
)
from faa_tui.rendering.text import pad
from faa_tui.row_filter import FilterError, parse
from faa_tui.widgets.row_grid import RowGrid

DISCOVERY = 0.05
"""Rows of which q is below it stand out."""


class PairTable(Vertical):
    """One row for each pair of heads, with a line below that filters them.

    The pair that is looked at stays marked when rows are sorted, and is still the one that is looked at when the
    filter hides it.
    """

    HELP = (
        "s sorts by the next column, S turns the order round. / filters: words match labels and heads (induction, "
        "L2H3, 2.3), comparisons match numbers (js>.1, q<.05, |d|>.2, layer=3), ! is the contrary."
    )

    DEFAULT_CSS = """
    PairTable {
        width: 1fr;
        height: 1fr;
        background: $surface;
        & > Input { height: 1; border: none; padding: 0; background: $panel; display: none; }
        & > Input:focus { border: none; }
        & > Input.-open { display: block; }
        & > .pair-table--note { height: 1; color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "Sort", show=False, id="pairs.sort", tooltip="Sort by the next column"),
        Binding("S", "reverse", "Reverse", show=False, id="pairs.reverse", tooltip="Turn the order round"),
        Binding(
            "slash", "filter", "Filter", key_display="/", show=False, id="pairs.filter", tooltip="Filter the pairs"
        ),
        Binding("escape", "clear_filter", "Clear", show=False, id="pairs.clear", tooltip="Show all pairs again"),
    ]

    class PairSelected(Message):
        """The user has chosen another pair.

        Attributes:
            pair_table: The sender.
            index: Index of the pair.
        """

        def __init__(self, pair_table: PairTable, index: int) -> None:
            super().__init__()
            self.pair_table = pair_table
            self.index = index

        @property
        def control(self) -> PairTable:
            """The sender."""
            return self.pair_table

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._grid = RowGrid()
        self._input = Input(placeholder="induction  L2H3  js>.1  q<.05  |d|>.2  layer=3", select_on_focus=False)
        self._note = Static(classes="pair-table--note", markup=False)
        self._comparison: Comparison | None = None
        self._entry: Entry | None = None
        self._rows: tuple[PairRow, ...] = ()
        self._order: list[PairRow] = []
        self._columns: tuple[PairColumn, ...] = ()
        self._column: PairColumn | None = None
        self._falling = False
        self._filter = ""
        self._fault = ""
        self._index: int | None = None
        self._texts: dict[int, str] = {}

    def compose(self) -> ComposeResult:
        """Rows, the line that filters them, and what is to be said about them."""
        yield self._grid
        yield self._input
        yield self._note

    def on_mount(self) -> None:
        """Show what was there before the lines were."""
        self._lay_out()

    def on_resize(self) -> None:
        """Show as many columns as fit."""
        self._lay_out()

    @property
    def selected(self) -> int | None:
        """Index of the pair that is looked at."""
        return self._index

    def show(self, comparison: Comparison | None, statistic: str, index: int | None = None) -> None:
        """Show the pairs of a comparison; nothing where it is ``None``.

        Args:
            comparison: Any.
            statistic: The number that is compared.
            index: Index of the pair that is looked at.
        """
        entry = BY_KEY[statistic]
        self._index = index
        if comparison is self._comparison and entry is self._entry:
            self._grid.mark(self._place())
            return
        self._comparison, self._entry = comparison, entry
        self._rows = pair_rows(comparison, statistic) if comparison is not None else ()
        self._texts.clear()
        self._arrange()

    def focus(self, scroll_visible: bool = True) -> Self:
        """Focus the rows."""
        self._grid.focus(scroll_visible)
        return self

    # --- sorting and filtering --------------------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Sort by the column after the one that is sorted by; after the last one by none."""
        shown = (*self._columns, None)
        at = shown.index(self._column) if self._column in shown else len(shown) - 1
        self.sort_by(shown[(at + 1) % len(shown)])

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._falling = not self._falling
        self._arrange()

    def sort_by(self, column: PairColumn | None) -> None:
        """Sort by a column, the way that suits it; by the column that is sorted by already, the other way."""
        self._falling = not self._falling if column is self._column else column is not None and column.falling
        self._column = column
        self._arrange()

    def action_filter(self) -> None:
        """Open the line that filters."""
        self._input.add_class("-open")
        self._input.focus()

    def action_clear_filter(self) -> None:
        """Close it, and show all pairs."""
        self._close()
        self._input.value = ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave escape to the screen where there is nothing to clear."""
        return action != "clear_filter" or self._input.has_class("-open") or bool(self._input.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while one types, by the words that mean something; the first one that does not is explained."""
        event.stop()
        self._fault, kept = "", []
        for word in event.value.split():
            try:
                parse(word, PAIR_FILTER)
            except FilterError as error:
                self._fault = self._fault or str(error)
            else:
                kept.append(word)
        self._filter = " ".join(kept)
        self._arrange()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go back to the rows."""
        event.stop()
        if not event.value.strip():
            self._close()
        self._say()
        self._grid.focus()

    def _close(self) -> None:
        self._input.remove_class("-open")
        if self._input.has_focus:
            self._grid.focus()

    def on_row_grid_head_clicked(self, event: RowGrid.HeadClicked) -> None:
        """Sort by the column."""
        event.stop()
        self.sort_by(self._columns[event.column])

    def on_row_grid_row_moved(self, event: RowGrid.RowMoved) -> None:
        """Say which pair was chosen."""
        event.stop()
        if event.row < len(self._order):
            self._index = self._order[event.row].index
            self.post_message(self.PairSelected(self, self._index))

    # --- what shows -------------------------------------------------------------------------------------------------

    def _place(self) -> int | None:
        """Row of the pair that is looked at, if it shows."""
        return next((place for place, row in enumerate(self._order) if row.index == self._index), None)

    def _lay_out(self) -> None:
        self._columns = columns_for(self._grid.size.width or self.size.width)
        self._texts.clear()
        self._arrange()

    def _arrange(self) -> None:
        """Sort and filter afresh."""
        wanted = parse(self._filter, PAIR_FILTER)
        self._order = sorted_rows([row for row in self._rows if wanted(row)], self._column, self._falling)
        if self._column is None and self._falling:
            self._order.reverse()
        if self.is_mounted:
            heads = [self._head(column) for column in self._columns]
            self._grid.show(heads, len(self._order), self._line, self._place())
            self._say()

    def _head(self, column: PairColumn) -> str:
        mark = ("▼" if self._falling else "▲") if column is self._column else ""
        return pad(column.title + mark, column.width, right=column.right)

    def _line(self, place: int) -> tuple[str, bool]:
        row, entry = self._order[place], self._entry
        text = self._texts.get(row.index)
        if text is None:
            assert entry is not None
            text = " ".join(pad(column.text(row, entry), column.width, right=column.right) for column in self._columns)
            self._texts[row.index] = text
        return text, row.q < DISCOVERY

    def _say(self) -> None:
        if self._fault:
            self._note.update(Content.styled(self._fault, "$text-warning"), layout=False)
            return
        if self._comparison is None:
            self._note.update("The pairs appear when both models are measured.", layout=False)
            return
        found, every = len(self._order), len(self._rows)
        parts = [f"{every} pairs" if found == every else f"{found} of {every} pairs"]
        if self._column is not None:
            parts.append(f"by {self._column.title}, {'largest' if self._falling else 'smallest'} first")
        if self._filter and not self._input.has_class("-open"):
            parts.append(f"/{self._filter}")
        parts.append("/ filter  s sort")
        self._note.update("   ".join(parts), layout=False)
