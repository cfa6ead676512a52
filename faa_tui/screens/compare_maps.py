"""How the maps of a comparison are looked at: their colours, and whether the first key is left out."""

from __future__ import annotations

from faa_core.errors import Cancelled
from faa_core.worker.protocol import Fail
from faa_tui.live_keys import key_of
from faa_tui.messages import TileKey
from faa_tui.rendering.attention_map import MapAddress
from faa_tui.rendering.text import visible
from faa_tui.rendering.tiles import cells_at, overview_level
from faa_tui.screens.compare_layout import CompareLayout

_SEGMENTS = "The models have other tokens of this text: maps over what they have in common have no view without key 0."


class CompareMaps(CompareLayout):
    """The comparison as far as its maps go."""

    def take_colours(self) -> None:
        """Colour all maps as it is chosen; the difference has scales of the same names, and a ramp of its own."""
        for heat_map in (*self._maps, self._difference):
            heat_map.scale = self.colours.scale
        for heat_map in self._maps:
            heat_map.ramp = self.colours.ramp

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
        if not self.without_first and self.position is not None and self.comparing.is_aligned(self.position.kind):
            self.notify(_SEGMENTS, title="Without key 0", markup=False)
            return
        self.without_first = not self.without_first
        self._lacking.clear()
        self._draw_pair()

    def refuse_without_first(self, run: int, fail: Fail) -> None:
        """The maps of a run cannot be had without key 0, for example of an older worker: say so in their place."""
        self.forget_pending()
        if fail.kind != Cancelled.kind and self.without_first:
            self._lacking[run] = visible(f"No map without key 0. {fail.text} {fail.hint}".strip())
            self._draw_pair()

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
