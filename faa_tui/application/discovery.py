"""What helps to find one's way: the tour, explanations, keys and colours of the user's own, and the mouse."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from textual.binding import Keymap

from faa_core import configuration
from faa_core.errors import FaaError, UsageError
from faa_tui import keymap, paths, preferences, state_file
from faa_tui._compat import take_mouse
from faa_tui.application.copying import CopyingApp
from faa_tui.live_keys import key_of, with_keys
from faa_tui.screens.paned import PanedScreen

_TITLE: Final = "Configuration"


class DiscoveryApp(CopyingApp, inherit_bindings=False):
    """Says what is what, and follows the user's configuration."""

    takes_mouse = True
    """Whether the mouse is the application's, and not the terminal's."""
    newcomer = False
    """Whether the tour is for this start."""

    def on_mount(self) -> None:
        """Follow the configuration. One that cannot be read at all is told where its machines are listed."""
        try:
            config = configuration.load()
        except FaaError:
            return
        for follow in (self._follow_keys, self._follow_theme, self._follow_screen):
            try:
                follow(config)
            except UsageError as error:
                self.notify(str(error), title=_TITLE, severity="error", markup=False, timeout=15)

    def set_keymap(self, keymap: Keymap) -> None:
        """Use other keys: what names a key on the screen names those."""
        super().set_keymap(keymap)
        for screen in self.screen_stack:
            if isinstance(screen, PanedScreen):
                screen.tell_keys()

    def _follow_keys(self, config: configuration.Config) -> None:
        if config.keys:
            self.set_keymap(keymap.checked(config.keys, configuration.path()))

    def _follow_theme(self, config: configuration.Config) -> None:
        if config.theme:
            self.theme = preferences.checked_theme(config.theme, configuration.path())

    def _follow_screen(self, config: configuration.Config) -> None:
        if not config.screen.mouse and self.takes_mouse and take_mouse(self, taken=False):
            self.takes_mouse = False

    # --- the mouse -----------------------------------------------------------------------------------------------

    def action_mouse(self) -> None:
        """Leave the mouse to the terminal, or take it again."""
        if not take_mouse(self, not self.takes_mouse):
            self.notify("The mouse cannot be left to this terminal.", title="Mouse", markup=False)
            return
        self.takes_mouse = not self.takes_mouse
        key = key_of(self, "mouse")
        self.notify(
            f"The mouse points and clicks here again; {key} leaves it to the terminal."
            if self.takes_mouse
            else f"The mouse is the terminal's: it selects text as in any program. {key} takes it back.",
            title="Mouse",
            markup=False,
        )

    # --- explanations --------------------------------------------------------------------------------------------

    def action_explain(self) -> None:
        """Explain the number that is marked in the focused pane."""
        from faa_tui.screens.explain import ExplainScreen

        self.push_screen(ExplainScreen(self.base_screen.explained()))

    # --- the tour ------------------------------------------------------------------------------------------------

    def welcome(self) -> None:
        """Begin the tour where this is somebody's first start."""
        if self.newcomer and not self.is_headless and not _tour_taken().exists():
            self.action_tour()

    def action_tour(self) -> None:
        """Say what is where; the tour does not come by itself again."""
        from faa_tui.screens.tour import STEPS, TourScreen

        while self.screen_stack and self.screen is not self.main:
            self.pop_screen()
        texts = [with_keys(self, step.text) for step in STEPS]
        self.push_screen(TourScreen(self.main, texts), lambda _: state_file.write(_tour_taken(), b""))


def _tour_taken() -> Path:
    """A file that is there once the tour was left."""
    return paths.state() / "tour-taken"
