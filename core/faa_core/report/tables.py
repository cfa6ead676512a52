"""The tables of a report: every head on a row, layers by heads, and pairs of heads."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.catalogue import BY_KEY
from faa_core.colours import RGB, colours, dark_ink
from faa_core.comparison.order import RATE, largest
from faa_core.comparison.records import Comparison
from faa_core.records import STATUSES, Analysis, LayerInfo, LayerResult, MapKind
from faa_core.report.choice import UNLABELLED, departures
from faa_core.report.numbers import UNDEFINED, short, shown
from faa_core.report.sentences import head_name

COLUMNS = (
    "D1", "D2", "D_inf", "previous_token", "current_token", "induction", "duplicate_token", "first_token", "sink",
    "normalised_entropy", "effective_keys", "confidence", "distance", "local_16",
)  # fmt: skip
"""Statistics with a column of their own beside D0; all of them are in the files."""
MATRICES = ("D1", "D0", "normalised_entropy", "previous_token", "induction", "first_token")
"""Statistics with a matrix of layers by heads."""
TINTS = 33
"""Colours of a matrix, an odd number so that the middle one means no difference."""
LABEL_TINTS: dict[str, RGB] = {
    "induction": (213, 94, 0),
    "duplicate token": (230, 159, 0),
    "previous token": (0, 114, 178),
    "current token": (86, 180, 233),
    "next token": (150, 200, 255),
    "local": (0, 158, 115),
    "vertical": (204, 121, 167),
    "sink": (240, 228, 66),
    "diffuse": (200, 200, 200),
}
"""Colours of labels: those of Okabe and Ito (2008), which colour-blind readers can tell apart, and two more."""

_SHORT = {
    "induction": "induc",
    "duplicate token": "dup",
    "previous token": "prev",
    "current token": "self",
    "next token": "next",
    "vertical": "vert",
    "diffuse": "diff",
    "mixed": "-",
    "undefined": "?",
}


class Column(msgspec.Struct, frozen=True):
    """A column of a table.

    Attributes:
        name: What a filter calls it.
        head: What stands above it.
        anchor: Key of the quantity that it shows, "" for none.
        word: Whether it holds words, which are aligned to the left and sorted by letters.
        title: A longer name.
    """

    name: str
    head: str
    anchor: str = ""
    word: bool = False
    title: str = ""


class Table(msgspec.Struct, frozen=True):
    """Rows of texts under columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    example: str


class Cell(msgspec.Struct, frozen=True):
    """A cell of a matrix: its text, the class of its colour, and whether the number is doubtful."""

    text: str
    style: str = ""
    doubtful: bool = False


class Matrix(msgspec.Struct, frozen=True):
    """Layers by heads."""

    title: str
    anchor: str
    caption: str
    heads: int
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def heads_table(analysis: Analysis) -> Table:
    """Every head of a run, in the order of the forward pass."""
    measured = {name for layer in analysis.layers for name in layer.statistics.names}
    columns = [Column("head", "head", word=True), Column("label", "looks like", "", True), Column("score", "score")]
    boxes = "D0" in measured
    if boxes:
        columns += [
            Column("D0", "D0", "D0", title=BY_KEY["D0"].title),
            Column("delta", "D0 - null", "D0", title="Box-counting dimension minus that of all visible cells"),
            Column("se", "se", "D0", title="Standard error of the fit of D0"),
            Column("status", "D0 status", "D0", True),
        ]
    names = [name for name in COLUMNS if name in measured]
    columns += [Column(filter_name(name), BY_KEY[name].symbol, name, title=BY_KEY[name].title) for name in names]
    rows = [_head_row(layer, head, boxes, names) for layer in analysis.layers for head in range(layer.info.heads)]
    return Table(
        tuple(columns), tuple(rows), "A number in parentheses is a slope where no one power law holds.", "induct>.4"
    )


def _head_row(layer: LayerResult, head: int, boxes: bool, names: Sequence[str]) -> tuple[str, ...]:
    label = layer.labels[head]
    row = [f"{layer.info.name}.{head}", label.name, UNDEFINED if label.name in UNLABELLED else shown(label.score, 2)]
    if boxes:
        place = layer.statistics.row("D0")
        null = float(layer.statistics.null[place, head])
        row += [_value(layer, "D0", head), _value(layer, "D0", head, null)]
        row += [shown(float(layer.statistics.error[place, head]), 2)]
        row += [STATUSES[layer.statistics.status[place, head]].replace("_", " ")]
    return (*row, *(_value(layer, name, head) for name in names))


