"""Plots in plotext, which is spoken to here and nowhere else.

Three properties of plotext 6.1 shape this module. It has one figure for the whole process, so drawing belongs to one
thread. Ticks of one's own collapse a logarithmic axis, so logarithms are taken by the caller and the axes are linear.
And it clamps every plot to the size of the terminal until told otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.style import Style
from rich.text import Span, Text

from faa_tui.rendering.legend import short_number
from faa_tui.rendering.text import fit, joined

RGB = tuple[int, int, int]
Points = NDArray[np.float64]

SMALLEST: Final = (20, 6)
"""Columns and lines below which there is no plot, only its title."""
LINE: Final = "braille"
"""Symbol of a line that is thinner than a cell."""


@dataclass(frozen=True, eq=False)
class Series:
    """Points of one symbol, or a line through them.

    Attributes:
        x: float64 [points].
        y: float64 [points].
        symbol: One character of one cell, or `LINE`.
        colour: ``None`` for the terminal's own.
        joined: Whether a line joins the points.
    """

    x: Points
    y: Points
    symbol: str
    colour: RGB | None = None
    joined: bool = False


@dataclass(frozen=True)
class Axis:
    """Range and ticks of one axis.

    Attributes:
        low: Value at the left or lower edge.
        high: Value at the other edge.
        ticks: Values and what is written there.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()


class Rule(NamedTuple):
    """A dotted line across the plot."""

    direction: Literal["horizontal", "vertical"]
    at: float


class Key(NamedTuple):
    """An entry of a legend.

    Attributes:
        symbol: What is drawn; nothing for a remark.
        name: What it stands for.
        colour: Of the symbol.
        brief: The same in fewer words, cut where even they do not fit: for an entry that may not be left out.
    """

    symbol: str
    name: str
    colour: RGB | None = None
    brief: str | None = None


class Canvas(NamedTuple):
    """Where in a plot the points go.

    Attributes:
        left: First column.
        top: First line.
        width: Columns.
        height: Lines.
    """

    left: int
    top: int
    width: int
    height: int

    def place(self, x: Points, y: Points, across: Axis, up: Axis) -> NDArray[np.int64]:
        """int64 [points, 2]: column and line of each point."""
        columns = (x - across.low) / (across.high - across.low) * (self.width - 1)
        lines = (up.high - y) / (up.high - up.low) * (self.height - 1)
        cells: NDArray[np.int64] = np.rint(np.stack([columns + self.left, lines + self.top], 1)).astype(np.int64)
        return cells


def canvas(width: int, height: int, up: Axis) -> Canvas:
    """Where the points of a plot of this size go: inside the frame, right of the tick labels and above the others."""
    left = max((cell_len(label) for _, label in up.ticks), default=0) + 1
    return Canvas(left, 1, width - left - 1, height - (3 if up.ticks else 2))


def draw(
    series: Iterable[Series],
    across: Axis,
    up: Axis,
    width: int,
    height: int,
    *,
    rules: Iterable[Rule] = (),
    frame: RGB | None = None,
) -> list[Text]:
    """A plot in its frame; what comes last lies on top. Call it from one thread only.

    Args:
        series: What is drawn; points that are not finite are left out.
        across: Axis from left to right.
        up: Axis from the lower edge to the upper.
        width: Columns, at least `SMALLEST`.
        height: Lines, at least `SMALLEST`.
        rules: Dotted lines behind everything.
        frame: Colour of the axes, the ticks and the rules.

    Returns:
        ``height`` lines of ``width`` cells.
    """
    plotext = _plotext()
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.theme("colorless")
    pen = _pixel(frame)
    figure.axes(True, pixel=pen)
    asked: set[RGB | None] = {frame}
    inside = canvas(width, height, up)
    for rule in rules:
        figure.line(rule.at, rule.direction, pixel=pen, style="dotted")
    for part in series:
        there = np.isfinite(part.x) & np.isfinite(part.y)
        if not there.any():
            continue
        x, y = part.x[there], part.y[there]
        if not part.joined:
            # Points of one cell are one to the eye, and drawing each of a thousand takes longer than a key press.
            cells = inside.place(x, y, across, up) @ np.array([1, width])
            _, first = np.unique(cells, return_index=True)
            x, y = x[first], y[first]
        asked.add(part.colour)
        marker = plotext.marker(part.symbol, _pixel(part.colour))
        signal = figure.signal(x.tolist(), y.tolist(), marker=marker)
        figure.draw(signal.lines(True) if part.joined else signal)
    for name, axis in (("x", across), ("y", up)):
        ruler = figure.ruler(name)
        ruler.lim(axis.low, axis.high)
        ruler.ticks([value for value, _ in axis.ticks], [label for _, label in axis.ticks])
        ruler.pixel(pen)
    figure.legend(False)  # plotext's own stands on the canvas, in the way of the points, and takes two lines an entry
    plot = Text.from_ansi(str(figure.build()))
    asked.discard(None)
    # A pixel that leaves a colour open falls back to plotext's own, so those that nobody asked for are taken out here.
    plot.spans = [Span(span.start, span.end, _only(asked, span.style)) for span in plot.spans]
    return list(plot.split("\n"))


