"""The text itself, token by token, coloured by what one query attends to."""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from faa_core.records import Tokens
from faa_tui.rendering.ramps import INK_LIGHT, LEVELS, RAMPS, RampName
from faa_tui.rendering.scales import SCALES, levels
from faa_tui.rendering.terminal import colours_of
from faa_tui.rendering.text import fit, token_label

LONGEST: Final = 40
"""Most cells of one token; the tail of a longer one is left out."""


class _Placed(NamedTuple):
    token: int
    column: int
    text: str
    width: int


class TokenStrip(Widget, can_focus=True):
    """Wrapped tokens with visible white space. The background of a token is the attention that the query pays to it.

    The query is in reverse video, the key under the cursor underlined, tokens that the query may not see are muted.
    """

    ALLOW_SELECT = False
    HELP = "The text in tokens, coloured by the attention that the query under the cursor pays. Click on a token."

    DEFAULT_CSS = """
    TokenStrip {
        width: 1fr;
        height: 1fr;
        background: $surface;
        color: $foreground;
        & > .token-strip--muted { color: $text-muted; }
        & > .token-strip--query { color: $text-accent; text-style: bold reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"token-strip--muted", "token-strip--query"}
    """
    | Class | Description |
    | :- | :- |
    | `token-strip--muted` | Tokens that the query may not see. |
    | `token-strip--query` | The query. |
    """

    ramp: reactive[RampName] = reactive[RampName]("viridis")
    """Colours of the weights."""

    class TokenSelected(Message):
        """A token was clicked.

        Attributes:
            token_strip: The sender.
            index: Which one.
        """

        def __init__(self, token_strip: TokenStrip, index: int) -> None:
            super().__init__()
            self.token_strip = token_strip
            self.index = index

        @property
        def control(self) -> TokenStrip:
            """The sender."""
            return self.token_strip

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
        self._tokens: Tokens | None = None
        self._weights: NDArray[np.floating] | None = None
        self._query = self._key = 0
        self._top = 0
        self._placed: list[list[_Placed]] = []
        self._placed_for: tuple[Tokens | None, int] = (None, 0)

    def show(
        self,
        tokens: Tokens | None,
        weights: NDArray[np.floating] | None = None,
        query: int = 0,
        key: int = 0,
    ) -> None:
        """Show a text and one row of attention over it.

        Args:
            tokens: The text; ``None`` for nothing.
            weights: [tokens] attention of the query to each; NaN where it may not see it. ``None`` while unknown.
            query: The token that attends.
            key: The token under the cursor.
        """
        self._tokens, self._weights = tokens, weights
        self._query, self._key = query, key
        self._follow()
        self.refresh()

    def watch_ramp(self) -> None:
        """Draw again."""
        self.refresh()

    def on_resize(self) -> None:
        """Keep the query in view."""
        self._follow()

    def on_click(self, event: events.Click) -> None:
        """Say which token was clicked."""
        lines = self._layout()
        line = self._top + event.y
        if line < len(lines):
            for placed in lines[line]:
                if placed.column <= event.x < placed.column + placed.width:
                    self.post_message(self.TokenSelected(self, placed.token))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        self._scroll(event, -1)

    def _scroll(self, event: events.MouseEvent, lines: int) -> None:
        top = max(0, min(self._top + lines, len(self._layout()) - self.size.height))
        if top != self._top:
            event.stop()
            self._top = top
            self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All lines of the text."""
        return len(_wrapped(self._tokens, width)) if self._tokens is not None else 1

    def _layout(self) -> list[list[_Placed]]:
        wanted = (self._tokens, self.size.width)
        if wanted[0] is not self._placed_for[0] or wanted[1] != self._placed_for[1]:
            self._placed = _wrapped(self._tokens, self.size.width) if self._tokens is not None else []
            self._placed_for = wanted
        return self._placed

    def _follow(self) -> None:
        lines, height = self._layout(), self.size.height
        at = next((y for y, line in enumerate(lines) if line and line[-1].token >= self._query), 0)
        margin = 1 if height >= 3 else 0
        self._top = min(max(self._top, at + margin + 1 - height), at - margin)
        self._top = max(0, min(self._top, len(lines) - height))

    def render_line(self, y: int) -> Strip:
        """Draw a line of tokens."""
        lines, width, base = self._layout(), self.size.width, self.rich_style
        if self._top + y >= len(lines) or not lines[self._top + y]:
            return Strip.blank(width, base)
        line = lines[self._top + y]
        segments = [
            Segment(placed.text, style)
            for placed, style in zip(line, self._styles(line[0].token, line[-1].token + 1), strict=True)
        ]
        return Strip(segments).adjust_cell_length(width, base)

    def _styles(self, start: int, stop: int) -> list[Style]:
        base, muted = self.rich_style, self.get_component_rich_style("token-strip--muted")
        query = self.get_component_rich_style("token-strip--query")
        colours = colours_of(self.app)
        if self.app.no_color:
            base, muted, query = Style(), Style(dim=True), Style(bold=True, reverse=True)
        known = self._weights is not None and len(self._weights) >= stop
        row = self._weights[start:stop] if self._weights is not None and known else np.zeros(stop - start)
        ramp, inks = RAMPS[self.ramp], RAMPS[self.ramp].ink
        styles: list[Style] = []
        for index, weight, level in zip(range(start, stop), row, levels(row, SCALES["sqrt"]), strict=True):
            if index == self._query:
                style = query
            elif not known:
                style = base
            elif np.isnan(weight):
                style = muted
            elif colours == "none":
                style = base + Style(bold=level >= LEVELS // 2, dim=level < LEVELS // 8)
            else:
                back = Color.from_ansi(ramp.xterm[level]) if colours == "256" else Color.from_rgb(*ramp.rgb[level])
                front = Color.from_rgb(255, 255, 255) if inks[level] == INK_LIGHT else Color.from_rgb(0, 0, 0)
                style = Style(color=front, bgcolor=back)
            styles.append(style + Style(underline=True, bold=True) if index == self._key else style)
        return styles


def _wrapped(tokens: Tokens, width: int) -> list[list[_Placed]]:
    """Tokens in lines of ``width`` cells: a line ends before a token that does not fit, and after a line feed."""
    lines: list[list[_Placed]] = [[]]
    column = 0
    for index, piece in enumerate(tokens.pieces):
        text = fit(token_label(piece), max(1, min(LONGEST, width)))
        cells = cell_len(text)
        if column + cells > width and lines[-1]:
            lines.append([])
            column = 0
        lines[-1].append(_Placed(index, column, text, cells))
        column += cells
        if piece.endswith("\n"):
            lines.append([])
            column = 0
    return lines if lines[-1] else lines[:-1]
