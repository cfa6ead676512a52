"""Bars and curves: metrics, box counts, and scores of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from faa_core.figures.canvas import COLOURS, HATCH, NULL_COLOUR, plain_axes
from faa_core.figures.labels import label_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNITS = {
    "entropy": "nats",
    "sparsity": "share of all entries",
    "concentration": "share of the mass",
    "uniformity": "0 to 1",
    "forward_flow": "share of the mass",
    "backward_flow": "share of the mass",
    "self_attention": "share of the mass",
    "fractal_dimension": "dimension",
    "interpretability_score": "0 to 1",
}
"""Metrics of 1.0.0 and what their numbers are."""

_EMPTY: dict[str, Any] = {"facecolor": "white", "edgecolor": "#808080", "hatch": HATCH, "linewidth": 0.4}


def metric_bars(axes: Axes, metric: str, names: Sequence[str], values: Sequence[float], null: float | None) -> None:
    """One metric of several objects, the first on top.

    Args:
        axes: Empty.
        metric: Its key.
        names: The objects.
        values: One for each; NaN is hatched over the whole width.
        null: Where to draw a dashed line.
    """
    known = [value for value in values if np.isfinite(value)] + ([] if null is None else [null])
    low, high = min([0.0, *known]), max([0.0, *known])
    if high == low:
        high = 1.0
    room = 0.3 * (high - low)  # for the numbers behind the bars
    for place, value in enumerate(values):
        if not np.isfinite(value):
            axes.barh(place, high - low, left=low, height=0.7, **_EMPTY)
            _note(axes, (low + high) / 2, place, "undefined", "center")
            continue
        axes.barh(place, value, height=0.7, color=COLOURS[place % len(COLOURS)])
        _note(axes, max(value, 0.0) + 0.02 * (high - low), place, f"{value:.3g}", "left")
    if null is not None:
        axes.axvline(null, color=NULL_COLOUR, linestyle="--", linewidth=0.9)
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set(ylim=(len(names) - 0.4, -0.6), xlim=(low, high + room))
    said = metric.replace("_", " ") + (" (dashed: null)" if null is not None else "")
    axes.set_title(said, loc="left", fontsize=8, parse_math=False)
    axes.set_xlabel(UNITS.get(metric, "value"))
    axes.locator_params(axis="x", nbins=4)
    plain_axes(axes)


def box_counting(
    top: Axes,
    below: Axes,
    scales: Sequence[int],
    counts: Sequence[int],
    dimension: float,
    null_counts: Sequence[int] | None,
) -> None:
    """Counts over box sides with the line of the dimension, and the slopes between neighbours.

    Args:
        top: For the counts.
        below: For the slopes.
        scales: Sides in tokens.
        counts: Boxes for each.
        dimension: D; NaN for none.
        null_counts: Counts of the null, or ``None`` for a plane.

    Raises:
        ValueError: Numbers of counts and scales differ, or no count is above 0.
    """
    x, y = _positive(scales, counts)
    top.loglog(x, y, "o", color=COLOURS[0], label="boxes that hold something", zorder=3)
    middle = np.exp(np.log(x).mean()), np.exp(np.log(y).mean())
    if np.isfinite(dimension):
        fitted = middle[1] * (x / middle[0]) ** -dimension
        top.loglog(x, fitted, color=COLOURS[0], label=f"D = {dimension:.3f}")
    else:
        top.plot([], [], " ", label="D undefined: no one power law")
    if null_counts is None:
        top.loglog(x, y[-1] * (x / x[-1]) ** -2.0, "--", color=NULL_COLOUR, linewidth=0.9, label="filled plane, D = 2")
        null_slopes = (x, np.full(len(x), 2.0))
    else:
        null_x, null_y = _positive(scales, null_counts)
        top.loglog(null_x, null_y, "--", color=NULL_COLOUR, linewidth=0.9, label="null: all visible entries")
        null_slopes = _slopes(null_x, null_y)
    top.set_ylabel("boxes $N(s)$")
    top.legend(loc="lower left")
    plain_axes(top)

    below.plot(*_slopes(x, y), "o-", color=COLOURS[0], markersize=3, linewidth=0.8)
    below.plot(*null_slopes, "--", color=NULL_COLOUR, linewidth=0.9)
    if np.isfinite(dimension):
        below.axhline(dimension, color=COLOURS[0], linewidth=0.6)
    else:
        below.patch.set(hatch=HATCH, edgecolor="#D0D0D0", facecolor="white", linewidth=0)
    below.set(xlabel="side of the boxes $s$ (tokens)", ylabel="local slope")
    low, high = below.get_ylim()
    below.set_ylim(min(low, max(0.0, low - 0.1)), high + 0.1)
    sides = [int(side) if float(side).is_integer() else float(side) for side in x]
    below.set_xticks(x, [str(side) for side in sides])
    below.minorticks_off()
    plain_axes(below)


def token_bars(axes: Axes, scores: Any, tokens: Sequence[str], shown: int, null: Any) -> None:
    """The highest scores, the highest on top, each beside what chance gives it.

    Args:
        axes: Empty.
        scores: float64 [tokens].
        tokens: The tokens.
        shown: How many.
        null: One number, one for each token, or ``None`` for the mean score.
    """
    order = np.argsort(np.where(np.isfinite(scores), -scores, np.inf), kind="stable")[:shown]
    finite = scores[np.isfinite(scores)]
    if null is None:
        null = finite.mean() if len(finite) else np.nan
    nulls = np.broadcast_to(np.asarray(null, dtype=np.float64), scores.shape)
    high = max([0.0, *(value for value in (*scores[order], *nulls[order]) if np.isfinite(value))]) or 1.0
    low = min([0.0, *(value for value in scores[order] if np.isfinite(value))])
    for place, token in enumerate(order):
        if np.isfinite(scores[token]):
            axes.barh(place, scores[token], height=0.72, color=COLOURS[0], label="score" if place == 0 else None)
        else:
            axes.barh(place, high - low, left=low, height=0.72, **_EMPTY)
            _note(axes, (low + high) / 2, place, "undefined", "center")
    edges = np.repeat(np.arange(shown + 1) - 0.5, 2)[1:-1]
    axes.plot(np.repeat(nulls[order], 2), edges, "--", color="black", linewidth=0.9, label="even share")
    axes.set_yticks(range(shown), [f"{label_of(tokens[token])}  {token}" for token in order])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set(ylim=(shown - 0.4, -0.6), xlim=(1.05 * low, 1.05 * high), ylabel="token and its position")
    plain_axes(axes)


def _positive(scales: Sequence[int], counts: Sequence[int]) -> tuple[Any, Any]:
    x, y = np.asarray(scales, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"There are {x.size} scales, and {y.size} counts.")
    used = (x > 0) & (y > 0)
    if not used.any():
        raise ValueError("No scale has a count above 0.")
    order = np.argsort(x[used])
    return x[used][order], y[used][order]


def _slopes(x: Any, y: Any) -> tuple[Any, Any]:
    """Middles of neighbouring sides, and minus the slopes between them."""
    return np.sqrt(x[1:] * x[:-1]), -np.diff(np.log(y)) / np.diff(np.log(x))


def _note(axes: Axes, x: float, y: float, text: str, align: Any) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    axes.text(x, y, text, va="center", ha=align, fontsize=6.5, bbox=box, zorder=3)


def _short(name: str, longest: int = 28) -> str:
    return name if len(name) <= longest else "…" + name[1 - longest :]
