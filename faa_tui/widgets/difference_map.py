"""Where two heads attend differently: the map of one minus that of another, in two directions of colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.reactive import reactive

from faa_tui.rendering.attention_map import AttentionMap, MapAddress, MapShape, Reading
from faa_tui.rendering.difference import DifferenceOfMaps, DifferenceReading
from faa_tui.rendering.kept_map import KeptMap
from faa_tui.rendering.ramps import RampName
from faa_tui.rendering.scales import DIFFERENCE_SCALES, Scale, ScaleName
from faa_tui.widgets.map_canvas import MapCanvas


class DifferenceMap(MapCanvas):
    """The map of one head minus that of another of the same size; the middle of the ramp is no difference.

    Below life size a pixel is the difference of the largest weights in a square of tokens. With the scale ``lift`` it
    is the ratio of the lifts.
    """

    HELP = "The other side minus the first: orange where it attends more, blue where it attends less."
    SCALES: ClassVar[Mapping[ScaleName, Scale]] = DIFFERENCE_SCALES

    ramp: reactive[RampName] = reactive[RampName]("diverging")
    """Colours of the map."""

    class CursorMoved(MapCanvas.CursorMoved):
        """The cursor is on another cell, or a value of its cell has become known.

        Attributes:
            weight: Weight of the other side minus that of the first; NaN where one of them is not known.
            lift: The same of the lifts.
            exact: Whether the numbers belong to exactly this pair; if not, the largest of the cell are compared.
            a: What is known on the first side.
            b: What is known on the other side.
        """

        def __init__(self, heat_map: MapCanvas, query: int, key: int, reading: DifferenceReading) -> None:
            super().__init__(heat_map, query, key, reading)
            self.a = reading.a
            self.b = reading.b

    @property
    def reading(self) -> DifferenceReading | None:
        """What is known about the pair under the cursor on both sides; ``None`` where nothing shows."""
        reading = super().reading
        return reading if isinstance(reading, DifferenceReading) else None

    def show(
        self,
        first: MapAddress,
        first_shape: MapShape,
        other: MapAddress,
        other_shape: MapShape,
        queries: Sequence[str],
        keys: Sequence[str],
    ) -> None:
        """Show another difference. Cursor and view stay where they are if it has the same size.

        Args:
            first: Map that is subtracted.
            first_shape: Its size and support.
            other: Map that it is subtracted from.
            other_shape: Its support, and the same size.
            queries: Text of each row; fewer than rows where there are no tokens.
            keys: Text of each column.

        Raises:
            ValueError: The two have not the same size.
        """
        sizes = [(shape.queries, shape.keys) for shape in (first_shape, other_shape)]
        if sizes[0] != sizes[1]:
            raise ValueError(f"maps of {sizes[0]} and {sizes[1]} have no difference")
        maps = (AttentionMap(first, first_shape, self._cache), AttentionMap(other, other_shape, self._cache))
        self._show_source(DifferenceOfMaps(*maps), first_shape, queries, keys)

    def show_kept(
        self, first: KeptMap, other: KeptMap, shape: MapShape, queries: Sequence[str], keys: Sequence[str]
    ) -> None:
        """Show the difference of two maps of the same size that were kept in little, in cells of the same size.

        Args:
            first: Map that is subtracted.
            other: Map that it is subtracted from.
            shape: Size and support of the first, in tokens.
            queries: Text of each row.
            keys: Text of each column.
        """
        self._show_source(DifferenceOfMaps(first, other), shape, queries, keys)

    def _cursor_message(self, reading: Reading) -> MapCanvas.CursorMoved:
        assert isinstance(reading, DifferenceReading)
        return self.CursorMoved(self, *self.cursor, reading)
