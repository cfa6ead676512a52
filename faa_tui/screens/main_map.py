"""How the map of the main screen is looked at: its colours, without the first key, and the boxes that are counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from textual.content import Content
from textual.message import Message

from faa_core.records import LayerResult
from faa_core.worker.protocol import Fail
from faa_tui.chosen_boxes import ChosenBoxes, in_words
from faa_tui.live_keys import with_keys
from faa_tui.messages import BoxKey
from faa_tui.rendering.choices import MapColours
from faa_tui.screens.main_heads import MainHeads
from faa_tui.session import Results

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
        self._boxes = ChosenBoxes()
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
        self._boxes.forget()
        super().begin(results)

    def action_boxes(self, step: int) -> None:
        """Draw larger boxes (``step`` 1) or smaller ones (-1); beyond the largest and the smallest, none."""
        if (result := self._result_shown()) is not None:
            self._boxes.step(result, step)
            self._draw_boxes()

    def action_threshold(self, step: int) -> None:
        """Count cells above the next higher or lower lift."""
        result = self._result_shown()
        if result is not None and not self._boxes.step_threshold(result, step):
            self.notify(with_keys(self.app, _NO_BOXES), markup=False)
        self._draw_boxes()

    def put_boxes(self, key: BoxKey, occupied: NDArray[np.bool_]) -> None:
        """The boxes of one head, size and threshold are here."""
        self._boxes.put(key, occupied)
        self._forget_wish(key)
        self._draw_boxes()

    def refuse_boxes(self, key: BoxKey, fail: Fail) -> None:
        """They will not come: say why, and draw none."""
        self._forget_wish(key)
        self._boxes.choose_none()
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
        # The curve is that of lift 1.
        self._light(int(result.boxes.sizes[key.level]) if result.boxes.thresholds[key.threshold] == 1 else None)
        boxes = self._boxes.get(key, result)
        if isinstance(boxes, Fail):
            self.refuse_boxes(key, boxes)
            return
        self._map.draw_boxes(boxes)
        words = in_words(boxes, key, result, self.without_first)
        self._map_pane.foot(words if boxes is not None else Content.styled(words, "dim"))
        if boxes is None:
            self._want(key)

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
        """What is to be drawn."""
        address, result = self.address, self._result_shown()
        return None if address is None or result is None else self._boxes.key(address, result)

    def _result_shown(self) -> LayerResult | None:
        return None if self._results is None else self._results.at(self.position)
