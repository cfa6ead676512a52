"""The table of all heads on the main screen, and the way to a head by its number."""

from __future__ import annotations

from textual import on

from faa_tui.screens.choose_columns import ChooseColumns
from faa_tui.screens.go_to import GoTo
from faa_tui.screens.main_layout import MainLayout
from faa_tui.session import Position
from faa_tui.widgets.heads_table import HeadsTable


class MainHeads(MainLayout):
    """The main screen as far as its table of heads goes, which takes the place of the map while it is looked at."""

    _words_of_tests = ""

    def tell_tests(self, words: str) -> None:
        """Say below the heads how far their test has come; nothing where there is none."""
        self._words_of_tests = words
        self._draw_heads()

    def watch_all_heads(self, shown: bool) -> None:
        """Show the table or the map."""
        self.set_class(shown, "-all-heads")
        self._tell_hidden()
        if shown:
            self._fill_table()

    def reveal(self, pane: str) -> None:
        """Let table and map change places."""
        super().reveal(pane)
        if pane in ("all-heads", "attention"):
            self.all_heads = pane == "all-heads"

    def _draw_heads(self) -> None:
        super()._draw_heads()
        if self._words_of_tests:
            self._heads_pane.foot(self._words_of_tests)
        if self.all_heads:
            self._fill_table()

    def _mark_position(self) -> None:
        super()._mark_position()
        self._table_of_heads.select(self.position)

    def _fill_table(self) -> None:
        """Put in what is here; what is hidden costs nothing."""
        results, table = self._results, self._table()
        if results is None or table is None or self.position is None:
            return
        here = [results.layers.get((info.kind, info.layer)) for info in results.rows]
        layers = [layer for layer in here if layer is not None]
        self._table_of_heads.show(layers, table.entry, results.tests, self.position)

    @on(HeadsTable.RowSelected, "#heads-table")
    def _head_selected(self, event: HeadsTable.RowSelected) -> None:
        """Go to the head, in every pane; to its map where it is opened."""
        event.stop()
        assert isinstance(event.key, Position)
        self.position = event.key
        if isinstance(event, HeadsTable.RowOpened):
            self.action_pane("attention")

    def on_heads_table_columns_wanted(self, event: HeadsTable.ColumnsWanted) -> None:
        """Ask for them."""
        event.stop()
        self.app.push_screen(ChooseColumns(event.heads_table.chosen), event.heads_table.choose)

    def action_filter(self) -> None:
        """Show only some heads in the table."""
        self.action_pane("all-heads")
        self._table_of_heads.action_filter()

    def action_go_to(self) -> None:
        """Ask for the number of a head."""

        def answered(position: Position | None) -> None:
            if position is not None:
                self.position = position

        if self._results is not None:
            self.app.push_screen(GoTo(self._results.rows, self._results.model.reference), answered)
