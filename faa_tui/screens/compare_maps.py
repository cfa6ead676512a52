"""How the maps of a comparison are looked at: colours, without the first key, and the boxes that are counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from textual.content import Content
from textual.message import Message

from faa_core.errors import Cancelled
from faa_core.records import LayerResult
from faa_core.worker.protocol import Fail
from faa_tui.chosen_boxes import ChosenBoxes, in_words
from faa_tui.comparing import Comparing
from faa_tui.live_keys import key_of, with_keys
from faa_tui.messages import BoxKey, TileKey
from faa_tui.rendering.attention_map import MapAddress
from faa_tui.rendering.choices import MapColours
from faa_tui.rendering.text import visible
from faa_tui.rendering.tiles import cells_at, overview_level
from faa_tui.screens.compare_layout import CompareLayout

_SEGMENTS = (
    "The models have other tokens of this text. Maps over what they have in common have no view without key 0, and no "
    "boxes are counted on them."
)
_NO_BOXES = (
    "{compare.boxes.larger} draws the boxes that are counted; {compare.threshold.lower} and {compare.threshold.higher} "
    "change their threshold."
)


class CompareMaps(CompareLayout):
    """The comparison as far as its maps go."""

    class BoxesWanted(Message, namespace="compare_screen"):
        """Boxes are to be drawn that are not here; no others are wanted any more."""

        def __init__(self, keys: frozenset[BoxKey]) -> None:
            super().__init__()
            self.keys = keys

    def __init__(self, comparing: Comparing, colours: MapColours) -> None:
        super().__init__(comparing, colours)
        self._boxes = ChosenBoxes()
        self._boxes_on_way: frozenset[BoxKey] = frozenset()

    # --- colours -------------------------------------------------------------------------------------------------

    def take_colours(self) -> None:
        """Colour all maps as it is chosen; the difference has scales of the same names, and a ramp of its own."""
        for heat_map in (*self._maps, self._difference):
            heat_map.scale = self.colours.scale
        for heat_map in self._maps:
            heat_map.ramp = self.colours.ramp

    # --- without the first key -----------------------------------------------------------------------------------

    def _refused(self) -> bool:
        """Whether nothing more can be had of the models, because only what is here was kept; the user is told."""
        if self.comparing.kept:
            key = key_of(self.app, "compare.run")
            said = f"This comparison is shown as it was kept; {key} runs both models again, and then that can be done."
            self.notify(said, title="Kept comparison", markup=False)
        return self.comparing.kept

    def action_without_first(self) -> None:
        """Leave key 0 out of all maps and scale their rows up, or put it back."""
        if self._refused():
            return
        if not self.without_first and self._over_segments():
            return
        self.without_first = not self.without_first
        self._lacking.clear()
        self._draw_pair()

    def _over_segments(self) -> bool:
        """Whether the maps are over common segments, which have no other views; the user is told."""
        over = self.position is not None and self.comparing.is_aligned(self.position.kind)
        if over:
            self.notify(_SEGMENTS, title="Maps over common segments", markup=False)
        return over

    def refuse_without_first(self, run: int, fail: Fail) -> None:
        """The maps of a run cannot be had without key 0, for example of an older worker: say so in their place."""
        self.forget_pending()
        if fail.kind != Cancelled.kind and self.without_first:
            self._lacking[run] = visible(f"No map without key 0. {fail.text} {fail.hint}".strip())
            self._draw_pair()

    # --- boxes ---------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Other models or texts are compared."""
        self._boxes.forget()
        super().begin()

    def action_boxes(self, step: int) -> None:
        """Draw larger boxes (``step`` 1) or smaller ones (-1); beyond the largest and the smallest, none."""
        result = self._result_of(0)
        if result is not None and not self._refused() and not self._over_segments():
            self._boxes.step(result, step)
            self._draw_boxes()

    def action_threshold(self, step: int) -> None:
        """Count cells above the next higher or lower lift."""
        result = self._result_of(0)
        if result is None or self._refused() or self._over_segments():
            return
        if not self._boxes.step_threshold(result, step):
            self.notify(with_keys(self.app, _NO_BOXES), markup=False)
        self._draw_boxes()

    def put_boxes(self, key: BoxKey, occupied: NDArray[np.bool_]) -> None:
        """The boxes of one head are here."""
        self._boxes.put(key, occupied)
        self._boxes_on_way -= {key}
        self._draw_boxes()

    def refuse_boxes(self, key: BoxKey, fail: Fail) -> None:
        """They will not come: say why, and draw none."""
        self._boxes_on_way -= {key}
        self._boxes.choose_none()
        self._draw_boxes()
        self.notify(f"{fail.text} {fail.hint}".strip(), title="Boxes", severity="warning", markup=False)

    def _draw_maps(self) -> None:
        super()._draw_maps()
        self._draw_boxes()

    def _draw_boxes(self) -> None:
        """Draw the chosen boxes on every side, ask for those that are not here, and say how many there are."""
        wanted = set()
        for side, (heat_map, pane) in enumerate(zip(self._maps, self._map_panes, strict=True)):
            address, result = self.address_of(side) if side < len(self.comparing.sides) else None, self._result_of(side)
            plain = address is not None and not self.comparing.kept and not self.comparing.is_aligned(address.kind)
            key = self._boxes.key(address, result) if plain and address is not None and result is not None else None
            if key is None or result is None or address is None:
                heat_map.draw_boxes(None)
                pane.foot("")
                continue
            boxes = self._boxes.get(key, result)
            if isinstance(boxes, Fail):
                self.refuse_boxes(key, boxes)
                return
            heat_map.draw_boxes(boxes)
            words = in_words(boxes, key, result, address.without_first)
            pane.foot(words if boxes is not None else Content.styled(words, "dim"))
            if boxes is None:
                wanted.add(key)
        if wanted != self._boxes_on_way:
            self._boxes_on_way = frozenset(wanted)
            self.post_message(self.BoxesWanted(self._boxes_on_way))

    def _result_of(self, side: int) -> LayerResult | None:
        """The result of the layer whose map a side shows."""
        if side >= len(self.comparing.sides):
            return None
        head, run = self.head_of(side), self.comparing.shown(side)
        return None if head is None or run is None or run.results is None else run.results.at(head)

    # --- what may be looked at next ------------------------------------------------------------------------------

    def missing_overviews(self) -> list[TileKey]:
        """Overviews that are not here of the maps that may be looked at next, the likeliest first.

        These are the neighbours in this layer and the same head of the layers beside it, on every side.
        """
        first, here = self.comparing.shown(0), self.position
        if here is None or first is None or first.results is None or first.results.at(here) is None:
            return []
        heads = range(first.results.layers[here.kind, here.layer].info.heads)
        in_layer = [here._replace(head=head) for head in sorted(heads, key=lambda head: abs(head - here.head))[1:]]
        beside = [first.results.moved(here, layers=step) for step in (1, -1)]
        keys = []
        for position in dict.fromkeys((*in_layer[:2], *beside, *in_layer[2:])):
            for side, state in enumerate(self.comparing.sides):
                head = position if side == 0 else self.comparing.partner(side, position)
                frame = None if head is None else self.comparing.frame(side, head.kind, head.layer)
                if head is None or frame is None or not self.comparing.can_show(side, head.kind) or self.comparing.kept:
                    continue
                address = MapAddress(state.runs[self.comparing.text].number, *head, self.leaves_out_first(head.kind))
                if address.without_first and address.run in self._lacking:
                    continue
                if not self._maps[side].has_overview(address):
                    rows, columns = frame[0].queries, frame[0].keys
                    level = overview_level(rows, columns)
                    corners = (0, cells_at(rows, level), 0, cells_at(columns, level))
                    keys.append(TileKey(address, level, *corners, self.comparing.is_aligned(head.kind)))
        return keys
