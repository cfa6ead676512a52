"""One head's attention as a heat map: queries down, keys across, a cursor that reads weights."""

from __future__ import annotations

from collections.abc import Sequence

from faa_core.records import MapKind
from faa_tui.rendering.attention_map import AttentionMap, MapAddress, MapShape
from faa_tui.rendering.boxes import CountedBoxes
from faa_tui.rendering.kept_map import KeptMap
from faa_tui.rendering.tiles import CACHE_BYTES, TileCache, cells_at, overview_level
from faa_tui.widgets.map_canvas import MapCanvas

__all__ = ("CACHE_BYTES", "HeatMap", "MapAddress")


class HeatMap(MapCanvas):
    """Heat map of the attention of one head; below life size a pixel is the largest weight of a square of tokens."""

    HELP = "Rows are queries, columns are keys. The cursor reads out query, key, weight and lift."

    def __init__(
        self,
        *,
        cache: TileCache | None = None,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
        disabled: bool = False,
    ) -> None:
        """Make an empty heat map.

        Args:
            cache: Blocks that are here, which several maps may share; one of its own if not given.
            name: Name of the widget.
            id: Id of the widget.
            classes: Its classes.
            disabled: Whether it takes no input.
        """
        super().__init__(cache=cache, name=name, id=id, classes=classes, disabled=disabled)
        self._shapes: dict[tuple[int, MapKind], tuple[int, int]] = {}

    @property
    def address(self) -> MapAddress | None:
        """The map that shows, if any."""
        return self.addresses[0] if self.addresses else None

    def show(self, address: MapAddress, shape: MapShape, queries: Sequence[str], keys: Sequence[str]) -> None:
        """Show another map. Cursor and view stay where they are if it has the same size.

        Args:
            address: Which map.
            shape: Its size and support, for example the result of its layer.
            queries: Text of each row; fewer than rows where there are no tokens, as in a file of attention.
            keys: Text of each column.
        """
        self._shapes[address.run, address.kind] = (shape.queries, shape.keys)
        self._show_source(AttentionMap(address, shape, self._cache), shape, queries, keys)

    def show_kept(self, kept: KeptMap, shape: MapShape, queries: Sequence[str], keys: Sequence[str]) -> None:
        """Show a map that was kept in little; nobody is asked for finer cells.

        Args:
            kept: It.
            shape: Its size and support, in tokens.
            queries: Text of each row.
            keys: Text of each column.
        """
        self._show_source(kept, shape, queries, keys)

    def draw_boxes(self, boxes: CountedBoxes | None) -> None:
        """Draw boxes on the map until another one shows; ``None`` for none. They must cover it."""
        if boxes is not self._boxes:
            self._boxes = boxes
            self._view_changed()

    def has_overview(self, address: MapAddress) -> bool:
        """Whether the whole of a map is here at the level of its overview, so that it draws at once.

        The size of a map is known once a map of the same run and kind was shown.
        """
        shape = self._shapes.get((address.run, address.kind))
        if shape is None:
            return False
        level = overview_level(*shape)
        return not self._cache.missing(address, level, 0, cells_at(shape[0], level), 0, cells_at(shape[1], level))
