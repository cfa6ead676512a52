"""The one place that leans on private parts of Textual, checked against Textual 8.2.8."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.segment import Segment
from textual.color import Color
from textual.filter import ANSIToTruecolor, LineFilter
from textual.strip import Strip


class AnsiStrip(Strip):
    """A strip whose terminal bytes are known already; its segments are made only when something asks for them.

    Textual styles every segment by itself, which for a heat map costs some 40 bytes and several objects a cell. A
    widget that overrides ``render_lines`` and returns these strips reaches the terminal with its own bytes instead.
    The segments are still there for what needs them: screenshots, cropping under an overlay, tests.

    Args:
        ansi: Terminal bytes. They begin and end with default attributes.
        width: Width in cells.
        make: Makes the same line as segments.
    """

    # Strip stores its segments in the slot `_segments`, which all of its methods read; this shadows it.
    __slots__ = ("_ansi", "_lazy", "_make")

    def __init__(self, ansi: str, width: int, make: Callable[[], list[Segment]]) -> None:
        super().__init__((), width)
        self._ansi = ansi
        self._make = make
        self._lazy: list[Segment] | None = None

    @property
    def _segments(self) -> list[Segment]:
        if self._lazy is None:
            self._lazy = self._make()
        return self._lazy

    @_segments.setter
    def _segments(self, value: list[Segment]) -> None:
        """Take the empty list that the constructor of `Strip` assigns, and forget it."""

    def __bool__(self) -> bool:
        return True

    @property
    def ansi(self) -> str:
        """Terminal bytes of the whole line."""
        return self._ansi

    def render(self, console: Console) -> str:
        """Terminal bytes, whatever the console: the encoder has chosen its colours already."""
        return self._ansi

    def apply_filter(self, filter: LineFilter, background: Color) -> Strip:
        """Skip the conversion of named colours, since there are none; let every other filter see segments."""
        return self if isinstance(filter, ANSIToTruecolor) else super().apply_filter(filter, background)
