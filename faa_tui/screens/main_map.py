"""How the map of the main screen is looked at: its colours, without the first key, and the boxes that are counted."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray
from textual.content import Content
from textual.message import Message

from faa_core.records import LayerResult
from faa_core.worker.protocol import Fail
from faa_tui.live_keys import with_keys
from faa_tui.messages import BoxKey
from faa_tui.rendering.boxes import CountedBoxes
from faa_tui.rendering.choices import MapColours
from faa_tui.rendering.legend import short_number
from faa_tui.screens.main_heads import MainHeads
from faa_tui.session import Results

KEPT_BYTES = 64 * 1024 * 1024
"""Bytes of boxes that are kept, a byte for each; those used longest ago go first."""

_NO_BOXES = (
    "{boxes.larger} draws the boxes that are counted; {threshold.lower} and {threshold.higher} change their threshold."
)


class MainMap(MainHeads):
    """The main screen as far as its map goes. What is chosen stays while the application lives."""

    class BoxesWanted(Message, namespace="main_screen"):
        """Boxes are to be drawn that are not here; ``None`` where none are wanted any more."""

        def __init__(self, key: BoxKey | None) -> None:
            super().__init__()
            self.key = key

    def __init__(self, colours: MapColours) -> None:
        super().__init__(colours)
        self._box_level: int | None = None
        self._threshold: float = 1.0
        self._boxes: OrderedDict[BoxKey, NDArray[np.bool_]] = OrderedDict()
        self._boxes_on_way: BoxKey | None = None
        self._lit: int | None = None

    # --- colours -------------------------------------------------------------------------------------------------

    def take_colours(self) -> None:
        """Colour map and heads as it is chosen."""
        self._map.scale = self.colours.scale
        self._map.ramp = self._matrix.ramp = self.colours.ramp

    # --- without the first key -----------------------------------------------------------------------------------

    def action_without_first(self) -> None:
        """Leave key 0 out and scale the rows up, or put it back."""
        self.without_first = not self.without_first
        self._draw_position()

    def refuse_without_first(self, fail: Fail) -> None:
        """The map cannot be had without key 0: show it with it, and say why."""
        if self.without_first:
            self.action_without_first()
            self.notify(f"{fail.text} {fail.hint}".strip(), title="Without key 0", severity="warning", markup=False)

    # --- boxes ---------------------------------------------------------------------------------------------------

    def begin(self, results: Results) -> None:
        """Show a new run; boxes of another one are worth nothing."""
        self._boxes.clear()
        super().begin(results)

    def action_boxes(self, step: int) -> None:
        """Draw larger boxes (``step`` 1) or smaller ones (-1); beyond the largest and the smallest, none."""
        result = self._result_shown()
        if result is None:
            return
        levels = len(result.boxes.sizes)
        none = -1 if step > 0 else levels
        level = step + (none if self._box_level is None else min(self._box_level, levels - 1))
        self._box_level = level if 0 <= level < levels else None
        self._draw_boxes()

    def action_threshold(self, step: int) -> None:
        """Count cells above the next higher or lower lift."""
        result = self._result_shown()
        if result is None:
            return
        if self._box_level is None:
            self.notify(with_keys(self.app, _NO_BOXES), markup=False)
            return
        thresholds = result.boxes.thresholds
        index = max(0, min(self._threshold_index(result) + step, len(thresholds) - 1))
        self._threshold = float(thresholds[index])
        self._draw_boxes()

    def put_boxes(self, key: BoxKey, occupied: NDArray[np.bool_]) -> None:
        """The boxes of one head, size and threshold are here."""
        self._boxes[key] = occupied
        while len(self._boxes) > 1 and sum(boxes.nbytes for boxes in self._boxes.values()) > KEPT_BYTES:
            self._boxes.popitem(last=False)
        self._forget_wish(key)
        self._draw_boxes()

    def refuse_boxes(self, key: BoxKey, fail: Fail) -> None:
        """They will not come: say why, and draw none."""
        self._forget_wish(key)
        self._box_level = None
        self._draw_boxes()
        self.notify(f"{fail.text} {fail.hint}".strip(), title="Boxes", severity="warning", markup=False)

    def _forget_wish(self, key: BoxKey) -> None:
        if key == self._boxes_on_way:
            self._boxes_on_way = None

    def _draw_position(self) -> None:
        super()._draw_position()
        self._draw_boxes()

    def _draw_boxes(self) -> None:
        """Draw the chosen boxes, ask for those that are not here, and say how many there are."""
        key, result = self._box_key(), self._result_shown()
        if key is None or result is None or self._map.address is None:
            self._map.draw_boxes(None)
            self._map_pane.foot("")
            self._light(None)
            self._want(None)
            return
        size, threshold = int(result.boxes.sizes[key.level]), float(result.boxes.thresholds[key.threshold])
        occupied = self._boxes.get(key)
        self._light(size if threshold == 1 else None)  # the curve is that of lift 1
        if occupied is None:
            self._map.draw_boxes(None)
            self._map_pane.foot(Content.styled(f"boxes of {size}: counting", "dim"))
            self._want(key)
            return
        self._boxes.move_to_end(key)
        cells = (-(-result.queries // size), -(-result.keys // size))
        if occupied.shape != cells:  # what a stranger sent
            self.refuse_boxes(key, Fail(0, "worker", f"The worker sent {occupied.shape} boxes, not {cells}."))
            return
        boxes = CountedBoxes(size, occupied)
        self._map.draw_boxes(boxes)
        self._tell_boxes(boxes, threshold)

    def _tell_boxes(self, boxes: CountedBoxes, threshold: float) -> None:
        words = f"N({boxes.size}) = {boxes.count:,}  lift > {short_number(threshold)}"
        if self.without_first:
            words += "  key 0 counted"
        self._map_pane.foot(words)

    def _want(self, key: BoxKey | None) -> None:
        if key != self._boxes_on_way:
            self._boxes_on_way = key
            self.post_message(self.BoxesWanted(key))

    def _light(self, size: int | None) -> None:
        """Emphasise the point of this size on the curve."""
        if size != self._lit:
            self._lit = size
            self._curve.light(size)

    def _box_key(self) -> BoxKey | None:
        """What is to be drawn; boxes larger than a map has stay chosen for a longer text."""
        address, result = self.address, self._result_shown()
        if self._box_level is None or address is None or result is None:
            return None
        level = min(self._box_level, len(result.boxes.sizes) - 1)
        return BoxKey(address._replace(without_first=False), level, self._threshold_index(result))

    def _threshold_index(self, result: LayerResult) -> int:
        return int(np.abs(np.log(result.boxes.thresholds) - np.log(self._threshold)).argmin())

    def _result_shown(self) -> LayerResult | None:
        return None if self._results is None else self._results.at(self.position)
