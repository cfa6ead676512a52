"""One page of the curve pane: what is plotted, kept apart from how large it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.text import Text

from faa_core.records import STATUS_MEANING
from faa_tui.rendering.plot import RGB, Axis, Key, Points, Rule, Series, draw, page, spanning

_LEGEND_NEEDS: Final = (40, 12)
"""Columns and lines below which the plot takes the room of the legend."""


@dataclass(frozen=True)
class CurveColours:
    """Colours of the parts of a plot; ``None`` leaves the terminal's own.

    Attributes:
        points: What counts: in the accepted range, or with the status ``ok``.
        outside: What does not.
        fit: The fitted line, or a mean.
        null: What even attention has.
        frame: Axes, ticks and dotted lines.
        marked: What is looked at elsewhere on the screen.
    """

    points: RGB | None = (86, 180, 233)
    outside: RGB | None = (150, 150, 150)
    fit: RGB | None = (230, 159, 0)
    null: RGB | None = (110, 120, 140)
    frame: RGB | None = (110, 110, 110)
    marked: RGB | None = (240, 228, 66)


COLOURED: Final = CurveColours()
"""For dark backgrounds."""
PLAIN: Final = CurveColours(None, None, None, None, None, None)
"""For terminals without colour; the markers differ, so nothing is lost but beauty."""


def _unit(_: int) -> Axis:
    return Axis(0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Page:
    """A page, whose lines are drawn for a size.

    Attributes:
        title: Parts of the title, the weightiest first.
        legend: What symbols mean, the weightiest first.
        series: What is plotted; what comes last lies on top.
        across: The axis from left to right, in so many columns.
        up: The axis from the lower edge to the upper, in so many lines.
        rules: Dotted lines.
        frame: Colour of the axes.
        nothing: Why there is nothing to plot, and what to do, with ids of actions in braces in the place of their keys;
            "" where there is.
        status: In words whether what is fitted can be trusted; ``ok`` where it can, "" where nothing is fitted.
    """

    title: Sequence[str]
    legend: Sequence[Key] = ()
    series: Sequence[Series] = ()
    across: Callable[[int], Axis] = _unit
    up: Callable[[int], Axis] = _unit
    rules: Sequence[Rule] = ()
    frame: RGB | None = None
    nothing: str = ""
    status: str = ""

    def lines(self, width: int, height: int) -> list[Text]:
        """``height`` lines of ``width`` cells; call it from one thread only."""
        if self.nothing:
            return page(self.title, (), self.nothing, width, height)
        return page(self.title, self.legend, self._plot, width, height, _LEGEND_NEEDS)

    def _plot(self, columns: int, lines: int) -> list[Text]:
        across, up = self.across(columns), self.up(lines)
        return draw(self.series, across, up, columns, lines, rules=self.rules, frame=self.frame)


def upwards(*values: Points) -> Callable[[int], Axis]:
    """An axis from the lower edge to the upper over all finite ``values``."""
    return lambda lines: spanning(*values, most=max(2, lines // 3))


def no_data(why: str) -> str:
    """What a page says that has nothing to plot."""
    return f"no data: {why}"


def meaning(status: str) -> str:
    """What a status means, in the middle of a sentence."""
    text = STATUS_MEANING[status]
    return text[:1].lower() + text[1:]


def upright(x: Points, low: Points, high: Points) -> tuple[Points, Points]:
    """Points of bars from ``low`` to ``high`` at each ``x``, close enough for the tallest plot."""
    there = np.isfinite(low) & np.isfinite(high)
    heights = np.linspace(low[there], high[there], 40, axis=1)
    return np.repeat(x[there], 40), heights.ravel()
