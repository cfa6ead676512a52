"""Where a model reference is typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Input, Static

from faa_core.errors import UsageError
from faa_core.reference import parse
from faa_tui.rendering.text import visible
from faa_tui.screens.dialog import Dialog

_FORMS = (
    ("demo", "the bundled model"),
    ("demo@init", "the same architecture at random initialisation"),
    ("gpt2, meta-llama/Llama-3.2-1B@main", "a model of the Hugging Face hub"),
    ("./checkpoint, /models/mine", "a folder"),
    ("maps.npy, maps.npz, maps.safetensors", "a file of attention"),
    ("gpu7:gpt2, me@gpu8:./checkpoint", "any of these on another machine, through your own ssh"),
)


class OpenModel(Dialog[str]):
    """Answers with a reference that can be parsed; what is wrong with another one is said in place.

    Args:
        begin: What the line holds at first, for example ``gpu7:``.
    """

    def __init__(self, begin: str = "") -> None:
        super().__init__()
        self._begin = begin

    def compose(self) -> ComposeResult:
        """The line to type in, what is wrong with it, the forms it can have."""
        with Vertical(id="open-box", classes="dialog"):
            yield Input(self._begin, placeholder="[host:]model[@revision]", id="open-reference", select_on_focus=False)
            yield Static(id="open-message", markup=False)
            width = max(len(form) for form, _ in _FORMS)
            yield Static(
                Content("\n").join(Content.assemble(f"{form:<{width}}  ", (meaning, "dim")) for form, meaning in _FORMS)
            )
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        self.query_one("#open-box").border_title = Content("Open a model")

    def on_input_changed(self, event: Input.Changed) -> None:
        """A new attempt: the old complaint is no longer about it."""
        event.stop()
        self.query_one("#open-message", Static).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer, or say why not."""
        event.stop()
        try:
            reference = str(parse(event.value))
        except UsageError as error:
            self.query_one("#open-message", Static).update(
                Content.assemble((visible(error.message), "$text-error"), f"\n{visible(error.hint)}")
            )
        else:
            self.dismiss(reference)
