"""Letters over everything on the screen that takes keys: one stroke leads to any of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.widget import Widget
from textual.widgets import Static

from faa_tui.live_keys import with_keys
from faa_tui.screens.dialog import Dialog

LETTERS: Final = "asdfjklghweruiotyzxcvnmpbq"
"""The letters, those under the fingers first."""


class JumpScreen(Dialog[Widget]):
    """Answers with the widget whose letter was pressed.

    Args:
        places: The widgets, by the corner of the screen at which each begins.
    """

    def __init__(self, places: Mapping[Offset, Widget]) -> None:
        super().__init__()
        ordered = sorted(places.items(), key=lambda place: (place[0].y, place[0].x))
        self.targets = dict(zip(LETTERS, ordered, strict=False))
        """By letter where it stands, and where it leads."""

    def compose(self) -> ComposeResult:
        """A letter at each place."""
        for letter, (place, _) in self.targets.items():
            label = Static(f" {letter} ", classes="jump--label", markup=False)
            label.styles.offset = place
            yield label
        yield Static(with_keys(self.app, "a letter goes there   {dialog.close} back"), id="jump-hint", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Go to the letter; other keys do nothing."""
        if event.character in self.targets:
            event.stop()
            self.dismiss(self.targets[event.character][1])

    def on_click(self, event: events.Click) -> None:
        """Leave: the mouse goes anywhere without a letter."""
        event.stop()
        self.dismiss(None)

    def on_resize(self, event: events.Resize) -> None:
        """Leave where the window has changed: the letters would stand elsewhere."""
        if any(place.x >= event.size.width or place.y >= event.size.height for place, _ in self.targets.values()):
            self.dismiss(None)
