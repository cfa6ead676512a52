"""Which cells of a map a pane shows, and how large.

A pane is a grid of pixels, as wide as its columns and twice as high as its lines. At life size a token is a pixel;
above it a token is a square of ``factor`` pixels; below it a pixel is a cell of ``size`` x ``size`` tokens. Cells are
made of those of the map's mip-map: of one of them while the mip-map has that size, else of ``size / 2^level`` along a
side of its overview, so that a whole map fills its pane better than powers of two would let it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from faa_tui.rendering.tiles import overview_level

LARGEST: Final = 32
"""Most pixels along the side of one token."""
LARGEST_FIT: Final = 12
"""The same where nobody asked for more: a map of one token need not fill the screen."""
_MARGIN: Final = 2


@dataclass(frozen=True)
class ViewState:
    """How near one looks and at what, whatever the map and the pane: what maps that are looked at together share.

    Attributes:
        size: Cells are ``size`` x ``size`` tokens.
        factor: Pixels along the side of a cell.
        top: First row of cells that shows.
        left: First column of cells that shows.
        fitted: Whether the map follows the size of its pane.
    """

    size: int
    factor: int
    top: int
    left: int
    fitted: bool


@dataclass(frozen=True)
class Viewport:
    """The part of a map that a pane shows.

    Attributes:
        queries: Rows of the map in tokens.
        keys: Columns of the map in tokens.
        height: Pixels of the pane from top to bottom.
        width: Pixels of the pane from left to right.
        size: Cells are ``size`` x ``size`` tokens: a power of two up to the overview's, multiples of that from there.
        factor: Pixels along the side of a cell; 1 unless ``size`` is 1.
        top: First row of cells that shows.
        left: First column of cells that shows.
    """

    queries: int
    keys: int
    height: int
    width: int
    size: int = 1
    factor: int = 1
    top: int = 0
    left: int = 0

    @property
    def overview(self) -> int:
        """Level of the overview of the map."""
        return overview_level(self.queries, self.keys)

    @property
    def level(self) -> int:
        """Level of the mip-map that cells are made from: the coarsest that is not coarser than they are."""
        return min(self.overview, self.size.bit_length() - 1)

    @property
    def rows(self) -> int:
        """Rows of cells of the whole map."""
        return -(-self.queries // self.size)

    @property
    def columns(self) -> int:
        """Columns of cells of the whole map."""
        return -(-self.keys // self.size)

    @property
    def bottom(self) -> int:
        """One past the last row of cells that shows, even in part."""
        return min(self.rows, self.top + -(-self.height // self.factor))

    @property
    def right(self) -> int:
        """One past the last column of cells that shows, even in part."""
        return min(self.columns, self.left + -(-self.width // self.factor))

    @property
    def whole(self) -> bool:
        """Whether all of the map shows."""
        return self.rows * self.factor <= self.height and self.columns * self.factor <= self.width

    def fitted(self) -> Viewport:
        """All of the map, as large as the pane allows."""
        if self.queries <= self.height and self.keys <= self.width:
            factor = min(self.height // self.queries, self.width // self.keys, LARGEST_FIT)
            return replace(self, size=1, factor=factor, top=0, left=0)
        return replace(self, size=self._size_for(self.queries, self.keys), factor=1, top=0, left=0)

    def around(self, query: int, query_stop: int, key: int, key_stop: int) -> Viewport:
        """As near as the pane allows with all of a rectangle of tokens in view, which is put in its middle."""
        factor = min(self.height // max(1, query_stop - query), self.width // max(1, key_stop - key), LARGEST)
        base, farthest, size = 1 << self.overview, self.fitted().size, 1
        if not factor:
            factor, size = 1, self._size_for(query_stop - query, key_stop - key)
            # A rectangle may begin and end within cells, and so touch one more than fits.
            while size < farthest and not (
                -(-query_stop // size) - query // size <= self.height
                and -(-key_stop // size) - key // size <= self.width
            ):
                size = size * 2 if size < base else size + base
        size = min(size, farthest) if factor == 1 else 1
        return replace(
            self,
            size=size,
            factor=factor,
            top=_centred(query // size, -(-query_stop // size), self.height // factor),
            left=_centred(key // size, -(-key_stop // size), self.width // factor),
        ).clamped()

    def _size_for(self, rows: int, columns: int) -> int:
        """Smallest size of cells of one pixel with which so many tokens fit into the pane."""
        need, base = max(-(-rows // self.height), -(-columns // self.width)), 1 << self.overview
        return -(-need // base) * base if need > base else 1 << (need - 1).bit_length()

    def zoomed(self, nearer: bool, query: int, key: int) -> Viewport:
        """One step nearer or farther, the token pair ``(query, key)`` staying where it is if it can."""
        size, factor, base = self.size, self.factor, 1 << self.overview
        if nearer:
            if size > base:
                size = max(base, size * 2 // 3 // base * base)
            elif size > 1:
                size //= 2
            else:
                factor = min(LARGEST, factor + 1 if factor < 4 else factor * 3 // 2)
        elif factor > 1:
            factor = factor - 1 if factor <= 4 else max(4, factor * 2 // 3)
        elif not self.whole:
            size = size * 2 if size < base else size + base * max(1, size // base // 2)
            size = min(size, replace(self, factor=1).fitted().size)
        pixel_y = (query // self.size - self.top) * self.factor
        pixel_x = (key // self.size - self.left) * self.factor
        return replace(
            self,
            size=size,
            factor=factor,
            top=query // size - pixel_y // factor,
            left=key // size - pixel_x // factor,
        ).clamped()

    def looking(self, state: ViewState) -> Viewport:
        """The same pane at the zoom and the place of ``state``, even where that leaves room beyond the map.

        A cell has the same place in panes of a little different size, then, up to the last row and column.
        """
        moved = replace(self, size=state.size, factor=state.factor)
        return replace(moved, top=min(state.top, moved.rows - 1), left=min(state.left, moved.columns - 1))

    def clamped(self) -> Viewport:
        """The nearest view that wastes no room of the pane."""
        # A pane that is smaller than a cell shows a part of one, and never none.
        top = max(0, min(self.top, self.rows - max(1, self.height // self.factor)))
        left = max(0, min(self.left, self.columns - max(1, self.width // self.factor)))
        return replace(self, top=top, left=left)

    def showing(self, query: int, key: int) -> Viewport:
        """The nearest view that shows the cell of the token pair ``(query, key)``, with a little room around it."""
        return replace(
            self,
            top=_scrolled(self.top, query // self.size, self.height // self.factor),
            left=_scrolled(self.left, key // self.size, self.width // self.factor),
        ).clamped()

    def pixel(self, query: int, key: int) -> tuple[int, int]:
        """Pixel row and column, in the pane or beyond it, of the top left corner of the cell of a token pair."""
        return (query // self.size - self.top) * self.factor, (key // self.size - self.left) * self.factor

    def cell(self, y: int, x: int) -> tuple[int, int] | None:
        """Row and column of the cell at a pixel of the pane, or ``None`` beyond the edge of the map."""
        row, column = self.top + y // self.factor, self.left + x // self.factor
        return (row, column) if 0 <= row < self.rows and 0 <= column < self.columns else None


def _centred(first: int, stop: int, room: int) -> int:
    return first - max(0, room - (stop - first)) // 2


def _scrolled(start: int, cell: int, room: int) -> int:
    margin = max(0, min(_MARGIN, (room - 1) // 2))
    return min(max(start, cell + margin + 1 - room), cell - margin)
