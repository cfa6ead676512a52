"""Plots of two to four models over each other: one statistic of all pairs of heads, or the curves of chosen heads.

A side has a symbol and a colour of its own, so that nothing is lost where there is no colour. Every function returns
as many lines as it is asked for, whatever the numbers are, and a word where there is nothing to plot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from faa_core.records import LayerResult, status_code
from faa_tui.rendering.curves import decades, fitted_line, fitted_range, logarithms
from faa_tui.rendering.plot import (
    LINE,
    RGB,
    Axis,
    Key,
    Points,
    Rule,
    Series,
    canvas,
    draw,
    has_legend,
    has_plot,
    page,
    round_ticks,
    spanning,
)
from faa_tui.rendering.sides import FILLED, ON_DARK, OPEN, SIDES, SideColours, side_name
from faa_tui.rendering.spectra import Orders

_BARRED: Final = 2
"""Sides whose bars can be told apart; with more of them there are none."""
_QUANTILES: Final = 8
"""Symbols on a curve of many points."""


class Profile(NamedTuple):
    """One statistic of one side over its layers.

    Attributes:
        name: Name of the side.
        depth: float64 [layers]: 0 for the first layer, 1 for the last one.
        mean: float64 [layers]: over the heads of each; NaN where none has it.
        low: float64 [layers]: lower end of a bar through the mean; NaN for none.
        high: float64 [layers]: upper end.
        side: Which side, for its symbol and colour; its place among the profiles if not given.
    """

    name: str
    depth: Points
    mean: Points
    low: Points
    high: Points
    side: int | None = None


class HeadCurve(NamedTuple):
    """A head whose curve is drawn.

    Attributes:
        name: Name of the side, and of the head where it needs one.
        result: Result of its layer.
        head: Which head of it.
        side: Which side, for its symbol and colour; its place among the curves if not given.
    """

    name: str
    result: LayerResult
    head: int
    side: int | None = None


class Scatter(NamedTuple):
    """A scatter plot.

    Attributes:
        lines: What to print.
        places: int64 [pairs, 2]: column and line of each pair; -1 where it is not drawn.
    """

    lines: list[Text]
    places: NDArray[np.int64]


def scatter(
    a: Points,
    b: Points,
    chosen: int | None,
    discovered: NDArray[np.bool_],
    title: str,
    names: tuple[str, str],
    width: int,
    height: int,
    colours: SideColours = ON_DARK,
    reason: str = "",
) -> Scatter:
    """One statistic of all pairs of heads, the other side over the first.

    Both axes have the same range, so that pairs without a difference lie on the diagonal. Discoveries are filled,
    other pairs open; dotted lines cross in the chosen one. Pairs that one side does not define are left out and
    counted.

    Args:
        a: float64 [pairs]: values of the first side; NaN where undefined.
        b: float64 [pairs]: values of the other side.
        chosen: Index of the pair that is looked at.
        discovered: bool [pairs].
        title: Name of the statistic.
        names: Names of the two sides.
        width: Columns.
        height: Lines.
        colours: Colours of the parts.
        reason: What to say instead of "no head has this number" where that is so.

    Returns:
        ``height`` lines of ``width`` cells, and where in them the pairs are.
    """
    there = np.isfinite(a) & np.isfinite(b)
    places = np.full((len(a), 2), -1, np.int64)
    title_parts = [title, f"{side_name(names[1])} over {side_name(names[0])}"]
    if not there.any():
        return Scatter(page(title_parts, [], _nothing(reason), width, height), places)
    legend = [Key("", _counted(there, "pairs"))]
    if discovered[there].any():
        legend += [Key("●", "q < .05", colours.sides[1]), Key("○", "other", colours.sides[0])]
    if chosen is not None and there[chosen]:
        legend.append(Key("◆", "chosen", colours.chosen))
    legend.append(Key("╱", "no difference", colours.null))

    top = 1 + has_legend(width, height)
    up = spanning(a[there], b[there], most=max(2, (height - top) // 4))
    across = Axis(up.low, up.high, round_ticks(up.low, up.high, max(2, width // 10)))

    def body(columns: int, lines: int) -> list[Text]:
        def some(where: NDArray[np.bool_], symbol: str, colour: RGB | None) -> Series:
            return Series(a[where], b[where], symbol, colour)

        ends = np.array([up.low, up.high])
        marked = there & (np.arange(len(a)) == (-1 if chosen is None else chosen))
        rules = [Rule("vertical", float(value)) for value in a[marked]]
        rules += [Rule("horizontal", float(value)) for value in b[marked]]
        parts = [
            Series(ends, ends, LINE, colours.null, joined=True),
            some(there & ~discovered, "○", colours.sides[0]),
            some(there & discovered, "●", colours.sides[1]),
            some(marked, "◆", colours.chosen),
        ]
        return draw(parts, across, up, columns, lines, rules=rules, frame=colours.frame)

    lines = page(title_parts, legend, body, width, height)
    if has_plot(width, height):
        inside = canvas(width, height - top, up)
        places[there] = inside.place(a[there], b[there], across, up) + np.array([0, top])
    return Scatter(lines, places)


def distribution_lines(
    a: Points,
    b: Points,
    title: str,
    names: tuple[str, str],
    width: int,
    height: int,
    colours: SideColours = ON_DARK,
    reason: str = "",
    other: int = 1,
) -> list[Text]:
    """Share of the heads whose value is at most x, for both sides: empirical distribution functions.

    A model may have a few dozen heads. Their distribution function shows every one of them and can be read off as it
    is; a histogram would show bins, and with so few values its shape depends on where they begin.

    Args:
        a: float64 [pairs]: values of the first side; NaN where undefined.
        b: float64 [pairs]: values of the other side.
        title: Name of the statistic.
        names: Names of the two sides.
        width: Columns.
        height: Lines.
        colours: Colours of the parts.
        reason: What to say instead of "no head has this number" where that is so.
        other: Which side the other one is, for its symbol and colour.

    Returns:
        ``height`` lines of ``width`` cells.
    """
    there = np.isfinite(a) & np.isfinite(b)
    if not there.any():
        return page([title, "distribution"], [], _nothing(reason), width, height)
    sides = {0: np.sort(a[there]), other: np.sort(b[there])}
    across = spanning(*sides.values(), most=max(2, width // 10))
    legend = [
        Key(
            FILLED[side],
            f"{side_name(name)} median {_short(float(np.median(values)))}",
            colours.sides[side],
            side_name(name),
        )
        for (side, values), name in zip(sides.items(), names, strict=True)
    ]
    legend.append(Key("", _counted(there, "pairs")))

    def body(columns: int, lines: int) -> list[Text]:
        parts, symbols = [], []
        for side, values in sides.items():
            # More steps than there are dots in a line of braille cannot be seen.
            steps = _spread(len(values), 2 * columns)
            shares = np.concatenate([[0.0], (steps + 1) / len(values)])
            x = np.concatenate([[across.low], np.repeat(values[steps], 2), [across.high]])
            parts.append(Series(x, np.repeat(shares, 2), LINE, colours.sides[side], joined=True))
            at = _spread(len(values), _QUANTILES)
            symbols.append(Series(values[at], (at + 1) / len(values), FILLED[side], colours.sides[side]))
        up = Axis(0.0, 1.0, ((0.0, "0"), (0.5, ".5"), (1.0, "1")))
        return draw([*parts, *symbols], across, up, columns, lines, frame=colours.frame)

    return page([title, "share of heads up to x"], legend, body, width, height)


def profile_lines(
    series: Sequence[Profile],
    title: str,
    width: int,
    height: int,
    colours: SideColours = ON_DARK,
    reason: str = "",
    bars: str = "",
) -> list[Text]:
    """One statistic by layer, of up to four sides, over relative depth: 0 is the first layer and 1 the last one.

    Args:
        series: The sides.
        title: Name of the statistic.
        width: Columns.
        height: Lines.
        colours: Colours of the parts.
        reason: What to say instead of "no head has this number" where that is so.
        bars: What the bars are, for the legend.

    Returns:
        ``height`` lines of ``width`` cells.
    """
    title_parts = [title, "mean of each layer over depth"]
    shown = [side for side in series[:SIDES] if np.isfinite(side.mean).any()]
    if not shown:
        return page(title_parts, [], _nothing(reason), width, height)
    symbols_of = _sides(series)
    legend = [
        Key(FILLED[at], side_name(side.name), colours.sides[at], side_name(side.name))
        for at, side in zip(symbols_of, series, strict=False)
    ]
    barred = len(series) <= _BARRED and any(np.isfinite(side.low).any() for side in shown)
    if bars and barred:
        legend.append(Key("│", bars, colours.frame))

    def body(columns: int, lines: int) -> list[Text]:
        seen = [part for side in shown for part in ((side.mean, side.low, side.high) if barred else (side.mean,))]
        up = spanning(*seen, most=max(2, lines // 3))
        # Sides whose layers are at the same depths stand side by side, not on each other.
        apart = 1.0 / max(1, columns - 10)
        across = Axis(-0.02 - 2 * apart, 1.02 + 2 * apart, ((0.0, "0"), (0.5, ".5"), (1.0, "1")))
        behind, curves, symbols = [], [], []
        for place, (at, side) in enumerate(zip(symbols_of, series, strict=False)):
            colour = colours.sides[at]
            x = side.depth + (place - (len(series) - 1) / 2) * apart
            for layer in np.flatnonzero(np.isfinite(side.low) & np.isfinite(side.high)) if barred else ():
                ends = np.array([side.low[layer], side.high[layer]])
                behind.append(Series(x[[layer, layer]], ends, "│", colour, joined=True))
            curves.append(Series(x, side.mean, LINE, colour, joined=True))
            symbols.append(Series(x, side.mean, FILLED[at], colour))
        return draw([*curves, *behind, *symbols], across, up, columns, lines, frame=colours.frame)

    return page(title_parts, legend, body, width, height)


def box_counting_lines(
    sides: Sequence[HeadCurve], width: int, height: int, colours: SideColours = ON_DARK
) -> list[Text]:
    """Box-counting curves of up to four heads over each other: ln N over the number of boxes along a side.

    Counts are filled within the range that the fit accepts and open outside of it. The abscissa is ln ceil(n/s), the
    regressor of the fit, so that maps of different lengths have a common axis and every fitted line is straight. The
    counts of the bare mask stand behind.

    Args:
        sides: The heads.
        width: Columns.
        height: Lines.
        colours: Colours of the parts.

    Returns:
        ``height`` lines of ``width`` cells.
    """
    known = [(at, side) for at, side in _numbered(sides) if len(side.result.boxes.sizes) > 1]
    if not known:
        return page(["box counting"], [], "a single box: no curve", width, height)
    legend = _heads(known, "D0", colours)
    legend += [Key("○", "not used", colours.frame), Key("·", "bare mask", colours.null)]

    def body(columns: int, lines: int) -> list[Text]:
        masks, lines_of_fit, outside, inside = [], [], [], []
        for at, side in known:
            result, head, colour = side.result, side.head, colours.sides[at]
            x, logs = -np.asarray(result.boxes.regressor, dtype=float), logarithms(result.boxes.counts[head])
            masks.append(Series(x, logarithms(result.boxes.null_counts), "·", colours.null))
            used, span = np.zeros(len(x), np.bool_), fitted_range(result, head)
            if span is not None:
                used[span[0] : span[1] + 1] = True
                lines_of_fit.append(Series(*fitted_line(result, head), LINE, colour, joined=True))
            outside.append(Series(x[~used], logs[~used], OPEN[at], colour))
            inside.append(Series(x[used], logs[used], FILLED[at], colour))
        low = min(float(part.x.min()) for part in masks)
        step = 1 + int(-low / np.log(2)) // max(2, columns // 6)
        powers = range(0, int(-low / np.log(2) + 1e-9) + 1, step)
        across = Axis(min(low, -np.log(2)), 0.0, tuple((-power * np.log(2), str(2**power)) for power in powers))
        heights = np.concatenate([part.y for part in (*masks, *outside, *inside)])
        up = decades(float(np.nanmax(heights)) if np.isfinite(heights).any() else 0.0, lines)
        parts = [*masks, *lines_of_fit, *outside, *inside]
        return draw(parts, across, up, columns, lines, frame=colours.frame)

    return page(["box counting", "ln N over boxes along a side"], legend, body, width, height)


def spectrum_lines(sides: Sequence[HeadCurve], width: int, height: int, colours: SideColours = ON_DARK) -> list[Text]:
    """Renyi dimensions D_q of up to four heads over q, the last order, infinity, at the right edge.

    Where the status is not ``ok`` the point is open: its value is only a slope. Even attention has 2 at every order.

    Args:
        sides: The heads.
        width: Columns.
        height: Lines.
        colours: Colours of the parts.

    Returns:
        ``height`` lines of ``width`` cells.
    """
    known = [
        (at, side)
        for at, side in _numbered(sides)
        if side.result.spectrum is not None and np.isfinite(side.result.spectrum.effective[side.head]).any()
    ]
    if not known:
        return page(["dimensions D_q"], [], "no head has a spectrum", width, height)
    legend = _heads(known, "D1", colours)
    legend += [Key("○", "only a slope", colours.frame), Key("┈", "null 2", colours.frame)]

    def body(columns: int, lines: int) -> list[Text]:
        spectra = [(at, side.result.spectrum, side.head) for at, side in known]
        orders = Orders([part.q for _, part, _ in spectra if part is not None])
        curves, outside, inside, heights = [], [], [], [np.array([2.0])]
        for at, spectrum, head in spectra:
            assert spectrum is not None
            x, y = orders.place(spectrum.q), spectrum.effective[head]
            sure = spectrum.status[head] == status_code("ok")
            curves.append(Series(x, y, LINE, colours.sides[at], joined=True))
            outside.append(Series(x[~sure], y[~sure], OPEN[at], colours.sides[at]))
            inside.append(Series(x[sure], y[sure], FILLED[at], colours.sides[at]))
            heights.append(y)
        across = orders.axis(columns)
        up = spanning(*heights, most=max(2, lines // 3))
        rules = [Rule("horizontal", 2.0)]
        return draw([*curves, *outside, *inside], across, up, columns, lines, rules=rules, frame=colours.frame)

    return page(["dimensions D_q over q"], legend, body, width, height)


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` of the indices below ``count``, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _nothing(reason: str) -> str:
    return reason or "no head has this number"


def _counted(there: NDArray[np.bool_], what: str) -> str:
    found, every = int(there.sum()), len(there)
    return f"{every} {what}" if found == every else f"{found} of {every} {what}"


def _short(value: float) -> str:
    return f"{value:z.3g}".replace("-", "−")


def _sides(parts: Sequence[Profile | HeadCurve]) -> list[int]:
    """Which side each of the first few is."""
    return [place if part.side is None else part.side for place, part in enumerate(parts[:SIDES])]


def _numbered(sides: Sequence[HeadCurve]) -> list[tuple[int, HeadCurve]]:
    return list(zip(_sides(sides), sides, strict=False))


def _heads(known: Sequence[tuple[int, HeadCurve]], key: str, colours: SideColours) -> list[Key]:
    return [Key(FILLED[at], _with_number(side, key), colours.sides[at], side_name(side.name)) for at, side in known]


def _with_number(side: HeadCurve, key: str) -> str:
    """The name of a side and its statistic ``key``, where that is defined."""
    statistics = side.result.statistics
    if key not in statistics.names:
        return side_name(side.name)
    value = float(statistics.value[statistics.row(key), side.head])
    return f"{side_name(side.name)} {key} {value:.2f}" if np.isfinite(value) else f"{side_name(side.name)} no {key}"
