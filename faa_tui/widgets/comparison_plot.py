"""One of several plots of two models: a statistic of all pairs of heads, or the curves of the heads looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from faa_core.catalogue import Entry
from faa_tui.rendering.comparison_plots import (
    HeadCurve,
    Profile,
    box_counting_lines,
    distribution_lines,
    profile_lines,
    scatter,
    spectrum_lines,
)
from faa_tui.rendering.ramps import luminance
from faa_tui.rendering.sides import ON_DARK, ON_LIGHT, PLAIN, SideColours
from faa_tui.rendering.terminal import colours_of
from faa_tui.widgets.paged_plot import PagedPlot

_REACH: Final = 3
"""Cells within which a click picks a point."""


@dataclass(frozen=True, eq=False)
class ComparisonView:
    """All that the plots show.

    Attributes:
        title: Name of what is compared, for example that of the statistic with "minus null".
        entry: The statistic.
        names: Names of the sides, the first and the other one first.
        a: float64 [pairs]: values of the first side; NaN where undefined.
        b: float64 [pairs]: values of the other side.
        discovered: bool [pairs].
        chosen: Index of the pair that is looked at; ``None`` for none.
        profiles: The statistic by layer, for each side.
        heads: The heads that are looked at, for each side, with the results of their layers.
        bars: What the bars of the profiles are, for the legend.
        reason: What to say instead of "no head has this number" where that is so.
        other: Which side the other one is, for its symbol and colour.
    """

    title: str
    entry: Entry
    names: tuple[str, ...]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    discovered: NDArray[np.bool_]
    chosen: int | None = None
    profiles: tuple[Profile, ...] = ()
    heads: tuple[HeadCurve, ...] = ()
    bars: str = ""
    reason: str = ""
    other: int = 1


class ComparisonPlot(PagedPlot, can_focus=True):
    """Plots of the comparison that is on the screen."""

    PAGES: ClassVar[Mapping[str, str]] = {
        "scatter": "Pairs of heads",
        "distributions": "Distribution",
        "layers": "Layers",
        "boxes": "Box counting",
        "spectrum": "Dimensions D_q",
    }
    HELP = "One of several plots. A click on a point of the scatter plot goes to that pair of heads."

    DEFAULT_CSS = """
    ComparisonPlot {
        width: 1fr;
        height: 1fr;
        background: $surface;
        color: $foreground;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "step(1)", "Next plot", show=False, id="plot.next", tooltip="Show the next plot"),
        Binding("V", "step(-1)", "Previous plot", show=False, id="plot.previous", tooltip="Show the plot before"),
    ]

    class Picked(Message):
        """A pair of heads was clicked in the scatter plot.

        Attributes:
            comparison_plot: The sender.
            index: Which pair.
        """

        def __init__(self, comparison_plot: ComparisonPlot, index: int) -> None:
            super().__init__()
            self.comparison_plot = comparison_plot
            self.index = index

        @property
        def control(self) -> ComparisonPlot:
            """The sender."""
            return self.comparison_plot

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
        self._shown: ComparisonView | None = None
        self._places: NDArray[np.int64] = np.zeros((0, 2), np.int64)

    def show(self, view: ComparisonView | None) -> None:
        """Show other numbers; ``None`` for nothing."""
        self._shown = view
        self.draw_anew()

    def on_click(self, event: events.Click) -> None:
        """Say which pair is nearest."""
        if self.page != "scatter" or not len(self._places):
            return
        # A line is about twice as high as a column is wide.
        far = np.hypot(self._places[:, 0] - event.x, 2 * (self._places[:, 1] - event.y))
        far[self._places[:, 0] < 0] = np.inf
        nearest = int(far.argmin())
        if far[nearest] <= 2 * _REACH:
            self.post_message(self.Picked(self, nearest))

    def look(self) -> SideColours:
        """Its colours."""
        if colours_of(self.app) == "none":
            return PLAIN
        background = self.background_colors[1]
        return ON_LIGHT if luminance((background.r, background.g, background.b)) > 0.4 else ON_DARK

    def draw_page(self, width: int, height: int) -> list[Text] | None:
        """The plot that shows, in the size asked for."""
        view, colours = self._shown, self.look()
        if view is None:
            return None
        self._places = np.zeros((0, 2), np.int64)
        draw: Mapping[str, Callable[[], list[Text]]] = {
            "scatter": lambda: self._scatter(view, colours, width, height),
            "distributions": lambda: distribution_lines(
                view.a, view.b, view.title, self._names(view), width, height, colours, view.reason, view.other
            ),
            "layers": lambda: profile_lines(view.profiles, view.title, width, height, colours, view.reason, view.bars),
            "boxes": lambda: box_counting_lines(view.heads, width, height, colours),
            "spectrum": lambda: spectrum_lines(view.heads, width, height, colours),
        }
        return draw[self.page]()

    def _scatter(self, view: ComparisonView, colours: SideColours, width: int, height: int) -> list[Text]:
        drawn = scatter(
            view.a,
            view.b,
            view.chosen,
            view.discovered,
            view.title,
            self._names(view),
            width,
            height,
            colours,
            view.reason,
        )
        self._places = drawn.places
        return drawn.lines

    @staticmethod
    def _names(view: ComparisonView) -> tuple[str, str]:
        return view.names[0], view.names[1]
