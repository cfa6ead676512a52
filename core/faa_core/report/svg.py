"""Plots as inline SVG: a few series of points and lines on two labelled axes.

Colours are classes of the page's style sheet, so that a plot follows light, dark and print. Everything is a number or
goes through the template's escaping.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

WIDTH, HEIGHT = 310, 225
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 10, 10, 40


class Series(msgspec.Struct, frozen=True):
    """One line or cloud of points.

    Attributes:
        name: What the legend calls it.
        style: Class of the style sheet: ``data``, ``other``, ``fit``, ``null``, ``rest``.
        x: Abscissae.
        y: Ordinates; NaN breaks the line.
        points: Whether points are drawn.
        line: Whether they are joined.
    """

    name: str
    style: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    points: bool = True
    line: bool = True


class Plot(msgspec.Struct, frozen=True):
    """A plot, worked out to coordinates that a template only prints.

    Attributes:
        title: Its heading, for everyone.
        text: What it shows, in a sentence, for those who do not see it.
        x_label: Of the abscissa.
        y_label: Of the ordinate.
        x_ticks: Coordinate and text.
        y_ticks: Coordinate and text.
        lines: Class and path of each line.
        points: Class and coordinates of each series of points.
        legend: Class and name.
    """

    title: str
    text: str
    x_label: str
    y_label: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    lines: tuple[tuple[str, str], ...]
    points: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    legend: tuple[tuple[str, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def plot(
    title: str,
    text: str,
    labels: tuple[str, str],
    series: Sequence[Series],
    x_ticks: Sequence[tuple[float, str]] | None = None,
    zero: bool = False,
) -> Plot | None:
    """Lay a plot out; ``None`` where no point is defined.

    Args:
        title: Its heading.
        text: What it shows, in a sentence.
        labels: Of the abscissa and of the ordinate.
        series: What to draw, the lowest first.
        x_ticks: Places and names on the abscissa; round numbers by default.
        zero: Whether the ordinate shows 0 in any case.
    """
    spots = [(x, y) for one in series for x, y in zip(one.x, one.y, strict=True) if math.isfinite(x + y)]
    if not spots:
        return None
    xs, ys = [x for x, _ in spots], [y for _, y in spots] + ([0.0] if zero else [])
    x_low, x_high = _span(min(xs), max(xs))
    y_low, y_high = _span(min(ys), max(ys))

    def across(x: float) -> float:
        return round(_LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - _LEFT - _RIGHT), 1)

    def down(y: float) -> float:
        return round(HEIGHT - _BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - _TOP - _BOTTOM), 1)

    lines, points = [], []
    for one in series:
        placed = [(across(x), down(y)) if math.isfinite(x + y) else None for x, y in zip(one.x, one.y, strict=True)]
        if one.line:
            lines.append((one.style, _path(placed)))
        if one.points:
            points.append((one.style, tuple(spot for spot in placed if spot is not None)))
    named = x_ticks if x_ticks is not None else [(value, f"{value:g}") for value in _round_numbers(x_low, x_high)]
    return Plot(
        title,
        text,
        *labels,
        tuple((across(x), name) for x, name in named if x_low <= x <= x_high),
        tuple((down(y), f"{y:g}") for y in _round_numbers(y_low, y_high)),
        tuple(lines),
        tuple(points),
        tuple(dict.fromkeys((one.style, one.name) for one in series if one.name)),
    )


def _path(placed: Sequence[tuple[float, float] | None]) -> str:
    parts, pen_up = [], True
    for spot in placed:
        if spot is None:
            pen_up = True
            continue
        parts.append(f"{'M' if pen_up else 'L'}{spot[0]:g} {spot[1]:g}")
        pen_up = False
    return "".join(parts)


def _span(low: float, high: float) -> tuple[float, float]:
    """A range with a little air, wider than nothing."""
    air = 0.05 * (high - low) or max(abs(low) * 0.1, 0.1)
    return low - air, high + air


def _round_numbers(low: float, high: float, about: int = 5) -> list[float]:
    """Some five round numbers within a range."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first = math.ceil(low / step)
    # Whole multiples, rounded to what the step has, so that no tick reads 0.30000000000000004.
    decimals = max(0, -math.floor(math.log10(step)))
    return [round(float(k * step), decimals) + 0.0 for k in np.arange(first, math.floor(high / step) + 1)]
