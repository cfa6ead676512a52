"""Attention maps as pictures of one pixel a cell, all of them together within a budget of bytes."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.colours import RGB, colours
from faa_core.records import Analysis
from faa_core.report.choice import MOST_CELLS, Chosen
from faa_core.report.png import data_uri, png
from faa_core.report.records import HeadMap, PairMaps
from faa_core.visible import visible

K = TypeVar("K", bound=Hashable)

STEPS = 64
"""Colours of a map. More could not be told apart, and each bit costs an eighth of the file."""
DIFFERENCE_STEPS = 65
"""Colours of a difference, an odd number so that the middle one means none."""
MASKED, UNDEFINED = STEPS, STEPS + 1
"""Palette entries of cells that no row may see, and of weights that are NaN."""
DIFFERENCE_MASKED, DIFFERENCE_UNDEFINED = DIFFERENCE_STEPS, DIFFERENCE_STEPS + 1
"""The same of a difference: cells that no row of either map may see, and where either weight is NaN."""
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
        size: Tokens, or segments, along a side of a pixel.
        rows: Ticks of the queries.
        columns: Ticks of the keys.
        row_names: JSON list of the names of all rows, for the line that says what is pointed at.
        column_names: The same of the columns.
        name: What it is a map of: ``head 1.5``.
        scale: What its colours stand for.
        unit: What rows and columns are.
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
    scale: Literal["weight", "difference"] = "weight"
    unit: Literal["tokens", "segments"] = "tokens"


class _Cells(msgspec.Struct, frozen=True, eq=False):
    """One map, or two over the same tokens with their difference, in cells of one size.

    Attributes:
        weights: float32 [maps, rows, columns]: the largest weight in each cell.
        masked: bool [maps, rows, columns]: cells in which no row may see a key.
        size: Tokens along a side of a cell.
        sources: The images, as data URIs: one of each map, and of two the difference.
    """

    weights: NDArray[np.float32]
    masked: NDArray[np.bool_]
    size: int
    sources: tuple[str, ...]

    @classmethod
    def of(cls, weights: NDArray[np.floating], masked: NDArray[np.bool_], size: int) -> _Cells:
        """Draw maps: float and bool [maps, rows, columns]."""
        weights = np.asarray(weights, np.float32)
        drawn = [png(steps(*one), palette(), MASKED) for one in zip(weights, masked, strict=True)]
        if len(weights) == 2:
            drawn.append(png(difference_steps(*weights, *masked), difference_palette(), DIFFERENCE_MASKED))
        return cls(weights, masked, size, tuple(data_uri("image/png", one) for one in drawn))

    @property
    def characters(self) -> int:
        """What the images take of a page."""
        return sum(map(len, self.sources))

    def coarser(self) -> _Cells:
        """The same in cells of twice the side, each the largest of four. NaN is larger than every number."""
        weights, masked = self.weights, self.masked
        for axis in (1, 2):
            starts = np.arange(0, weights.shape[axis], 2)
            weights = np.maximum.reduceat(weights, starts, axis=axis)
            masked = np.logical_and.reduceat(masked, starts, axis=axis)
        return _Cells.of(weights, masked, self.size * 2)


def pictures(
    analysis: Analysis, chosen: Sequence[Chosen], maps: Sequence[HeadMap], budget: int = BUDGET
) -> dict[str, Picture]:
    """Pictures of those chosen heads whose maps are there, by the name of the head.

    Where all of them would take more than ``budget``, the largest become coarser, one after another.
    """
    by_address = {(one.kind, one.layer, one.head): one for one in maps}
    held: dict[str, _Cells] = {}
    for head in chosen:
        layer = head.layer
        found = by_address.get((layer.info.kind, layer.info.layer, head.head))
        if found is not None:
            masked = masked_cells(layer.first_key, layer.stop_key, found.size, found.weights.shape)
            held[head.name] = _Cells.of(found.weights[None], masked[None], found.size)
    kinds = {head.name: head.layer.info.kind for head in chosen}
    return {
        name: _drawn(
            cells, f"head {name}", analysis.queries_of(kinds[name]).pieces, analysis.keys_of(kinds[name]).pieces
        )[0]
        for name, cells in _fitted(held, budget).items()
    }


def pair_pictures(pairs: Sequence[PairMaps], names: Sequence[tuple[str, str]], budget: int) -> list[list[Picture]]:
    """Of each pair the map of A, that of B, and B minus A, all in cells of one size.

    Args:
        pairs: The maps.
        names: Names of the two heads of each: ``1.5``.
        budget: Characters that all pictures may take; the largest become coarser until they fit.
    """
    held = {
        place: _Cells.of(np.stack([pair.a, pair.b]), np.stack([pair.masked_a, pair.masked_b]), pair.size)
        for place, pair in enumerate(pairs)
    }
    drawn = []
    for place, cells in _fitted(held, budget).items():
        pair, (a, b) = pairs[place], names[place]
        first, other, apart = _drawn(cells, f"head {a} of A", pair.rows, pair.columns)
        apart = msgspec.structs.replace(apart, name=f"head {b} of B minus head {a} of A", scale="difference")
        other = msgspec.structs.replace(other, name=f"head {b} of B")
        unit: Literal["tokens", "segments"] = "segments" if pair.segments else "tokens"
        drawn.append([msgspec.structs.replace(one, unit=unit) for one in (first, other, apart)])
    return drawn


def palette() -> tuple[RGB, ...]:
    """Colours of the steps, of masked cells and of undefined ones."""
    return (*_evenly("viridis", STEPS), (0, 0, 0), _UNDEFINED_COLOUR)


def difference_palette() -> tuple[RGB, ...]:
    """Colours of the steps of a difference from -1 to 1, of cells masked in both maps and of undefined ones."""
    return (*_evenly("diverging", DIFFERENCE_STEPS), (0, 0, 0), _UNDEFINED_COLOUR)


def _evenly(name: Literal["viridis", "diverging"], number: int) -> list[RGB]:
    ramp = colours(name)
    return [ramp[round(step * 255 / (number - 1))] for step in range(number)]


def steps(weights: NDArray[np.floating], masked: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """uint8, the same shape: palette entry of each weight, by its square root."""
    undefined = np.isnan(weights)
    unit = np.sqrt(np.clip(np.where(undefined, 0, weights), 0, 1))
    entries: NDArray[np.uint8] = np.rint(unit * (STEPS - 1)).astype(np.uint8)
    entries[undefined] = UNDEFINED
    entries[masked] = MASKED
    return entries


def difference_steps(
    a: NDArray[np.floating], b: NDArray[np.floating], masked_a: NDArray[np.bool_], masked_b: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """uint8, the same shape: palette entry of ``b - a``, by the root of its size in each direction from the middle.

    What one map alone may not see counts as 0 there.
    """
    apart = np.where(masked_b, 0.0, b) - np.where(masked_a, 0.0, a)
    undefined = np.isnan(apart)
    apart = np.clip(np.where(undefined, 0, apart), -1, 1)
    middle = DIFFERENCE_STEPS // 2
    entries: NDArray[np.uint8] = np.rint(middle + middle * np.sign(apart) * np.sqrt(np.abs(apart))).astype(np.uint8)
    entries[undefined] = DIFFERENCE_UNDEFINED
    entries[masked_a & masked_b] = DIFFERENCE_MASKED
    return entries


def masked_cells(
    first_key: NDArray[np.integer], stop_key: NDArray[np.integer], size: int, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Bool [rows, columns]: cells in which no row may see a key.

    Args:
        first_key: int [queries]: first key that each row may see.
        stop_key: int [queries]: one past the last; not above ``first_key`` where it sees none.
        size: Tokens along a side of a cell.
        shape: Rows and columns of cells.
    """
    rows, columns = shape
    starts = np.arange(0, len(first_key), size)[:rows]
    seen = stop_key > first_key
    first = np.minimum.reduceat(np.where(seen, first_key, np.iinfo(np.int32).max), starts) // size
    stop = -(-np.maximum.reduceat(np.where(seen, stop_key, 0), starts) // size)
    places = np.arange(columns)
    return np.asarray((places < first[:, None]) | (places >= stop[:, None]))


def _fitted(held: Mapping[K, _Cells], budget: int) -> dict[K, _Cells]:
    """The same, the largest made coarser one after another until all fit ``budget`` and `MOST_CELLS`."""
    fitted = dict(held)
    for name in held:
        while max(fitted[name].weights.shape[1:]) > MOST_CELLS:
            fitted[name] = fitted[name].coarser()
    while sum(cells.characters for cells in fitted.values()) > budget:
        name = max(fitted, key=lambda key: fitted[key].characters)
        if max(fitted[name].weights.shape[1:]) == 1:
            break
        fitted[name] = fitted[name].coarser()
    return fitted


def _drawn(cells: _Cells, name: str, queries: Sequence[str], keys: Sequence[str]) -> list[Picture]:
    """A picture of each image."""
    height, width = cells.weights.shape[1:]
    rows, columns = _names(queries, height, cells.size), _names(keys, width, cells.size)
    axes = (_ticks(rows), _ticks(columns), json.dumps(rows), json.dumps(columns))
    return [Picture(source, width, height, cells.size, *axes, name) for source in cells.sources]


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
