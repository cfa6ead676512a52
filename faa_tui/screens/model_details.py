"""What one model is and takes, before it is loaded."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Static

from faa_core.inventory import ModelDetails
from faa_core.worker.protocol import Fail
from faa_tui.live_keys import key_of
from faa_tui.messages import DetailsWanted, PathsWanted
from faa_tui.rendering.text import visible
from faa_tui.screens.model_dialog import ModelDialog, fault, in_place_of_details


class ModelDetailsScreen(ModelDialog):
    """Shows them, and answers with the reference where it is to be opened.

    Args:
        reference: The model.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="details.open", tooltip="Open this model"),
        Binding("ctrl+l", "look_up", "ask the hub", id="details.look_up", tooltip="Ask the hub about this model"),
    ]

    def __init__(self, reference: str) -> None:
        super().__init__()
        self._reference = reference

    def compose(self) -> ComposeResult:
        """The details."""
        with Vertical(id="details-box", classes="dialog"):
            yield Static(Content.styled("Reading its settings ...", "dim"), id="details")
        yield Footer()

    def on_mount(self) -> None:
        """Ask for them."""
        self.query_one("#details-box").border_title = Content(visible(self._reference))
        self.post_message(DetailsWanted(self._reference))

    def hear_details(self, wanted: DetailsWanted, details: ModelDetails | None) -> None:
        """Show them."""
        self.query_one("#details", Static).update(
            in_place_of_details(wanted, details, key_of(self.app, "details.look_up"))
        )

    def hear_fault(self, wanted: DetailsWanted | PathsWanted | str, fail: Fail) -> None:
        """Say why there are none."""
        self.query_one("#details", Static).update(fault(fail))

    def action_open(self) -> None:
        """Open the model."""
        self.dismiss(self._reference)

    def action_look_up(self) -> None:
        """Ask the hub."""
        self.query_one("#details", Static).update(Content.styled("Asking the hub ...", "dim"))
        self.post_message(DetailsWanted(self._reference, ask_hub=True))
