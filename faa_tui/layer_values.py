"""One statistic of every head of a run by layer, for the page of layers."""

from __future__ import annotations

import numpy as np

from faa_core.catalogue import BY_KEY
from faa_core.records import status_code
from faa_tui.rendering.profiles import LayerValues
from faa_tui.session import Position, Results


def layer_values(results: Results, statistic: str, position: Position) -> LayerValues | None:
    """Collect a statistic over the layers of the kind that is looked at; ``None`` where the model has none.

    Where no one power law holds, a dimension is the slope over the sizes, and not sure.

    Args:
        results: The run.
        statistic: Key of the statistic.
        position: The head that is looked at.
    """
    entry = BY_KEY[statistic]
    rows = [info for info in results.rows if info.kind == position.kind]
    place = next((at for at, info in enumerate(rows) if info.layer == position.layer), None)
    if place is None:
        return None
    value = np.full((len(rows), max(info.heads for info in rows)), np.nan)
    sure, null = np.zeros(value.shape, np.bool_), np.full(len(rows), np.nan)
    for at, info in enumerate(rows):
        layer = results.layers.get((info.kind, info.layer))
        if layer is None or statistic not in layer.statistics.names:
            continue
        row = layer.statistics.row(statistic)
        status = layer.statistics.status[row]
        slope = status == status_code("no_scaling")
        value[at, : info.heads] = np.where(slope, layer.effective[row], layer.statistics.value[row])
        sure[at, : info.heads] = status == status_code("ok")
        known = layer.statistics.null[row][np.isfinite(layer.statistics.null[row])]
        null[at] = known.mean() if len(known) else np.nan
    return LayerValues(entry.title.lower(), tuple(info.name for info in rows), value, sure, null, place, position.head)
