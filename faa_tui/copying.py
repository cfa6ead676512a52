"""What can be copied, or written to a file, of a pane: each with a name, a word on it, and how it is made.

Numbers have all their digits, undefined ones are empty, and tables have a line for each row. Nothing here knows the
screen.
"""

from __future__ import annotations

import csv
import io
import math
import shlex
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from faa_core.catalogue import BY_KEY
from faa_core.comparison.records import Comparison, Head
from faa_core.records import STATUSES, LayerResult, Tokens
from faa_core.reference import DEMO, parse
from faa_core.visible import visible
from faa_core.worker.protocol import RunOptions
from faa_tui.head_address import named, numbered
from faa_tui.rendering.page import Page
from faa_tui.rendering.run_rows import RunRow
from faa_tui.samples import default_sample
from faa_tui.session import HeadTable, Order, Position, Results


@dataclass(frozen=True)
class Copy:
    """Something that goes to the clipboard.

    Attributes:
        name: What it is, as a list names it.
        about: A word on what is in it.
        text: Makes it.
    """

    name: str
    about: str
    text: Callable[[], str]


@dataclass(frozen=True)
class Export:
    """Something that goes into a file.

    Attributes:
        name: What it is.
        about: A word on what is in it.
        action: Action of the application that writes it.
    """

    name: str
    about: str
    action: str


Offer = Copy | Export
Separator = Literal["\t", ","]
Row = Sequence[Any]

PICTURE = Export("screen as SVG", "what is on the screen, as a file", "picture")
REPORT = Export("report as HTML", "all numbers and some maps, as one file", "report")
MAP_PICTURE = Export("map as SVG", "this head's map with its tokens, as a file", "map_picture")

_STATISTIC = ("statistic", "value", "null", "excess", "error", "effective", "status")


def exact(value: Any) -> str:
    """A cell of a table: a number with all digits that its type has, "" where it is undefined."""
    if isinstance(value, float | np.floating):
        return str(value) if math.isfinite(value) else ""
    return visible(str(value))


