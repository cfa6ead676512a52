"""The frame around everything that has a number to jump to."""

from __future__ import annotations

from textual.containers import Vertical
from textual.content import Content


class Pane(Vertical):
    """A bordered box that says which key leads to it, and can fill the screen.

    Args:
        key: Digit that focuses it; "" for none.
        title: What it shows.
        id: Id of the widget.
    """

    ALLOW_MAXIMIZE = True

    def __init__(self, key: str, title: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self.key = key
        self._head = self._foot = Content("")
        self.name_of_pane = title
        self.head(title)

    def head(self, title: str | Content) -> None:
        """Write ``title`` into the border; it is never read as markup."""
        content = title if isinstance(title, Content) else Content(title)
        content = Content.assemble((f"{self.key} ", "dim"), content) if self.key else content
        if content != self._head:  # or the whole box would be drawn again
            self._head = self.border_title = content

    def foot(self, text: str | Content) -> None:
        """Write ``text`` into the lower border."""
        content = text if isinstance(text, Content) else Content(text)
        if content != self._foot:
            self._foot = self.border_subtitle = content
