"""A dialog with more lines than fit."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from faa_tui.screens.dialog import Dialog


class Reading(Dialog[None]):
    """Something to read: it scrolls, and esc or q closes it. A subclass holds one `VerticalScroll`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "close", "close", show=False, id="reading.close", tooltip="Back"),
        Binding("j,down", "scroll(1)", "down", show=False, id="reading.down", tooltip="Scroll down"),
        Binding("k,up", "scroll(-1)", "up", show=False, id="reading.up", tooltip="Scroll up"),
        Binding("space,pagedown", "page(1)", "page down", show=False, id="reading.page_down", tooltip="A page down"),
        Binding("b,pageup", "page(-1)", "page up", show=False, id="reading.page_up", tooltip="A page up"),
        Binding("g,home", "edge(-1)", "top", show=False, id="reading.top", tooltip="To the top"),
        Binding("G,end", "edge(1)", "end", show=False, id="reading.end", tooltip="To the end"),
    ]

    def on_mount(self) -> None:
        """Take the keys."""
        self.body.focus()

    @property
    def body(self) -> VerticalScroll:
        """What scrolls."""
        return self.query_one(VerticalScroll)

    def action_scroll(self, lines: int) -> None:
        """Move by ``lines`` lines."""
        self.body.scroll_relative(y=lines, animate=False)

    def action_page(self, step: int) -> None:
        """Move by what shows, but for a line."""
        height: int = self.body.size.height
        self.body.scroll_relative(y=step * max(1, height - 1), animate=False)

    def action_edge(self, edge: int) -> None:
        """Go to the top (-1) or to the end (1)."""
        if edge < 0:
            self.body.scroll_home(animate=False)
        else:
            self.body.scroll_end(animate=False)