def separated(rows: Iterable[Row], separator: Separator) -> str:
    """Rows with cells between tabs or commas, each ended by a line feed."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator="\n")
    writer.writerows([exact(cell) for cell in row] for row in rows)
    return stream.getvalue()


def line(row: Row) -> str:
    """One row with tabs between its cells, and no line feed."""
    return separated([row], "\t").removesuffix("\n")


def table(name: str, about: str, rows: Callable[[], Iterable[Row]]) -> tuple[Copy, Copy]:
    """A table in two forms; its first row is the header."""
    return (
        Copy(f"{name}, tabs", f"{about}; for spreadsheets", lambda: separated(rows(), "\t")),
        Copy(f"{name}, CSV", about, lambda: separated(rows(), ",")),
    )


# --- panes of one model ----------------------------------------------------------------------------------------------


def of_models(marked: str, references: Sequence[str]) -> tuple[Offer, ...]:
    """The list of models.

    Args:
        marked: The reference on the marked line; "" where there is none on it.
        references: All of them.
    """
    reference = (Copy("reference", marked, lambda: marked),) if marked else ()
    return (*reference, Copy("references", "all models of the list", lambda: "\n".join(references)))


def of_heads(results: Results, heads: HeadTable, position: Position) -> tuple[Offer, ...]:
    """The matrix of heads, with the cursor on ``position``."""
    row, title = results.row_of(position), heads.title
    value = heads.values[row, position.head]
    width = heads.values.shape[1]

    def whole() -> Iterable[Row]:
        yield ("layer", *range(width))
        for name, values in zip(heads.names, heads.values, strict=True):
            yield (name, *values)

    layer = (heads.names[row], *heads.values[row])
    return (
        Copy("value", f"{title} of head {numbered(*position)}", lambda: exact(value)),
        Copy("layer", f"{title} of all heads of layer {heads.names[row]}, between tabs", lambda: line(layer)),
        *table("matrix", f"{title} of all heads, a line for each layer", whole),
    )


def of_table(results: Results, position: Position) -> tuple[Offer, ...]:
    """The table of all heads, with the cursor on ``position``."""
    names = next((layer.statistics.names for layer in results.layers.values()), ())

    def rows() -> Iterable[Row]:
        for info in results.rows:
            for head in range(info.heads):
                yield from _row(results, Position(info.kind, info.layer, head), names)

    def whole() -> Iterable[Row]:
        yield ("head", "label", *names)
        yield from rows()

    here = list(_row(results, position, names))
    row = (Copy("row", f"head {numbered(*position)}: its label and all its statistics", lambda: line(here[0])),)
    return (*(row if here else ()), *table("table", "label and all statistics, a line for each head", whole))


def _row(results: Results, position: Position, names: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    """Label and statistics of a head, once they are here."""
    layer = results.at(position)
    if layer is not None:
        values = layer.statistics.value
        rows = [layer.statistics.row(name) if name in layer.statistics.names else None for name in names]
        numbers = (math.nan if row is None else values[row, position.head] for row in rows)
        yield (numbered(*position), layer.labels[position.head].name, *numbers)


def of_layers(results: Results, heads: HeadTable, position: Position) -> tuple[Offer, ...]:
    """The list of layers, with ``position`` in the marked one."""
    means, place = heads.row_means(), results.row_of(position)
    rows = [(info.name, mean, info.pattern) for info, mean in zip(results.rows, means, strict=True)]
    return (
        Copy("layer", f"name, mean of {heads.title}, keys that it sees", lambda: line(rows[place])),
        *table("layers", f"mean of {heads.title} in each layer", lambda: [("layer", "mean", "pattern"), *rows]),
    )


@dataclass(frozen=True)
class Cell:
    """A pair of tokens of a map.

    Attributes:
        query: Its row.
        key: Its column.
        tokens: What the two stand for in the text.
        weight: Attention of the query to the key; NaN where it is undefined.
        lift: The same times the number of keys that the query sees.
        exact: Whether both are known, and not only bounds of them.
        row: float [keys]: the whole row, where it is here.
    """

    query: int
    key: int
    tokens: tuple[str, str]
    weight: float
    lift: float
    exact: bool
    row: NDArray[np.floating] | None = None


def of_map(cell: Cell, keys: Tokens, position: Position) -> tuple[Offer, ...]:
    """The map of one head, with the cursor on ``cell``."""
    most = "" if cell.exact else "≤"
    weight = f"{most}{exact(cell.weight)}"
    query, key = (f'"{visible(token)}"' for token in cell.tokens)
    words = f"query {cell.query} {query} → key {cell.key} {key}"
    spot = (weight, f"{most}{exact(cell.lift)}", cell.query, cell.tokens[0], cell.key, cell.tokens[1])
    offers: list[Offer] = [
        Copy("weight with its tokens", words, lambda: f"{weight}\tquery {cell.query} {query}\tkey {cell.key} {key}"),
        Copy("weight", f"the number alone: {weight}", lambda: weight),
        Copy("row of a table", "weight, lift, query, its token, key, its token", lambda: line(spot)),
    ]
    if (row := cell.row) is not None:

        def whole() -> Iterable[Row]:
            yield ("key", "token", "weight")
            for place, value in enumerate(row):
                if np.isfinite(value):
                    yield (place, keys.pieces[place] if place < len(keys) else "", value)

        offers += table("row of the map", f"what query {cell.query} gives to each key", whole)
    return (*offers, Copy("head", f"layer {position.layer} head {position.head}", lambda: numbered(*position)))


def of_statistics(result: LayerResult, head: int, marked: int) -> tuple[Offer, ...]:
    """The statistics of one head, with row ``marked`` marked."""
    rows = list(_statistics(result, head))
    row = rows[min(marked, len(rows) - 1)]
    title = BY_KEY[row[0]].title.lower()
    return (
        Copy("row", f"{title}: {', '.join(_STATISTIC[1:])}, between tabs", lambda: line(row)),
        Copy("value", f"{title}, the number alone", lambda: exact(row[1])),
        *table("statistics of this head", "a line for each", lambda: [_STATISTIC, *rows]),
    )


def _statistics(result: LayerResult, head: int) -> Iterable[tuple[Any, ...]]:
    numbers, effective = result.statistics, result.effective
    for row, name in enumerate(numbers.names):
        value, null = numbers.value[row, head], numbers.null[row, head]
        status = STATUSES[numbers.status[row, head]]
        yield (name, value, null, value - null, numbers.error[row, head], effective[row, head], status)


def of_curve(title: str, page: Page, drawn: Sequence[str]) -> tuple[Offer, ...]:
    """A page of curves.

    Args:
        title: Its name.
        page: What is plotted.
        drawn: Its lines, as they show.
    """
    if page.nothing:
        return ()
    names = {key.symbol: key.name for key in page.legend if key.symbol}

    def points() -> Iterable[Row]:
        yield ("series", "x", "y")
        for series in page.series:
            name = names.get(series.symbol, series.symbol)
            yield from ((name, x, y) for x, y in zip(series.x, series.y, strict=True) if math.isfinite(x + y))

    said = title[:1].lower() + title[1:]
    return (
        *table(f"points: {said}", "as they are plotted: logarithms where the axis is one", points),
        Copy(f"plot: {said}", "as text", lambda: "\n".join(text.rstrip() for text in drawn) + "\n"),
    )


def of_text(text: str, tokens: Tokens, query: int, row: NDArray[np.floating] | None) -> tuple[Offer, ...]:
    """The text.

    Args:
        text: The text.
        tokens: What it was cut into.
        query: The token that is looked at.
        row: float [tokens]: what it gives to each, where that is known.
    """

    def whole() -> Iterable[Row]:
        yield ("token", "id", "piece", "start", "stop", *(() if row is None else ("weight",)))
        for place, piece in enumerate(tokens.pieces):
            ids = tokens.ids[place] if place < len(tokens.ids) else ""
            offsets = tokens.offsets[place] if place < len(tokens.offsets) else ("", "")
            yield (place, ids, piece, *offsets, *(() if row is None else (row[place],)))

    offers: list[Offer] = []
    if query < len(tokens):
        piece = tokens.pieces[query]
        offers.append(Copy("token", f'number {query}: "{visible(piece)}"', lambda: printable(piece)))
    if text:
        offers.append(Copy("text", f"{len(text)} characters", lambda: printable(text)))
    return (*offers, *(table("tokens", "with their ids and places in the text", whole) if len(tokens) else ()))


def of_kept(run: RunRow) -> tuple[Offer, ...]:
    """A run of the list of kept ones."""
    row = (run.id, run.time, run.kind, " ".join(run.models), run.texts, run.tokens, run.title, run.note)
    command = f"faa runs show {run.id}"
    return (
        Copy("row", "number, time, kind, models, texts, tokens, beginning of the text, note", lambda: line(row)),
        Copy("command of the run", command, lambda: command),
    )


def printable(text: str) -> str:
    """``text`` as it is, but for control characters, which a terminal would obey when it is pasted there."""
    return "".join(one if one in "\n\t" or unicodedata.category(one) != "Cc" else visible(one) for one in text)


def of_run(results: Results, order: Order, position: Position | None, statistic: str) -> tuple[Offer, ...]:
    """What concerns the whole run: its numbers, and the commands that give them again."""

    def whole() -> Iterable[Row]:
        yield ("kind", "layer", "head", "label", *_STATISTIC)
        for info in results.rows:
            layer = results.layers.get((info.kind, info.layer))
            for head in range(info.heads if layer is not None else 0):
                assert layer is not None
                label = layer.labels[head].name
                for row in _statistics(layer, head):
                    yield (info.kind, info.layer, head, label, *row)

    offers: list[Offer] = [*table("all heads", "every statistic of every head", whole)]
    if position is not None:
        show, examine = (commands(order, position)[name] for name in ("show", "examine"))
        offers.append(Copy("command of the map", visible(show), lambda: show))
        offers.append(Copy("command of this head", visible(examine), lambda: examine))
    analyze = commands(order)["analyze"]
    offers.append(Copy("command of the numbers", visible(analyze), lambda: analyze))
    return (*offers, Copy("command of the page", f"faa explain {statistic}", lambda: f"faa explain {statistic}"))


def commands(order: Order, position: Position | None = None) -> dict[str, str]:
    """Command lines that give in a shell what is on the screen: ``analyze``, and of a head ``show`` and ``examine``."""
    tail = [*_text_arguments(order.reference, order.text), *_option_arguments(order.options)]
    found = {"analyze": shlex.join(["faa", "analyze", order.reference, *tail])}
    if position is not None:
        place = numbered(*position)
        found["show"] = shlex.join(["faa", "show", order.reference, "--map", place, *tail])
        found["examine"] = shlex.join(["faa", "examine", order.reference, place, *tail])
    return found


def _text_arguments(reference: str, text: str) -> list[str]:
    parsed = parse(reference)
    known = parsed.source == DEMO and text == default_sample().text
    return [] if known or parsed.source == "array" else [f"--text={text}"]


def _option_arguments(options: RunOptions) -> list[str]:
    found, usual = [], RunOptions()
    for name in ("device", "dtype"):
        if getattr(options, name) != getattr(usual, name):
            found += [f"--{name}", str(getattr(options, name))]
    return [*found, *(["--truncate"] if options.truncate else [])]


# --- panes of a comparison -------------------------------------------------------------------------------------------

_PAIR = ("a", "b", "label_a", "label_b", "js", "value_a", "value_b", "difference", "low", "high", "q", "d_z")
_NUMBERS = ("a", "b", "difference", "low", "high", "q", "effect")


def of_pairs(comparison: Comparison, statistic: str, marked: int | None) -> tuple[Offer, ...]:
    """The pairs of heads of a comparison.

    Args:
        comparison: The numbers.
        statistic: The one that is looked at.
        marked: Index of the pair that is looked at; ``None`` for none.
    """
    title = BY_KEY[statistic].title.lower()
    offers: list[Offer] = []
    if marked is not None:
        pair, row = comparison.matching.pairs[marked], _pair(comparison, statistic, marked)
        heads = f"{_name(pair.a)} and {_name(pair.b)}"
        offers.append(Copy("row", f"{heads}: labels, divergence, {title} of both, difference", lambda: line(row)))
        offers.append(Copy("difference", f"{title}, {_name(pair.b)} minus {_name(pair.a)}", lambda: exact(row[7])))

    def whole() -> Iterable[Row]:
        yield _PAIR
        yield from (_pair(comparison, statistic, index) for index in range(len(comparison.matching.pairs)))

    return (*offers, *table("pairs", f"{title} of all pairs of heads", whole))


def _pair(comparison: Comparison, statistic: str, index: int) -> tuple[Any, ...]:
    differences, pair = comparison.differences, comparison.matching.pairs[index]
    row = differences.row(statistic) if statistic in differences.names else None
    numbers = [math.nan if row is None else getattr(differences, name)[row, index] for name in _NUMBERS]
    labels = (comparison.labels_a[index], comparison.labels_b[index])
    return (_name(pair.a), _name(pair.b), *labels, comparison.divergence[index], *numbers)


def _name(head: Head) -> str:
    return named(head.kind, head.layer, head.head)


def of_linked_maps(query: int, key: int, weights: Sequence[tuple[str, float]], exact_: bool) -> tuple[Offer, ...]:
    """The weights that the maps of a comparison have under their common cursor.

    Args:
        query: Row of the cursor.
        key: Its column.
        weights: Name of each side and its weight, the one in focus first.
        exact_: Whether they are known, and not only bounds of them.
    """
    most = "" if exact_ else "≤"
    name, value = weights[0]
    row = (query, key, *(cell for side, weight in weights for cell in (side, f"{most}{exact(weight)}")))
    return (
        Copy("weight", f"of {name}: query {query} → key {key}", lambda: f"{most}{exact(value)}"),
        Copy("weights", "of all sides, with query and key, between tabs", lambda: line(row)),
    )


def of_comparison(references: Sequence[str], texts: Sequence[str], options: RunOptions) -> tuple[Offer, ...]:
    """What concerns the whole comparison: the command that gives it again, where one text can say it."""
    if len(texts) != 1:
        return ()
    known = all(parse(reference).source == DEMO for reference in references)
    tail = _text_arguments(references[0] if known else "other", texts[0]) + _option_arguments(options)
    command = shlex.join(["faa", "compare", *references, *tail])
    return (Copy("command of the comparison", visible(command), lambda: command),)
