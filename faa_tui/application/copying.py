"""The application's clipboard: what was chosen is made, put where it can be pasted from, and a toast says which way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from textual import work

from faa_core.report import Chosen, HeadMap
from faa_tui import clipboard, messages
from faa_tui._compat import write_raw
from faa_tui.application.reports import ReportsApp
from faa_tui.copying import Copy, Offer
from faa_tui.head_address import numbered
from faa_tui.messages import TileKey
from faa_tui.rendering.text import visible
from faa_tui.screens.main import MainScreen
from faa_tui.session import Order, Results

if TYPE_CHECKING:
    from faa_tui.screens.compare import CompareScreen

_TITLE = "Copy"
_MAP = "Map"


class CopyingApp(ReportsApp, inherit_bindings=False):
    """Copies what is on the screen, and writes one map to a file."""

    _shown_order: Order | None = None
    _pictured: tuple[TileKey, Results, Chosen] | None = None

    @property
    def base_screen(self) -> MainScreen | CompareScreen:
        """The screen below all dialogs."""
        desk = self.desk
        return self.main if desk is None or desk.screen not in self.screen_stack else desk.screen

    def on_run_started(self, message: messages.RunStarted) -> None:
        """Note how the run on the screen was asked for; the next may fail. Textual calls the other methods, too."""
        if message.run == self.run_number:
            self._shown_order = self.order

    def _offers(self) -> tuple[Offer, ...]:
        screen = self.base_screen
        return screen.offers(self._shown_order or self.order) if isinstance(screen, MainScreen) else screen.offers()

    # --- the clipboard -------------------------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy the obvious thing of the focused pane."""
        first = self._offers()[0]
        if isinstance(first, Copy):
            self._copy(first)
        else:
            self.notify("There is nothing to copy in this pane yet.", title=_TITLE, markup=False)

    def action_copy_list(self) -> None:
        """Ask what is to be copied or written to a file."""
        from faa_tui.screens.copy import CopyScreen

        async def answered(offer: Offer | None) -> None:
            if isinstance(offer, Copy):
                self._copy(offer)
            elif offer is not None:
                await self.run_action(offer.action, self)

        self.push_screen(CopyScreen(self._offers(), self.base_screen.pane_name), answered)

    def _copy(self, offer: Copy) -> None:
        text = offer.text()
        if not text:
            self.notify(f"There is nothing in it: {visible(offer.about)}.", title=_TITLE, markup=False)
            return
        self._hand_over(offer, text)

    @work(group="copy", description="", exit_on_error=False)
    async def _hand_over(self, offer: Copy, text: str) -> None:
        try:
            way = await clipboard.copy(text, self.copy_to_clipboard, lambda sequence: write_raw(self, sequence))
        except OSError as error:
            said = f"{clipboard.file()} cannot be written: {error.strerror}."
            self.notify(visible(said), title=_TITLE, severity="error", markup=False, timeout=15)
            return
        name = offer.name[:1].upper() + offer.name[1:]
        amount = f"{len(text)} character{'' if len(text) == 1 else 's'}"
        self.notify(visible(f"{name}: {amount}, {way}."), title=_TITLE, markup=False)

    # --- one map as a file ---------------------------------------------------------------------------------------

    def action_map_picture(self) -> None:
        """Write the map that is looked at as an SVG, once all of it is here."""
        results, position = self.main.results, self.main.position
        layer = None if results is None else results.at(position)
        if results is None or position is None or layer is None:
            self.notify("There is no map to write yet.", title=_MAP, markup=False)
            return
        chosen = Chosen(layer, position.head, "")
        key = self._key(results.run, chosen)
        self._pictured = (key, results, chosen)
        self.fleet.fetch(key)

    def on_tile_arrived(self, message: messages.TileArrived) -> None:
        """Write the map that was waited for. Textual calls the other methods, too."""
        if self._pictured is None or message.key != self._pictured[0]:
            return
        (key, results, chosen), self._pictured = self._pictured, None
        order = self._shown_order or self.order
        reference, place = order.reference, numbered(*key.address[1:4])
        head = HeadMap(*key.address[1:4], np.asarray(message.block, np.float32), 1 << key.level)

        def make() -> bytes:
            from faa_core.report.map_file import map_svg
            from faa_core.report.pictures import pictures

            picture = pictures(results.analysis(reference, order.text), [chosen], [head])[chosen.name]
            label = chosen.layer.labels[chosen.head].name
            return map_svg(picture, visible(f"{reference}  head {place}  {label}")).encode()

        self._write_file(_MAP, make, [reference, place], ".svg")

    def on_tile_failed(self, message: messages.TileFailed) -> None:
        """Say that the map will not come. Textual calls the other methods, too."""
        if self._pictured is not None and message.key == self._pictured[0]:
            self._pictured = None
            said = visible(f"{message.fail.text} {message.fail.hint}".strip())
            self.notify(said, title=_MAP, severity="error", markup=False, timeout=15)
