"""The box-counting curve of one head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from faa_core.records import STATUSES, LayerResult
from faa_tui.rendering.plot import LINE, RGB, Axis, Key, Rule, Series, draw, page

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
    legend = [
        Key("●", "N(s)", colours.points),
        Key("○", "not used", colours.outside),
        Key("━", "fit", colours.fit),
        Key("·", "bare mask", colours.null),
    ]
    if not (boxes.null_counts > 0).any() or len(boxes.sizes) < 2:
        return page(curve_title(result, head), legend, "a single box: no curve", width, height)
    return page(
        curve_title(result, head),
        legend,
        lambda columns, lines: _plot(result, head, columns, lines, colours),
        width,
        height,
        _LEGEND_NEEDS,
    )


def _plot(result: LayerResult, head: int, width: int, height: int, colours: CurveColours) -> list[Text]:
    boxes = result.boxes
    counts = boxes.counts[head]
    x = -np.asarray(boxes.regressor, dtype=float)
    fit = fitted_range(result, head)
    accepted = np.zeros(len(x), np.bool_)
    if fit is not None:
        accepted[fit[0] : fit[1] + 1] = True
    logs, null = logarithms(counts), logarithms(boxes.null_counts)
    series = [Series(x, null, "·", colours.null)]
    if fit is not None:
        series.append(Series(*fitted_line(result, head), LINE, colours.fit, joined=True))
    series.append(Series(x, np.where(accepted, np.nan, logs), "○", colours.outside))
    series.append(Series(x, np.where(accepted, logs, np.nan), "●", colours.points))
    step = -(-len(x) // max(1, width // 6))
    ticks = tuple((float(x[index]), str(int(boxes.sizes[index]))) for index in range(0, len(x), step))
    return draw(
        series,
        Axis(float(x.min()), float(x.max()), ticks),
        decades(float(np.nanmax(np.concatenate([null, logs]))), height),
        width,
        height,
        rules=[Rule("vertical", float(x[end])) for end in fit or ()],
        frame=colours.frame,
    )


def logarithms(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Natural logarithms; NaN for counts of nothing."""
    return np.where(counts > 0, np.log(np.maximum(counts, 1)), np.nan)


def fitted_range(result: LayerResult, head: int) -> tuple[int, int] | None:
    """First and last size that the fit uses; ``None`` where there is no fit."""
    boxes = result.boxes
    first, last = int(boxes.first[head]), int(boxes.last[head])
    return (first, last) if last > first and math.isfinite(float(boxes.intercept[head])) else None


def fitted_line(result: LayerResult, head: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Abscissa, minus the regressor, and ordinate of the two ends of the fitted line."""
    boxes = result.boxes
    ends = boxes.regressor[list(fitted_range(result, head) or ())]
    return -ends, float(boxes.intercept[head]) + float(boxes.effective[head]) * ends


def decades(top: float, height: int) -> Axis:
    """The axis of natural logarithms of counts up to ``top``, with a tick at powers of ten."""
    top = max(top, math.log(10))
    step = 1 + int(top / math.log(10)) // max(1, height // 2)
    ticks = tuple((decade * math.log(10), _power(decade)) for decade in range(0, int(top / math.log(10)) + 1, step))
    return Axis(0.0, top, ticks)


def _power(decade: int) -> str:
    """10^decade in three characters or so."""
    unit, zeros = "kMGT"[decade // 3 - 1] if decade >= 3 else "", decade % 3
    return "1" + "0" * zeros + unit
