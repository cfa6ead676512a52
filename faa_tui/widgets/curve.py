"""The box-counting curve of the selected head."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from faa_core.records import LayerResult
from faa_tui.rendering.curves import PLAIN, CurveColours, curve_lines


class CurveView(Widget):
    """Log-log plot of box counts, with the fit, its range and the counts of the bare mask."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    CurveView {
        width: 1fr;
        height: 1fr;
        background: $surface;
        color: $foreground;
        & > .curve--points { color: $text-primary; }
        & > .curve--outside { color: $text-muted; }
        & > .curve--fit { color: $text-warning; }
        & > .curve--null { color: $text-disabled; }
        & > .curve--frame { color: $foreground-darken-3; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "curve--points",
        "curve--outside",
        "curve--fit",
        "curve--null",
        "curve--frame",
    }
    """
    | Class | Description |
    | :- | :- |
    | `curve--points` | Counts in the accepted range. |
    | `curve--outside` | Counts outside of it. |
    | `curve--fit` | The fitted line. |
    | `curve--null` | Counts of the bare mask. |
    | `curve--frame` | Axes, ticks and the marks at the ends of the accepted range. |
    """

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None, disabled: bool = False
    ) -> None:
        """Make an empty plot.

        Args:
            name: Name of the widget.
            id: Id of the widget.
            classes: Its classes.
            disabled: Whether it takes no input.
        """
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self._result: LayerResult | None = None
        self._head = 0
        self._lines: tuple[object, list[Strip]] = (None, [])

    def show(self, result: LayerResult | None, head: int = 0) -> None:
        """Show the curve of one head; ``None`` for nothing."""
        self._result, self._head = result, head
        self._lines = (None, [])
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a line of the plot, which is built once for a size and a set of colours."""
        base = self.rich_style.without_color if self.app.no_color else self.rich_style
        if self._result is None:
            return Strip.blank(self.size.width, base)
        colours = self._colours()
        state = (self.size, colours)
        if self._lines[0] != state:
            self._lines = (state, self._build(self._result, colours))
        return self._lines[1][y].apply_style(Style(color=base.color, bgcolor=base.bgcolor))

    def _build(self, result: LayerResult, colours: CurveColours) -> list[Strip]:
        width, height = self.size
        lines = curve_lines(result, self._head, width, height, colours)
        console = self.app.console
        return [
            Strip([Segment(text, style or Style()) for text, style, _ in line.render(console, end="")], width)
            for line in lines
        ]

    def _colours(self) -> CurveColours:
        if self.app.no_color:
            return PLAIN
        parts = ("points", "outside", "fit", "null", "frame")
        # Only the Rich style has resolved colours that adapt to the background.
        colours = (self.get_component_rich_style(f"curve--{part}").color for part in parts)
        return CurveColours(*(None if colour is None else colour.get_truecolor() for colour in colours))
