"""The curves of the head that is looked at, a page for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

from rich.text import Text

from faa_core.findings import HeadExamination
from faa_core.records import LayerResult
from faa_tui.live_keys import with_keys
from faa_tui.rendering.curves import box_counting, local_slopes, over_thresholds
from faa_tui.rendering.page import PLAIN, CurveColours, Page, no_data
from faa_tui.rendering.profiles import CursorLines, LayerValues, along_column, along_row, by_distance, over_layers
from faa_tui.rendering.spectra import dimensions, singularities
from faa_tui.widgets.paged_plot import PagedPlot


class CurveView(PagedPlot):
    """Plots of one head; the page stays when the head changes."""

    PAGES: ClassVar[Mapping[str, str]] = {
        "boxes": "Box counting",
        "slopes": "Local slopes",
        "thresholds": "Thresholds",
        "orders": "Dimensions D_q",
        "strengths": "Spectrum f(alpha)",
        "distance": "Distance",
        "layers": "Layers",
        "row": "Row of the cursor",
        "column": "Column of the cursor",
    }
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
        & > .curve--marked { color: $foreground; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "curve--points",
        "curve--outside",
        "curve--fit",
        "curve--null",
        "curve--frame",
        "curve--marked",
    }
    """
    | Class | Description |
    | :- | :- |
    | `curve--points` | Counts in the accepted range, values with the status ``ok``. |
    | `curve--outside` | Those outside of it. |
    | `curve--fit` | The fitted line, or a mean. |
    | `curve--null` | What even attention has. |
    | `curve--frame` | Axes, ticks and dotted lines. |
    | `curve--marked` | What is looked at elsewhere on the screen. |
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
        self._why = "no run yet; {text} takes a text and analyses it"
        self._lit: int | None = None
        self._examination: HeadExamination | None = None
        self._layers: LayerValues | None = None
        self._cursor: CursorLines | None = None

    def show(
        self,
        result: LayerResult | None,
        head: int = 0,
        examination: HeadExamination | None = None,
        why: str = "this layer is not measured yet; it comes by itself",
    ) -> None:
        """Show the curves of one head.

        Args:
            result: Result of its layer; ``None`` where there is none.
            head: Which head.
            examination: What was measured of it at length.
            why: Why there is no result, and what to do, with ids of actions in braces in the place of their keys.
        """
        if (result, head) != (self._result, self._head):
            self._cursor = None
        self._result, self._head, self._examination, self._why = result, head, examination, why
        self.draw_anew()

    def light(self, size: int | None) -> None:
        """Emphasise the boxes of ``size`` tokens on the box-counting curve; ``None`` for none."""
        self._lit = size
        self._changed("boxes")

    def show_layers(self, values: LayerValues | None) -> None:
        """Show one statistic of all heads by layer."""
        self._layers = values
        self._changed("layers")

    def show_cursor(self, cursor: CursorLines | None) -> None:
        """Show the row and the column of the map's cursor."""
        self._cursor = cursor
        self._changed("row", "column")

    def _changed(self, *pages: str) -> None:
        if self.page in pages:
            self.draw_anew()

    @property
    def status(self) -> str:
        """In words whether what is fitted on this page can be trusted; ``ok`` where it can, "" where nothing is."""
        return self.current(PLAIN).status

    def current(self, colours: CurveColours) -> Page:
        """The page that shows."""
        result, head = self._result, self._head
        if result is None:
            return Page([self.title], nothing=no_data(with_keys(self.app, self._why)))
        pages: Mapping[str, Callable[[], Page]] = {
            "boxes": lambda: box_counting(result, head, colours, self._lit),
            "slopes": lambda: local_slopes(result, head, colours),
            "thresholds": lambda: over_thresholds(result, head, colours),
            "orders": lambda: dimensions(result, head, colours),
            "strengths": lambda: singularities(self._examination, colours),
            "distance": lambda: by_distance(result, head, colours),
            "layers": lambda: over_layers(self._layers, colours),
            "row": lambda: along_row(result, self._cursor, colours),
            "column": lambda: along_column(result, self._cursor, colours),
        }
        page = pages[self.page]()
        return replace(page, nothing=with_keys(self.app, page.nothing)) if page.nothing else page

    def draw_page(self, width: int, height: int) -> list[Text]:
        """The page that shows, in the size asked for."""
        return self.current(self.look()).lines(width, height)

    def look(self) -> CurveColours:
        """Its colours."""
        if self.app.no_color:
            return PLAIN
        parts = ("points", "outside", "fit", "null", "frame", "marked")
        # Only the Rich style has resolved colours that adapt to the background.
        colours = (self.get_component_rich_style(f"curve--{part}").color for part in parts)
        return CurveColours(*(None if colour is None else colour.get_truecolor() for colour in colours))
