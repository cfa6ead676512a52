"""What the attention of one head is as a measure: dimensions of every order, and the singularity spectrum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from faa_core.findings import HeadExamination
from faa_core.records import STATUSES, LayerResult, status_code
from faa_tui.rendering.page import COLOURED, CurveColours, Page, meaning, no_data, upright, upwards
from faa_tui.rendering.plot import LINE, Axis, Key, Points, Rule, Series, round_ticks, spanning

EVEN = 2.0
"""Every dimension, strength and f of even attention."""


class Orders:
    """The axis of orders q, with infinity at the right edge.

    Args:
        q: Orders of every spectrum that is drawn.
    """

    def __init__(self, q: Sequence[Points]) -> None:
        finite = np.concatenate([part[np.isfinite(part)] for part in q])
        self._low, self._last = float(finite.min(initial=0.0)), float(finite.max(initial=1.0))
        self.infinity = self._last + max(1.0, 0.2 * (self._last - self._low))

    def place(self, q: Points) -> Points:
        """Where each order stands."""
        return np.where(np.isinf(q), self.infinity, q)

    def axis(self, columns: int) -> Axis:
        """The axis in so many columns."""
        ticks = round_ticks(self._low, self._last, max(2, min(columns // 8, 6)))
        margin = 0.02 * (self.infinity - self._low)
        return Axis(self._low - margin, self.infinity + margin, (*ticks, (self.infinity, "∞")))


def dimensions(result: LayerResult, head: int, colours: CurveColours = COLOURED) -> Page:
    """Renyi dimensions D_q over q with their standard errors; open where the value is only a slope.

    Args:
        result: Result of a layer.
        head: Which head.
        colours: Colours of the parts.
    """
    spectrum = result.spectrum
    if spectrum is None:
        return Page(["D_q over q"], nothing=no_data("this run has no spectra; {run} measures it again"))
    y, codes = np.asarray(spectrum.effective[head], dtype=float), spectrum.status[head]
    sure = codes == status_code("ok")
    doubts = Counter(STATUSES[code] for code in codes[~sure])
    status = "ok"
    if doubts:
        worst, count = doubts.most_common(1)[0]
        status = worst if count == len(codes) else f"{worst} at {count} of {len(codes)} orders"
    if not np.isfinite(y).any():
        return Page(["D_q over q"], nothing=no_data(meaning(next(iter(doubts), "not_measured"))), status=status)
    orders = Orders([spectrum.q])
    x, error = orders.place(spectrum.q), np.asarray(spectrum.error[head], dtype=float)
    series = [
        Series(x, y, LINE, colours.fit, joined=True),
        Series(*upright(x, y - error, y + error), "│", colours.points),
        Series(x[~sure], y[~sure], "○", colours.outside),
        Series(x[sure], y[sure], "●", colours.points),
    ]
    legend = [
        Key("●", "D_q ± se", colours.points),
        Key("○", "only a slope", colours.outside),
        Key("┈", "null 2", colours.frame),
    ]
    # "D_0" would be taken for the box-counting dimension D0, which counts only boxes with more than an even share.
    named = [f"q {'∞' if np.isinf(q) else f'{q:g}'}: {value:.2f}" for q, value in zip(spectrum.q, y, strict=True)]
    title = ["D_q over q", *(named[at] for at in (0, -1) if np.isfinite(y[at])), "null 2"]
    return Page(
        title,
        legend,
        series,
        orders.axis,
        upwards(y, y - error, y + error, np.array([EVEN])),
        [Rule("horizontal", EVEN)],
        colours.frame,
        status=status,
    )


def singularities(examination: HeadExamination | None, colours: CurveColours = COLOURED) -> Page:
    """The singularity spectrum f(alpha), as the examination of the head has measured it.

    Args:
        examination: Of this head; ``None`` where there is none.
        colours: Colours of the parts.
    """
    if examination is None:
        return Page(
            ["f(alpha)"], nothing=no_data("a run does not measure f(alpha); {examine} measures it for this head")
        )
    status = next((part.status for part in examination.quantities if part.name == "alpha_width"), "")
    x, y = np.asarray(examination.alpha, dtype=float), np.asarray(examination.f, dtype=float)
    there = np.isfinite(x) & np.isfinite(y)
    if not there.any():
        return Page(["f(alpha)"], nothing=no_data(meaning(status or "not_measured")), status=status)
    even = np.array([EVEN])
    series = [
        Series(x[there], y[there], LINE, colours.fit, joined=True),
        Series(even, even, "×", colours.null),
        Series(x[there], y[there], "●", colours.points),
    ]
    legend = [Key("●", "one for each order q", colours.points), Key("×", "even attention (2, 2)", colours.null)]
    low, high = float(x[there].min()), float(x[there].max())
    title = ["f(alpha)", f"alpha {low:.2f} to {high:.2f}"]

    def across(columns: int) -> Axis:
        return spanning(x, even, most=max(2, columns // 10))

    return Page(title, legend, series, across, upwards(y, even), frame=colours.frame, status=status)
