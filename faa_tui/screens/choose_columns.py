"""Where the columns of the table of heads are chosen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

from faa_tui.rendering.head_rows import column_symbol, column_titles
from faa_tui.screens.dialog import Dialog
from faa_tui.widgets.list_pane import ListPane


class _CheckList(ListPane):
    """A list of which the space bar takes lines in and out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "screen.accept", "show these", id="columns.accept", tooltip="Show the columns that are ticked"
        ),
        Binding("space", "select", "tick", id="columns.toggle", tooltip="Show this column, or hide it"),
        Binding("a", "screen.all", "all or none", id="columns.all", tooltip="Tick every column, or none"),
    ]


class ChooseColumns(Dialog[frozenset[str]]):
    """Answers with the keys of the columns to be shown; they keep the order of the table.

    Args:
        chosen: Those that are shown now; ``None`` for all.
    """

    def __init__(self, chosen: frozenset[str] | None) -> None:
        super().__init__()
        self._titles = column_titles()
        self._chosen = set(self._titles if chosen is None else chosen)

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(id="choose-box", classes="dialog"):
            yield _CheckList(*(Option(self._line(key)) for key in self._titles), id="columns-list")
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        self.query_one("#choose-box").border_title = Content("Columns of the table of heads")
        self.query_one("#columns-list", ListPane).mark(0)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tick the line, or take its tick away."""
        event.stop()
        key = list(self._titles)[event.option_index]
        self._chosen ^= {key}
        self._draw(event.option_index, key)

    def action_all(self) -> None:
        """Tick every line; none where all are."""
        self._chosen = set() if len(self._chosen) == len(self._titles) else set(self._titles)
        for index, key in enumerate(self._titles):
            self._draw(index, key)

    def action_accept(self) -> None:
        """Answer; nothing ticked stands for all."""
        self.dismiss(frozenset(self._chosen or self._titles))

    def _draw(self, index: int, key: str) -> None:
        self.query_one("#columns-list", ListPane).replace_option_prompt_at_index(index, self._line(key))

    def _line(self, key: str) -> Content:
        tick = "[x]" if key in self._chosen else "[ ]"
        return Content.assemble(f"{tick} {column_symbol(key):<9}", (self._titles[key], "dim"))
