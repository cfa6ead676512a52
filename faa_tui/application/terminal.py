"""How the application looks on the terminal it is on: its colours, or what stands for them."""

from __future__ import annotations

from collections.abc import Sequence

from textual.filter import LineFilter, Monochrome, NoColor

from faa_tui._compat import set_colour_system
from faa_tui.application.keys import KeysApp
from faa_tui.colour import Display
from faa_tui.rendering.line_filters import OwnColours, ReadableText, XtermColours


class TerminalApp(KeysApp, inherit_bindings=False):
    """An application that keeps to what its terminal can show.

    Before `show_on` it goes by what Textual finds out, as in tests without a terminal.
    """

    def __init__(self) -> None:
        super().__init__()
        self._fitting: tuple[LineFilter, ...] = (ReadableText(),)
        self._told = False

    def show_on(self, display: Display) -> None:
        """Draw for a terminal; call it before the application runs.

        Args:
            display: What the terminal can show.
        """
        self._told = True
        few = display.colours in ("16", "none")
        self.only_ascii = display.ascii
        # With sixteen colours too: maps are drawn in glyphs there, and so are the heads.
        self.no_color = few
        set_colour_system(self.console, display.colours)
        if few:
            self._fitting = (OwnColours(hues=display.colours == "16"),)
        elif display.colours == "256":
            self._fitting = (ReadableText(in_256=True), XtermColours())
        else:
            self._fitting = (ReadableText(),)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own filters, but no greys where it is known what to draw for; then those of the terminal."""
        own = super().get_line_filters()
        if self._told:
            own = [one for one in own if not isinstance(one, Monochrome | NoColor)]
        return [*own, *self._fitting]
