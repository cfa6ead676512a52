"""The main screen without a worker: kept runs, of which there are maps in little and no finer ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from faa_core.records import LayerResult
from faa_tui.live_keys import key_of, with_keys
from faa_tui.messages import BoxKey, TileKey
from faa_tui.rendering.attention_map import MapAddress
from faa_tui.rendering.kept_map import KeptMap
from faa_tui.screens.main_offers import MainOffers
from faa_tui.session import Position, Results

if TYPE_CHECKING:
    from faa_core.store import Overview

RUN_AGAIN = "This run is shown as it was kept, without its model; {run} runs it again."
"""Said where something needs the maps of a run; the key is that of the action in braces."""


class MainKept(MainOffers):
    """The main screen as far as it shows what was kept."""

    def begin(self, results: Results) -> None:
        """Show a run: one that was kept, which is complete, or a new one, whose layers follow."""
        if results.little is not None and self.without_first:
            self.without_first = False
        super().begin(results)
        for examination in results.examinations:
            self.put_examination(results.run, examination)

    @property
    def is_kept(self) -> bool:
        """Whether the run on the screen is one that was kept."""
        return self._little is not None

    @property
    def _little(self) -> Mapping[Position, Overview] | None:
        """Its maps in little."""
        return None if self._results is None else self._results.little

    def missing_overviews(self) -> list[TileKey]:
        """Overviews to be fetched for heads that may be looked at next; none where there is nobody to ask."""
        return [] if self.is_kept else super().missing_overviews()

    # --- drawing -------------------------------------------------------------------------------------------------

    def _show_map(self, address: MapAddress, result: LayerResult, queries: Sequence[str], keys: Sequence[str]) -> None:
        if self._little is None:
            super()._show_map(address, result, queries, keys)
            return
        overview = self._little.get(Position(*address[1:4]))
        if overview is None:
            self._map.clear()
            said = with_keys(self.app, "No map of this head was kept: {run} runs again.")
            self._readout.update(Content.styled(said, "dim"))
            return
        self._map.show_kept(KeptMap(address, result, overview.weights, overview.cell), result, queries, keys)
        if not self._placed:
            self._placed = True
            row = 3 * overview.weights.shape[0] // 4
            self._map.move_cursor(row * overview.cell, int(overview.weights[row].argmax()) * overview.cell)

    def _show_row(self, fetch: bool) -> None:
        super()._show_row(fetch and not self.is_kept)

    def _fetch_row(self, key: TileKey) -> None:
        if not self.is_kept:
            super()._fetch_row(key)

    def _draw_boxes(self) -> None:
        super()._draw_boxes()
        if self._little is None or self.position is None or self._result_shown() is None:
            return
        overview, key = self._little.get(self.position), key_of(self.app, "run")
        if overview is None:
            said = f"no map was kept: {key} runs again"
        elif overview.cell == 1:
            said = f"kept to a 255th of its root: {key} for exact weights"
        else:
            said = f"kept in cells of {overview.cell} tokens: {key} for the whole map"
        self._map_pane.foot(Content.styled(said, "$text-warning"))

    # --- what needs a worker -------------------------------------------------------------------------------------

    def _box_key(self) -> BoxKey | None:
        """Boxes to be drawn: those that were chosen before wait for a run that has a worker."""
        return None if self.is_kept else super()._box_key()

    def _refused(self) -> bool:
        """Whether there is no worker to ask, which the user is told."""
        if self.is_kept:
            self.notify(with_keys(self.app, RUN_AGAIN), title="Kept run", markup=False)
        return self.is_kept

    def action_without_first(self) -> None:
        """Leave key 0 out of the map, or put it back."""
        if not self._refused():
            super().action_without_first()

    def action_boxes(self, step: int) -> None:
        """Draw larger boxes or smaller ones."""
        if not self._refused():
            super().action_boxes(step)

    def action_threshold(self, step: int) -> None:
        """Count cells above the next higher or lower lift."""
        if not self._refused():
            super().action_threshold(step)
