"""Where the text to analyse is typed, pasted or chosen."""

from __future__ import annotations

import unicodedata
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Footer, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from faa_tui.rendering.text import visible
from faa_tui.samples import samples
from faa_tui.screens.dialog import Dialog
from faa_tui.widgets.list_pane import ListPane


class _Editor(TextArea):
    """A text area that shows control characters instead of sending them to the terminal; the text keeps them."""

    def get_line(self, line_index: int) -> Text:
        """The line as it is shown: character for character, so that columns stay columns."""
        return Text("".join(map(_shown, super().get_line(line_index).plain)), end="", no_wrap=True)


def _shown(character: str) -> str:
    if character == "\t" or character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    picture = visible(character)
    return picture if len(picture) == 1 else "\N{REPLACEMENT CHARACTER}"


class TextEditor(Dialog[str]):
    """An editor beside a list of sample texts; answers with the text to run.

    Args:
        text: What the editor holds at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f5,ctrl+r", "submit", "run", key_display="^r", id="editor.run", tooltip="Analyse this text", priority=True
        ),
        Binding("ctrl+l", "erase", "empty", id="editor.erase", tooltip="Remove all of the text", priority=True),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Editor on the left, samples and the button on the right."""
        with Vertical(id="editor-box", classes="dialog"):
            with Horizontal():
                yield _Editor(self._text, id="editor", soft_wrap=True, tab_behavior="focus")
                with Vertical(id="editor-side"):
                    yield Static("Samples", classes="label")
                    yield ListPane(*(Option(Content(sample.title)) for sample in samples()), id="editor-samples")
                    yield Button("Run  (ctrl+r)", id="editor-run", variant="primary")
            yield Static(id="editor-message", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Start in the editor."""
        self.query_one("#editor-box").border_title = Content("Text to analyse")
        self.query_one("#editor").focus()
        self._count()

    def on_text_area_changed(self) -> None:
        """Keep the count right."""
        self._count()

    def _count(self) -> None:
        text = self.query_one("#editor", TextArea).text
        self.query_one("#editor-message", Static).update(
            Content.styled(f"{len(text)} characters, {text.count(chr(10)) + 1} lines", "dim")
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Put a sample into the editor; undo brings the former text back."""
        event.stop()
        editor = self.query_one("#editor", TextArea)
        editor.replace(samples()[event.option_index].text, (0, 0), editor.document.end)
        editor.move_cursor((0, 0))
        editor.focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The button does what the key does."""
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        """Answer with the text, unless there is none."""
        text = self.query_one("#editor", TextArea).text
        if text.strip():
            self.dismiss(text)
        else:
            self.query_one("#editor-message", Static).update(
                Content.styled("The text is empty: type or paste one, or choose a sample (tab).", "$text-error")
            )

    def action_erase(self) -> None:
        """Empty the editor; undo brings the text back."""
        editor = self.query_one("#editor", TextArea)
        editor.replace("", (0, 0), editor.document.end)
