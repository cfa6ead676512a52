"""A fault in full, with what can be done about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from faa_core.worker.protocol import Fail
from faa_tui.live_keys import with_keys
from faa_tui.rendering.text import visible
from faa_tui.screens.dialog import Dialog
from faa_tui.widgets.notice import title_of

Remedy = Literal["run", "truncate"]


class MessageScreen(Dialog[Remedy]):
    """Answers with what the user wants to do about the fault.

    Args:
        fail: The fault. Nothing in it is read as markup, control characters are made visible.
        truncatable: Whether cutting the text may help.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "answer('truncate')", "cut the text and run", id="message.cut", tooltip="Analyse what fits"),
        Binding("r", "answer('run')", "run again", id="message.run", tooltip="Make the same request again"),
        Binding("q", "close", "close", show=False, id="message.close", tooltip="Back without doing anything"),
    ]

    def __init__(self, fail: Fail, truncatable: bool) -> None:
        super().__init__()
        self._fail = fail
        self._truncatable = truncatable

    def compose(self) -> ComposeResult:
        """What happened, what to do, and the detail for a report."""
        fail = self._fail
        with Vertical(id="message-box", classes="dialog"):
            yield Static(Content(visible(fail.text)), classes="what")
            if fail.hint:
                yield Static(Content(visible(fail.hint)), classes="hint")
            if self._truncatable:
                said = with_keys(self.app, "{message.cut}  cuts the text to the context of the model and runs")
                yield Static(said, classes="hint", markup=False)
            if fail.detail:
                with VerticalScroll(id="message-detail"):
                    yield Static(Content("\n").join(Content(visible(line)) for line in fail.detail.splitlines()))
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        self.query_one("#message-box").border_title = Content(title_of(self._fail))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Cutting is offered only where it helps."""
        return not (action == "answer" and parameters == ("truncate",) and not self._truncatable)

    def action_answer(self, remedy: Remedy) -> None:
        """Close with ``remedy``."""
        self.dismiss(remedy)
