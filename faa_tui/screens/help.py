"""The help: drawn from the bindings that are live where it was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Input, Static

from faa_tui.help import Section, numbers
from faa_tui.screens.reading import Reading

Lines = tuple[tuple[str, str], ...]


class HelpScreen(Reading):
    """Keys first, numbers below; a slash shows only lines with what one types.

    Args:
        sections: Keys, grouped.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "close", "close", show=False, id="help.close", tooltip="Back"),
        Binding("slash", "search", "search", key_display="/", id="help.search", tooltip="Show only lines with a word"),
    ]

    def __init__(self, sections: tuple[Section, ...]) -> None:
        super().__init__()
        self._sections = sections
        self._parts: tuple[tuple[str, Lines, int], ...] = (
            *(
                (
                    section.title,
                    tuple((line.keys, line.tooltip or line.description) for line in section.lines),
                    max((len(line.keys) for section in sections for line in section.lines), default=0),
                )
                for section in sections
            ),
            ("What the numbers mean", tuple(numbers()), 26),
        )

    def compose(self) -> ComposeResult:
        """A title and a table for each section."""
        with Vertical(id="help-box", classes="dialog"):
            with VerticalScroll(id="help-scroll"):
                for part, (title, lines, width) in enumerate(self._parts):
                    yield Static(Content(title), classes="label", id=f"help-title-{part}")
                    yield Static(_table(lines, width), id=f"help-lines-{part}")
            yield Input(placeholder="words, such as zoom, entropy, null", id="help-search")
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        box = self.query_one("#help-box")
        box.border_title = Content("Keys that work here, and what the numbers mean")

    def action_search(self) -> None:
        """Open the line that searches."""
        search = self.query_one("#help-search", Input)
        search.add_class("-open")
        search.focus()

    def action_close(self) -> None:
        """Close the line that searches, else the help."""
        search = self.query_one("#help-search", Input)
        if search.has_class("-open"):
            search.value = ""
            search.remove_class("-open")
            self.body.focus()
        else:
            super().action_close()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the lines that have all of the words."""
        event.stop()
        words = event.value.casefold().split()
        for part, (_, lines, width) in enumerate(self._parts):
            found = [line for line in lines if all(word in " ".join(line).casefold() for word in words)]
            self.query_one(f"#help-title-{part}").display = bool(found)
            shown = self.query_one(f"#help-lines-{part}", Static)
            shown.display = bool(found)
            shown.update(_table(found, width))
        self.body.scroll_home(animate=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go back to the lines that were found."""
        event.stop()
        self.body.focus()


def _table(lines: Iterable[tuple[str, str]], width: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=width, style="bold")
    table.add_column(ratio=1)
    for head, text in lines:
        table.add_row(Text(head), Text(text))
    return table
