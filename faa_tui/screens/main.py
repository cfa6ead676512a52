"""The main screen by keyboard and mouse: which head is looked at, and what is wanted of it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from faa_core.catalogue import BY_KEY, RUN_KEYS
from faa_tui.actions import Scope, bindings
from faa_tui.messages import TileKey
from faa_tui.screens.main_means import MainMeans
from faa_tui.session import Position
from faa_tui.widgets.head_matrix import HeadMatrix
from faa_tui.widgets.heat_map import HeatMap
from faa_tui.widgets.layer_pane import LayerPane
from faa_tui.widgets.paged_plot import PagedPlot
from faa_tui.widgets.token_strip import TokenStrip


class MainScreen(MainMeans):
    """Takes keys and the messages of its panes, and says what is wanted; knows nothing of the worker."""

    SCOPE: ClassVar[Scope] = "main"
    BINDINGS: ClassVar[list[BindingType]] = bindings(SCOPE)

    # --- where the user is ---------------------------------------------------------------------------------------

    def watch_position(self) -> None:
        """Draw the other head."""
        if self.is_mounted:
            self._draw_position()

    def watch_statistic(self) -> None:
        """Colour the heads anew."""
        if self.is_mounted:
            self._draw_heads()

    def on_head_matrix_head_selected(self, event: HeadMatrix.HeadSelected) -> None:
        """Go to the head."""
        event.stop()
        if self._results is not None and event.row < len(self._results.rows):
            info = self._results.rows[event.row]
            self.position = Position(info.kind, info.layer, event.head)

    def on_layer_pane_layer_selected(self, event: LayerPane.LayerSelected) -> None:
        """Go to the layer, to the same head where it has one."""
        event.stop()
        if self._results is not None and self.position is not None and event.row < len(self._results.rows):
            step = event.row - self._results.row_of(self.position)
            self.position = self._results.moved(self.position, layers=step)

    def on_token_strip_token_selected(self, event: TokenStrip.TokenSelected) -> None:
        """Move the cursor of the map to the row or the column of the token."""
        event.stop()
        if self._results is not None and self._results.at(self.position) is not None:
            query, key = (event.index, self._cell[1]) if event.role == "query" else (self._cell[0], event.index)
            self._cell = (query, key)
            self._map.move_cursor(query, key)
            self._show_row(fetch=True)

    def on_token_strip_direction_changed(self, event: TokenStrip.DirectionChanged) -> None:
        """Colour the text by the other direction."""
        event.stop()
        self._show_row(fetch=True)

    def on_heat_map_cursor_moved(self, event: HeatMap.CursorMoved) -> None:
        """Read out the cell."""
        event.stop()
        self._cell = (event.query, event.key)
        results, position = self._results, self.position
        if results is None or position is None:
            return
        self._readout.show(event, results.queries_of(position.kind), results.keys_of(position.kind), self.without_first)
        self._show_row(fetch=True)

    def on_heat_map_block_wanted(self, event: HeatMap.BlockWanted) -> None:
        """Pass the wish on: Textual ends the way up of a message here if drawing, which we began, has caused it."""
        event.stop()
        key = TileKey(event.address, event.level, event.row, event.row_stop, event.column, event.column_stop)
        self.post_message(self.TileWanted(key))

    def on_paged_plot_page_changed(self, event: PagedPlot.PageChanged) -> None:
        """Bring what this page shows and others do not."""
        event.stop()
        self._draw_layer_values()
        self._show_row(fetch=True)

    # --- actions -------------------------------------------------------------------------------------------------

    def action_layer(self, step: int) -> None:
        """Go ``step`` layers on."""
        if self._results is not None and self.position is not None:
            self.position = self._results.moved(self.position, layers=step)

    def action_head(self, step: int) -> None:
        """Go ``step`` heads on."""
        if self._results is not None and self.position is not None:
            self.position = self._results.moved(self.position, heads=step)

    def action_curve(self, step: int) -> None:
        """Show the page of curves ``step`` places on, and the column that it is in."""
        self.reveal("numbers")
        self._curve.action_step(step)

    def action_statistic(self, step: int) -> None:
        """Colour the heads by the statistic ``step`` places on."""
        self.statistic = RUN_KEYS[(RUN_KEYS.index(self.statistic) + step) % len(RUN_KEYS)]

    def choose_statistic(self, key: str | None) -> None:
        """Colour the heads by ``key``; ``None`` changes nothing."""
        if key in BY_KEY:
            self.statistic = key
