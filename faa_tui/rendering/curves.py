"""Box-counting curves in plotext, which is spoken to here and nowhere else.

Three properties of plotext 6.1 shape this module. It has one figure for the whole process, so drawing belongs to one
thread. Ticks of one's own collapse a logarithmic axis, so logarithms are taken here and the axes are linear. And it
clamps every plot to the size of the terminal until told otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Span, Text

from faa_core.records import STATUSES, LayerResult
from faa_tui.rendering.text import fit, joined

RGB = tuple[int, int, int]

SMALLEST: Final = (20, 6)
"""Columns and lines below which there is no plot, only its title."""
_LEGEND_NEEDS: Final = (40, 12)


@dataclass(frozen=True)
class CurveColours:
    """Colours of the parts of a plot; ``None`` leaves the terminal's own.

    Attributes:
        points: Counts in the accepted range.
        outside: Counts outside of it.
        fit: The fitted line.
        null: Counts of the bare mask.
        frame: Axes, ticks and the marks at the ends of the accepted range.
    """

    points: RGB | None = (86, 180, 233)
    outside: RGB | None = (150, 150, 150)
    fit: RGB | None = (230, 159, 0)
    null: RGB | None = (110, 120, 140)
    frame: RGB | None = (110, 110, 110)


PLAIN: Final = CurveColours(None, None, None, None, None)
"""For terminals without colour; the markers differ, so nothing is lost but beauty."""


def curve_title(result: LayerResult, head: int) -> list[str]:
    """What the curve says, the weightiest first: the dimension and its error, or why there is none, then its null."""
    statistics = result.statistics
    if "D0" not in statistics.names:
        return ["D0 not measured"]
    row = statistics.row("D0")
    value, null, error = (float(column[row, head]) for column in (statistics.value, statistics.null, statistics.error))
    status = STATUSES[int(statistics.status[row, head])]
    effective = float(result.boxes.effective[head])
    parts = [f"D0 {value:.2f}" if math.isfinite(value) else "D0 undefined"]
    if math.isfinite(value) and math.isfinite(error):
        parts[0] += f" ± {error:.2f}"
    if status != "ok":
        parts.append(status.replace("_", " "))
    if not math.isfinite(value) and math.isfinite(effective):
        parts.append(f"slope {effective:.2f}")
    if math.isfinite(null):
        parts.append(f"null {null:.2f}")
        if math.isfinite(value):
            parts.append(f"Δ {value - null:+.2f}".replace("-", "−"))
    return parts


def curve_lines(
    result: LayerResult,
    head: int,
    width: int,
    height: int,
    colours: CurveColours = CurveColours(),
) -> list[Text]:
    """The box-counting curve of one head: ln N(s) over the box side s, both logarithmic.

    Counts are dots, filled within the range that the fit accepts and open outside of it; the fitted line covers that
    range and two vertical marks end it; the counts of the bare mask stand behind. The abscissa is ln ceil(n/s), the
    regressor of the fit, so the fitted line is straight on any length.

    Call it from one thread only.

    Args:
        result: Result of a layer.
        head: Which head.
        width: Columns.
        height: Lines, title included.
        colours: Colours of the parts.

    Returns:
        ``height`` lines of ``width`` cells.
    """
    boxes = result.boxes
    lines = [Text(joined(curve_title(result, head), width).center(width), style="bold")]
    counts = boxes.counts[head]
    if width < SMALLEST[0] or height < SMALLEST[1]:
        note = ""
    elif not (boxes.null_counts > 0).any() or len(boxes.sizes) < 2:
        note = "a single box: no curve"
    else:
        note = None
        if width >= _LEGEND_NEEDS[0] and height >= _LEGEND_NEEDS[1]:
            # Plotext's own legend stands on the canvas, in the way of the curve, and takes two lines an entry.
            lines.append(_legend(width, colours))
        lines += _plot(result, head, counts, width, height - len(lines), colours)
    if note is not None:
        lines += [Text(fit(note, width).center(width), style="dim")] if height > 1 else []
    lines = lines[: max(0, height)]
    lines += [Text(" " * width) for _ in range(height - len(lines))]
    for line in lines:
        line.truncate(width, pad=True)
    return lines


def _plot(
    result: LayerResult, head: int, counts: NDArray[np.int64], width: int, height: int, colours: CurveColours
) -> list[Text]:
    plotext = _plotext()
    boxes = result.boxes
    x = -np.asarray(boxes.regressor, dtype=float)
    first, last = int(boxes.first[head]), int(boxes.last[head])
    fitted = last > first and math.isfinite(float(boxes.intercept[head]))
    here = counts > 0
    accepted = here & (np.arange(len(x)) >= first) & (np.arange(len(x)) <= last) if fitted else np.zeros_like(here)
    logs = np.log(np.maximum(counts, 1))
    null_here = boxes.null_counts > 0
    null = np.log(np.maximum(boxes.null_counts, 1))

    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.theme("colorless")
    frame = _pixel(colours.frame)
    figure.axes(True, pixel=frame)

    def draw(where: NDArray[np.bool_], y: NDArray[np.float64], symbol: str, colour: RGB | None) -> None:
        if where.any():
            marker = plotext.marker(symbol, _pixel(colour))
            figure.draw(figure.signal(x[where].tolist(), y[where].tolist(), marker=marker))

    if fitted:
        for end in (first, last):
            figure.line(float(x[end]), "vertical", pixel=frame, style="dotted")
    draw(null_here, null, "·", colours.null)
    if fitted:
        ends = boxes.regressor[[first, last]]
        line = float(boxes.intercept[head]) + float(boxes.effective[head]) * ends
        marker = plotext.marker("braille", _pixel(colours.fit))
        figure.draw(figure.signal((-ends).tolist(), line.tolist(), marker=marker).lines(True))
    # What is drawn last lies on top.
    draw(here & ~accepted, logs, "○", colours.outside)
    draw(accepted, logs, "●", colours.points)

    top = float(max(null[null_here].max(), logs[here].max() if here.any() else 0.0))
    figure.ruler("y").lim(0.0, max(top, math.log(10)))
    decades = range(
        0, int(max(top, math.log(10)) / math.log(10)) + 1, 1 + int(top / math.log(10)) // max(1, height // 2)
    )
    figure.ruler("y").ticks([decade * math.log(10) for decade in decades], [_power(decade) for decade in decades])
    room = max(1, width // 6)
    step = -(-len(x) // room)
    shown = range(0, len(x), step)
    figure.ruler("x").ticks([float(x[index]) for index in shown], [str(int(boxes.sizes[index])) for index in shown])
    for axis in ("x", "y"):
        figure.ruler(axis).pixel(frame)
    figure.legend(False)
    plot = Text.from_ansi(str(figure.build()))
    # A pixel that leaves a colour open falls back to plotext's own, so those that nobody asked for are taken out here.
    asked = {colour for colour in vars(colours).values() if colour is not None}
    plot.spans = [Span(span.start, span.end, _only(asked, span.style)) for span in plot.spans]
    return list(plot.split("\n"))


def _only(asked: set[RGB], style: Style | str) -> Style:
    colour = style.color if isinstance(style, Style) else None
    return Style(color=colour) if colour is not None and colour.triplet in asked else Style.null()


def _legend(width: int, colours: CurveColours) -> Text:
    legend = Text()
    for symbol, name, colour in (
        ("●", "N(s)", colours.points),
        ("○", "not used", colours.outside),
        ("━", "fit", colours.fit),
        ("·", "bare mask", colours.null),
    ):
        legend.append(f"  {symbol} ", "" if colour is None else f"rgb({colour[0]},{colour[1]},{colour[2]})")
        legend.append(name)
    legend.align("center", width)
    return legend


def _power(decade: int) -> str:
    """10^decade in three characters or so."""
    unit, zeros = "kMGT"[decade // 3 - 1] if decade >= 3 else "", decade % 3
    return "1" + "0" * zeros + unit


def _pixel(colour: RGB | None) -> Any:
    pixel = _plotext().pixel
    return pixel() if colour is None else pixel(foreground=colour)


@cache
def _plotext() -> Any:
    # It takes a while to import, and only those who draw a curve need it.
    import plotext

    plotext.terminal.limit(False, False)
    return plotext
