"""Where the attention of one head goes: by distance, beside the other heads of the model, and along a row or column."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from faa_core.records import LayerResult
from faa_tui.rendering.page import COLOURED, CurveColours, Page, no_data, upwards
from faa_tui.rendering.plot import LINE, Axis, Key, Points, Rule, Series, round_ticks
from faa_tui.rendering.text import token_label

_MOST: Final = 240
"""Points of a profile along a row or a column: about the dots of a wide pane."""
_TOKEN: Final = 12
"""Most cells of a token in a title."""


@dataclass(frozen=True, eq=False)
class LayerValues:
    """One statistic of every head of the layers of one kind.

    Attributes:
        title: Name of the statistic.
        names: Names of the layers.
        value: float64 [layers, most heads]; NaN where undefined or not here.
        sure: bool [layers, most heads]: the status is ``ok``.
        null: float64 [layers]: what even attention has.
        layer: Index of the layer that is looked at.
        head: Head of it that is looked at.
    """

    title: str
    names: tuple[str, ...]
    value: NDArray[np.float64]
    sure: NDArray[np.bool_]
    null: NDArray[np.float64]
    layer: int
    head: int


@dataclass(frozen=True, eq=False)
class CursorLines:
    """The row and the column of the map that the cursor is in, as far as they are here.

    Attributes:
        query: Row of the cursor.
        key: Column of the cursor.
        pieces: The query and the key as text.
        row: float [keys]: weights of the query.
        column: float [queries]: weights on the key.
        first: First key that is not left out of the map.
    """

    query: int
    key: int
    pieces: tuple[str, str]
    row: NDArray[np.floating] | None = None
    column: NDArray[np.floating] | None = None
    first: int = 0


def by_distance(result: LayerResult, head: int, colours: CurveColours = COLOURED) -> Page:
    """Mean weight by the distance between query and key, in bins that double, both logarithmic.

    Args:
        result: Result of a layer.
        head: Which head.
        colours: Colours of the parts.
    """
    title, profile = ["mean weight by distance"], result.distance
    if profile is None:
        if result.info.kind == "cross":
            why = "queries and keys of cross-attention are positions of two texts, which have no distance"
        else:
            why = "an older faa measured this run, without distances; {run} measures it again"
        return Page(title, nothing=no_data(why))
    mean, null = (np.asarray(part, dtype=float) for part in (profile.mean[head], profile.null))
    if not (mean > 0).any():
        return Page(title, nothing=no_data("the attention of this head is not valid; its status says why"))
    x = np.arange(len(mean), dtype=float)
    logs, even = _logs(mean), _logs(null)
    series = [
        Series(x, even, "·", colours.null),
        Series(x, logs, LINE, colours.fit, joined=True),
        Series(x, logs, "●", colours.points),
    ]
    legend = [Key("●", "mean weight", colours.points), Key("·", "even attention", colours.null)]
    ratio = np.divide(mean, null, out=np.full_like(mean, np.nan), where=null > 0)
    peak = int(np.nanargmax(ratio))
    start = int(profile.start[peak])
    end = max(start, 2 * start - 1)
    title.append(f"most over even at {start if end == start else f'{start}-{end}'}: x{ratio[peak]:.1f}")
    if (zeros := int((mean == 0).sum())) > 0:
        title.append(f"0 in {zeros} bins")

    def across(columns: int) -> Axis:
        step = -(-len(x) // max(1, columns // 6))
        ticks = tuple((float(at), str(int(profile.start[at]))) for at in range(0, len(x), step))
        return Axis(-0.3, float(x[-1]) + 0.3, ticks)

    return Page(title, legend, series, across, _powers_of_ten(logs, even), frame=colours.frame)


def over_layers(values: LayerValues | None, colours: CurveColours = COLOURED) -> Page:
    """One statistic of all heads by layer, with the mean of each layer and the head that is looked at.

    Args:
        values: The statistic; ``None`` where nothing is measured.
        colours: Colours of the parts.
    """
    if values is None:
        return Page(["layers"], nothing=no_data("no layer is measured yet"))
    there = np.isfinite(values.value)
    title = [values.title]
    if not there.any():
        why = "no head of these layers has this number; {statistic} takes the next statistic"
        return Page([*title, "by layer"], nothing=no_data(why))
    x = np.broadcast_to(np.arange(len(values.names), dtype=float)[:, None], there.shape)
    count = there.sum(1)
    total = np.where(there, values.value, 0.0).sum(1)
    mean = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    sure, doubtful = there & values.sure, there & ~values.sure
    layer = np.array([values.layer])
    chosen = values.value[layer, values.head]
    series = [
        Series(x[:, 0], values.null, "·", colours.null),
        Series(x[doubtful], values.value[doubtful], "○", colours.outside),
        Series(x[sure], values.value[sure], "●", colours.points),
        Series(x[:, 0], mean, LINE, colours.fit, joined=True),
        Series(layer.astype(float), chosen, "◆", colours.marked),
    ]
    legend = [
        Key("◆", f"head {values.head}", colours.marked),
        Key("●", "heads", colours.points),
        Key("━", "mean", colours.fit),
        Key("·", "null", colours.null),
    ]
    if doubtful.any():
        legend.append(Key("○", "doubtful", colours.outside))
    shown = f"{chosen[0]:.3g}" if math.isfinite(chosen[0]) else "undefined"
    title.append(f"{values.names[values.layer]}.{values.head}: {shown}".replace("-", "−"))

    def across(columns: int) -> Axis:
        last = len(values.names) - 1
        step = -(-len(values.names) // max(1, columns // 6))
        ticks = tuple((float(at), values.names[at]) for at in range(0, last + 1, step))
        return Axis(-0.5, last + 0.5, ticks)

    return Page(title, legend, series, across, upwards(values.value, values.null), frame=colours.frame)


def along_row(result: LayerResult, cursor: CursorLines | None, colours: CurveColours = COLOURED) -> Page:
    """The weights that the query of the cursor gives to the keys that it may see.

    Args:
        result: Result of the layer.
        cursor: Where the cursor is; ``None`` where there is no map yet.
        colours: Colours of the parts.
    """
    if cursor is None:
        return Page(["row of the cursor"], nothing=no_data("the map is not here yet; it comes by itself"))
    title = [f"query {cursor.query} {_quoted(cursor.pieces[0])} over keys"]
    if cursor.row is None:
        return Page(title, nothing=no_data("this row is not here yet; it comes once the cursor rests on the map"))
    first, stop = max(int(result.first_key[cursor.query]), cursor.first), int(result.stop_key[cursor.query])
    if stop <= first:
        return Page(title, nothing=no_data("this query sees no key; {map.down} and {map.up} lead to other rows"))
    keys = np.arange(first, stop, dtype=float)
    weights = np.asarray(cursor.row[first:stop], dtype=float)
    even = np.full(len(keys), 1 / (stop - first))
    return _along(title, keys, weights, even, cursor.key, "key", colours)


def along_column(result: LayerResult, cursor: CursorLines | None, colours: CurveColours = COLOURED) -> Page:
    """The weights that the key of the cursor gets of the queries that may see it.

    Args:
        result: Result of the layer.
        cursor: Where the cursor is; ``None`` where there is no map yet.
        colours: Colours of the parts.
    """
    if cursor is None:
        return Page(["column of the cursor"], nothing=no_data("the map is not here yet; it comes by itself"))
    title = [f"key {cursor.key} {_quoted(cursor.pieces[1])} over queries"]
    if cursor.column is None:
        return Page(title, nothing=no_data("this column is not here yet; it comes once the cursor rests on the map"))
    first = np.maximum(result.first_key, cursor.first)
    lengths = result.stop_key - first
    seeing = np.flatnonzero((first <= cursor.key) & (cursor.key < result.stop_key))
    if not len(seeing):
        return Page(title, nothing=no_data("no query sees this key; {map.left} and {map.right} lead to other columns"))
    weights = np.asarray(cursor.column, dtype=float)[seeing]
    return _along(title, seeing.astype(float), weights, 1.0 / lengths[seeing], cursor.query, "query", colours)


def _along(
    title: list[str], x: Points, weights: Points, even: Points, at: int, what: str, colours: CurveColours
) -> Page:
    """A line of the map, the cursor marked, beside what even attention has."""
    marked = x == at
    read = f"{what} {at} is hidden"
    if marked.any():
        read = f"{what} {at}: {weights[marked][0]:.3f}" if np.isfinite(weights[marked][0]) else f"{what} {at} undefined"
    shown, thin = heaviest(weights, _MOST), np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST)).astype(int))
    series = [
        Series(x[thin], even[thin], "·", colours.null),
        Series(x[shown], weights[shown], LINE, colours.points, joined=True),
        Series(x[marked], weights[marked], "◆", colours.marked),
    ]
    name = "weight" if len(shown) == len(x) else f"heaviest of every {-(-len(x) // _MOST)}"
    legend = [
        Key("◆", "cursor", colours.marked),
        Key("━", name, colours.points),
        Key("·", "even attention", colours.null),
    ]
    low, high = float(x[0]), float(max(x[-1], x[0] + 1))
    top = 1.05 * float(np.nanmax(np.concatenate([weights, even, [1e-6]])))

    def across(columns: int) -> Axis:
        return Axis(low, high, round_ticks(low, high, max(2, columns // 10)))

    def up(lines: int) -> Axis:
        return Axis(0.0, top, round_ticks(0.0, top, max(2, lines // 3)))

    return Page([*title, read], legend, series, across, up, [Rule("vertical", float(at))], colours.frame)


def heaviest(weights: Points, most: int) -> NDArray[np.int64]:
    """Index of the largest weight of each of at most ``most`` groups of neighbours, so that no single one is lost."""
    group = -(-len(weights) // most)
    starts = np.arange(0, len(weights), group)
    filled = np.pad(np.nan_to_num(weights, nan=-1.0), (0, len(starts) * group - len(weights)), constant_values=-2.0)
    return np.asarray(starts + filled.reshape(len(starts), group).argmax(1), dtype=np.int64)


def _quoted(piece: str) -> str:
    return f'"{token_label(piece, _TOKEN)}"'


def _logs(values: Points) -> Points:
    return np.where(values > 0, np.log10(np.where(values > 0, values, 1.0)), np.nan)


def _powers_of_ten(*logs: Points) -> Callable[[int], Axis]:
    """A logarithmic axis with ticks at powers of ten; where it spans less than one, at its ends."""
    every = np.concatenate(logs)
    low, high = float(np.nanmin(every)), float(np.nanmax(every))
    room = max(0.05 * (high - low), 0.05)
    low, high = low - room, high + room

    def axis(lines: int) -> Axis:
        first, last = math.ceil(low), math.floor(high)
        if last > first:
            step = -(-(last - first + 1) // max(1, lines // 3))
            ticks = tuple((float(power), _ten_to(power)) for power in range(last, first - 1, -step))
        else:
            ticks = tuple((at, f"{10**at:.1g}") for at in (low + room, high - room))
        return Axis(low, high, ticks)

    return axis


def _ten_to(power: int) -> str:
    return "1" if power == 0 else f"{10.0**power:g}".replace("0.", ".", 1) if power > -4 else f"1e{power}"
