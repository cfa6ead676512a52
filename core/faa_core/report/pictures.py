"""Attention maps as pictures of one pixel a cell, all of them together within a budget of bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.colours import RGB, colours
from faa_core.records import Analysis, LayerResult
from faa_core.report.choice import MOST_CELLS, Chosen
from faa_core.report.png import data_uri, png
from faa_core.report.records import HeadMap
from faa_core.visible import visible

STEPS = 64
"""Colours of a map. More could not be told apart, and each bit costs an eighth of the file."""
MASKED, UNDEFINED = STEPS, STEPS + 1
"""Palette entries of cells that no row may see, and of weights that are NaN."""
BUDGET = 1_500_000
"""Bytes that the pictures of a report may take together."""
_TICKS = 12
_LABEL = 14
_UNDEFINED_COLOUR: RGB = (122, 18, 44)


class Tick(msgspec.Struct, frozen=True):
    """A named place on an axis: per cent of its length from the start, and the name."""

    at: str
    text: str


class Picture(msgspec.Struct, frozen=True):
    """A map as a page shows it.

    Attributes:
        source: The image, as a data URI.
        width: Its columns.
        height: Its rows.
        size: Tokens along a side of a pixel.
        rows: Ticks of the queries.
        columns: Ticks of the keys.
        row_names: JSON list of the names of all rows, for the line that says what is pointed at.
        column_names: The same of the columns.
        name: ``1.5``.
    """

    source: str
    width: int
    height: int
    size: int
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    row_names: str
    column_names: str
    name: str


def pictures(
    analysis: Analysis, chosen: Sequence[Chosen], maps: Sequence[HeadMap], budget: int = BUDGET
) -> dict[str, Picture]:
    """Pictures of those chosen heads whose maps are there, by the name of the head.

    Where all of them would take more than ``budget``, the largest become coarser, one after another.
    """
    by_address = {(one.kind, one.layer, one.head): one for one in maps}
    held: dict[str, tuple[LayerResult, HeadMap, str]] = {}
    for head in chosen:
        found = by_address.get((head.layer.info.kind, head.layer.info.layer, head.head))
        if found is not None:
            while max(found.weights.shape) > MOST_CELLS:
                found = coarser(found)
            held[head.name] = (head.layer, found, _encoded(found, head.layer))
    while sum(len(source) for _, _, source in held.values()) > budget:
        name = max(held, key=lambda key: len(held[key][2]))
        layer, found, _ = held[name]
        if max(found.weights.shape) == 1:
            break
        found = coarser(found)
        held[name] = (layer, found, _encoded(found, layer))
    return {name: _picture(name, analysis, layer, found, source) for name, (layer, found, source) in held.items()}


def coarser(found: HeadMap) -> HeadMap:
    """The same map in cells of twice the side, each the largest of four. NaN is larger than every number."""
    wide = found.weights.astype(np.float32, copy=False)
    for axis in (0, 1):
        wide = np.maximum.reduceat(wide, np.arange(0, wide.shape[axis], 2), axis=axis)
    return msgspec.structs.replace(found, weights=wide, size=found.size * 2)


def palette() -> tuple[RGB, ...]:
    """Colours of the steps, of masked cells and of undefined ones."""
    ramp = colours("viridis")
    return (*(ramp[round(step * 255 / (STEPS - 1))] for step in range(STEPS)), (0, 0, 0), _UNDEFINED_COLOUR)


def steps(weights: NDArray[np.floating], masked: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """uint8, the same shape: palette entry of each weight, by its square root."""
    undefined = np.isnan(weights)
    unit = np.sqrt(np.clip(np.where(undefined, 0, weights), 0, 1))
    entries: NDArray[np.uint8] = np.rint(unit * (STEPS - 1)).astype(np.uint8)
    entries[undefined] = UNDEFINED
    entries[masked] = MASKED
    return entries


def _encoded(found: HeadMap, layer: LayerResult) -> str:
    return data_uri("image/png", png(steps(found.weights, _masked(found, layer)), palette(), MASKED))


def _masked(found: HeadMap, layer: LayerResult) -> NDArray[np.bool_]:
    """Bool [rows, columns]: cells in which no row may see a key."""
    rows, columns = found.weights.shape
    starts = np.arange(0, len(layer.first_key), found.size)[:rows]
    seen = layer.stop_key > layer.first_key
    first = np.minimum.reduceat(np.where(seen, layer.first_key, np.iinfo(np.int32).max), starts) // found.size
    stop = -(-np.maximum.reduceat(np.where(seen, layer.stop_key, 0), starts) // found.size)
    places = np.arange(columns)
    return np.asarray((places < first[:, None]) | (places >= stop[:, None]))


def _picture(name: str, analysis: Analysis, layer: LayerResult, found: HeadMap, source: str) -> Picture:
    height, width = found.weights.shape
    kind = layer.info.kind
    rows = _names(analysis.queries_of(kind).pieces, height, found.size)
    columns = _names(analysis.keys_of(kind).pieces, width, found.size)
    return Picture(
        source, width, height, found.size, _ticks(rows), _ticks(columns), json.dumps(rows), json.dumps(columns), name
    )


def _names(pieces: Sequence[str], cells: int, size: int) -> list[str]:
    """``12 the``: place and token of the first of each cell, a long one cut."""
    names = []
    for cell in range(cells):
        place = cell * size
        piece = visible(pieces[place], spaces=True) if place < len(pieces) else ""
        names.append(f"{place} {piece if len(piece) <= _LABEL else piece[: _LABEL - 1] + '…'}")
    return names


def _ticks(names: Sequence[str]) -> tuple[Tick, ...]:
    """So many names as stand side by side without touching, each in the middle of its cell."""
    step = max(1, -(-len(names) // _TICKS))
    return tuple(Tick(f"{100 * (place + 0.5) / len(names):.2f}%", names[place]) for place in range(0, len(names), step))
