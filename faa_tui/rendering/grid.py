"""An attention map printed once, as a Rich renderable: for pipes, logs and files."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

from faa_core.records import Tokens
from faa_tui.rendering.cells import Encoder, encoder
from faa_tui.rendering.legend import bar_levels, ruler, short_number, tick_step
from faa_tui.rendering.ramps import OUTSIDE, RAMPS, RampName, colour_system
from faa_tui.rendering.scales import SCALES, Scale, ScaleName, levels, pooled_support, row_lengths
from faa_tui.rendering.text import pad, token_label
from faa_tui.rendering.tiles import pool

_LABEL_WIDTH = 16
_BAR_WIDTH = 24
_LARGEST_FACTOR = 4
_DIM = Style(dim=True)


def map_grid(
    weights: NDArray[np.floating],
    first: NDArray[np.integer],
    stop: NDArray[np.integer],
    queries: Tokens | None = None,
    keys: Tokens | None = None,
    *,
    scale: ScaleName = "sqrt",
    ramp: RampName = "viridis",
    width: int = 80,
    height: int = 50,
) -> RenderableType:
    """A map in half blocks with row labels, ticks of the keys and a colour bar.

    Small maps are enlarged; large ones are reduced by the maximum, and a line says so. On a console without colour
    the cells are glyphs from light to heavy.

    Args:
        weights: [queries, keys] attention of one head.
        first: [queries] first key that each row may see.
        stop: [queries] one past the last key that it may see.
        queries: Tokens of the rows, for labels.
        keys: Tokens of the columns, for the line of names where there is room.
        scale: How weights become colours.
        ramp: Colours.
        width: Most columns to print.
        height: Most lines to print, for the map itself.

    Raises:
        ValueError: The map is empty or its support has another number of rows.
    """
    if weights.ndim != 2 or 0 in weights.shape or len(first) != len(stop) or len(first) != weights.shape[0]:
        raise ValueError(f"a map of shape {weights.shape} with support of {len(first)} rows cannot be drawn")
    return _MapGrid(
        np.asarray(weights, np.float32),
        np.asarray(first),
        np.asarray(stop),
        queries.pieces if queries is not None else (),
        keys.pieces if keys is not None else (),
        SCALES[scale],
        ramp,
        width,
        height,
    )


class _MapGrid:
    def __init__(
        self,
        weights: NDArray[np.float32],
        first: NDArray[np.integer],
        stop: NDArray[np.integer],
        queries: tuple[str, ...],
        keys: tuple[str, ...],
        scale: Scale,
        ramp: RampName,
        width: int,
        height: int,
    ) -> None:
        self._weights, self._first, self._stop = weights, first, stop
        self._queries, self._keys = queries, keys
        self._scale, self._ramp = scale, ramp
        self._width, self._height = width, height

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(20, options.max_width), min(self._width, options.max_width))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        system = "none" if console.no_color else colour_system(console.color_system)
        pen = encoder(RAMPS[self._ramp], system)
        for line in self._lines(min(self._width, options.max_width), pen):
            yield from line
            yield Segment.line()

    def _lines(self, width: int, pen: Encoder) -> Iterable[list[Segment]]:
        rows, columns = self._weights.shape
        widest = max((cell_len(token_label(piece, _LABEL_WIDTH)) for piece in self._queries), default=0)
        label = min(max(widest, len(str(rows - 1))), _LABEL_WIDTH) if width >= 3 * _LABEL_WIDTH else len(str(rows - 1))
        room = max(1, width - label - 1)
        size = max(-(-rows // (2 * self._height)), -(-columns // room))
        factor = max(1, min(2 * self._height // rows, room // columns, _LARGEST_FACTOR)) if size == 1 else 1
        if factor == 3:
            factor = 2  # an odd factor would share lines between rows and leave no line for their labels
        picture = self._picture(size).repeat(factor, axis=0).repeat(factor, axis=1)
        if picture.shape[0] % 2:
            picture = np.pad(picture, ((0, 1), (0, 0)), constant_values=OUTSIDE)

        step = tick_step(8 * size / factor)
        ticks = [(tick // size * factor, str(tick)) for tick in range(0, columns, step)]
        yield [Segment(" " * (label + 1)), Segment(ruler(picture.shape[1], ticks), _DIM)]
        cells = -(-rows // size)
        for line in range(picture.shape[0] // 2):
            row = 2 * line // factor
            text = self._label(row, line, size, factor, cells)
            top, bottom = picture[2 * line].tolist(), picture[2 * line + 1].tolist()
            yield [Segment(pad(text, label, right=True) + " ", _DIM), *pen.segments(top, bottom)]
        bar = bar_levels(min(_BAR_WIDTH, room))
        note = f" {short_number(self._scale.high)}  {self._scale.title}"
        low = short_number(self._scale.low)
        start = Segment(pad(low, max(label, len(low)), right=True) + " ", _DIM)
        yield [start, *pen.segments(bar, bar), Segment(note, _DIM)]
        if size > 1:
            yield [Segment(" " * (label + 1)), Segment(f"each cell is the largest of {size}×{size} weights", _DIM)]

    def _picture(self, size: int) -> NDArray[np.uint16]:
        values = pool(self._weights, size)
        first, stop = pooled_support(self._first, self._stop, size)
        if self._scale.of_lift:
            values = values * row_lengths(self._first, self._stop, size)[:, None]
        keys = np.arange(values.shape[1])
        return levels(values, self._scale, (keys < first[:, None]) | (keys >= stop[:, None]))

    def _label(self, row: int, line: int, size: int, factor: int, cells: int) -> str:
        if row >= cells:
            return ""
        if factor >= 2:
            on_line = 2 * line == row * factor
            return (token_label(self._queries[row]) if row < len(self._queries) else str(row)) if on_line else ""
        # Two rows share a line: numbers at round rows.
        step, start = tick_step(8 * size), row * size
        multiple = -(-start // step) * step
        return str(multiple) if multiple < min(start + 2 * size, len(self._first)) else ""
