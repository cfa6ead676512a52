"""What all dialogs share."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A box in the middle of the screen that esc closes without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="dialog.close", tooltip="Back without doing anything"),
        Binding("f1", "app.help", "help", show=False, id="dialog.help", tooltip="Keys that work here"),
    ]

    def action_close(self) -> None:
        """Go back without an answer."""
        self.dismiss(None)
