"""A pane over a map: which part of it shows, and a cursor, moved by keys and mouse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.widget import Widget

from faa_tui.rendering.viewport import Viewport, ViewState

_WHEEL_PIXELS: Final = 6
_DRAG_PIXELS: Final = 3
"""A mouse that has moved less, while a button was down, has clicked."""


@dataclass(frozen=True)
class Drag:
    """A mouse whose button is down.

    Attributes:
        button: Which: 1 picks a region, the others move the view.
        y: Pixel row where it went down.
        x: Pixel column where it went down.
        to_y: Where it is.
        to_x: Likewise.
        view: What showed when it went down.
    """

    button: int
    y: int
    x: int
    to_y: int
    to_x: int
    view: Viewport

    @property
    def far(self) -> bool:
        """Whether it has moved so far that it is no click."""
        return max(abs(self.to_y - self.y), abs(self.to_x - self.x)) >= _DRAG_PIXELS

    @property
    def region(self) -> Region:
        """The rectangle of pixels between its ends; a line of the terminal has two rows of them."""
        top, left = min(self.y, self.to_y), min(self.x, self.to_x)
        return Region(left, top, abs(self.to_x - self.x) + 1, abs(self.to_y - self.y) + 2)


class MapView(Widget, can_focus=True):
    """View and cursor of a map that has ``queries`` rows and ``keys`` columns, whatever it looks like.

    The map fits the pane until somebody zooms. A subclass says where in the pane the map is and draws it.
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

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None, disabled: bool = False
    ) -> None:
        """Make a view of no map.

        Args:
            name: Name of the widget.
            id: Id of the widget.
            classes: Its classes.
            disabled: Whether it takes no input.
        """
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self._query = self._key = 0
        self._view = Viewport(1, 1, 1, 1)
        self._fitted = True
        self._drag: Drag | None = None

    # --- what a subclass provides -----------------------------------------------------------------------------------

    def _is_empty(self) -> bool:
        """Whether there is no map."""
        raise NotImplementedError

    def _area(self) -> Region:
        """Where in the pane the pixels of the map go."""
        raise NotImplementedError

    def _strongest(self, row: int, column: int) -> tuple[int, int]:
        """The pair of tokens on which the cursor goes when it goes to a cell."""
        raise NotImplementedError

    def _view_changed(self) -> None:
        """Draw everything: another part of the map shows."""
        raise NotImplementedError

    def _cursor_changed(self, lines: set[int]) -> None:
        """Draw ``lines``: the cursor is elsewhere in the same view."""
        raise NotImplementedError

    def _region_changed(self) -> None:
        """Draw the region that the mouse picks, or draw it no more."""
        raise NotImplementedError

    def _moved_by_user(self) -> None:
        """Tell who looks at other maps along with this one that the user has moved view or cursor."""
        raise NotImplementedError

    # --- what the application calls ---------------------------------------------------------------------------------

    @property
    def cursor(self) -> tuple[int, int]:
        """Query and key under the cursor, in tokens."""
        return self._query, self._key

    @property
    def cell_size(self) -> int:
        """Tokens along the side of a pixel: 1 at life size and above it."""
        return self._view.size

    @property
    def view_state(self) -> ViewState:
        """Zoom and place, for other maps to `look` at."""
        view = self._view
        return ViewState(view.size, view.factor, view.top, view.left, self._fitted)

    def move_cursor(self, query: int, key: int) -> None:
        """Put the cursor on a pair of tokens, scrolling to it; values beyond the edge go to the edge."""
        if not self._is_empty():
            self._place(max(0, min(query, self._view.queries - 1)), max(0, min(key, self._view.keys - 1)))

    # --- keys and mouse ---------------------------------------------------------------------------------------------

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor by cells as they show."""
        if self._is_empty():
            return
        size = self._view.size
        row = max(0, min(self._query // size + rows, self._view.rows - 1))
        column = max(0, min(self._key // size + columns, self._view.columns - 1))
        self._place(*self._strongest(row, column))
        self._moved_by_user()

    def action_edge(self, rows: int, columns: int) -> None:
        """Move the cursor to an edge: the first or last query (``rows`` -1 or 1) or key (``columns``)."""
        last_query, last_key = self._view.queries - 1, self._view.keys - 1
        query = {-1: 0, 0: self._query, 1: last_query}[rows]
        key = {-1: 0, 0: self._key, 1: last_key}[columns]
        self.move_cursor(query, key)
        self._moved_by_user()

    def action_zoom(self, nearer: bool) -> None:
        """Zoom one step around the cursor."""
        if not self._is_empty():
            self._look_at(self._view.zoomed(nearer, self._query, self._key).showing(self._query, self._key))

    def action_fit(self) -> None:
        """Show the whole map, and let it follow the size of the pane."""
        self._fitted = True
        self._arrange()
        self._view_changed()
        self._moved_by_user()

    def action_pan(self, rows: int, columns: int) -> bool:
        """Move the view by cells and leave the cursor; whether there was anywhere to go."""
        moved = replace(self._view, top=self._view.top + rows, left=self._view.left + columns).clamped()
        if self._is_empty() or moved == self._view:
            return False
        self._view = moved
        self._view_changed()
        self._moved_by_user()
        return True

    def _look_at(self, view: Viewport) -> None:
        """Show what the user has chosen, which need not fit the pane."""
        self._fitted = False
        self._view = view
        self._view_changed()
        self._moved_by_user()

    def on_resize(self) -> None:
        """Fit again, or keep the cursor in view."""
        self._arrange()
        self._view_changed()

    def _pick(self, y: int, x: int) -> None:
        """Put the cursor on the cell at a pixel, if there is one."""
        cell = self._view.cell(y, x)
        if cell is not None and not self._is_empty():
            self._place(*self._strongest(*cell))
            self._moved_by_user()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a click, or to pick a region to zoom to, or with another button than the first to move the view."""
        area = self._area()
        if not self._is_empty() and area.contains(event.x, event.y):
            y, x = 2 * (event.y - area.y), event.x - area.x
            self._drag = Drag(event.button, y, x, y, x, self._view)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Let the region, or the view, follow the mouse."""
        if self._drag is None:
            return
        area, view = self._area(), self._drag.view
        to_y = max(0, min(2 * (event.y - area.y), 2 * area.height - 2))
        to_x = max(0, min(event.x - area.x, area.width - 1))
        self._drag = drag = replace(self._drag, to_y=to_y, to_x=to_x)
        if drag.button == 1:
            self._region_changed()
            return
        rows, columns = (drag.y - to_y) // view.factor, (drag.x - to_x) // view.factor
        self.action_pan(view.top + rows - self._view.top, view.left + columns - self._view.left)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Put the cursor on the cell that was clicked, or zoom to the region that was picked."""
        drag, self._drag = self._drag, None
        if drag is None:
            return
        self.release_mouse()
        if not drag.far:
            self._pick(drag.to_y, drag.to_x)
        elif drag.button == 1:
            self._region_changed()
            self._zoom_to(drag.region)

    def _zoom_to(self, region: Region) -> None:
        """Show a rectangle of pixels as large as it can be; a cursor outside of it comes along."""
        view = self._view
        query, key = (view.top + region.y // view.factor) * view.size, (view.left + region.x // view.factor) * view.size
        query_stop = min((view.top + -(-region.bottom // view.factor)) * view.size, view.queries)
        key_stop = min((view.left + -(-region.right // view.factor)) * view.size, view.keys)
        if self._is_empty() or query >= query_stop or key >= key_stop:
            return
        self._query = max(query, min(self._query, query_stop - 1))
        self._key = max(key, min(self._key, key_stop - 1))
        self._look_at(view.around(query, query_stop, key, key_stop))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the view; with shift sideways; with ctrl zoom out."""
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the view; with shift sideways; with ctrl zoom in."""
        self._scroll(event, -1)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Scroll the view sideways."""
        self._wheel(event, 0, 1)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Scroll the view sideways."""
        self._wheel(event, 0, -1)

    def _scroll(self, event: events.MouseEvent, direction: int) -> None:
        if event.ctrl:
            self._zoom_at(event, direction < 0)
        else:
            self._wheel(event, *((0, direction) if event.shift else (direction, 0)))

    def _zoom_at(self, event: events.MouseEvent, nearer: bool) -> None:
        """Zoom one step, and leave the cell under the mouse where it is."""
        area, view = self._area(), self._view
        cell = view.cell(2 * (event.y - area.y), event.x - area.x)
        event.stop()
        if not self._is_empty() and cell is not None and area.contains(event.x, event.y):
            self._look_at(view.zoomed(nearer, cell[0] * view.size, cell[1] * view.size))

    def _wheel(self, event: events.MouseEvent, rows: int, columns: int) -> None:
        step = max(1, _WHEEL_PIXELS // self._view.factor)
        if self.action_pan(rows * step, columns * step):
            event.stop()  # otherwise an enclosing container may scroll

    # --- cursor and view --------------------------------------------------------------------------------------------

    def _resize_map(self, queries: int, keys: int) -> None:
        """Begin with a map of another size: all of it shows, and the cursor stays where it is if it can."""
        self._fitted = True
        self._view = replace(self._view, queries=queries, keys=keys)
        self._query = min(self._query, queries - 1)
        self._key = min(self._key, keys - 1)

    def _arrange(self) -> None:
        area = self._area()
        self._view = replace(self._view, height=max(1, 2 * area.height), width=max(1, area.width))
        if self._fitted:
            self._view = self._view.fitted()
        else:
            self._view = self._view.showing(self._query, self._key)

    def _place(self, query: int, key: int) -> None:
        before = self._cursor_lines()
        self._query, self._key = query, key
        moved = self._view.showing(query, key)
        if moved != self._view:
            self._view = moved
            self._view_changed()
        else:
            self._cursor_changed({0, *before, *self._cursor_lines()})

    def _cursor_lines(self) -> range:
        """Lines of the pane that show the cursor."""
        area, view = self._area(), self._view
        pixel = view.pixel(self._query, self._key)[0]
        reach = max(2, view.factor)
        return range(
            max(area.y, area.y + (pixel - reach) // 2),
            min(area.bottom, area.y + (pixel + view.factor + reach) // 2 + 1),
        )
