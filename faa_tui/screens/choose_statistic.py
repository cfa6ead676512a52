"""A list of all statistics to colour the heads by."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from faa_core.catalogue import BY_KEY, RUN_KEYS
from faa_tui.screens.dialog import Dialog
from faa_tui.widgets.list_pane import ListPane

_ENTRIES = tuple(BY_KEY[key] for key in RUN_KEYS)


class ChooseStatistic(Dialog[str]):
    """Answers with the key of a statistic.

    Args:
        current: The one that is shown now.
    """

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current

    def compose(self) -> ComposeResult:
        """The list, and the definition of the marked line."""
        width = max(len(entry.title) for entry in _ENTRIES)
        with Vertical(id="choose-box", classes="dialog"):
            yield ListPane(
                *(
                    Option(Content.assemble(f"{entry.title:<{width}}  ", (f"{entry.symbol:<8} {entry.group}", "dim")))
                    for entry in _ENTRIES
                ),
                id="choose-list",
            )
            yield Static(id="choose-definition", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Start at the current one."""
        self.query_one("#choose-box").border_title = Content("Colour the heads by")
        self.query_one("#choose-list", ListPane).highlighted = RUN_KEYS.index(self._current)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what the marked statistic is."""
        event.stop()
        entry = _ENTRIES[event.option_index]
        self.query_one("#choose-definition", Static).update(Content(entry.definition))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer."""
        event.stop()
        self.dismiss(_ENTRIES[event.option_index].key)