def page(
    title: Sequence[str],
    legend: Sequence[Key],
    body: Callable[[int, int], list[Text]] | str,
    width: int,
    height: int,
    legend_needs: tuple[int, int] = SMALLEST,
) -> list[Text]:
    """A title, a legend where there is room, and a plot, or a word where there cannot be one.

    Args:
        title: Parts of the title, the weightiest first; those that do not fit are left out.
        legend: What symbols mean, the weightiest first.
        body: Draws the plot in so many columns and lines; or why there is none.
        width: Columns.
        height: Lines.
        legend_needs: Columns and lines of a page that has a legend.

    Returns:
        ``height`` lines of ``width`` cells.
    """
    lines = [Text(joined(title, width).center(width), style="bold")]
    if isinstance(body, str):
        lines += [Text(part.center(width), style="dim") for part in _wrapped(body, width)]
    elif has_plot(width, height):
        if has_legend(width, height, legend_needs):
            lines.append(_legend(legend, width))
        lines += body(width, height - len(lines))
    lines = lines[: max(0, height)]
    lines += [Text(" " * width) for _ in range(height - len(lines))]
    for line in lines:
        line.truncate(width, pad=True)
    return lines


def has_plot(width: int, height: int) -> bool:
    """Whether a page of this size has room for a plot."""
    return width >= SMALLEST[0] and height >= SMALLEST[1]


def has_legend(width: int, height: int, needs: tuple[int, int] = SMALLEST) -> bool:
    """Whether a page of this size has a legend; there is always a plot of `SMALLEST` below it."""
    return width >= needs[0] and height >= max(needs[1], SMALLEST[1] + 2)


def spanning(*values: Points, most: int, margin: float = 0.04) -> Axis:
    """An axis over all finite ``values``, with a little room beside them; values that are all equal are its middle.

    Args:
        values: What is to be seen.
        most: Ticks at most.
        margin: Room on either side as a share of the range.
    """
    every = np.concatenate([np.ravel(part) for part in values])
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    spread = (high - low) * (1 + 2 * margin)
    tiny = max(abs(low), abs(high)) * 1e-9
    if spread <= tiny:
        spread = max(abs(low) * 0.2, 1e-6 if low else 1.0)
    middle = (low + high) / 2
    low, high = middle - spread / 2, middle + spread / 2
    return Axis(low, high, round_ticks(low, high, most))


def round_ticks(low: float, high: float, most: int) -> tuple[tuple[float, str], ...]:
    """At most ``most`` multiples of 1, 2 or 5 times a power of ten, in short numbers."""
    least = (high - low) / max(1, most)
    decade = 10.0 ** math.floor(math.log10(least))
    step = next(multiple * decade for multiple in (1, 2, 5, 10) if multiple * decade >= least * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    ticks = [(count * step, _tick(count * step, digits)) for count in range(first, last + 1)]
    return tuple(ticks[: max(1, most)])


def _tick(value: float, digits: int) -> str:
    """A number of a tick: as many digits as its neighbours have, no nought before the point, thousands as letters."""
    if abs(value) < 10.0**-digits / 2:
        return "0"
    if digits > 4 or abs(value) >= 1e6:
        return short_number(value).replace("-", "−")
    if abs(value) >= 1e4:
        return f"{value / 1000:g}k".replace("-", "−")
    text = f"{value:z.{digits}f}"
    return text.replace("0.", ".", 1).replace("-", "−") if abs(value) < 1 and digits else text.replace("-", "−")


def _wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells, broken between words."""
    lines: list[str] = []
    for word in text.split():
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(fit(word, width))
    return lines


def _legend(keys: Sequence[Key], width: int) -> Text:
    """Entries that have a brief form, all of them, then as many others as fit."""
    needed = [key for key in keys if key.brief is not None]
    room = width - sum(cell_len(key.symbol) + 1 for key in needed) - 2 * max(0, len(needed) - 1)
    if sum(cell_len(key.name) for key in needed) > room:
        keys = [key if key.brief is None else key._replace(name=fit(key.brief, room // len(needed))) for key in keys]
    legend = Text()
    for symbol, name, colour, _ in keys:
        gap = "  " if legend else ""
        free = width - legend.cell_len - len(gap) - (cell_len(symbol) + 1 if symbol else 0)
        if cell_len(name) > free and (legend or free < 1):
            break
        legend.append(gap)
        if symbol:
            legend.append(f"{symbol} ", "" if colour is None else f"rgb({colour[0]},{colour[1]},{colour[2]})")
        legend.append(fit(name, free))
    legend.align("center", width)
    return legend


def _only(asked: set[RGB | None], style: Style | str) -> Style:
    colour = style.color if isinstance(style, Style) else None
    return Style(color=colour) if colour is not None and colour.triplet in asked else Style.null()


def _pixel(colour: RGB | None) -> Any:
    pixel = _plotext().pixel
    return pixel() if colour is None else pixel(foreground=colour)


def warm_up() -> None:
    """Import plotext, which takes more than a tenth of a second; on any thread, before the first plot is wanted."""
    _plotext()


@cache
def _plotext() -> Any:
    # Only those who draw a curve need it.
    import plotext

    plotext.terminal.limit(False, False)
    return plotext
