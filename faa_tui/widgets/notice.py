"""A message that stays until it is dealt with."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from faa_core.worker.protocol import Fail
from faa_tui.rendering.text import visible

LONG = 240
"""Characters from which a message is opened in a dialog at once."""

TITLES = {
    "cancelled": "Cancelled",
    "out-of-memory": "Out of memory",
    "worker": "The worker stopped",
    "text": "The text cannot be analysed",
    "network": "The network cannot be reached",
    "model": "The model cannot be used",
    "no-attention": "The model has no attention",
    "array-file": "The file cannot be read",
    "usage": "The request is wrong",
    "host": "The machine cannot be used",
    "login": "A login is needed",
    "gone": "No longer kept",
    "store": "The file of runs cannot be used",
}


def title_of(fail: Fail) -> str:
    """What kind of fault this is, in words."""
    return TITLES.get(fail.kind, "Something went wrong")


class Notice(Static):
    """The last fault in two lines: what happened, what to do. Worker text is never read as markup."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.display = False
        self.fail: Fail | None = None

    def show(self, fail: Fail, keys: str) -> None:
        """Show ``fail``; ``keys`` says what can be pressed."""
        self.fail = fail
        self.set_class(fail.kind == "cancelled", "-mild")
        self.update(
            Content.assemble(
                (title_of(fail), "bold"),
                f": {visible(fail.text)}\n",
                (f"{visible(fail.hint)} " if fail.hint else ""),
                (keys, "dim"),
            )
        )
        self.display = True

    def hide(self) -> None:
        """Take it away; the fault can still be looked up."""
        self.display = False
