"""What the dialogs share in which a line is typed, and a list below it says what it could become."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from faa_tui.screens.dialog import Answer, Dialog
from faa_tui.widgets.list_pane import ListPane


class LineOverList(Dialog[Answer]):
    """The line has the keys all the time; the arrow keys mark lines of the list.

    Nothing is marked at first, and enter takes what is typed, so that a name is never taken for another one that it is
    a part of.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", id="line.complete", tooltip="Complete the name", priority=True),
        Binding("down", "move(1)", "down", show=False, id="line.down", tooltip="Next line", priority=True),
        Binding("up", "move(-1)", "up", show=False, id="line.up", tooltip="Line before", priority=True),
        Binding("pagedown", "move(10)", "page down", show=False, id="line.page_down", tooltip="Ten on", priority=True),
        Binding("pageup", "move(-10)", "page up", show=False, id="line.page_up", tooltip="Ten back", priority=True),
    ]

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-tall")]  # noqa: RUF012

    LINE: ClassVar[str]
    """Selector of the line."""
    MESSAGE: ClassVar[str]
    """Selector of what is said about it."""
    LIST: ClassVar[str]
    """Selector of the list."""

    @property
    def line(self) -> Input:
        """The line to type in."""
        return self.query_one(self.LINE, Input)

    @property
    def list(self) -> ListPane:
        """What can be chosen."""
        return self.query_one(self.LIST, ListPane)

    def tell(self, text: Content | str) -> None:
        """Say something about the line, in place of what was said before."""
        self.query_one(self.MESSAGE, Static).update(text)

    def write(self, typed: str) -> None:
        """Put ``typed`` into the line, the cursor behind it."""
        self.line.value = typed
        self.line.cursor_position = len(typed)

    @abstractmethod
    def take(self, typed: str) -> None:
        """Answer with what is typed, or say why not."""

    @abstractmethod
    def choose(self, index: int) -> None:
        """Take line ``index`` of the list, or go on with it."""

    @abstractmethod
    def completed(self) -> str:
        """What is typed, and all that the lines of the list have in common behind it."""

    def marked_another(self) -> None:
        """Another line is marked now, or none."""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the marked line, or what is typed."""
        event.stop()
        marked = self.list.highlighted
        if marked is None:
            self.take(event.value.strip())
        else:
            self.choose(marked)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the line that was clicked."""
        event.stop()
        self.choose(event.option_index)

    def action_complete(self) -> None:
        """Write all that the lines have in common behind what is typed."""
        self.write(self.completed())

    def action_move(self, step: int) -> None:
        """Mark another line; above the first one, none, so that enter takes what is typed again."""
        choices = [index for index, option in enumerate(self.list.options) if not option.disabled]
        if choices:
            at = self.list.highlighted
            place = choices.index(at) if at in choices else -1
            place = min(max(place + step, -1), len(choices) - 1)
            self.list.mark(choices[place] if place >= 0 else None)
            self.marked_another()
