"""What every map on the screen has: pixels from a cache of blocks, wishes for those that lack, and what it tells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer

from faa_tui.rendering import minimap
from faa_tui.rendering.attention_map import MapAddress, MapShape, MapSource, Reading, marked, outlined
from faa_tui.rendering.boxes import CountedBoxes, with_boxes
from faa_tui.rendering.draft import FRAME_BYTES, Motion, draft
from faa_tui.rendering.map_lines import MapLines, Pens, label_width, map_area
from faa_tui.rendering.pacing import FRAME_SECONDS
from faa_tui.rendering.ramps import RAMPS, RampName
from faa_tui.rendering.scales import SCALES, Scale, ScaleName
from faa_tui.rendering.terminal import encoders_of, fitted, pacing_of, rich_colours
from faa_tui.rendering.tiles import CACHE_BYTES, TILE, TileCache, cells_at
from faa_tui.rendering.viewport import ViewState
from faa_tui.widgets.map_view import MapView

_EXACT_CELL_BYTES: Final = 35
"""What a cell of an exact frame takes, roughly."""


class MapCanvas(MapView):
    """A map in half blocks: two pixels a cell, drawn from blocks that it asks for when it lacks them.

    Above life size a token is a square of pixels, at life size one pixel, below it a pixel stands for a square of
    tokens. Maps side by side are linked by their screen: on `ViewChanged` of one the others `look` where it looks.
    Those that share a cache fetch nothing twice.

    The messages of every kind of map have the handler names of those of a heat map, ``on_heat_map_...``, so that a
    screen answers all of them in one place.
    """

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    MapCanvas {
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

    SCALES: ClassVar[Mapping[ScaleName, Scale]] = SCALES
    """What `scale` may be."""

    scale: reactive[ScaleName] = reactive[ScaleName]("sqrt")
    """How weights become colours."""
    ramp: reactive[RampName] = reactive[RampName]("viridis")
    """Colours of the map."""

    class BlockWanted(Message, namespace="heat_map"):
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
            heat_map: MapCanvas,
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
        def control(self) -> MapCanvas:
            """The sender."""
            return self.heat_map

    class CursorMoved(Message, namespace="heat_map"):
        """The cursor is on another cell, or the value of its cell has become known.

        Attributes:
            heat_map: The sender.
            query: Row in tokens.
            key: Column in tokens.
            weight: Attention of the query to the key; NaN where it is not here yet or undefined, 0 outside the support.
            lift: Weight times the number of keys that the query sees; NaN where it sees none or not this key.
            exact: Whether the two belong to exactly this pair; if not they are the largest of the cell around it.
        """

        def __init__(self, heat_map: MapCanvas, query: int, key: int, reading: Reading) -> None:
            super().__init__()
            self.heat_map = heat_map
            self.query = query
            self.key = key
            self.weight = reading.weight
            self.lift = reading.lift
            self.exact = reading.exact

        @property
        def control(self) -> MapCanvas:
            """The sender."""
            return self.heat_map

    class ViewChanged(Message, namespace="heat_map"):
        """The user has zoomed, scrolled or moved the cursor; not sent for what the application does.

        Attributes:
            heat_map: The sender.
            view: Zoom and place.
            query: Row of the cursor in tokens.
            key: Its column.
        """

        def __init__(self, heat_map: MapCanvas, view: ViewState, query: int, key: int) -> None:
            super().__init__()
            self.heat_map = heat_map
            self.view = view
            self.query = query
            self.key = key

        @property
        def control(self) -> MapCanvas:
            """The sender."""
            return self.heat_map

        def can_replace(self, message: Message) -> bool:
            """Whether this one makes an older one that still waits superfluous."""
            return isinstance(message, MapCanvas.ViewChanged) and message.heat_map is self.heat_map

    def __init__(
        self,
        *,
        cache: TileCache | None = None,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
        disabled: bool = False,
    ) -> None:
        """Make an empty map.

        Args:
            cache: Blocks that are here, which several maps may share; one of its own if not given.
            name: Name of the widget.
            id: Id of the widget.
            classes: Its classes.
            disabled: Whether it takes no input.
        """
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self._cache = cache if cache is not None else TileCache(CACHE_BYTES)
        self._map: MapSource | None = None
        self._queries: Sequence[str] = ()
        self._keys: Sequence[str] = ()
        self._label_width = 0
        self._picture: NDArray[np.uint16] | None = None
        self._marked: NDArray[np.uint16] | None = None
        self._boxes: CountedBoxes | None = None
        self._corner: minimap.MiniMap | None = None
        self._pens: Pens | None = None
        self._told: tuple[object, ...] = ()
        self._shown: tuple[object, ...] = ()
        self._motion = Motion()
        self._settling: Timer | None = None
        self._resting = False  # whether a timer waits for the map to rest

    # --- what the application calls ---------------------------------------------------------------------------------

    @property
    def addresses(self) -> tuple[MapAddress, ...]:
        """Maps that what shows is made from; none where nothing shows."""
        return () if self._map is None else self._map.addresses

    @property
    def reading(self) -> Reading | None:
        """What is known about the pair under the cursor; ``None`` where nothing shows."""
        return None if self._map is None else self._map.reading(self._view, *self.cursor)

    def _show_source(self, source: MapSource, shape: MapShape, queries: Sequence[str], keys: Sequence[str]) -> None:
        same = (shape.queries, shape.keys) == (self._view.queries, self._view.keys) and self._map is not None
        self._map = source
        self._queries, self._keys = queries, keys
        self._boxes = None
        self._label_width = label_width(queries, shape.queries)
        if not same:
            self._resize_map(shape.queries, shape.keys)
        self._arrange()
        if not same:
            seen = source.visible_keys(self._query)
            self._key = max(seen.start, min(self._key, seen.stop - 1)) if seen else self._key
        self._view_changed()

    def look(self, view: ViewState, query: int, key: int) -> None:
        """Look at the same place as another map, without telling anybody.

        What a fitted map shows follows its own pane again when that changes.

        Args:
            view: Zoom and place of the other map.
            query: Row of the cursor; beyond the edge it goes to the edge.
            key: Its column.
        """
        if self._map is None or (view, (query, key)) == (self.view_state, self.cursor):
            return
        before, lines = self._view, self._cursor_lines()
        self._view, self._fitted = self._view.looking(view), view.fitted
        self._query, self._key = min(query, self._view.queries - 1), min(key, self._view.keys - 1)
        self._told = self._news()
        if self._view != before:
            self._view_changed()
        else:
            self._cursor_changed({0, *lines, *self._cursor_lines()})

    def clear(self) -> None:
        """Show nothing."""
        self._map = None
        self._picture = self._marked = self._boxes = None
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
        self.arrived(address)

    def arrived(self, address: MapAddress) -> None:
        """Draw again if ``address`` is on screen: another map that shares the cache was given cells of it."""
        if self._map is not None and address in self.addresses:
            self._map.tiles_came()
            self._view_changed()

    def forget_pending(self) -> None:
        """Ask again for what was asked for and has not come, when it is next needed."""
        self._cache.forget_asked()

    # --- reactions --------------------------------------------------------------------------------------------------

    def watch_scale(self) -> None:
        """Draw again."""
        self._view_changed()

    def watch_ramp(self) -> None:
        """Draw again."""
        self._pens = None
        self._view_changed()

    def notify_style_update(self) -> None:
        """Look up colours afresh: the theme, the focus or a class has changed."""
        super().notify_style_update()
        self._pens = None

    def validate_scale(self, scale: str) -> str:
        """Refuse a scale that does not exist.

        Raises:
            ValueError: It does not.
        """
        if scale not in self.SCALES:
            raise ValueError(f"no scale is called {scale!r}; there are {', '.join(self.SCALES)}")
        return scale

    def validate_ramp(self, ramp: str) -> str:
        """Refuse a ramp that does not exist.

        Raises:
            ValueError: It does not.
        """
        if ramp not in RAMPS:
            raise ValueError(f"no ramp is called {ramp!r}; there are {', '.join(RAMPS)}")
        return ramp

    # --- view and cursor --------------------------------------------------------------------------------------------

    def _is_empty(self) -> bool:
        return self._map is None

    def _area(self) -> Region:
        """Inside labels, ruler and colour bar."""
        return map_area(self.size.width, self.size.height, self._label_width)

    def _strongest(self, row: int, column: int) -> tuple[int, int]:
        """The pair whose colour the cell has, where that is known."""
        assert self._map is not None
        return self._map.strongest(self._view, row, column)

    def _view_changed(self) -> None:
        self._picture = self._marked = None
        if self._map is not None and self.is_mounted:
            self._note_motion()
            self._ask()
            self._tell()
        self.refresh()

    @property
    def is_moving(self) -> bool:
        """Whether a draft shows, because the map was elsewhere a moment ago."""
        return self._motion.drafting

    def _note_motion(self) -> None:
        """Draw drafts while the map moves, where there is a way to a terminal that bytes could fill."""
        shown = (self.addresses, self._view)
        pacing = pacing_of(self.app)
        if pacing is None or self._pens_now().draft is None or shown == self._shown:
            return
        first, self._shown = not self._shown, shown
        if not first:
            if self._settling is not None:
                self._settling.stop()
            self._motion.move(pacing.slow_for(_EXACT_CELL_BYTES * self.size.area))
            self._wait_for_rest()

    def _wait_for_rest(self) -> None:
        if not self._resting:
            self._resting = True
            self.set_timer(self._motion.until_rest(), self._perhaps_rest)

    def _perhaps_rest(self) -> None:
        self._resting = False
        if self._motion.until_rest() > 0:
            self._wait_for_rest()
        elif self._motion.drafting:
            self._motion.rest()
            self._picture = self._marked = None
            self._draw_exactly(0)

    def _draw_exactly(self, line: int) -> None:
        """Draw from a line on: the rest, or what the link carries in a moment, lest the next key waits behind it."""
        if self._motion.drafting:
            return
        width, height = self.size
        pacing = pacing_of(self.app)
        room = math.inf if pacing is None else pacing.frame_bytes(math.inf)
        lines = max(1, int(min(height, room // (_EXACT_CELL_BYTES * max(1, width)))))
        self.refresh(Region(0, line, width, lines))
        if line + lines < height:
            self._settling = self.set_timer(FRAME_SECONDS, partial(self._draw_exactly, line + lines))

    def _cursor_changed(self, lines: set[int]) -> None:
        self._marked = None
        width, height = self.size
        if self._picture is not None:
            corner, self._corner = self._corner, self._corner_now(self._picture)
            if corner != self._corner:  # the map in little makes way for the cursor
                lines = set(range(height))
        # Whole lines: Textual crops a line that is refreshed in part, cell by cell.
        self.refresh(*(Region(0, line, width, 1) for line in sorted(lines) if 0 <= line < height))
        self._tell()

    def _region_changed(self) -> None:
        self._marked = None
        self.refresh()

    def _corner_now(self, picture: NDArray[np.uint16]) -> minimap.MiniMap | None:
        """Where the map in little lies."""
        return minimap.placed(self._view, picture.shape, *self.cursor)

    def _moved_by_user(self) -> None:
        if self._map is not None:
            self.post_message(self.ViewChanged(self, self.view_state, *self.cursor))

    def _news(self) -> tuple[object, ...]:
        return self.addresses, self.cursor, repr(self.reading)  # by its text, because NaN is not equal to itself

    def _tell(self) -> None:
        """Send `CursorMoved` if there is something new to say."""
        reading, news = self.reading, self._news()
        if reading is not None and news != self._told:
            self._told = news
            self.post_message(self._cursor_message(reading))

    def _cursor_message(self, reading: Reading) -> CursorMoved:
        return self.CursorMoved(self, *self.cursor, reading)

    def _ask(self) -> None:
        """Ask for what is on screen and neither here nor on its way."""
        if self._map is None or self._area().height <= 0:
            return
        for address, level, tiles in self._map.lacking(self._view):
            absent = self._cache.ask(address, level, tiles)
            if not absent:
                continue
            rows, columns = zip(*absent, strict=True)
            self.post_message(
                self.BlockWanted(
                    self,
                    address,
                    level,
                    min(rows) * TILE,
                    min((max(rows) + 1) * TILE, cells_at(self._view.queries, level)),
                    min(columns) * TILE,
                    min((max(columns) + 1) * TILE, cells_at(self._view.keys, level)),
                )
            )

    # --- drawing ----------------------------------------------------------------------------------------------------

    def _pens_now(self) -> Pens:
        """Colours and styles for the theme and the terminal as they are."""
        if self._pens is None:
            background = self.background_colors[1]
            parts = ("label", "cursor", "note")
            styles = [self.rich_style, *(self.get_component_rich_style(f"heat-map--{part}") for part in parts)]
            styles = [fitted(self.app, style, background) for style in styles]
            ramp = RAMPS[self.ramp].over((background.r, background.g, background.b))
            base, label, cursor, note = styles
            pen, quick = encoders_of(self.app, ramp, base)
            self._pens = Pens(ramp, pen, quick, base, label, cursor, note, rich_colours(self.app.console))
        return self._pens

    def _draft_bytes(self) -> float:
        """What a draft may take: its share, where several maps move together, of what the link carries in a moment."""
        together = sum(1 for canvas in self.screen.query(MapCanvas) if canvas.is_on_screen)
        pacing = pacing_of(self.app)
        return (FRAME_BYTES if pacing is None else pacing.frame_bytes(FRAME_BYTES)) / max(1, together)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines of ``crop``, the map as ready bytes.

        Overriding this goes past Textual's line filters and its styling of segments, which cost more than the drawing.
        """
        width, area, pens = self.size.width, self._area(), self._pens_now()
        if self._map is None or not area:
            lines = [Strip.blank(width, pens.base)] * crop.height
        else:
            scale = self.SCALES[self.scale]
            quick = pens.draft if self._motion.drafting else None
            if self._picture is None:
                self._picture = self._map.picture(self._view, scale)
                if quick is not None:
                    self._picture = draft(self._picture, pens.ramp, self._draft_bytes())
                if self._boxes is not None:
                    self._picture = with_boxes(self._picture, self._view, self._boxes, pens.ramp)
            if self._marked is None:
                self._marked = self._with_marks(self._picture, self._map, scale, pens)
            drawn = MapLines(
                width=width,
                area=area,
                view=self._view,
                picture=self._marked,
                encoder=quick or pens.encoder,
                query=self._query,
                key=self._key,
                queries=self._queries,
                keys=self._keys,
                scale=scale,
                pooling=self._map.pooling,
                pens=pens,
            )
            lines = [drawn.line(y) for y in range(crop.y, crop.bottom)]
        if crop.column_span != (0, width):
            lines = [line.crop(*crop.column_span) for line in lines]
        return lines

    def _with_marks(
        self, picture: NDArray[np.uint16], source: MapSource, scale: Scale, pens: Pens
    ) -> NDArray[np.uint16]:
        """The picture with all that lies above the map: cursor, map in little, the region that the mouse picks."""
        drawn = marked(picture, self._view, *self.cursor, pens.ramp)
        self._corner = self._corner_now(picture)
        if self._corner is not None:
            drawn = self._corner.drawn(drawn, self._view, source, scale, pens.ramp)
        if self._drag is not None and self._drag.button == 1 and self._drag.far:
            drawn = outlined(drawn, self._drag.region, pens.ramp)
        return drawn
