"""A list of all that can be copied or written to a file from here."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

from faa_tui.copying import Copy, Offer
from faa_tui.rendering.text import fit
from faa_tui.screens.dialog import Dialog
from faa_tui.widgets.list_pane import ListPane


class CopyScreen(Dialog[Offer]):
    """Answers with what was chosen.

    Args:
        offers: What there is, the obvious first.
        pane: Name of the pane that it is offered for.
    """

    def __init__(self, offers: Sequence[Offer], pane: str) -> None:
        super().__init__()
        self._offers = tuple(offers)
        self._pane = pane

    def compose(self) -> ComposeResult:
        """A line for each, what goes to the clipboard apart from what goes into a file."""
        with Vertical(id="copy-box", classes="dialog"):
            yield ListPane(id="copy-list")
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        self.query_one("#copy-box").border_title = Content(f"Copy or export: {self._pane}")
        self._fill()

    def on_resize(self) -> None:
        """Cut the words anew."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        chosen = self.query_one("#copy-list", ListPane)
        width = max((len(offer.name) for offer in self._offers), default=0)
        room = max(20, chosen.scrollable_content_region.width - width - 8)
        marked = chosen.highlighted
        chosen.set_options(
            Option(
                Content.assemble(
                    ("copy  " if isinstance(offer, Copy) else "file  ", "dim"),
                    f"{offer.name:<{width}}  ",
                    (fit(offer.about, room), "dim"),
                )
            )
            for offer in self._offers
        )
        chosen.highlighted = marked or 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer."""
        event.stop()
        self.dismiss(self._offers[event.option_index])
