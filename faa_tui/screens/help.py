"""The help: drawn from the bindings that are live where it was asked for."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from faa_tui.help import Section, numbers
from faa_tui.screens.dialog import Dialog


class HelpScreen(Dialog[None]):
    """Keys first, numbers below.

    Args:
        sections: Keys, grouped.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,q", "close", "close", show=False, id="help.close", tooltip="Back"),
        Binding("j,down", "scroll(1)", "down", show=False, id="help.down", tooltip="Scroll down"),
        Binding("k,up", "scroll(-1)", "up", show=False, id="help.up", tooltip="Scroll up"),
    ]

    def __init__(self, sections: tuple[Section, ...]) -> None:
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        """One table for each section."""
        width = max((len(line.keys) for section in self._sections for line in section.lines), default=0)
        with Vertical(id="help-box", classes="dialog"), VerticalScroll(id="help-scroll"):
            for section in self._sections:
                yield Static(Content(section.title), classes="label")
                yield Static(_table([(line.keys, line.tooltip or line.description) for line in section.lines], width))
            yield Static("What the numbers mean", classes="label")
            yield Static(_table(list(numbers()), 26))
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        box = self.query_one("#help-box")
        box.border_title = Content("Keys that work here, and what the numbers mean")
        self.query_one("#help-scroll").focus()

    def action_scroll(self, lines: int) -> None:
        """Move by ``lines`` lines."""
        self.query_one("#help-scroll").scroll_relative(y=lines, animate=False)


def _table(lines: list[tuple[str, str]], width: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=width, style="bold")
    table.add_column(ratio=1)
    for head, text in lines:
        table.add_row(Text(head), Text(text))
    return table
