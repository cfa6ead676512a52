"""A list with the keys that every pane has."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import OptionList


class ListPane(OptionList, inherit_bindings=False):
    """An option list that is also moved with j, k, g and G."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "cursor_down", "down", show=False, id="list.down", tooltip="Next line"),
        Binding("up,k", "cursor_up", "up", show=False, id="list.up", tooltip="Previous line"),
        Binding("home,g", "first", "first", show=False, id="list.first", tooltip="First line"),
        Binding("end,G", "last", "last", show=False, id="list.last", tooltip="Last line"),
        Binding("pagedown,ctrl+d", "page_down", "page down", show=False, id="list.page_down", tooltip="A page down"),
        Binding("pageup,ctrl+u", "page_up", "page up", show=False, id="list.page_up", tooltip="A page up"),
        Binding("enter,space", "select", "choose", show=False, id="list.choose", tooltip="Choose this line"),
    ]

    def mark(self, index: int | None) -> None:
        """Move the highlight to line ``index`` without telling anybody."""
        if self.highlighted != index:
            with self.prevent(OptionList.OptionHighlighted):
                self.highlighted = index
