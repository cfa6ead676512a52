"""One head's attention as a heat map: queries down, keys across, a cursor that reads weights."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from faa_core.records import LayerResult, MapKind, Tokens
from faa_tui.rendering.attention_map import AttentionMap, marked
from faa_tui.rendering.cells import encoder
from faa_tui.rendering.map_lines import MapLines, Pens, label_width, map_area
from faa_tui.rendering.ramps import RAMPS, RampName
from faa_tui.rendering.scales import SCALES, ScaleName
from faa_tui.rendering.terminal import colours_of, rich_colours
from faa_tui.rendering.tiles import TILE, TileCache, cells_at, overview_level
from faa_tui.rendering.viewport import Viewport

CACHE_BYTES: Final = 128 * 1024 * 1024
_WHEEL_PIXELS: Final = 6


class MapAddress(NamedTuple):
    """Which map: one head of one layer of one run."""

    run: int
    kind: MapKind
    layer: int
    head: int


class HeatMap(Widget, can_focus=True):
    """Heat map in half blocks: two pixels a cell, drawn from tiles that it asks for when it lacks them.

    Above life size a token is a square of pixels, at life size one pixel, below it a pixel is the largest weight of
    a square of tokens. The map fits the pane until somebody zooms.
    """

    ALLOW_SELECT = False
    HELP = "Rows are queries, columns are keys. The cursor reads out query, key, weight and lift."

    DEFAULT_CSS = """
    HeatMap {
        width: 1fr;
        height: 1fr;
        background: $surface;
        color: $foreground;
        & > .heat-map--label { color: $text-muted; }
        & > .heat-map--cursor { color: $text-accent; text-style: bold; }
        & > .heat-map--note { color: $text-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"heat-map--label", "heat-map--cursor", "heat-map--note"}
    """
    | Class | Description |
    | :- | :- |
    | `heat-map--label` | Tick numbers and row labels. |
    | `heat-map--cursor` | Labels of the query and the key under the cursor. |
    | `heat-map--note` | The colour bar's text. |
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(0, -1)", "Key left", show=False, id="map.left", tooltip="Move to the key before"),
        Binding("down,j", "move(1, 0)", "Query down", show=False, id="map.down", tooltip="Move to the next query"),
        Binding("up,k", "move(-1, 0)", "Query up", show=False, id="map.up", tooltip="Move to the query before"),
        Binding("right,l", "move(0, 1)", "Key right", show=False, id="map.right", tooltip="Move to the next key"),
        Binding("H,shift+left", "move(0, -10)", "Far left", show=False, id="map.far_left"),
        Binding("J,shift+down,pagedown", "move(10, 0)", "Far down", show=False, id="map.far_down"),
        Binding("K,shift+up,pageup", "move(-10, 0)", "Far up", show=False, id="map.far_up"),
        Binding("L,shift+right", "move(0, 10)", "Far right", show=False, id="map.far_right"),
        Binding("g", "edge(-1, 0)", "First query", show=False, id="map.first_query"),
        Binding("G", "edge(1, 0)", "Last query", show=False, id="map.last_query"),
        Binding("home", "edge(0, -1)", "First key", show=False, id="map.first_key"),
        Binding("end", "edge(0, 1)", "Last key", show=False, id="map.last_key"),
        Binding("plus,equals_sign", "zoom(True)", "Zoom in", key_display="+", show=False, id="map.zoom_in"),
        Binding("minus", "zoom(False)", "Zoom out", key_display="-", show=False, id="map.zoom_out"),
        Binding("0", "fit", "Fit", show=False, id="map.fit", tooltip="Show the whole map"),
    ]

    scale: reactive[ScaleName] = reactive[ScaleName]("sqrt")
    """How weights become colours."""
    ramp: reactive[RampName] = reactive[RampName]("viridis")
    """Colours of the map."""

    class BlockWanted(Message):
        """Cells are on screen that are not here; answer with `HeatMap.put`. Each is asked for once.

        Attributes:
            heat_map: The sender.
            address: Which map.
            level: Cells are 2^level x 2^level tokens.
            row: First row of cells.
            row_stop: One past the last row of cells.
            column: First column of cells.
            column_stop: One past the last column of cells.
        """

        def __init__(
            self,
            heat_map: HeatMap,
            address: MapAddress,
            level: int,
            row: int,
            row_stop: int,
            column: int,
            column_stop: int,
        ) -> None:
            super().__init__()
            self.heat_map = heat_map
            self.address = address
            self.level = level
            self.row = row
            self.row_stop = row_stop
            self.column = column
            self.column_stop = column_stop

        @property
        def control(self) -> HeatMap:
            """The sender."""
            return self.heat_map

    class CursorMoved(Message):
        """The cursor is on another cell, or the value of its cell has become known.

        Attributes:
            heat_map: The sender.
            query: Row in tokens.
            key: Column in tokens.
            weight: Attention of the query to the key; NaN where it is not here yet or undefined, 0 outside the support.
            lift: Weight times the number of keys that the query sees; NaN where it sees none or not this key.
            exact: Whether the two belong to exactly this pair; if not they are the largest of the cell around it.
        """

        def __init__(self, heat_map: HeatMap, query: int, key: int, weight: float, lift: float, exact: bool) -> None:
            super().__init__()
            self.heat_map = heat_map
            self.query = query
            self.key = key
            self.weight = weight
            self.lift = lift
            self.exact = exact

        @property
        def control(self) -> HeatMap:
            """The sender."""
            return self.heat_map

    def __init__(
        self,
        *,
        cache_bytes: int = CACHE_BYTES,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
        disabled: bool = False,
    ) -> None:
        """Make an empty heat map.

        Args:
            cache_bytes: Budget for blocks that are kept, the least recently used dropped first.
            name: Name of the widget.
            id: Id of the widget.
            classes: Its classes.
            disabled: Whether it takes no input.
        """
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self._cache = TileCache(cache_bytes)
        self._pending: set[tuple[MapAddress, int, int, int]] = set()
        self._shapes: dict[tuple[int, MapKind], tuple[int, int]] = {}
        self._address: MapAddress | None = None
        self._map: AttentionMap | None = None
        self._queries: tuple[str, ...] = ()
        self._keys: tuple[str, ...] = ()
        self._label_width = 0
        self._query = self._key = 0
        self._view = Viewport(1, 1, 1, 1)
        self._fitted = True
        self._picture: NDArray[np.uint16] | None = None
        self._marked: NDArray[np.uint16] | None = None
        self._pens: Pens | None = None
        self._told: tuple[object, ...] = ()

    # --- what the application calls ---------------------------------------------------------------------------------

    @property
    def address(self) -> MapAddress | None:
        """The map that shows, if any."""
        return self._address

    @property
    def cursor(self) -> tuple[int, int]:
        """Query and key under the cursor, in tokens."""
        return self._query, self._key

    @property
    def cell_size(self) -> int:
        """Tokens along the side of a pixel: 1 at life size and above it."""
        return self._view.size

    def show(self, address: MapAddress, result: LayerResult, queries: Tokens, keys: Tokens) -> None:
        """Show another map. Cursor and view stay where they are if it has the same size.

        Args:
            address: Which map.
            result: Result of its layer: size and support.
            queries: Tokens of the rows; fewer than rows where there are no tokens, as in a file of attention.
            keys: Tokens of the columns.
        """
        same = (result.queries, result.keys) == (self._view.queries, self._view.keys) and self._address is not None
        self._address, self._map = address, AttentionMap(address, result, self._cache)
        self._queries, self._keys = queries.pieces, keys.pieces
        self._label_width = label_width(self._queries, result.queries)
        self._shapes[address.run, address.kind] = (result.queries, result.keys)
        if not same:
            self._fitted = True
            self._view = replace(self._view, queries=result.queries, keys=result.keys)
            self._query = min(self._query, result.queries - 1)
            self._key = min(self._key, result.keys - 1)
        self._arrange()
        if not same:
            seen = self._map.visible_keys(self._query)
            self._key = max(seen.start, min(self._key, seen.stop - 1)) if seen else self._key
        self._redraw()

    def clear(self) -> None:
        """Show nothing."""
        self._address = self._map = None
        self._picture = self._marked = None
        self._told = ()
        self.refresh()

    def put(self, address: MapAddress, level: int, row: int, column: int, block: NDArray[np.floating]) -> None:
        """Keep a block of cells, and draw it if it is on screen.

        Args:
            address: Which map.
            level: Cells are 2^level x 2^level tokens, each the largest weight in it.
            row: Row of the top left cell.
            column: Column of the top left cell.
            block: [rows, columns] weights; they are kept as float16.
        """
        self._cache.put(address, level, row, column, block.astype(np.float16, copy=False))
        rows, columns = block.shape
        for tile_row in range(row // TILE, -(-(row + rows) // TILE)):
            for tile_column in range(column // TILE, -(-(column + columns) // TILE)):
                self._pending.discard((address, level, tile_row, tile_column))
        if self._map is not None and address == self._address:
            self._map.tiles_came()
            self._redraw()

    def has_overview(self, address: MapAddress) -> bool:
        """Whether the whole of a map is here at the level of its overview, so that it draws at once.

        The size of a map is known once a map of the same run and kind was shown.
        """
        shape = self._shapes.get((address.run, address.kind))
        if shape is None:
            return False
        level = overview_level(*shape)
        return not self._cache.missing(address, level, 0, cells_at(shape[0], level), 0, cells_at(shape[1], level))

    def forget_pending(self) -> None:
        """Ask again for what was asked for and has not come, when it is next needed."""
        self._pending.clear()

    def move_cursor(self, query: int, key: int) -> None:
        """Put the cursor on a pair of tokens, scrolling to it; values beyond the edge go to the edge."""
        if self._map is not None:
            self._place(max(0, min(query, self._view.queries - 1)), max(0, min(key, self._view.keys - 1)))

    # --- keys and mouse ---------------------------------------------------------------------------------------------

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor by cells as they show."""
        if self._map is None:
            return
        size = self._view.size
        row = max(0, min(self._query // size + rows, self._view.rows - 1))
        column = max(0, min(self._key // size + columns, self._view.columns - 1))
        self._place_on_cell(row, column)

    def action_edge(self, rows: int, columns: int) -> None:
        """Move the cursor to an edge: the first or last query (``rows`` -1 or 1) or key (``columns``)."""
        last_query, last_key = self._view.queries - 1, self._view.keys - 1
        query = {-1: 0, 0: self._query, 1: last_query}[rows]
        key = {-1: 0, 0: self._key, 1: last_key}[columns]
        self.move_cursor(query, key)

    def action_zoom(self, nearer: bool) -> None:
        """Zoom one step around the cursor."""
        if self._map is None:
            return
        self._fitted = False
        self._view = self._view.zoomed(nearer, self._query, self._key).showing(self._query, self._key)
        self._redraw()

    def action_fit(self) -> None:
        """Show the whole map, and let it follow the size of the pane."""
        self._fitted = True
        self._arrange()
        self._redraw()

    def on_resize(self) -> None:
        """Fit again, or keep the cursor in view."""
        self._arrange()
        self._redraw()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the cell that was clicked."""
        if self._map is None:
            return
        area = self._area()
        cell = self._view.cell(2 * (event.y - area.y), event.x - area.x)
        if cell is not None and area.contains(event.x, event.y):
            self._place_on_cell(*cell)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the view; with shift or ctrl sideways."""
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the view; with shift or ctrl sideways."""
        self._scroll(event, -1)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Scroll the view sideways."""
        self._wheel(event, 0, 1)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Scroll the view sideways."""
        self._wheel(event, 0, -1)

    def _scroll(self, event: events.MouseEvent, direction: int) -> None:
        self._wheel(event, *((0, direction) if event.shift or event.ctrl else (direction, 0)))

    def _wheel(self, event: events.MouseEvent, rows: int, columns: int) -> None:
        step = max(1, _WHEEL_PIXELS // self._view.factor)
        if self.action_pan(rows * step, columns * step):
            event.stop()  # otherwise an enclosing container may scroll

    def action_pan(self, rows: int, columns: int) -> bool:
        """Move the view by cells and leave the cursor; whether there was anywhere to go."""
        moved = replace(self._view, top=self._view.top + rows, left=self._view.left + columns).clamped()
        if self._map is None or moved == self._view:
            return False
        self._view = moved
        self._redraw()
        return True

    def watch_scale(self) -> None:
        """Draw again."""
        self._redraw()

    def watch_ramp(self) -> None:
        """Draw again."""
        self._pens = None
        self._redraw()

    def notify_style_update(self) -> None:
        """Look up colours afresh: the theme, the focus or a class has changed."""
        super().notify_style_update()
        self._pens = None

    def validate_scale(self, scale: str) -> str:
        """Refuse a scale that does not exist.

        Raises:
            ValueError: It does not.
        """
        if scale not in SCALES:
            raise ValueError(f"no scale is called {scale!r}; there are {', '.join(SCALES)}")
        return scale

    def validate_ramp(self, ramp: str) -> str:
        """Refuse a ramp that does not exist.

        Raises:
            ValueError: It does not.
        """
        if ramp not in RAMPS:
            raise ValueError(f"no ramp is called {ramp!r}; there are {', '.join(RAMPS)}")
        return ramp

    # --- cursor and view --------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        area = self._area()
        self._view = replace(self._view, height=max(1, 2 * area.height), width=max(1, area.width))
        if self._fitted:
            self._view = self._view.fitted()
        else:
            self._view = self._view.showing(self._query, self._key)

    def _place_on_cell(self, row: int, column: int) -> None:
        """Put the cursor on a cell: on its strongest pair, the one whose colour it has, where that is known."""
        if self._map is not None:
            self._place(*self._map.strongest(self._view, row, column))

    def _place(self, query: int, key: int) -> None:
        before = self._cursor_lines()
        self._query, self._key = query, key
        moved = self._view.showing(query, key)
        if moved != self._view:
            self._view = moved
            self._redraw()
            return
        self._marked = None
        lines = {0, *before, *self._cursor_lines()}
        width, height = self.size
        # Whole lines: Textual crops a line that is refreshed in part, cell by cell.
        self.refresh(*(Region(0, line, width, 1) for line in sorted(lines) if 0 <= line < height))
        self._tell()

    def _cursor_lines(self) -> range:
        """Lines of the pane that show the cursor."""
        area, view = self._area(), self._view
        pixel = view.pixel(self._query, self._key)[0]
        reach = max(2, view.factor)
        return range(
            max(area.y, area.y + (pixel - reach) // 2),
            min(area.bottom, area.y + (pixel + view.factor + reach) // 2 + 1),
        )

    def _tell(self) -> None:
        """Send `CursorMoved` if there is something new to say."""
        if self._map is None:
            return
        reading = self._map.reading(self._view, *self.cursor)
        told = (self._address, self.cursor, repr(reading))
        if told != self._told:
            self._told = told
            query, key = self.cursor
            self.post_message(self.CursorMoved(self, query, key, reading.weight, reading.lift, reading.exact))

    def _ask(self) -> None:
        """Ask for what is on screen and neither here nor on its way."""
        if self._map is None or self._address is None or self._area().height <= 0:
            return
        for level, tiles in self._map.lacking(self._view):
            absent = [tile for tile in tiles if (self._address, level, *tile) not in self._pending]
            if not absent:
                continue
            self._pending.update((self._address, level, *tile) for tile in absent)
            rows, columns = zip(*absent, strict=True)
            self.post_message(
                self.BlockWanted(
                    self,
                    self._address,
                    level,
                    min(rows) * TILE,
                    min((max(rows) + 1) * TILE, cells_at(self._view.queries, level)),
                    min(columns) * TILE,
                    min((max(columns) + 1) * TILE, cells_at(self._view.keys, level)),
                )
            )

    # --- drawing ----------------------------------------------------------------------------------------------------

    def _redraw(self) -> None:
        self._picture = self._marked = None
        if self._map is not None and self.is_mounted:
            self._ask()
            self._tell()
        self.refresh()

    def _area(self) -> Region:
        """Where the pixels go, inside labels, ruler and colour bar."""
        return map_area(self.size.width, self.size.height, self._label_width)

    def _pens_now(self) -> Pens:
        """Colours and styles for the theme and the terminal as they are."""
        if self._pens is None:
            background, colours = self.background_colors[1], colours_of(self.app)
            parts = ("label", "cursor", "note")
            styles = [self.rich_style, *(self.get_component_rich_style(f"heat-map--{part}") for part in parts)]
            if self.app.no_color:
                styles = [style.without_color for style in styles]
            ramp = RAMPS[self.ramp].over((background.r, background.g, background.b))
            base, label, cursor, note = styles
            pen, system = encoder(ramp, colours, base), rich_colours(self.app.console)
            self._pens = Pens(ramp, pen, base, label, cursor, note, system)
        return self._pens

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines of ``crop``, the map as ready bytes.

        Overriding this goes past Textual's line filters and its styling of segments, which cost more than the drawing.
        """
        width, area, pens = self.size.width, self._area(), self._pens_now()
        if self._map is None or not area:
            lines = [Strip.blank(width, pens.base)] * crop.height
        else:
            scale = SCALES[self.scale]
            if self._picture is None:
                self._picture = self._map.picture(self._view, scale)
            if self._marked is None:
                self._marked = marked(self._picture, self._view, *self.cursor, pens.ramp)
            drawn = MapLines(
                width, area, self._view, self._marked, *self.cursor, self._queries, self._keys, scale, pens
            )
            lines = [drawn.line(y) for y in range(crop.y, crop.bottom)]
        if crop.column_span != (0, width):
            lines = [line.crop(*crop.column_span) for line in lines]
        return lines
