"""What is to be known about a comparison beside its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from faa_tui.rendering.text import visible
from faa_tui.screens.dialog import Dialog


class Remarks(Dialog[None]):
    """Lists warnings and notes.

    Args:
        warnings: Where the two sides differ in ways that may cause a difference by themselves.
        notes: What else the reader should know.
    """

    def __init__(self, warnings: Sequence[str], notes: Sequence[str]) -> None:
        super().__init__()
        self._warnings, self._notes = tuple(warnings), tuple(notes)

    def compose(self) -> ComposeResult:
        """Warnings first."""
        lines = [Content.assemble(("! ", "$text-warning"), visible(text)) for text in self._warnings]
        lines += [Content(f"- {visible(text)}") for text in self._notes]
        lines = lines or [Content("There is nothing to remark yet.")]
        with Vertical(id="remarks-box", classes="dialog"), VerticalScroll(id="remarks-body"):
            yield Static(Content("\n").join(lines), markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        self.query_one("#remarks-box").border_title = Content("Remarks on this comparison")
        self.query_one("#remarks-body").focus()
