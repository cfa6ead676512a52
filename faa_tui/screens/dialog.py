"""What all dialogs share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import ModalScreen

from faa_tui.rendering.line_filters import ReadableText

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A box in the middle of the screen that esc closes without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="dialog.close", tooltip="Back without doing anything"),
        Binding("f1", "app.help", "help", show=False, id="dialog.help", tooltip="Keys that work here"),
    ]

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Those of the application, but what is behind the box may stay as faint as the screen makes it."""
        return [one for one in super().get_line_filters() if not isinstance(one, ReadableText)]

    def action_close(self) -> None:
        """Go back without an answer."""
        self.dismiss(None)
