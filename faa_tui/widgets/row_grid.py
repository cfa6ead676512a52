"""Lines of text in columns, with a cursor: a table of thousands of rows that scrolls without a stall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget


class RowGrid(Widget, can_focus=True):
    """A head that stays and rows below it, of which only those on screen are ever put into words."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    RowGrid {
        width: 1fr;
        height: 1fr;
        background: $surface;
        color: $foreground;
        & > .row-grid--head { color: $text-muted; text-style: bold; }
        & > .row-grid--strong { text-style: bold; }
        & > .row-grid--cursor { background: $block-cursor-blurred-background; color: $block-cursor-blurred-foreground; }
        &:focus > .row-grid--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-grid--head", "row-grid--strong", "row-grid--cursor"}
    """
    | Class | Description |
    | :- | :- |
    | `row-grid--head` | The heads of the columns. |
    | `row-grid--strong` | Rows that stand out. |
    | `row-grid--cursor` | The row under the cursor. |
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Row down", show=False, id="rows.down", tooltip="Next row"),
        Binding("up,k", "move(-1)", "Row up", show=False, id="rows.up", tooltip="Row before"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="rows.page_down", tooltip="A page down"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="rows.page_up", tooltip="A page up"),
        Binding("home,g", "edge(-1)", "First row", show=False, id="rows.first", tooltip="First row"),
        Binding("end,G", "edge(1)", "Last row", show=False, id="rows.last", tooltip="Last row"),
        Binding("enter,space", "choose", "Choose", show=False, id="rows.choose", tooltip="Go to this row"),
    ]

    class RowMoved(Message):
        """The user has put the cursor on a row.

        Attributes:
            row_grid: The sender.
            row: Which one, from 0 in the order that shows.
        """

        def __init__(self, row_grid: RowGrid, row: int) -> None:
            super().__init__()
            self.row_grid = row_grid
            self.row = row

        @property
        def control(self) -> RowGrid:
            """The sender."""
            return self.row_grid

    class RowChosen(RowMoved):
        """The user wants to go to what the row under the cursor stands for."""

    class HeadClicked(Message):
        """The head of a column was clicked.

        Attributes:
            row_grid: The sender.
            column: Which one.
        """

        def __init__(self, row_grid: RowGrid, column: int) -> None:
            super().__init__()
            self.row_grid = row_grid
            self.column = column

        @property
        def control(self) -> RowGrid:
            """The sender."""
            return self.row_grid

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None, disabled: bool = False
    ) -> None:
        """Make an empty grid.

        Args:
            name: Name of the widget.
            id: Id of the widget.
            classes: Its classes.
            disabled: Whether it takes no input.
        """
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self._heads: Sequence[str] = ()
        self._count = 0
        self._line: Callable[[int], tuple[str, bool]] = lambda row: ("", False)
        self._row: int | None = None
        self._top = 0
        self._styles: dict[str, Style] = {}

    @property
    def row(self) -> int | None:
        """The row under the cursor; ``None`` where it is on none."""
        return self._row

    def show(self, heads: Sequence[str], count: int, line: Callable[[int], tuple[str, bool]], row: int | None) -> None:
        """Show other rows.

        Args:
            heads: Head of each column, as wide as the column; a space stands between two columns.
            count: Number of rows.
            line: Text of a row, and whether it stands out.
            row: Where the cursor is; ``None`` for nowhere.
        """
        self._heads, self._count, self._line = heads, count, line
        self.mark(row)

    def mark(self, row: int | None) -> None:
        """Put the cursor on a row without telling anybody."""
        self._row = row
        self._follow()
        self.refresh()

    def action_move(self, step: int) -> None:
        """Move the cursor; from nowhere it goes to the first row that shows."""
        self._go(self._top if self._row is None else self._row + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by as many rows as show."""
        self.action_move(step * max(1, self._room() - 1))

    def action_edge(self, edge: int) -> None:
        """Move the cursor to the first row (-1) or the last one (1)."""
        self._go(0 if edge < 0 else self._count - 1)

    def action_choose(self) -> None:
        """Say that the row under the cursor is wanted."""
        if self._row is not None:
            self.post_message(self.RowChosen(self, self._row))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that was clicked, or say which head was."""
        if event.y > 0:
            if self._top + event.y - 1 < self._count:
                self._go(self._top + event.y - 1, again=True)
            return
        start = 0
        for column, head in enumerate(self._heads):
            if start <= event.x < start + len(head):
                self.post_message(self.HeadClicked(self, column))
            start += len(head) + 1

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        self._scroll(event, 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        self._scroll(event, -3)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._follow()

    def _scroll(self, event: events.MouseEvent, rows: int) -> None:
        top = max(0, min(self._top + rows, self._count - self._room()))
        if top != self._top:
            event.stop()
            self._top = top
            self.refresh()

    def _go(self, row: int, again: bool = False) -> None:
        row = max(0, min(row, self._count - 1))
        if self._count and (row != self._row or again):
            self.mark(row)
            self.post_message(self.RowMoved(self, row))

    def _room(self) -> int:
        """Rows that show."""
        height: int = self.size.height
        return max(1, height - 1)

    def _follow(self) -> None:
        room = self._room()
        if self._row is not None:
            self._top = min(max(self._top, self._row - room + 1), self._row)
        self._top = max(0, min(self._top, self._count - room))

    def _style(self, part: str = "") -> Style:
        style = self._styles.get(part)
        if style is None:
            style = self.get_component_rich_style(part) if part else self.rich_style
            if self.app.no_color:
                style = style.without_color + Style(reverse=part == "row-grid--cursor" or None)
            self._styles[part] = style
        return style

    def notify_style_update(self) -> None:
        """Look up styles afresh: the theme, the focus or a class has changed."""
        super().notify_style_update()
        self._styles.clear()

    def render_line(self, y: int) -> Strip:
        """Draw the head or a row."""
        width, base = self.size.width, self._style()
        row = self._top + y - 1
        if y == 0:
            segment = Segment(" ".join(self._heads), self._style("row-grid--head"))
        elif row >= self._count:
            return Strip.blank(width, base)
        else:
            text, strong = self._line(row)
            style = self._style("row-grid--strong") if strong else base
            if row == self._row:
                cursor = self._style("row-grid--cursor")
                return Strip([Segment(text, style + cursor)]).adjust_cell_length(width, cursor)
            segment = Segment(text, style)
        return Strip([segment]).adjust_cell_length(width, base)
