"""A table of thousands of rows that is sorted by its heads and filtered by a line below it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from faa_tui.live_keys import with_keys
from faa_tui.rendering.row_table import Column, RowTable
from faa_tui.rendering.text import joined, pad
from faa_tui.row_filter import FilterError, matching
from faa_tui.widgets.row_grid import RowGrid


class FilteredTable(Vertical):
    """Rows, and a line below that filters them.

    The row that is looked at stays marked when rows are sorted or others come, and is still the one that is looked at
    when the filter hides it.
    """

    DEFAULT_CSS = """
    FilteredTable {
        width: 1fr;
        height: 1fr;
        background: $surface;
        & > Input { height: 1; border: none; padding: 0; background: $panel; display: none; }
        & > Input:focus { border: none; }
        & > Input.-open { display: block; }
        & > .filtered-table--note { height: 1; color: $text-muted; &.-fault { height: 2; } }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "Sort", show=False, id="rows.sort", tooltip="Sort by the next column"),
        Binding("S", "reverse", "Reverse", show=False, id="rows.reverse", tooltip="Turn the order round"),
        Binding("slash", "filter", "Filter", key_display="/", show=False, id="rows.filter", tooltip="Filter the rows"),
        Binding("escape", "clear_filter", "Clear", show=False, id="rows.clear", tooltip="Show all rows again"),
    ]
    EXAMPLE: ClassVar[str]
    """What a filter can look like."""
    EMPTY: ClassVar[str]
    """What is said while there are no rows."""

    class RowSelected(Message):
        """The user has put the cursor on another row.

        Attributes:
            filtered_table: The sender.
            key: What the row is about.
        """

        def __init__(self, filtered_table: FilteredTable, key: Hashable) -> None:
            super().__init__()
            self.filtered_table = filtered_table
            self.key = key

        @property
        def control(self) -> FilteredTable:
            """The sender."""
            return self.filtered_table

    class RowOpened(RowSelected):
        """The user wants to go to what the row under the cursor is about."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._grid = RowGrid()
        self._input = Input(placeholder=self.EXAMPLE, select_on_focus=False)
        self._note = Static(classes="filtered-table--note", markup=False)
        self._table: RowTable | None = None
        self._order: NDArray[np.intp] = np.zeros(0, np.intp)
        self._columns: tuple[Column, ...] = ()
        self._sorted_by: str | None = None
        self._falling = False
        self._fault = ""
        self._key: Hashable = None
        self._texts: dict[int, str] = {}

    @abstractmethod
    def columns_in(self, table: RowTable, width: int) -> tuple[Column, ...]:
        """The columns of ``table`` that are shown in ``width`` cells."""

    def sortable(self, table: RowTable) -> tuple[Column, ...]:
        """The columns that can be sorted by one after the other: those that are shown."""
        return self._columns

    def remarks(self) -> list[str]:
        """What else is to be said below the rows."""
        return []

    def compose(self) -> ComposeResult:
        """Rows, the line that filters them, and what is to be said about them."""
        yield self._grid
        yield self._input
        yield self._note

    def on_mount(self) -> None:
        """Show what was there before the lines were."""
        self._arrange()

    def on_resize(self) -> None:
        """Show as many columns as fit."""
        self._lay_out()

    @property
    def selected(self) -> Hashable:
        """What the row that is looked at is about."""
        return self._key

    @property
    def sorted_by(self) -> str | None:
        """Key of the column that rows are sorted by; ``None`` for their own order."""
        return self._sorted_by

    @property
    def rows(self) -> RowGrid:
        """What takes the keys."""
        return self._grid

    def fill(self, table: RowTable | None, key: Hashable) -> None:
        """Show other rows; order and filter stay.

        Args:
            table: The rows; ``None`` where there are none yet.
            key: What the row that is looked at is about.
        """
        self._key, self._table = key, table
        self._arrange()

    def select(self, key: Hashable) -> None:
        """Put the cursor on the row about ``key`` without telling anybody."""
        if key != self._key:
            self._key = key
            self._grid.mark(self._place())

    def focus(self, scroll_visible: bool = True) -> Self:
        """Focus the rows."""
        self._grid.focus(scroll_visible)
        return self

    # --- sorting and filtering --------------------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Sort by the column after the one that is sorted by; after the last one by none."""
        if self._table is None:
            return
        keys = [*(column.key for column in self.sortable(self._table)), None]
        at = keys.index(self._sorted_by) if self._sorted_by in keys else len(keys) - 1
        self.sort_by(keys[(at + 1) % len(keys)])

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._falling = not self._falling
        self._arrange()

    def sort_by(self, key: str | None) -> None:
        """Sort by a column, the way that suits it; by the column that is sorted by already, the other way."""
        column = self._column(key)
        self._falling = not self._falling if key == self._sorted_by else column is not None and column.falling
        self._sorted_by = key
        self._arrange()

    def action_filter(self) -> None:
        """Open the line that filters."""
        self._input.add_class("-open")
        # At once, although it has no room yet: keys that are here already are meant for it.
        self.screen.set_focus(self._input)

    def action_clear_filter(self) -> None:
        """Close it, and show all rows."""
        self._close()
        self._input.value = ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave escape to the screen where there is nothing to clear."""
        return action != "clear_filter" or self._input.has_class("-open") or bool(self._input.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while one types."""
        event.stop()
        self._arrange()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go back to the rows."""
        event.stop()
        if not event.value.strip():
            self._close()
        self._say()
        self.screen.set_focus(self._grid)

    def _close(self) -> None:
        self._input.remove_class("-open")
        if self._input.has_focus:
            self.screen.set_focus(self._grid)

    def on_row_grid_head_clicked(self, event: RowGrid.HeadClicked) -> None:
        """Sort by the column."""
        event.stop()
        self.sort_by(self._columns[event.column].key)

    def on_row_grid_row_moved(self, event: RowGrid.RowMoved) -> None:
        """Say which row is looked at now."""
        event.stop()
        self._tell(event.row, self.RowSelected)

    def on_row_grid_row_chosen(self, event: RowGrid.RowChosen) -> None:
        """Say which row is to be gone to."""
        event.stop()
        self._tell(event.row, self.RowOpened)

    def _tell(self, place: int, message: type[RowSelected]) -> None:
        if self._table is not None and place < len(self._order):
            self._key = self._table.keys[int(self._order[place])]
            self.post_message(message(self, self._key))

    # --- what shows -------------------------------------------------------------------------------------------------

    def _column(self, key: str | None) -> Column | None:
        columns = self._table.columns if self._table is not None else ()
        return next((column for column in columns if column.key == key), None)

    def _place(self) -> int | None:
        """Where the row that is looked at stands, if it shows."""
        row = self._table.places.get(self._key) if self._table is not None else None
        return None if row is None else next(iter(np.flatnonzero(self._order == row).tolist()), None)

    def _wanted(self, table: RowTable) -> NDArray[np.bool_]:
        """Rows that the filter leaves, by the words that mean something; the first that does not is explained."""
        self._fault = ""
        wanted = np.ones(len(table.keys), bool)
        for word in self._input.value.split():
            try:
                wanted &= matching(word, table.filter)
            except FilterError as error:
                self._fault = self._fault or str(error)
        return wanted

    def _arrange(self) -> None:
        """Sort and filter afresh."""
        table = self._table
        if table is None:
            self._order = np.zeros(0, np.intp)
        else:
            column = self._column(self._sorted_by)
            order = np.arange(len(table.keys)) if column is None else column.rows(self._falling)
            if column is None and self._falling:
                order = order[::-1]
            self._order = order[self._wanted(table)[order]]
        self._lay_out()

    def _lay_out(self) -> None:
        """Choose the columns that fit, and draw."""
        self._texts.clear()
        width = self._grid.size.width or self.size.width
        self._columns = self.columns_in(self._table, width) if self._table is not None else ()
        if self.is_mounted:
            heads = [self._head(column) for column in self._columns]
            self._grid.show(heads, len(self._order), self._line, self._place())
            self._say()

    def _head(self, column: Column) -> str:
        mark = ("▼" if self._falling else "▲") if column.key == self._sorted_by else ""
        return pad(("*" if column.marked else "") + column.title + mark, column.width, right=column.right)

    def _line(self, place: int) -> tuple[str, bool]:
        assert self._table is not None
        row = int(self._order[place])
        text = self._texts.get(row)
        if text is None:
            text = " ".join(pad(column.text(row), column.width, right=column.right) for column in self._columns)
            self._texts[row] = text
        return text, bool(self._table.strong[row])

    def _say(self) -> None:
        self._note.set_class(bool(self._fault), "-fault")
        if self._fault:
            self._note.update(Content.styled(self._fault, "$text-warning"), layout=False)
            return
        if self._table is None:
            self._note.update(self.EMPTY, layout=False)
            return
        found, every, noun = len(self._order), len(self._table.keys), self._table.noun
        parts = [f"{every} {noun}" if found == every else f"{found} of {every} {noun}", *self.remarks()]
        column = self._column(self._sorted_by)
        if column is not None:
            parts.append(f"by {column.title}, {'largest' if self._falling else 'smallest'} first")
        if self._input.value.strip() and not self._input.has_class("-open"):
            parts.append(f"/{self._input.value.strip()}")
        parts.append(with_keys(self.app, "{rows.filter} filter  {rows.sort} sort"))
        self._note.update(joined(parts, self._grid.size.width or self.size.width), layout=False)
