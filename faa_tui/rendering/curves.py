"""The box-counting curve of one head: counts, local slopes, and the dimension over thresholds."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from faa_core.records import STATUSES, LayerResult
from faa_tui.rendering.legend import short_number
from faa_tui.rendering.page import COLOURED, CurveColours, Page, meaning, no_data, upwards
from faa_tui.rendering.plot import LINE, Axis, Key, Points, Rule, Series

_OTHERS = "{layer.previous} {layer.next} {head.previous} {head.next} lead to other heads"


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


def box_counting(result: LayerResult, head: int, colours: CurveColours = COLOURED, lit: int | None = None) -> Page:
    """The box-counting curve: ln N(s) over the box side s, both logarithmic.

    Counts are dots, filled within the range that the fit accepts and open outside of it; the fitted line covers that
    range and two vertical marks end it; the counts of the bare mask stand behind. The abscissa is ln ceil(n/s), the
    regressor of the fit, so the fitted line is straight on any length.

    Args:
        result: Result of a layer.
        head: Which head.
        colours: Colours of the parts.
        lit: Side of the boxes that are looked at elsewhere, in tokens.
    """
    boxes, title, status = result.boxes, curve_title(result, head), status_of(result, head)
    if not (boxes.null_counts > 0).any() or len(boxes.sizes) < 2:
        return Page(title, nothing=no_data("the map is a single box; a longer text has a curve"), status=status)
    x, accepted, fit = -np.asarray(boxes.regressor, dtype=float), _accepted(result, head), fitted_range(result, head)
    logs, null = logarithms(boxes.counts[head]), logarithms(boxes.null_counts)
    legend = [
        Key("●", "N(s)", colours.points),
        Key("○", "not used", colours.outside),
        Key("━", "fit", colours.fit),
        Key("·", "bare mask", colours.null),
    ]
    series = [Series(x, null, "·", colours.null)]
    if fit is not None:
        series.append(Series(*fitted_line(result, head), LINE, colours.fit, joined=True))
    series.append(Series(x, np.where(accepted, np.nan, logs), "○", colours.outside))
    series.append(Series(x, np.where(accepted, logs, np.nan), "●", colours.points))
    at = np.flatnonzero(boxes.sizes == lit)
    if len(at):
        series.append(Series(x[at], logs[at], "◆", colours.marked))
        legend.insert(0, Key("◆", f"s {lit}", colours.marked))
        title = [f"s {lit} N {int(boxes.counts[head, at[0]])}", *title]
    return Page(
        title,
        legend,
        series,
        _sizes(result),
        partial(decades, float(np.nanmax(np.concatenate([null, logs])))),
        [Rule("vertical", float(x[end])) for end in fit or ()],
        colours.frame,
        status=status,
    )


def local_slopes(result: LayerResult, head: int, colours: CurveColours = COLOURED) -> Page:
    """Slopes of the box-counting curve between neighbouring sizes, which a power law has all alike.

    A slope stands in the middle between its two sizes. It is filled where the fit uses both; a line shows the slope of
    the fit over its range. Slopes are on the regressor of the fit, so that they are dimensions, 2 for a filled plane.

    Args:
        result: Result of a layer.
        head: Which head.
        colours: Colours of the parts.
    """
    boxes, status = result.boxes, status_of(result, head)
    if len(boxes.sizes) < 2:
        return Page(
            ["local slopes"], nothing=no_data("the map is a single box; a longer text has slopes"), status=status
        )
    ends = -np.asarray(boxes.regressor, dtype=float)
    x, fit = (ends[1:] + ends[:-1]) / 2, fitted_range(result, head)
    slope, null = (_slopes(ends, logarithms(counts)) for counts in (boxes.counts[head], boxes.null_counts))
    title = ["local slopes of ln N(s)"]
    if not np.isfinite(slope).any():
        return Page(title, nothing=no_data(f"{meaning(status or 'empty')} {_OTHERS}"), status=status)
    accepted = _accepted(result, head)
    used = accepted[1:] & accepted[:-1]
    series, level = [Series(x, null, "·", colours.null)], float(boxes.effective[head])
    if fit is not None:
        span = ends[list(fit)]
        series.append(Series(span, np.full(2, level), LINE, colours.fit, joined=True))
        title.insert(0, f"fit {level:.2f}")
    series.append(Series(x, np.where(used, np.nan, slope), "○", colours.outside))
    series.append(Series(x, np.where(used, slope, np.nan), "●", colours.points))
    legend = [
        Key("●", "slope", colours.points),
        Key("○", "not used", colours.outside),
        Key("━", "fit", colours.fit),
        Key("·", "bare mask", colours.null),
    ]
    return Page(
        title,
        legend,
        series,
        _sizes(result),
        upwards(slope, null),
        [Rule("vertical", float(ends[end])) for end in fit or ()],
        colours.frame,
        status=status,
    )


def over_thresholds(result: LayerResult, head: int, colours: CurveColours = COLOURED) -> Page:
    """The slope of the box counts over the lift that a cell must exceed; a dotted line marks lift 1.

    A dimension that falls slowly belongs to a set whose cells are alike, one that falls fast to a few heavy cells.

    Args:
        result: Result of a layer.
        head: Which head.
        colours: Colours of the parts.
    """
    boxes, status = result.boxes, status_of(result, head)
    y = np.asarray(boxes.dimensions[head], dtype=float)
    there = np.isfinite(y)
    if not there.any():
        why = "no threshold leaves enough boxes for a slope; a longer text may have them"
        return Page(["D0 over the threshold"], nothing=no_data(why), status=status)
    x = np.log2(boxes.thresholds)
    at = np.flatnonzero(boxes.thresholds == 1.0)
    unit = f"lift 1: {y[at[0]]:.2f}" if len(at) and there[at[0]] else "lift 1: undefined"
    series = [Series(x, y, LINE, colours.fit, joined=True), Series(x, y, "●", colours.points)]
    series.append(Series(x[at], y[at], "◆", colours.marked))
    legend = [
        Key("●", "slope of the boxes above a lift", colours.points),
        Key("◆", "lift 1, even share", colours.marked),
    ]
    rules, null = [Rule("vertical", 0.0)], math.nan
    if "D0" in result.statistics.names:
        null = float(result.statistics.null[result.statistics.row("D0"), head])
    if math.isfinite(null):
        rules.append(Rule("horizontal", null))
        legend.append(Key("┈", f"bare mask {null:.2f}", colours.frame))
    title = [unit, "D0 over lift"]
    if not there.all():
        title.append(f"{int(there.sum())} of {len(y)} thresholds")

    def across(columns: int) -> Axis:
        whole = np.flatnonzero(x == np.rint(x))  # powers of two have short names, roots of them have not
        names = [short_number(float(lift)) for lift in boxes.thresholds[whole]]
        ticks = _ticked(x[whole], names, columns).ticks if len(whole) else ()
        return Axis(float(x.min()) - 0.25, float(x.max()) + 0.25, ticks)

    return Page(title, legend, series, across, upwards(y, np.array([null])), rules, colours.frame, status=status)


def status_of(result: LayerResult, head: int) -> str:
    """Status of the box-counting dimension in words; "" where it was not measured."""
    statistics = result.statistics
    if "D0" not in statistics.names:
        return ""
    return STATUSES[int(statistics.status[statistics.row("D0"), head])]


def _accepted(result: LayerResult, head: int) -> NDArray[np.bool_]:
    """Which sizes the fit uses, bool [scales]."""
    accepted, fit = np.zeros(len(result.boxes.sizes), np.bool_), fitted_range(result, head)
    if fit is not None:
        accepted[fit[0] : fit[1] + 1] = True
    return accepted


def _slopes(ends: Points, logs: Points) -> Points:
    run, rise = -np.diff(ends), np.diff(logs)
    return np.divide(rise, run, out=np.full_like(rise, np.nan), where=run != 0)


def _sizes(result: LayerResult) -> Callable[[int], Axis]:
    """The axis of box sizes."""
    x, sizes = -np.asarray(result.boxes.regressor, dtype=float), [str(int(size)) for size in result.boxes.sizes]
    return lambda columns: _ticked(x, sizes, columns)


def _ticked(x: Points, labels: list[str], columns: int) -> Axis:
    """An axis with a tick at every so-manieth point."""
    step = -(-len(x) // max(1, columns // 6))
    ticks = tuple((float(x[place]), labels[place]) for place in range(0, len(x), step))
    return Axis(float(x.min()), float(x.max()), ticks)


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
