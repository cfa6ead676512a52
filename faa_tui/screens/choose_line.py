"""A dialog with a few lines to choose from, and what is to be known before one does."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Static
from textual.widgets.option_list import Option

from faa_tui.rendering.text import visible
from faa_tui.screens.dialog import Dialog
from faa_tui.widgets.list_pane import ListPane


class ChooseLine(Dialog[str]):
    """Answers with the line that was chosen.

    Args:
        title: What is chosen, in the border.
        choices: Answer, name and meaning of each line; the first is marked.
        said: What is to be known; never read as markup.
    """

    def __init__(self, title: str, choices: Sequence[tuple[str, str, str]], said: str) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._said = said

    def compose(self) -> ComposeResult:
        """What is to be known, and the lines below it."""
        width = max(len(name) for _, name, _ in self._choices)
        with Vertical(id="line-box", classes="dialog"):
            yield Static(Content(visible(self._said)), classes="said")
            yield ListPane(
                *(
                    Option(Content.assemble(f"{name:<{width}}  ", (meaning, "dim")), id=answer)
                    for answer, name, meaning in self._choices
                ),
                id="line-list",
            )
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        self.query_one("#line-box").border_title = Content(self._title)

    def on_option_list_option_selected(self, event: ListPane.OptionSelected) -> None:
        """Answer."""
        event.stop()
        self.dismiss(event.option.id)
