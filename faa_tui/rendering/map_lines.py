"""Lines of a heat map: labels of the queries, ruler of the keys, pixels and colour bar, as ready bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from faa_tui._compat import AnsiStrip
from faa_tui.rendering.cells import Encoder
from faa_tui.rendering.legend import bar_levels, ruler, short_number, tick_step
from faa_tui.rendering.ramps import Ramp
from faa_tui.rendering.scales import Scale
from faa_tui.rendering.text import fit, joined, pad, token_label
from faa_tui.rendering.viewport import Viewport

LABEL_WIDTH: Final = 12
"""Most cells of a row label."""
_KEY_WIDTH: Final = 24
_BAR_WIDTH: Final = 20
_BAR_NEEDS: Final = 8
"""Lines that a pane must have before one goes to the colour bar."""
_LABELS_NEED: Final = 36
"""Cells that a pane must be wide before some go to row labels."""
_TICK_PIXELS: Final = 8
"""Least distance of two ticks."""


@dataclass(frozen=True)
class Pens:
    """With what lines are drawn, for one theme on one terminal.

    Attributes:
        ramp: Colours of the pixels.
        encoder: Turns levels into cells.
        draft: Turns levels into cells of a map that moves; ``None`` where that takes no fewer bytes.
        base: Style of empty space.
        label: Style of numbers and row labels.
        cursor: Style of the labels of the cursor.
        note: Style of the text beside the colour bar.
        system: Colours that the terminal shows.
    """

    ramp: Ramp
    encoder: Encoder
    draft: Encoder | None
    base: Style
    label: Style
    cursor: Style
    note: Style
    system: ColorSystem


def label_width(queries: Sequence[str], rows: int) -> int:
    """Cells that the longest row label takes: the tokens of the queries, or their numbers."""
    widest = max((cell_len(token_label(piece, LABEL_WIDTH)) for piece in queries), default=0)
    return max(len(str(rows)), widest)


def map_area(width: int, height: int, labels: int) -> Region:
    """Where in a pane the pixels go: right of labels ``labels`` wide, below the ruler, above the colour bar."""
    left = labels + 1 if width >= _LABELS_NEED else 0
    bar = 1 if height >= _BAR_NEEDS else 0
    return Region(left, 1, max(0, width - left), max(0, height - 1 - bar))


@dataclass(frozen=True)
class MapLines:
    """All that the lines of one frame depend on.

    Attributes:
        width: Cells of the pane.
        area: Where in the pane the pixels go.
        view: The part of the map that shows.
        picture: uint16 [even number of pixel rows, pixel columns]: levels of the pixels, cursor included.
        encoder: Turns them into cells.
        query: Row of the cursor in tokens.
        key: Its column.
        queries: Tokens of the rows; may be fewer.
        keys: Tokens of the columns; may be fewer.
        scale: How numbers became levels.
        pooling: What a pixel shows of the tokens it covers.
        pens: Colours and styles.
    """

    width: int
    area: Region
    view: Viewport
    picture: NDArray[np.uint16]
    encoder: Encoder
    query: int
    key: int
    queries: Sequence[str]
    keys: Sequence[str]
    scale: Scale
    pooling: str
    pens: Pens

    def line(self, y: int) -> Strip:
        """Line ``y`` of the pane."""
        if y == 0:
            return self._ruler()
        if y == self.area.bottom:
            return self._bar()
        if y > self.area.bottom:
            return Strip.blank(self.width, self.pens.base)
        label = self._row_label(y - self.area.y)
        pixel = 2 * (y - self.area.y)
        if pixel >= self.picture.shape[0]:
            return Strip([*label, Segment(" " * self.area.width, self.pens.base)], self.width)
        top, bottom = self.picture[pixel : pixel + 2].tolist()
        return self._cells(label, top, bottom, [Segment(" " * (self.area.width - len(top)), self.pens.base)])

    def _cells(self, before: list[Segment], top: list[int], bottom: list[int], after: list[Segment]) -> Strip:
        """A line of text, half blocks, and text."""
        pens, encoder = self.pens, self.encoder
        texts = [_ansi(segment.style or pens.base, segment.text, pens.system) for segment in (*before, *after)]
        texts.insert(len(before), encoder.line(top, bottom))
        return AnsiStrip("".join(texts), self.width, lambda: [*before, *encoder.segments(top, bottom), *after])

    def _row_label(self, line: int) -> list[Segment]:
        """The label of the query on a line, right-aligned; the cursor's always, others where there is room."""
        if self.area.x == 0:
            return []
        view, width = self.view, self.area.x - 1
        middle = (view.factor - 1) // 2
        text, style = "", self.pens.label
        row = view.top + 2 * line // view.factor
        if (view.pixel(self.query, self.key)[0] + middle) // 2 == line:
            text, style = self._query_name(self.query, width), self.pens.cursor
        elif row >= view.rows:
            pass
        elif view.factor > 1:
            if (view.pixel(row, 0)[0] + middle) // 2 == line:
                text = self._query_name(row, width)
        else:
            # Two rows share a line: numbers at round rows.
            step, first = tick_step(_TICK_PIXELS * view.size), row * view.size
            multiple = -(-first // step) * step
            if multiple < min(first + 2 * view.size, view.queries):
                text = str(multiple)
        return [Segment(pad(text, width, right=True) + " ", style)]

    def _query_name(self, query: int, width: int) -> str:
        return token_label(self.queries[query], width) if query < len(self.queries) else str(query)

    def _ruler(self) -> Strip:
        """Numbers of the keys, and the key under the cursor where it stands."""
        view, width, pens = self.view, self.area.width, self.pens
        step = tick_step(_TICK_PIXELS * view.size / view.factor)
        start = -(-view.left * view.size // step) * step
        ticks = range(start, min(view.right * view.size, view.keys), step)
        labels = [(view.pixel(0, key)[1], str(key)) for key in ticks]
        x = view.pixel(0, self.key)[1] + (view.factor - 1) // 2
        margin = Segment(" " * self.area.x, pens.base)
        if not 0 <= x < width:
            return Strip([margin, Segment(ruler(width, labels), pens.label)], self.width)
        name = " " + token_label(self.keys[self.key], _KEY_WIDTH) if self.key < len(self.keys) else ""
        text = fit(f"▼ {self.key}{name}", width)
        if x + cell_len(text) > width:
            text = fit(f"{self.key}{name}", x - 1) + " ▼" if x > 1 else "▼"
            x -= cell_len(text) - 1
        line = ruler(width, labels, range(x, x + cell_len(text)))
        return Strip(
            [
                margin,
                Segment(line[:x], pens.label),
                Segment(text, pens.cursor),
                Segment(line[x + cell_len(text) :], pens.label),
            ],
            self.width,
        )

    def _bar(self) -> Strip:
        """The colour bar, and what a pixel stands for."""
        scale, size = self.scale, self.view.size
        bar = bar_levels(min(_BAR_WIDTH, max(2, self.area.width // 4)))
        low = pad(short_number(scale.low) + " ", max(self.area.x, len(short_number(scale.low)) + 1), right=True)
        parts = [
            f" {short_number(scale.high)}",
            *([f"pixel: {self.pooling} of {size}×{size}"] if size > 1 else []),
            scale.title,
            self.pens.ramp.name,
        ]
        room = max(0, self.width - len(low) - len(bar))
        return self._cells(
            [Segment(low, self.pens.note)], bar, bar, [Segment(pad(joined(parts, room), room), self.pens.note)]
        )


@lru_cache(maxsize=4096)
def _ansi(style: Style, text: str, system: ColorSystem) -> str:
    return Strip.render_style(style, text, system) if text else ""