def _value(layer: LayerResult, key: str, head: int, minus: float | None = None) -> str:
    if key not in layer.statistics.names:
        return UNDEFINED
    row = layer.statistics.row(key)
    value = float(layer.statistics.value[row, head])
    slope = math.isnan(value) and BY_KEY[key].dimension
    number = float(layer.effective[row, head]) if slope else value
    text = shown(number - (minus or 0.0), min(BY_KEY[key].decimals, 3), minus is not None)
    return f"({text})" if slope and text != UNDEFINED else text


def filter_name(key: str) -> str:
    """A symbol without spaces, as a filter needs it; the key where the symbol would read like an operator."""
    symbol = BY_KEY[key].symbol.replace(" ", "_")
    return symbol if symbol.replace("_", "").isalnum() else key


def matrices(analysis: Analysis) -> tuple[Matrix, ...]:
    """One matrix for the labels, and one for each of `MATRICES` that is defined somewhere: value minus null."""
    named = [(layer.info.name, [label.name for label in layer.labels]) for layer in analysis.layers]
    found = [label_matrix(named, "The best match to a textbook pattern")] if named else []
    for key in MATRICES:
        values = [
            departures(layer, key) if key in layer.statistics.names else np.full(layer.info.heads, np.nan)
            for layer in analysis.layers
        ]
        doubtful = []
        for layer in analysis.layers:
            known = key in layer.statistics.names
            codes = layer.statistics.status[layer.statistics.row(key)] if known else [0] * layer.info.heads
            doubtful.append([STATUSES[code] == "no_scaling" for code in codes])
        slopes = "; italics are slopes where no one power law holds" if BY_KEY[key].dimension else ""
        names = [layer.info.name for layer in analysis.layers]
        found += departure_matrix(key, names, values, doubtful, slopes)
    return tuple(found)


def departure_matrix(
    key: str,
    layers: Sequence[str],
    values: Sequence[NDArray[np.floating]],
    doubtful: Sequence[Sequence[bool]],
    said: str,
) -> list[Matrix]:
    """The matrix of one statistic; none where it is defined in no head.

    Args:
        key: The statistic.
        layers: Names of the layers.
        values: Of each layer float [heads]: value minus null.
        doubtful: Of each layer whether the number of each head is in italics.
        said: What italics mean.
    """
    if not any(np.isfinite(row).any() for row in values):
        return []
    reach = max(float(np.abs(row[np.isfinite(row)]).max(initial=0.0)) for row in values)
    rows = []
    for name, row, italics in zip(layers, values, doubtful, strict=True):
        cells = (Cell(short(float(v)), tint(float(v), reach), bool(d)) for v, d in zip(row, italics, strict=True))
        rows.append((name, tuple(cells)))
    entry = BY_KEY[key]
    low, high = shown(-reach, 2), shown(reach, 2, True)
    caption = f"Colours from {low} (blue, below even attention) to {high} (orange, above){said}."
    title = f"{entry.title} ({entry.symbol}) minus null"
    return [Matrix(title, key, caption, max(map(len, values)), tuple(rows))]


def label_matrix(layers: Sequence[tuple[str, Sequence[str]]], said: str) -> Matrix:
    """The matrix of what heads look like, given the name of each layer and the label of each of its heads."""
    rows = tuple(
        (layer, tuple(Cell(_short_label(name), label_class(name)) for name in names)) for layer, names in layers
    )
    return Matrix(
        "What heads look like",
        "",
        f"{said}: prev(ious), self (the current) and next token, induc(tion), dup(licate token), vert(ical), "
        "diff(use), local, sink; - where none fits.",
        max((len(names) for _, names in layers), default=0),
        rows,
    )


def _short_label(name: str) -> str:
    return _SHORT.get(name, name[:5])


def label_class(name: str) -> str:
    """Class of the colour of a label; "" for one without."""
    return f"l{list(LABEL_TINTS).index(name)}" if name in LABEL_TINTS else ""


def tint(value: float, reach: float) -> str:
    """Class of the colour of a difference, of which ``reach`` is the largest; "" where it is undefined."""
    if not math.isfinite(value):
        return ""
    middle = TINTS // 2
    return f"d{middle + (round(middle * max(-1.0, min(1.0, value / reach))) if reach > 0 else 0)}"


