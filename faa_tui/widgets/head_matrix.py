"""Layers down, heads across: one statistic of every head in colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color, blend_rgb
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from faa_tui.rendering.cells import glyphs
from faa_tui.rendering.legend import bar_levels, short_number
from faa_tui.rendering.ramps import INK_LIGHT, LEVELS, RAMPS, Ramp, RampName
from faa_tui.rendering.terminal import colours_of
from faa_tui.rendering.text import joined, pad, visible

UNDEFINED: Final = "··"
MARK: Final = "*"
_NAME_WIDTH: Final = 5
_BAR_WIDTH: Final = 16
_FADED: Final = 0.35
"""How much of its colour a doubtful number keeps."""
_NARROWEST: Final = 3
"""Cells of a head without its number: two of colour and a gap."""


class HeadMatrix(Widget, can_focus=True):
    """Grid of heads coloured by one statistic, with a cursor on the selected head.

    Each head has its number where the pane is wide enough, a coloured cell where it is not. Doubtful values are
    drawn faded. What is undefined says ``··``; what has not arrived is blank.
    """

    ALLOW_SELECT = False
    HELP = "One cell for each head, a row for each layer. The cursor selects the head that the other panes show."

    DEFAULT_CSS = """
    HeadMatrix {
        width: 1fr;
        height: 1fr;
        background: $surface;
        color: $foreground;
        & > .head-matrix--label { color: $text-muted; }
        & > .head-matrix--cursor { color: $text-accent; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"head-matrix--label", "head-matrix--cursor"}
    """
    | Class | Description |
    | :- | :- |
    | `head-matrix--label` | Numbers of heads, names of layers, the colour bar's text. |
    | `head-matrix--cursor` | Those of the selected head, and the brackets around it. |
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(0, -1)", "Head before", show=False, id="heads.left"),
        Binding("down,j", "move(1, 0)", "Layer down", show=False, id="heads.down"),
        Binding("up,k", "move(-1, 0)", "Layer up", show=False, id="heads.up"),
        Binding("right,l", "move(0, 1)", "Next head", show=False, id="heads.right"),
        Binding("H,shift+left", "move(0, -8)", "Eight heads back", show=False, id="heads.far_left"),
        Binding("J,shift+down,pagedown", "move(8, 0)", "Eight layers down", show=False, id="heads.far_down"),
        Binding("K,shift+up,pageup", "move(-8, 0)", "Eight layers up", show=False, id="heads.far_up"),
        Binding("L,shift+right", "move(0, 8)", "Eight heads on", show=False, id="heads.far_right"),
        Binding("g", "edge(-1, 0)", "First layer", show=False, id="heads.first_layer"),
        Binding("G", "edge(1, 0)", "Last layer", show=False, id="heads.last_layer"),
        Binding("home", "edge(0, -1)", "First head", show=False, id="heads.first"),
        Binding("end", "edge(0, 1)", "Last head", show=False, id="heads.last"),
    ]

    ramp: reactive[RampName] = reactive[RampName]("viridis")
    """Colours of numbers that have no middle; those that have one keep the diverging ramp."""

    class HeadSelected(Message):
        """The user has put the cursor on another head.

        Attributes:
            head_matrix: The sender.
            row: Its row.
            head: Its column.
        """

        def __init__(self, head_matrix: HeadMatrix, row: int, head: int) -> None:
            super().__init__()
            self.head_matrix = head_matrix
            self.row = row
            self.head = head

        @property
        def control(self) -> HeadMatrix:
            """The sender."""
            return self.head_matrix

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None, disabled: bool = False
    ) -> None:
        """Make an empty matrix.

        Args:
            name: Name of the widget.
            id: Id of the widget.
            classes: Its classes.
            disabled: Whether it takes no input.
        """
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self._names: tuple[str, ...] = ()
        self._values: NDArray[np.float64] = np.zeros((0, 0))
        self._dimmed: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._marked: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._mark_means = ""
        self._counts: tuple[int, ...] = ()
        self._arrived: tuple[bool, ...] = ()
        self._low, self._high = 0.0, 1.0
        self._ramp: Ramp = RAMPS["viridis"]
        self._diverging = False
        self._decimals = 2
        self._number_width = 2
        self._styles: dict[str, Style] = {}
        self._row = self._head = 0
        self._top = self._left = 0

    def watch_ramp(self) -> None:
        """Colour the heads anew."""
        self._choose_ramp()

    def _choose_ramp(self) -> None:
        self._ramp = RAMPS["diverging" if self._diverging else self.ramp]

    @property
    def selected(self) -> tuple[int, int]:
        """Row and head under the cursor."""
        return self._row, self._head

    def show(
        self,
        names: Sequence[str],
        values: NDArray[np.float64],
        dimmed: NDArray[np.bool_],
        low: float,
        high: float,
        diverging: bool = False,
        *,
        counts: Sequence[int] | None = None,
        arrived: Sequence[bool] | None = None,
        decimals: int = 2,
        marked: NDArray[np.bool_] | None = None,
        mark_means: str = "",
    ) -> None:
        """Show one statistic.

        Args:
            names: Label of each row.
            values: [rows, heads]; NaN where undefined.
            dimmed: [rows, heads]: values that are not to be trusted fully.
            low: Value at the bottom of the ramp.
            high: Value at its top.
            diverging: Colour by distance from the middle between ``low`` and ``high``, in two directions.
            counts: Number of heads of each row; all columns if not given.
            arrived: Whether each row is here; all are if not given.
            decimals: Digits after the point.
            marked: [rows, heads]: heads with a star behind them; none if not given.
            mark_means: What the star says, for the legend.
        """
        rows, heads = values.shape
        higher = len(names) != len(self._names)
        self._names = tuple(visible(name) for name in names)
        self._values, self._dimmed = values, dimmed
        self._marked = marked if marked is not None else np.zeros(values.shape, np.bool_)
        self._mark_means = mark_means
        self._counts = tuple(counts) if counts is not None else (heads,) * rows
        self._arrived = tuple(arrived) if arrived is not None else (True,) * rows
        self._low, self._high = low, high
        self._diverging = diverging
        self._choose_ramp()
        self._decimals = decimals
        self._number_width = max((len(self._number(value)) for value in values[np.isfinite(values)]), default=2)
        self.select(self._row, self._head)
        self.refresh(layout=higher)

    def select(self, row: int, head: int) -> None:
        """Put the cursor on a head without telling anybody; values beyond the edge go to the edge."""
        before, corner = self._row, (self._top, self._left)
        self._row = max(0, min(row, len(self._names) - 1))
        count = self._counts[self._row] if self._counts else 1
        self._head = max(0, min(head, count - 1))
        self._follow()
        if (self._top, self._left) != corner:
            self.refresh()
            return
        lines = {0, before - self._top + 1, self._row - self._top + 1}
        self.refresh(*(Region(0, line, self.size.width, 1) for line in lines if 0 <= line < self.size.height))

    # --- keys and mouse ---------------------------------------------------------------------------------------------

    def action_move(self, rows: int, heads: int) -> None:
        """Move the cursor, past rows that have no heads."""
        row = self._row + rows
        step = 1 if rows > 0 else -1
        while rows and 0 <= row < len(self._counts) and not self._counts[row]:
            row += step
        self._choose(row, self._head + heads)

    def action_edge(self, rows: int, heads: int) -> None:
        """Move the cursor to the first or last row (``rows`` -1 or 1) or head (``heads``)."""
        row = {-1: 0, 0: self._row, 1: len(self._names) - 1}[rows]
        head = {-1: 0, 0: self._head, 1: self._values.shape[1] - 1}[heads]
        self._choose(row, head)

    def on_click(self, event: events.Click) -> None:
        """Select the head that was clicked."""
        row = self._top + event.y - 1
        head = self._left + (event.x - _NAME_WIDTH) // self._cell_width()
        inside = 1 <= event.y <= self._lines() and event.x >= _NAME_WIDTH
        if inside and row < len(self._names) and head < self._counts[row]:
            self._choose(row, head)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        self._scroll(event, -1)

    def _scroll(self, event: events.MouseEvent, direction: int) -> None:
        before = (self._top, self._left)
        if event.shift or event.ctrl:
            self._left += direction
        else:
            self._top += direction
        self._clamp()
        if (self._top, self._left) != before:
            event.stop()
            self.refresh()

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._follow()

    def _choose(self, row: int, head: int) -> None:
        before = self.selected
        if self._names:
            self.select(row, head)
        if self.selected != before:
            self.post_message(self.HeadSelected(self, *self.selected))

    # --- layout -----------------------------------------------------------------------------------------------------

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Wide enough for every number."""
        heads: int = self._values.shape[1]
        return _NAME_WIDTH + heads * (self._number_width + 2)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """High enough for every layer, the numbers of the heads and the colour bar."""
        return len(self._names) + 2

    def _lines(self) -> int:
        """Lines for layers: all but the numbers of the heads and the colour bar."""
        height: int = self.size.height
        return max(1, height - (2 if height >= 4 else 1))

    def _cell_width(self) -> int:
        """Cells of one head: its number and a gap on either side if all fit, else as little as can be seen."""
        heads = max(1, self._values.shape[1])
        room = (self.size.width - _NAME_WIDTH) // heads
        full = self._number_width + 2
        return full if room >= full else max(_NARROWEST, min(room, 4))

    def _numbers_fit(self) -> bool:
        return self._cell_width() >= self._number_width + 2

    def _columns(self) -> int:
        return max(1, (self.size.width - _NAME_WIDTH) // self._cell_width())

    def _follow(self) -> None:
        lines, columns = self._lines(), self._columns()
        self._top = min(max(self._top, self._row - lines + 1), self._row)
        self._left = min(max(self._left, self._head - columns + 1), self._head)
        self._clamp()

    def _clamp(self) -> None:
        self._top = max(0, min(self._top, len(self._names) - self._lines()))
        self._left = max(0, min(self._left, self._values.shape[1] - self._columns()))

    # --- drawing ----------------------------------------------------------------------------------------------------

    def _number(self, value: float) -> str:
        """A number in few cells: no nought before the point, a true minus sign."""
        text = f"{value:.{self._decimals}f}"
        if float(text) == 0:
            text = text.lstrip("-")
        return text.replace("0.", ".", 1) if abs(float(text)) < 1 and "." in text else text

    def _level(self, value: float) -> int:
        span = self._high - self._low
        unit = (value - self._low) / span if span > 0 else 0.5
        return round(max(0.0, min(1.0, unit)) * (LEVELS - 1))

    def _colour(self, level: int) -> Color:
        if colours_of(self.app) == "256":
            return Color.from_ansi(self._ramp.xterm[level])
        return Color.from_rgb(*self._ramp.rgb[level])

    def _style(self, part: str = "") -> Style:
        style = self._styles.get(part)
        if style is None:
            style = self.get_component_rich_style(part) if part else self.rich_style
            style = self._styles[part] = style.without_color if self.app.no_color else style
        return style

    def notify_style_update(self) -> None:
        """Look up styles afresh: the theme, the focus or a class has changed."""
        super().notify_style_update()
        self._styles.clear()

    def render_line(self, y: int) -> Strip:
        """Draw a line: numbers of the heads, a layer, or the colour bar."""
        width = self.size.width
        if not self._names:
            return Strip.blank(width, self._style())
        if y == 0:
            segments = self._head_numbers()
        elif y <= self._lines():
            segments = self._layer(self._top + y - 1)
        else:
            segments = self._bar()
        return Strip(segments).adjust_cell_length(width, self._style())

    def _shown_heads(self) -> range:
        return range(self._left, min(self._values.shape[1], self._left + self._columns()))

    def _head_numbers(self) -> list[Segment]:
        label, cursor = self._style("head-matrix--label"), self._style("head-matrix--cursor")
        width = self._cell_width()
        more = "‹" if self._left else " "
        segments = [Segment(pad(more, _NAME_WIDTH, right=True), label)]
        for head in self._shown_heads():
            # The number stands over the middle of the coloured part.
            text = f"{head:>{min(width - 1, (width + 1) // 2 + len(str(head)) // 2)}}".ljust(width)
            segments.append(Segment(text[:width], cursor if head == self._head else label))
        if self._left + self._columns() < self._values.shape[1]:
            segments.append(Segment("›", label))
        return segments

    def _layer(self, row: int) -> list[Segment]:
        if row >= len(self._names):
            return []
        chosen = row == self._row
        part = "head-matrix--cursor" if chosen else "head-matrix--label"
        segments = [Segment(pad(self._names[row], _NAME_WIDTH - 1, right=True) + " ", self._style(part))]
        for head in self._shown_heads():
            if head < self._counts[row]:
                segments += self._cell(row, head)
            else:
                segments.append(Segment(" " * self._cell_width(), self._style()))
        return segments

    def _cell(self, row: int, head: int) -> list[Segment]:
        width = self._cell_width()
        value = float(self._values[row, head])
        text, style = self._face(row, head, value, width - 1)
        gap = Segment(MARK if self._marked[row, head] else " ", self._style())
        if (row, head) != self.selected:
            return [Segment(text, style), gap]
        # The selected head keeps its colour and every digit, between brackets: one before them and one in the gap.
        cursor = self._style("head-matrix--cursor")
        left, right = ("[", "]") if self.app.no_color else ("▐", "▌")
        last = gap if self._marked[row, head] else Segment(right, cursor)
        return [Segment(left, cursor), Segment(text[1:], style), last]

    def _face(self, row: int, head: int, value: float, width: int) -> tuple[str, Style]:
        """Text and style of one head, ``width`` cells wide."""
        label = self._style("head-matrix--label")
        if not self._arrived[row]:
            return " " * width, self._style()
        if math.isnan(value):
            return UNDEFINED.center(width), label
        level, dimmed = self._level(value), bool(self._dimmed[row, head])
        number = self._number(value).rjust(width) if self._numbers_fit() else ""
        if self.app.no_color:
            return number or glyphs(self._ramp.diverging)[level] * width, Style(dim=dimmed)
        colour = self._colour(level)
        if dimmed:
            plain = self._style()
            if not number or plain.bgcolor is None:
                return number or "▒" * width, plain + Style(color=colour)
            # The number itself stays readable: the colour is behind it, faded into the surface.
            faded = blend_rgb(plain.bgcolor.get_truecolor(), colour.get_truecolor(), _FADED)
            return number, plain + Style(bgcolor=Color.from_triplet(faded))
        ink = self._ramp.ink[level]
        front = Color.from_rgb(255, 255, 255) if ink == INK_LIGHT else Color.from_rgb(0, 0, 0)
        return number or " " * width, Style(color=front, bgcolor=colour)

    def _bar(self) -> list[Segment]:
        label = self._style("head-matrix--label")
        low = short_number(self._low)
        segments = [Segment(" " * max(0, _NAME_WIDTH - 1 - cell_len(low)) + low + " ", label)]
        width = min(_BAR_WIDTH, max(4, self.size.width // 4))
        if self.app.no_color:
            glyph = glyphs(self._ramp.diverging)
            text = "".join(glyph[level] for level in bar_levels(width))
            segments.append(Segment(text, self._style()))
        else:
            segments += [Segment(" ", Style(bgcolor=self._colour(level))) for level in bar_levels(width)]
        notes = [f" {short_number(self._high)}"]
        if self._mark_means and self._marked.any():
            notes.append(f"{MARK} {self._mark_means}")
        if self._dimmed.any():
            notes.append(f"{'faded:' if self._numbers_fit() else '▒'} doubtful")
        if any(
            arrived and np.isnan(self._values[row, : self._counts[row]]).any()
            for row, arrived in enumerate(self._arrived)
        ):
            notes.append(f"{UNDEFINED} undefined")
        room = self.size.width - sum(segment.cell_length for segment in segments)
        segments.append(Segment(joined(notes, room), label))
        return segments
