"""A dialog that asks for one line, says what it can be, and complains in place."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Input, Static

from faa_core.errors import FaaError
from faa_tui.rendering.text import visible
from faa_tui.screens.dialog import Answer, Dialog


class AskLine(Dialog[Answer]):
    """Answers with what the line means; what is wrong with one that means nothing is said below it.

    Args:
        begin: What the line holds at first, for example ``gpu7:``.
    """

    TITLE: ClassVar[str]
    PLACEHOLDER: ClassVar[str]
    FORMS: ClassVar[tuple[tuple[str, str], ...]]
    """Examples, and what each of them is."""

    def __init__(self, begin: str = "") -> None:
        super().__init__()
        self._begin = begin

    @abstractmethod
    def read(self, line: str) -> Answer:
        """What the line means.

        Raises:
            FaaError: Nothing.
        """

    def compose(self) -> ComposeResult:
        """The line to type in, what is wrong with it, the forms it can have."""
        with Vertical(id="open-box", classes="dialog"):
            yield Input(self._begin, placeholder=self.PLACEHOLDER, id="open-reference", select_on_focus=False)
            yield Static(id="open-message", markup=False)
            width = max(len(form) for form, _ in self.FORMS)
            lines = (Content.assemble(f"{form:<{width}}  ", (meaning, "dim")) for form, meaning in self.FORMS)
            yield Static(Content("\n").join(lines))
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        self.query_one("#open-box").border_title = Content(self.TITLE)

    def on_input_changed(self, event: Input.Changed) -> None:
        """A new attempt: the old complaint is no longer about it."""
        event.stop()
        self.query_one("#open-message", Static).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer, or say why not."""
        event.stop()
        try:
            answer = self.read(event.value.strip())
        except FaaError as error:
            message = Content.assemble((visible(error.message), "$text-error"), f"\n{visible(error.hint)}")
            self.query_one("#open-message", Static).update(message)
        else:
            self.dismiss(answer)
