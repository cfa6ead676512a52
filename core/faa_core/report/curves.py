"""The curves of a report: box counting, Renyi spectra, and the profile over layers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from faa_core.catalogue import BY_KEY
from faa_core.records import Analysis, LayerResult
from faa_core.replication import Replication
from faa_core.report.choice import departures
from faa_core.report.numbers import count
from faa_core.report.sentences import statement
from faa_core.report.svg import Plot, Series, plot

_STYLES = ("data", "other")
_LARGEST_TICKS = 12


def head_plots(layer: LayerResult, head: int, other: tuple[LayerResult, int] | None = None) -> tuple[Plot, ...]:
    """Box counting and Renyi spectrum of a head, and of another laid over it; those that are undefined are left out."""
    sides = [("", layer, head)] if other is None else [("A ", layer, head), ("B ", *other)]
    return tuple(found for found in (_box_counting(sides), _spectrum(sides)) if found is not None)


def _box_counting(sides: Sequence[tuple[str, LayerResult, int]]) -> Plot | None:
    series = []
    for place, (side, layer, head) in enumerate(sides):
        boxes = layer.boxes
        if not len(boxes.sizes):
            continue
        x = boxes.regressor
        if not place:
            series.append(Series("all visible cells", "null", tuple(x.tolist()), _logs(boxes.null_counts)))
        first, last = int(boxes.first[head]), int(boxes.last[head])
        logs = _logs(boxes.counts[head])
        series.append(Series(f"{side}boxes with lift above 1", _STYLES[place], tuple(x.tolist()), logs, line=False))
        slope, intercept = float(boxes.effective[head]), float(boxes.intercept[head])
        if last >= first and math.isfinite(slope + intercept):
            ends = tuple(float(x[end]) for end in (first, last))
            name = f"{side}slope {slope:.2f}"
            fit = "fit" if not place else "fit other"
            series.append(Series(name, fit, ends, tuple(intercept + slope * end for end in ends), points=False))
    said = "; ".join(f"{side}{statement(layer, head, 'D0')}" for side, layer, head in sides if _has(layer, "D0"))
    where = " and ".join(f"{side}{layer.info.name}.{head}" for side, layer, head in sides)
    return plot(f"Box counting, head {where}", said, ("ln boxes along a side", "ln N"), series)


def _spectrum(sides: Sequence[tuple[str, LayerResult, int]]) -> Plot | None:
    series: list[Series] = []
    ticks: list[tuple[float, str]] = []
    for place, (side, layer, head) in enumerate(sides):
        spectrum = layer.spectrum
        if spectrum is None:
            continue
        orders = spectrum.q.tolist()
        finite = [order for order in orders if math.isfinite(order)]
        beyond = (max(finite) if finite else 0.0) + 1.5
        x = tuple(order if math.isfinite(order) else beyond for order in orders)
        if not series:
            ticks = [(at, f"{order:g}" if math.isfinite(order) else "∞") for at, order in zip(x, orders, strict=True)]
            ticks = [tick for tick in ticks if tick[0] == round(tick[0]) or tick[1] == "∞"]
            series.append(Series("even attention", "null", x, (2.0,) * len(x), points=False))
        series.append(Series(f"{side}D_q", _STYLES[place], x, tuple(spectrum.effective[head].tolist())))
    if not any(math.isfinite(y) for one in series if one.style != "null" for y in one.y):
        return None
    where = " and ".join(f"{side}{layer.info.name}.{head}" for side, layer, head in sides)
    text = (
        f"Renyi dimensions of head {where} by the order q, slopes where no one power law holds; even attention has 2."
    )
    return plot(f"Renyi spectrum, head {where}", text, ("order q", "D_q"), series, ticks)


Departures = Sequence[tuple[str, np.ndarray]]
"""Name of each layer, and float64 [heads]: value minus null."""


def departures_of(analysis: Analysis, key: str) -> Departures:
    """Those of the layers of a run that measure ``key``."""
    return [(layer.info.name, departures(layer, key)) for layer in analysis.layers if _has(layer, key)]


def mean_departures(replication: Replication, key: str) -> Departures:
    """Means over texts."""
    return [(layer.info.name, layer.excess[layer.names.index(key)]) for layer in replication.layers]


def profile(sides: Sequence[tuple[str, Departures]], key: str) -> Plot | None:
    """How far the heads of each layer depart from their null: a point for each head, a line through the means."""
    series: list[Series] = []
    names: list[str] = []
    for place, (side, layers) in enumerate(sides):
        off = [values for _, values in layers]
        if len(layers) > len(names):
            names = [name for name, _ in layers]
        rest = [(float(x), float(y)) for x, values in enumerate(off) for y in values if math.isfinite(y)]
        mean = [float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else math.nan for values in off]
        style = _STYLES[place]
        series.append(
            Series(f"{side}heads", f"{style} faint", tuple(x for x, _ in rest), tuple(y for _, y in rest), line=False)
        )
        series.append(Series(f"{side}mean of the layer", style, tuple(map(float, range(len(mean)))), tuple(mean)))
    step = max(1, -(-len(names) // _LARGEST_TICKS))
    ticks = [(float(place), names[place]) for place in range(0, len(names), step)]
    symbol = BY_KEY[key].symbol
    text = f"{symbol} minus null over {count(len(names), 'layer')}: each head a point, the mean of each layer a line."
    return plot(f"{symbol} minus null, layer by layer", text, ("layer", f"{symbol} minus null"), series, ticks, True)


def _has(layer: LayerResult, key: str) -> bool:
    return key in layer.statistics.names


def _logs(counts: np.ndarray) -> tuple[float, ...]:
    return tuple(math.log(value) if value > 0 else math.nan for value in counts.tolist())
