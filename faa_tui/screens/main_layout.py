"""How the main screen is laid out and drawn: panes around one head of one run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import var
from textual.timer import Timer
from textual.widgets import Footer, Static

from faa_core.catalogue import RUN_KEYS
from faa_core.findings import HeadExamination
from faa_core.records import LayerResult
from faa_tui.actions import PANES
from faa_tui.blocks import ExactBlocks
from faa_tui.layer_values import layer_values
from faa_tui.live_keys import key_of
from faa_tui.messages import TileKey
from faa_tui.rendering.choices import MapColours
from faa_tui.rendering.profiles import CursorLines
from faa_tui.rendering.tiles import cells_at, overview_level
from faa_tui.rendering.without_first import WithoutFirst
from faa_tui.screens.paned import MIN_SIZE, PanedScreen
from faa_tui.session import HeadTable, Position, Results, head_table
from faa_tui.widgets.curve import CurveView
from faa_tui.widgets.curve_pane import CurvePane
from faa_tui.widgets.head_matrix import HeadMatrix
from faa_tui.widgets.heads_table import HeadsTable
from faa_tui.widgets.heat_map import HeatMap, MapAddress
from faa_tui.widgets.layer_pane import LayerPane
from faa_tui.widgets.model_pane import ModelPane
from faa_tui.widgets.notice import Notice
from faa_tui.widgets.pane import Pane
from faa_tui.widgets.readout import Readout
from faa_tui.widgets.runs_pane import RunsPane
from faa_tui.widgets.statistics_table import StatisticsTable
from faa_tui.widgets.status_bar import Status, StatusBar
from faa_tui.widgets.text_pane import TextPane
from faa_tui.widgets.token_strip import TokenStrip

REDRAW_SECONDS = 0.05
"""Arrivals are drawn at most this often."""
REST_SECONDS = 0.12
"""How long the cursor rests before a row is fetched for the text pane."""
SIDES = {"models": "left", "layers": "left", "numbers": "right", "text": "text", "runs": "left"}
"""Which column shows a pane that gives way where the terminal is narrow."""


class MainLayout(PanedScreen):
    """Draws `Results`."""

    PANES = PANES
    FOCUS: ClassVar[Mapping[str, str]] = {
        "models": "#model-list",
        "layers": "#layer-list",
        "heads": "#head-matrix",
        "attention": "#heat-map",
        "numbers": "#statistics-lines",
        "text": "#token-strip",
        "all-heads": "#heads-table RowGrid",
        "runs": "#runs-list RowGrid",
    }
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (MIN_SIZE[0], "-narrow"), (110, "-wide")]  # noqa: RUF012
    ALLOW_IN_MAXIMIZED_VIEW = "Footer, StatusBar, Notice"
    AUTO_FOCUS = "#heat-map"

    # Not `reactive`: each would have the whole screen drawn again, where its watcher draws what has changed.
    position: var[Position | None] = var(None)
    statistic: var[str] = var("D0")
    side: var[str] = var("right")
    all_heads: var[bool] = var(False)
    """Whether the table of all heads takes the place of the map."""
    without_first: var[bool] = var(False)
    """Whether the map leaves out the first key."""

    class Shown(Message, namespace="main_screen"):
        """The user has come back to this screen."""

    class HeadShown(Message, namespace="main_screen"):
        """Another head is looked at."""

        def __init__(self, address: MapAddress) -> None:
            super().__init__()
            self.address = address

    class TileWanted(Message, namespace="main_screen"):
        """A rectangle of a map is wanted: by the map, or one exact row for the text pane."""

        def __init__(self, key: TileKey) -> None:
            super().__init__()
            self.key = key

    def __init__(self, colours: MapColours) -> None:
        super().__init__(Notice(id="notice"), colours)
        self._status = StatusBar(id="status")
        self._models = ModelPane(id="model-list")
        self._layers = LayerPane(id="layer-list")
        self.runs = RunsPane(id="runs-list")
        self._matrix = HeadMatrix(id="head-matrix")
        self._map = HeatMap(id="heat-map")
        self._readout = Readout(id="readout")
        self._curve = CurveView(id="curve")
        self._statistics = StatisticsTable(id="statistics")
        self._tokens = TokenStrip(id="token-strip")
        self._heads_pane = Pane("pane.heads", "Heads", id="heads")
        self._map_pane = Pane("pane.attention", "Attention", id="attention")
        self._table_of_heads = HeadsTable(id="heads-table")
        self._curve_pane = CurvePane(self._curve, id="curve-pane")
        self._numbers_pane = Pane("pane.numbers", "Statistics", id="numbers")
        self._text_pane = TextPane(self._tokens, id="text")
        self._hidden = Static(id="hidden", markup=False)
        self._too_small = Static(id="too-small", markup=False)
        self._results: Results | None = None
        self._blocks = ExactBlocks()
        self._examinations: dict[Position, HeadExamination] = {}
        self._cell = (0, 0)
        self._placed = True
        self._redraw: Timer | None = None
        self._rest: Timer | None = None
        self._column_rest: Timer | None = None

    # --- layout --------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Status line, panes, text, footer."""
        yield self._status
        yield self._notice
        with Horizontal(id="body"):
            with Vertical(id="left"):
                with Pane("pane.models", "Models", id="models"):
                    yield self._models
                with Pane("pane.layers", "Layers", id="layers"):
                    yield self._layers
                with Pane("pane.runs", "Runs", id="runs"):
                    yield self.runs
            with Vertical(id="middle"):
                with self._heads_pane:
                    yield self._matrix
                with self._map_pane:
                    yield self._map
                    yield self._readout
                with Pane("pane.all-heads", "All heads", id="all-heads"):
                    yield self._table_of_heads
            with Pane("", "", id="right"):
                yield self._curve_pane
                with self._numbers_pane:
                    yield self._statistics
        yield self._text_pane
        yield self._hidden
        yield self._too_small
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Say what will be where."""
        self.tell_keys()

    def tell_keys(self) -> None:
        """Name the keys that work now, wherever one is named all the time."""
        super().tell_keys()
        self._tell_hidden()
        needs = f"faa needs at least {MIN_SIZE[0]} columns and {MIN_SIZE[1]} rows."
        self._too_small.update(f"{needs}\nMake the window larger, or press {key_of(self.app, 'quit')}.")

    def on_screen_resume(self) -> None:
        """Say that the user is here again."""
        self.post_message(self.Shown())

    def on_resize(self) -> None:
        """Other panes may be hidden now, and there is other room for words."""
        self.call_after_refresh(self._tell_hidden)
        self.call_after_refresh(self.draw)

    def watch_side(self, side: str) -> None:
        """Show the chosen column where there is room for one only."""
        for other in ("left", "right", "text"):
            self.set_class(other == side, f"-side-{other}")
        self._tell_hidden()
        self.call_after_refresh(self.draw)

    def reveal(self, pane: str) -> None:
        """Show the column that the pane is in."""
        self.side = SIDES.get(pane, self.side)

    def gives_way(self, pane: str) -> bool:
        """Whether another pane is shown in the place of ``pane`` where the terminal is narrow."""
        return SIDES.get(pane, self.side) != self.side or pane == ("attention" if self.all_heads else "all-heads")

    def _tell_hidden(self) -> None:
        hidden = [
            f"{key_of(self.app, f'pane.{pane}')} {name if len(name.split()) < 3 else name.split()[0]}"
            for pane, name in PANES
            if self.gives_way(pane)
        ]
        self._hidden.update(Content.styled("hidden: " + "   ".join(hidden), "dim"))

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def results(self) -> Results | None:
        """The run on the screen."""
        return self._results

    def missing_overviews(self) -> list[TileKey]:
        """Overviews that are not here of the heads that may be looked at next, the likeliest first.

        These are the neighbours in this layer, the same head of the layers beside it, then the rest of this layer.
        """
        address, results = self.address, self._results
        if address is None or results is None:
            return []
        here = Position(*address[1:4])
        heads = range(results.layers[here.kind, here.layer].info.heads)
        in_layer = [here._replace(head=head) for head in sorted(heads, key=lambda head: abs(head - here.head))[1:]]
        beside = [results.moved(here, layers=step) for step in (1, -1)]
        keys = []
        for position in dict.fromkeys((*in_layer[:2], *beside, *in_layer[2:])):
            layer, other = results.at(position), address._replace(**position._asdict())
            if layer is not None and not self._map.has_overview(other):
                level = overview_level(layer.queries, layer.keys)
                keys.append(TileKey(other, level, 0, cells_at(layer.queries, level), 0, cells_at(layer.keys, level)))
        return keys

    @property
    def address(self) -> MapAddress | None:
        """The map that is looked at, once its layer is here."""
        if self._results is None or self.position is None or self._results.at(self.position) is None:
            return None
        return MapAddress(self._results.run, *self.position, self.without_first)

    def show_status(self, status: Status) -> None:
        """Write the top line."""
        self._status.status = status

    def show_models(
        self, recent: tuple[str, ...], current: str, hosts: tuple[str, ...], loaded: Mapping[str, int]
    ) -> None:
        """List the models, and the machines that others may be on."""
        self._models.show(recent, current, hosts, loaded)

    def begin(self, results: Results) -> None:
        """Show a new run; its layers follow."""
        self._results = results
        self._blocks.clear()
        self._examinations.clear()
        self._map.clear()
        self._heads_pane.fit(len(results.rows) + 4)  # border, numbers of the heads, legend
        self._placed = False
        with self.prevent(MainLayout.HeadShown):
            self.set_reactive(MainLayout.position, results.clamp(self.position))
        self.draw()

    @property
    def is_drawn(self) -> bool:
        """Whether everything that has arrived is on the screen."""
        return self._redraw is None

    def arrived(self) -> None:
        """Something was added to the results: draw it soon, together with what comes meanwhile."""
        if self._redraw is None:
            self._redraw = self.set_timer(REDRAW_SECONDS, self.draw)

    def put_tile(self, key: TileKey, block: np.ndarray) -> None:
        """A rectangle of a map is here."""
        self._blocks.put(key, block)
        self._map.put(key.address, key.level, key.row, key.column, block)
        if key.address == self.address:
            self._place_cursor()
            self._show_row(fetch=False)

    def put_examination(self, run: int, examination: HeadExamination) -> None:
        """A head of this run was measured at length: keep it for when that head is looked at."""
        if self._results is not None and self._results.run == run:
            position = Position(examination.kind, examination.layer, examination.head)
            self._examinations[position] = examination
            if position == self.position:
                self._draw_curves()

    def forget_pending(self) -> None:
        """A tile will not come: the map may ask again when it is looked at again."""
        self._map.forget_pending()

    def _place_cursor(self) -> None:
        """Begin a run on a cell worth reading: the strongest key of a row far down, unless the user was faster."""
        result, address = self._results.at(self.position) if self._results else None, self.address
        if self._placed or result is None or address is None:
            return
        query = 3 * result.queries // 4
        row = self._blocks.row(address, query, result.keys)
        if self._cell != (0, 0):
            self._placed = True
        elif row is not None:
            self._placed = True
            self._map.move_cursor(query, int(np.nan_to_num(row).argmax()))

    def draw(self) -> None:
        """Draw everything from the results."""
        self._redraw = None
        self._draw_heads()
        self._draw_position()

    def _table(self) -> HeadTable | None:
        """The chosen statistic; where no head has it, the first one that some head has."""
        if self._results is None:
            return None
        table = head_table(self._results, self.statistic)
        if table.undefined:
            for key in RUN_KEYS:
                other = head_table(self._results, key)
                if not other.undefined:
                    return replace(other, instead_of=table.entry)
        return table

    def _draw_heads(self) -> None:
        results, table = self._results, self._table()
        if results is None or table is None:
            return
        self._matrix.show(
            table.names,
            table.values,
            table.doubtful,
            table.low,
            table.high,
            table.diverging,
            counts=table.counts,
            arrived=table.arrived,
            decimals=table.entry.decimals,
        )
        pane = self._heads_pane
        pane.head(f"Heads: {table.title if len(table.title) <= pane.size.width - 11 else table.short_title}")
        pane.foot(f"{table.instead_of.symbol} is undefined here" if table.instead_of else "layer x head")
        self._layers.show(results.rows, table)
        self._mark_position()
        self._draw_layer_values()

    def _mark_position(self) -> None:
        if self._results is not None and self.position is not None:
            row = self._results.row_of(self.position)
            self._matrix.select(row, self.position.head)
            self._layers.mark(row)

    def _draw_position(self) -> None:
        results, position = self._results, self.position
        if results is None or position is None:
            return
        result = results.at(position)
        head = position.head
        self._mark_position()
        self._map_pane.head(self._title(result, position))
        self._draw_curves()
        self._statistics.show(result, head)
        self._numbers_pane.head(f"Statistics  layer {position.layer} head {head}")
        if result is not None and (address := self.address) is not None:
            if self._map.address != address:
                queries, keys = results.queries_of(position.kind), results.keys_of(position.kind)
                if not self._placed:  # the row in which the cursor will begin
                    query = 3 * result.queries // 4
                    self._fetch_row(TileKey(address, 0, query, query + 1, 0, result.keys))
                self._show_map(address, result, queries.pieces, keys.pieces)
                self.post_message(self.HeadShown(address))
            self._show_row(fetch=True)
        else:
            self._map.clear()

    def _show_map(self, address: MapAddress, result: LayerResult, queries: Sequence[str], keys: Sequence[str]) -> None:
        """Show another map."""
        self._map.show(address, WithoutFirst(result) if self.without_first else result, queries, keys)

    def _title(self, result: LayerResult | None, position: Position) -> Content:
        kind = {"decoder": "", "encoder": "encoder ", "cross": "cross "}[position.kind]
        where = f"{kind}layer {position.layer} head {position.head}"
        if result is None:
            return Content.assemble((where, "bold"), ("  not measured yet", "dim"))
        label = result.labels[position.head]
        # "mixed" says that no rule holds; the score of a rule that does not hold would read as evidence for it.
        score = f" ({label.score:.2f})" if math.isfinite(label.score) and label.name != "mixed" else ""
        left_out = ("  without key 0", "$text-accent") if self.without_first else ""
        title = Content.assemble((where, "bold"), left_out, f"  {label.name}{score}")
        room = self._map_pane.size.width - 16
        return Content.assemble("Attention  ", title) if title.cell_length <= room else title

    def _show_row(self, fetch: bool) -> None:
        """Show the row and the column of the cursor, where they are here; else fetch them once the cursor rests."""
        results, position, address = self._results, self.position, self.address
        if results is None or position is None or address is None:
            return
        result = results.layers[position.kind, position.layer]
        query, key = min(self._cell[0], result.queries - 1), min(self._cell[1], result.keys - 1)
        row = self._blocks.row(address, query, result.keys)
        if row is not None:
            row[: max(result.first_key[query], int(self.without_first))] = np.nan
            row[result.stop_key[query] :] = np.nan
        elif fetch:
            if self._rest is not None:
                self._rest.stop()
            wanted = TileKey(address, 0, query, query + 1, 0, result.keys)
            self._rest = self.set_timer(REST_SECONDS, lambda: self._fetch_row(wanted))
        column = self._column(address, key, result.queries, fetch)
        self._draw_text(row, column, query, key)
        self._draw_cursor_lines(row, column, query, key)

    def _fetch_row(self, key: TileKey) -> None:
        if key.address == self.address and self._blocks.row(key.address, key.row, key.column_stop) is None:
            self.post_message(self.TileWanted(key))

    @property
    def _shows_column(self) -> bool:
        return self._curve.page == "column" or self._tokens.direction == "to"

    def _column(self, address: MapAddress, key: int, queries: int, fetch: bool) -> np.ndarray | None:
        """The column of the cursor, where something shows it and it is here; else fetch it once the cursor rests."""
        column = self._blocks.column(address, key, queries) if self._shows_column else None
        if self._shows_column and column is None and fetch:
            if self._column_rest is not None:
                self._column_rest.stop()
            wanted = TileKey(address, 0, 0, queries, key, key + 1)
            self._column_rest = self.set_timer(REST_SECONDS, lambda: self._fetch_column(wanted))
        return column

    def _fetch_column(self, key: TileKey) -> None:
        here = self._shows_column and key.address == self.address
        if here and self._blocks.column(key.address, key.column, key.row_stop) is None:
            self.post_message(self.TileWanted(key))

    # --- text ----------------------------------------------------------------------------------------------------

    def _draw_text(self, row: np.ndarray | None, column: np.ndarray | None, query: int, key: int) -> None:
        """Colour the text by what the token under its cursor pays or gets."""
        results, position = self._results, self.position
        result = results.at(position) if results is not None else None
        if results is None or position is None or result is None:
            return
        if column is not None:
            hidden = (result.first_key > key) | (result.stop_key <= key)
            column = np.where(hidden | (self.without_first and key == 0), np.nan, column)
        cross = position.kind == "cross"
        self._tokens.show(
            results.queries_of(position.kind),
            results.keys_of(position.kind) if cross else None,
            row=row,
            column=column,
            query=query,
            key=key,
            names=("decoder", "encoder"),
        )
        side = ("decoder" if self._tokens.direction == "from" else "encoder") if cross else position.kind
        self._text_pane.tell(side if results.decoder_tokens is not None else "")

    # --- curves --------------------------------------------------------------------------------------------------

    def _draw_curves(self) -> None:
        results, position = self._results, self.position
        if results is None or position is None:
            return
        self._curve.show(results.at(position), position.head, self._examinations.get(position))
        self._draw_layer_values()
        self._curve_pane.tell()

    def _draw_layer_values(self) -> None:
        """Collect what the page of layers shows, where that shows."""
        table = self._table() if self._curve.page == "layers" else None
        if self._results is not None and self.position is not None and table is not None:
            self._curve.show_layers(layer_values(self._results, table.entry.key, self.position))

    def _draw_cursor_lines(self, row: np.ndarray | None, column: np.ndarray | None, query: int, key: int) -> None:
        """Show the row and the column of the cursor as curves."""
        results, position = self._results, self.position
        if results is None or position is None:
            return
        queries, keys = results.queries_of(position.kind).pieces, results.keys_of(position.kind).pieces
        self._curve.show_cursor(
            CursorLines(query, key, (queries[query], keys[key]), row, column, int(self.without_first))
        )