def tint_rules() -> str:
    """Rules of the style sheet for every class of colour, each with the ink that stands out from it."""
    ramp = colours("diverging")
    every = {f"d{step}": ramp[round(step * 255 / (TINTS - 1))] for step in range(TINTS)}
    every |= {label_class(name): colour for name, colour in LABEL_TINTS.items()}
    return "\n".join(
        f".{name}{{background:#{bytes(colour).hex()};color:{'#000' if dark_ink(colour) else '#fff'}}}"
        for name, colour in every.items()
    )


def pairs_table(comparison: Comparison, statistic: str, count: int | None) -> Table:
    """Pairs of heads, the largest difference in ``statistic`` first."""
    several = len(comparison.a.tokens) > 1
    columns = [
        Column("A", "A", word=True, title="Head of A"),
        Column("B", "B", word=True, title="Head of B"),
        Column("label_A", "A looks like", word=True),
        Column("label_B", "B looks like", word=True),
        Column("value_A", "value A", statistic),
        Column("value_B", "value B", statistic),
        Column("difference", "difference", title="Of value minus null, B minus A"),
    ]
    if several:
        columns += [
            Column("low", "low", title="Lower end of the 95 % interval over texts"),
            Column("high", "high", title="Upper end of the 95 % interval over texts"),
            Column("q", "q", title="False discovery rate at which the difference is a discovery"),
            Column("d", "d", title="Effect size: mean difference over its standard deviation over texts"),
        ]
    columns.append(Column("js", "JS", "divergence", title=BY_KEY["divergence"].title))
    rows = [_pair_row(comparison, statistic, int(place), several) for place in largest(comparison, statistic)[:count]]
    caption = "The largest difference first" + (
        ", in units of its standard error over texts." if several else "; B minus A, each beside its own null."
    )
    return Table(tuple(columns), tuple(rows), caption, "q<.05" if several else "|difference|>.1")


def _pair_row(comparison: Comparison, statistic: str, place: int, several: bool) -> tuple[str, ...]:
    differences, pair = comparison.differences, comparison.matching.pairs[place]
    row, decimals = differences.row(statistic), max(BY_KEY[statistic].decimals, 3)

    def cell(values: NDArray[np.float64], digits: int = decimals, signed: bool = False) -> str:
        return shown(float(values[row, place]), digits, signed)

    cells = [head_name(pair.a), head_name(pair.b) + ("*" if pair.method == "hand" else "")]
    cells += [comparison.labels_a[place], comparison.labels_b[place], cell(differences.a), cell(differences.b)]
    cells.append(cell(differences.difference, signed=True))
    if several:
        cells += [cell(differences.low, signed=True), cell(differences.high, signed=True)]
        cells += [cell(differences.q, 3), cell(differences.effect, 1, True)]
    return (*cells, shown(float(comparison.divergence[place]), 3))


def difference_matrices(comparison: Comparison, statistic: str) -> tuple[Matrix, ...]:
    """For each kind of map, layers of A by heads of A: the difference in ``statistic``."""
    differences = comparison.differences
    values = differences.difference[differences.row(statistic)]
    reach = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    kinds = dict.fromkeys(pair.a.kind for pair in comparison.matching.pairs)
    return tuple(_difference_matrix(comparison, statistic, kind, reach) for kind in kinds)


def _difference_matrix(comparison: Comparison, statistic: str, kind: MapKind, reach: float) -> Matrix:
    differences, matching = comparison.differences, comparison.matching
    row = differences.row(statistic)
    places = {(pair.a.layer, pair.a.head): k for k, pair in enumerate(matching.pairs) if pair.a.kind == kind}
    every = {*places, *((head.layer, head.head) for head in matching.alone_a if head.kind == kind)}
    heads = max(head for _, head in every) + 1
    rows = []
    for layer in sorted({layer for layer, _ in every}):
        cells = []
        for head in range(heads):
            place = places.get((layer, head))
            if place is None:
                cells.append(Cell("alone" if (layer, head) in every else ""))
                continue
            value = float(differences.difference[row, place])
            mark = "*" if differences.q[row, place] <= RATE else ""
            cells.append(Cell(short(value, True) + mark, tint(value, reach)))
        rows.append((LayerInfo(kind, layer, heads, "other").name, tuple(cells)))
    several = "; * where it is a discovery" if len(comparison.a.tokens) > 1 else ""
    entry = BY_KEY[statistic]
    return Matrix(
        f"Difference in {entry.title.lower()} ({entry.symbol}), {kind} maps",
        statistic,
        f"Layers of A by heads of A: B minus A, each beside its own null, from {shown(-reach, 3)} (blue, less in B) to "
        f"{shown(reach, 3, True)} (orange, more in B){several}; alone: without a partner.",
        heads,
        tuple(rows),
    )
