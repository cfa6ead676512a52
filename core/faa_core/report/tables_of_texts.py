"""The tables of one model over several texts: every head on a row, and layers by heads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from faa_core.catalogue import BY_KEY
from faa_core.replication import LEVEL, LayerReplication, Replication
from faa_core.report.numbers import UNDEFINED, shown
from faa_core.report.tables import (
    COLUMNS,
    MATRICES,
    Column,
    Matrix,
    Table,
    departure_matrix,
    filter_name,
    label_matrix,
)

_WITH_INTERVAL = ("D1", "D0")
"""Statistics whose interval has columns of its own; all of them are in the files."""


def means_table(replication: Replication) -> Table:
    """Every head of a model, in the order of the forward pass: means over texts."""
    measured = {name for layer in replication.layers for name in layer.names}
    names = [name for name in ("D1", "D0", *(key for key in COLUMNS if key != "D1")) if name in measured]
    columns = [Column("head", "head", word=True), Column("labels", "labels", "", True, "On how many texts each")]
    for name in names:
        symbol, filtered = BY_KEY[name].symbol, filter_name(name)
        title = f"{BY_KEY[name].title} minus null, mean over texts"
        columns.append(Column(filtered, symbol, name, title=title))
        if name in _WITH_INTERVAL:
            ends = (("low", "Lower"), ("high", "Upper"))
            columns += [
                Column(f"{filtered}_{end}", end, title=f"{which} end of the {LEVEL:.0%} interval of {symbol}")
                for end, which in ends
            ]
            columns.append(Column(f"{filtered}_texts", "texts", title=f"Texts that define {symbol}"))
    columns.append(Column("vary", "vary", title="How much the pattern changes from text to text"))
    rows = [tuple(_cells(layer, head, names)) for layer in replication.layers for head in range(layer.info.heads)]
    caption = (
        f"Means over texts of value minus null, of dimensions of slopes; low, high: {LEVEL:.0%} interval over texts."
    )
    return Table(tuple(columns), tuple(rows), caption, "D1_high<0")


def _cells(layer: LayerReplication, head: int, names: list[str]) -> Iterator[str]:
    yield f"{layer.info.name}.{head}"
    yield ", ".join(f"{name} {number}" for name, number in layer.labels[head])
    for name in names:
        known = name in layer.names
        row = layer.names.index(name) if known else 0
        decimals = min(BY_KEY[name].decimals, 3)
        ends = (layer.low, layer.high) if name in _WITH_INTERVAL else ()
        for values in (layer.excess, *ends):
            yield shown(float(values[row, head]), decimals, True) if known else UNDEFINED
        if name in _WITH_INTERVAL:
            yield str(layer.used[row, head]) if known else UNDEFINED
    yield shown(float(layer.variability[head]), 2)


def mean_matrices(replication: Replication) -> tuple[Matrix, ...]:
    """One matrix for the labels, and one for each of `MATRICES` that is defined somewhere: mean of value minus null."""
    layers = replication.layers
    if not layers:
        return ()
    names = [layer.info.name for layer in layers]
    most = [[labels[0][0] if labels else "" for labels in layer.labels] for layer in layers]
    found = [label_matrix(list(zip(names, most, strict=True)), "The label that most texts give")]
    for key in MATRICES:
        rows = [layer.names.index(key) if key in layer.names else None for layer in layers]
        undefined = [np.full(layer.info.heads, np.nan) for layer in layers]
        values, low, high = (
            [
                none if row is None else getattr(layer, field)[row]
                for layer, row, none in zip(layers, rows, undefined, strict=True)
            ]
            for field in ("excess", "low", "high")
        )
        # Without an interval nothing says that a mean is not 0.
        doubtful = [~((first > 0) | (last < 0)) for first, last in zip(low, high, strict=True)]
        said = "; italics where the interval over texts holds 0"
        found += departure_matrix(key, names, values, [row.tolist() for row in doubtful], said)
    return tuple(found)
