"""The text itself, token by token, coloured by the attention that one token pays or gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from faa_core.records import Tokens
from faa_tui.rendering.ramps import INK_LIGHT, LEVELS, RAMPS, RampName
from faa_tui.rendering.scales import SCALES, levels
from faa_tui.rendering.terminal import colours_of
from faa_tui.rendering.text import pad
from faa_tui.rendering.token_lines import Placed, beside, found, line_of, token_lines

Direction = Literal["from", "to"]
"""Whether the token under the cursor is the query, which attends, or the key, which is attended to."""
Role = Literal["query", "key"]

_NAME = 9
"""Cells of the names of two texts beside each other."""


@dataclass
class _Window:
    """One text in a part of the widget.

    Attributes:
        role: What its tokens are, where there are two texts.
        name: What the text is; "" where it is the only one.
        tokens: The text.
        y: First row.
        height: Rows.
        lines: The text in lines.
        top: The line that is in the first row.
    """

    role: Role
    name: str
    tokens: Tokens
    y: int = 0
    height: int = 0
    lines: list[list[Placed]] = field(default_factory=list)
    top: int = 0

    def follow(self, token: int) -> None:
        """Bring a token into view."""
        at, margin = line_of(self.lines, token), 1 if self.height >= 3 else 0
        self.top = min(max(self.top, at + margin + 1 - self.height), at - margin)
        self.scroll(0)

    def scroll(self, by: int) -> bool:
        """Scroll ``by`` lines, within the text; whether that changed anything."""
        before = self.top
        self.top = max(0, min(self.top + by, len(self.lines) - self.height))
        return self.top != before


class TokenStrip(Widget, can_focus=True):
    """Wrapped tokens with visible white space, and a cursor on one of them.

    In the direction ``from`` the token under the cursor is the query, and the background of every token is the
    attention that it gets of that query; in the direction ``to`` it is the key, and the background is the attention
    that every token pays to it. The cursor is in reverse video, the other token of the cell that the map reads out is
    underlined, tokens that may not see each other are muted, special tokens are in italics. Where queries and keys are
    different texts, each has its own part, the queries above.
    """

    ALLOW_SELECT = False
    HELP = (
        "The text in tokens. The cursor is linked with the map; colours are the attention that its token pays to the "
        "others, or gets from them."
    )

    DEFAULT_CSS = """
    TokenStrip {
        width: 1fr;
        height: 1fr;
        background: $surface;
        color: $foreground;
        & > .token-strip--muted { color: $text-muted; }
        & > .token-strip--cursor { color: $text-accent; text-style: bold reverse; }
        & > .token-strip--special { color: $text-warning; text-style: italic; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"token-strip--muted", "token-strip--cursor", "token-strip--special"}
    """
    | Class | Description |
    | :- | :- |
    | `token-strip--muted` | Tokens that the query may not see, names of texts. |
    | `token-strip--cursor` | The token under the cursor. |
    | `token-strip--special` | Tokens that the tokenizer added, where they have no background. |
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Token before", show=False, id="tokens.left", tooltip="Token before"),
        Binding("right,l", "move(1)", "Next token", show=False, id="tokens.right", tooltip="Next token"),
        Binding("down,j", "line(1)", "Line down", show=False, id="tokens.down", tooltip="Line below"),
        Binding("up,k", "line(-1)", "Line up", show=False, id="tokens.up", tooltip="Line above"),
        Binding("J,pagedown,ctrl+d", "page(1)", "Page down", show=False, id="tokens.page_down", tooltip="A page down"),
        Binding("K,pageup,ctrl+u", "page(-1)", "Page up", show=False, id="tokens.page_up", tooltip="A page up"),
        Binding("home", "edge(-1)", "Line start", show=False, id="tokens.start", tooltip="First token of the line"),
        Binding("end", "edge(1)", "Line end", show=False, id="tokens.end", tooltip="Last token of the line"),
        Binding("g", "far(-1)", "First token", show=False, id="tokens.first", tooltip="First token of the text"),
        Binding("G", "far(1)", "Last token", show=False, id="tokens.last", tooltip="Last token of the text"),
        Binding(
            "f",
            "turn",
            "From/to",
            show=False,
            id="tokens.turn",
            tooltip="Colour by the attention from this token, or to it",
        ),
        Binding("n", "found(1)", "Next found", show=False, id="tokens.next", tooltip="Next place of what was found"),
        Binding("N", "found(-1)", "Found before", show=False, id="tokens.previous", tooltip="Place before"),
    ]

    ramp: reactive[RampName] = reactive[RampName]("viridis")
    """Colours of the weights."""
    direction: reactive[Direction] = reactive[Direction]("from")
    """Which end of the attention the cursor is on."""

    class TokenSelected(Message):
        """The cursor was put on a token.

        Attributes:
            token_strip: The sender.
            index: Which one.
            role: Whether it is a query or a key.
        """

        def __init__(self, token_strip: TokenStrip, index: int, role: Role) -> None:
            super().__init__()
            self.token_strip = token_strip
            self.index = index
            self.role = role

        @property
        def control(self) -> TokenStrip:
            """The sender."""
            return self.token_strip

    class DirectionChanged(Message):
        """Colours are wanted of the other direction.

        Attributes:
            token_strip: The sender.
        """

        def __init__(self, token_strip: TokenStrip) -> None:
            super().__init__()
            self.token_strip = token_strip

        @property
        def control(self) -> TokenStrip:
            """The sender."""
            return self.token_strip

    class Found(Message):
        """The cursor is on a place of what was looked for, or there is none.

        Attributes:
            place: Which one, from 1; 0 where there is none.
            places: How many there are.
            sought: What was looked for; "" where nothing was.
        """

        def __init__(self, place: int, places: int, sought: str) -> None:
            super().__init__()
            self.place = place
            self.places = places
            self.sought = sought

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None, disabled: bool = False
    ) -> None:
        """Make an empty strip.

        Args:
            name: Name of the widget.
            id: Id of the widget.
            classes: Its classes.
            disabled: Whether it takes no input.
        """
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self._queries: Tokens | None = None
        self._keys: Tokens | None = None
        self._names = ("", "")
        self._weights: dict[Direction, NDArray[np.floating] | None] = {"from": None, "to": None}
        self._cell: dict[Role, int] = {"query": 0, "key": 0}
        self._ahead: list[tuple[int, int]] = []
        self._sought = ""
        self._windows: list[_Window] = []
        self._laid_out_for: tuple[object, ...] = (None, None)

    def show(
        self,
        queries: Tokens | None,
        keys: Tokens | None = None,
        *,
        row: NDArray[np.floating] | None = None,
        column: NDArray[np.floating] | None = None,
        query: int = 0,
        key: int = 0,
        names: tuple[str, str] = ("", ""),
    ) -> None:
        """Show a text and the attention of one of its tokens.

        Args:
            queries: The tokens that attend; ``None`` for nothing.
            keys: The tokens that are attended to, where they are another text.
            row: [keys] attention of ``query`` to each key; NaN where it may not see it. ``None`` while unknown.
            column: [queries] attention of each query to ``key``; NaN where it may not see it. ``None`` while unknown.
            query: The row of the map's cursor.
            key: The column of the map's cursor.
            names: What the two texts are, where they are two.
        """
        same = queries is self._queries and keys is self._keys
        if same and self._is_old(query, key):
            return
        if not same:
            self._ahead.clear()
        self._queries, self._keys, self._names = queries, keys, names
        self._weights = {"from": row, "to": column}
        self._cell = {"query": query, "key": key}
        self._follow()
        self.refresh()

    def _is_old(self, query: int, key: int) -> bool:
        """Whether the cell is one that the cursor has left since, on a way that its messages have not gone yet."""
        if (query, key) in self._ahead:
            del self._ahead[: len(self._ahead) - 1 - self._ahead[::-1].index((query, key))]
            if len(self._ahead) > 1:
                return True
        self._ahead.clear()
        return False

    @property
    def role(self) -> Role:
        """What the token under the cursor is."""
        return "query" if self.direction == "from" else "key"

    @property
    def cursor(self) -> int:
        """The token under the cursor."""
        return self._cell[self.role]

    @property
    def tokens(self) -> Tokens | None:
        """The text that the cursor is in."""
        return self._keys if self.role == "key" and self._keys is not None else self._queries

    def watch_ramp(self) -> None:
        """Draw again."""
        self.refresh()

    def watch_direction(self) -> None:
        """The cursor is on the other end of the same cell; its colours are wanted."""
        self._follow()
        self.refresh()
        if self.is_mounted:
            self.post_message(self.DirectionChanged(self))

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._follow()

    # --- keys and mouse ----------------------------------------------------------------------------------------------

    def select(self, index: int, role: Role | None = None) -> None:
        """Put the cursor on a token, and tell; beyond the ends of the text, on the last one."""
        role = role or self.role
        tokens = self._keys if role == "key" and self._keys is not None else self._queries
        if tokens is None or not len(tokens):
            return
        index = max(0, min(index, len(tokens) - 1))
        if index == self._cell[role]:
            return
        self._ahead = self._ahead or [(self._cell["query"], self._cell["key"])]
        self._cell[role] = index
        self._weights = {"from": None, "to": None}
        self._ahead.append((self._cell["query"], self._cell["key"]))
        self._follow()
        self.refresh()
        self.post_message(self.TokenSelected(self, index, role))

    def action_move(self, step: int) -> None:
        """Go ``step`` tokens on."""
        self.select(self.cursor + step)

    def action_line(self, step: int) -> None:
        """Go ``step`` lines on, to the token that is nearest to this column."""
        window = self._window_of_cursor()
        if window is None or not window.lines:
            return
        here = line_of(window.lines, self.cursor)
        placed = next((placed for placed in window.lines[here] if placed.token == self.cursor), window.lines[here][0])
        there = max(0, min(here + step, len(window.lines) - 1))
        if there != here:
            self.select(beside(window.lines[there], placed.column + placed.width // 2))

    def action_page(self, step: int) -> None:
        """Go as many lines on as are seen."""
        window = self._window_of_cursor()
        if window is not None:
            self.action_line(step * max(window.height - 1, 1))

    def action_edge(self, side: int) -> None:
        """Go to the first (``side`` -1) or the last (1) token of the line."""
        window = self._window_of_cursor()
        if window is not None and window.lines:
            line = window.lines[line_of(window.lines, self.cursor)]
            self.select(line[0 if side < 0 else -1].token)

    def action_far(self, side: int) -> None:
        """Go to the first (``side`` -1) or the last (1) token of the text."""
        if self.tokens is not None:
            self.select(0 if side < 0 else len(self.tokens) - 1)

    def action_turn(self) -> None:
        """Colour by the other direction."""
        self.direction = "to" if self.direction == "from" else "from"

    def look_for(self, sought: str, start: int) -> None:
        """Go to the first place of ``sought`` at or behind the token ``start``, or to the first of all."""
        self._sought = sought
        places = () if self.tokens is None else found(self.tokens, sought)
        if places:
            self.select(next((place for place in places if place >= start), places[0]))
        self._tell_found(places)

    def action_found(self, step: int) -> None:
        """Go to the next place of what was looked for, or to the one before; from the last to the first."""
        places = () if self.tokens is None else found(self.tokens, self._sought)
        if places:
            behind = [place for place in places if (place > self.cursor if step > 0 else place < self.cursor)]
            self.select((behind or places)[0 if step > 0 else -1])
        self._tell_found(places)

    def _tell_found(self, places: tuple[int, ...]) -> None:
        place = places.index(self.cursor) + 1 if self.cursor in places else 0
        self.post_message(self.Found(place, len(places), self._sought))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the token that was clicked."""
        window = self._window_at(event.y)
        if window is None:
            return
        line, x = window.top + event.y - window.y, event.x - self._indent
        if line < len(window.lines):
            for placed in window.lines[line]:
                if placed.column <= x < placed.column + placed.width:
                    self.select(placed.token, self.role if self._keys is None else window.role)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        self._scroll(event, -1)

    def _scroll(self, event: events.MouseEvent, lines: int) -> None:
        window = self._window_at(event.y)
        if window is not None and window.scroll(lines):
            event.stop()
            self.refresh()

    # --- layout ------------------------------------------------------------------------------------------------------

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All lines of the text."""
        texts = [tokens for tokens in (self._queries, self._keys) if tokens is not None]
        return sum(len(token_lines(tokens, width)) for tokens in texts) or 1

    @property
    def _indent(self) -> int:
        return min(_NAME, self.size.width // 3) if self._keys is not None else 0

    def _layout(self) -> list[_Window]:
        """The parts of the widget, one for each text; of two that of the cursor, not coloured, is the smaller."""
        width, height = max(self.size.width - self._indent, 1), self.size.height
        role = self.role if self._keys is not None else "query"
        queries, keys, *before = self._laid_out_for
        same_texts = queries is self._queries and keys is self._keys
        if same_texts and before == [width, height, role]:
            return self._windows
        old = self._windows if same_texts else []
        self._laid_out_for = (self._queries, self._keys, width, height, role)
        if self._queries is None or not len(self._queries):
            self._windows = []
        elif self._keys is None:
            self._windows = [_Window("query", "", self._queries, 0, height)]
        else:
            of_cursor = max(height // 3, 1)
            upper = of_cursor if role == "query" else height - of_cursor
            self._windows = [
                _Window("query", self._names[0], self._queries, 0, upper),
                _Window("key", self._names[1], self._keys, upper, height - upper),
            ]
        for window, former in zip_longest(self._windows, old[: len(self._windows)]):
            keep = former is not None and before[0] == width
            window.lines = former.lines if keep else token_lines(window.tokens, width)
            window.top = former.top if keep else 0
        return self._windows

    def _window_at(self, y: int) -> _Window | None:
        for window in self._layout():
            if window.y <= y < window.y + window.height:
                return window
        return None

    def _window_of_cursor(self) -> _Window | None:
        windows = self._layout()
        return windows[-1 if self.role == "key" else 0] if windows else None

    def _follow(self) -> None:
        windows = self._layout()
        for window in windows:
            window.follow(self.cursor if self._keys is None else self._cell[window.role])

    # --- drawing -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw a line of tokens."""
        width, base, window = self.size.width, self._base, self._window_at(y)
        if window is None:
            return Strip.blank(width, base)
        segments = []
        if self._indent:
            name = window.name if y == window.y else ""
            segments.append(Segment(pad(name, self._indent - 1) + " ", self._part("muted")))
        at = window.top + y - window.y
        if at < len(window.lines):
            line = window.lines[at]
            segments += [
                Segment(placed.text, style)
                for placed, style in zip(line, self._styles(window, line[0].token, line[-1].token + 1), strict=True)
            ]
        return Strip(segments).adjust_cell_length(width, base)

    @property
    def _base(self) -> Style:
        return Style() if self.app.no_color else self.rich_style

    def _part(self, name: Literal["muted", "cursor", "special"]) -> Style:
        if self.app.no_color:
            return {"muted": Style(dim=True), "cursor": Style(bold=True, reverse=True), "special": Style(italic=True)}[
                name
            ]
        return self.get_component_rich_style(f"token-strip--{name}")

    def _styles(self, window: _Window, start: int, stop: int) -> list[Style]:
        """Styles of the tokens ``start`` to ``stop`` of a part."""
        other: Role = "key" if self.role == "query" else "query"
        coloured, has_cursor = (True, True) if self._keys is None else (window.role == other, window.role == self.role)
        whole = self._weights[self.direction] if coloured else None
        weights = whole[start:stop] if whole is not None and len(whole) >= stop else None
        shades = levels(np.zeros(stop - start) if weights is None else weights, SCALES["sqrt"])
        styles: list[Style] = []
        for index, level in zip(range(start, stop), shades, strict=True):
            special = window.tokens.special[index]
            if has_cursor and index == self.cursor:
                style = self._part("cursor")
            elif weights is None:
                style = self._part("special") if special else self._base
            elif np.isnan(weights[index - start]):
                style = self._part("muted")
            else:
                style = self._shade(int(level))
            if special:
                style += Style(italic=True)
            if index == self._cell[other] and coloured:
                style += Style(underline=True, bold=True)
            styles.append(style)
        return styles

    def _shade(self, level: int) -> Style:
        """The style of a weight."""
        colours = "none" if self.app.no_color else colours_of(self.app)
        if colours == "none":
            return self._base + Style(bold=level >= LEVELS // 2, dim=level < LEVELS // 8)
        ramp = RAMPS[self.ramp]
        back = Color.from_ansi(ramp.xterm[level]) if colours == "256" else Color.from_rgb(*ramp.rgb[level])
        front = Color.from_rgb(255, 255, 255) if ramp.ink[level] == INK_LIGHT else Color.from_rgb(0, 0, 0)
        return Style(color=front, bgcolor=back)
