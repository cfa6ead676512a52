"""Where a set of texts is named."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Input, Static

from faa_core.errors import FaaError
from faa_tui.cli.text import texts_in
from faa_tui.rendering.text import visible
from faa_tui.samples import samples
from faa_tui.screens.dialog import Dialog

_FORMS = (
    ("prompts.txt", "a file with one text on each line"),
    ("./texts/", "a folder of text files"),
    ("samples", "the sample texts that come with faa"),
)
SAMPLES = "samples"
"""What is typed for the texts that come with faa."""


class OpenTexts(Dialog[tuple[str, ...]]):
    """Answers with two texts or more; what is wrong with another path is said in place."""

    def compose(self) -> ComposeResult:
        """The line to type in, what is wrong with it, what it can be."""
        with Vertical(id="open-box", classes="dialog"):
            yield Input(placeholder="a file, a folder, or samples", id="open-reference")
            yield Static(id="open-message", markup=False)
            width = max(len(form) for form, _ in _FORMS)
            yield Static(
                Content("\n").join(Content.assemble(f"{form:<{width}}  ", (meaning, "dim")) for form, meaning in _FORMS)
            )
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        self.query_one("#open-box").border_title = Content("Compare on a set of texts")

    def on_input_changed(self, event: Input.Changed) -> None:
        """A new attempt: the old complaint is no longer about it."""
        event.stop()
        self.query_one("#open-message", Static).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer, or say why not."""
        event.stop()
        path = event.value.strip()
        try:
            known = tuple(sample.text for sample in samples())
            texts = known if path == SAMPLES else texts_in(str(Path(path).expanduser()))
        except FaaError as error:
            message = Content.assemble((visible(error.message), "$text-error"), f"\n{visible(error.hint)}")
            self.query_one("#open-message", Static).update(message)
        else:
            self.dismiss(texts)
