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

from faa_tui import recent_texts
from faa_tui.live_keys import key_of
from faa_tui.rendering.text import fit, visible
from faa_tui.samples import samples
from faa_tui.screens.dialog import Dialog
from faa_tui.screens.open_file import OpenFile
from faa_tui.token_estimate import TokenEstimate
from faa_tui.widgets.list_pane import ListPane

_FILE, _RECENT, _SAMPLE = "file", "recent-", "sample-"
"""What the ids of lines of the list begin with."""


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
    """An editor beside a list of other texts: a file, those that were analysed lately, samples. Answers with the text.

    Args:
        text: What the editor holds at first.
        estimate: What is known of the tokens of the model; ``None`` where nothing is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f5,ctrl+r", "submit", "run", key_display="^r", id="editor.run", tooltip="Analyse this text", priority=True
        ),
        Binding(
            "ctrl+o", "open_file", "file", key_display="^o", id="editor.file", tooltip="Read a file", priority=True
        ),
        Binding("ctrl+l", "erase", "empty", id="editor.erase", tooltip="Remove all of the text", priority=True),
    ]

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-tall")]  # noqa: RUF012

    def __init__(self, text: str, estimate: TokenEstimate | None = None) -> None:
        super().__init__()
        self._text = text
        self._estimate = estimate
        self._recent = recent_texts.load()

    def compose(self) -> ComposeResult:
        """Editor on the left, other texts and the button on the right."""
        with Vertical(id="editor-box", classes="dialog"):
            with Horizontal():
                yield _Editor(self._text, id="editor", soft_wrap=True, tab_behavior="focus")
                with Vertical(id="editor-side"):
                    yield ListPane(id="editor-texts")
                    yield Button(f"Run  ({key_of(self.app, 'editor.run')})", id="editor-run", variant="primary")
            yield Static(id="editor-message", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Start in the editor."""
        self.query_one("#editor-box").border_title = Content("Text to analyse")
        self.query_one("#editor").focus()
        self._count()
        self.call_after_refresh(self._list)

    def on_resize(self) -> None:
        """Cut the lines of the list anew."""
        self.call_after_refresh(self._list)

    def _list(self) -> None:
        texts = self.query_one("#editor-texts", ListPane)
        width = max(texts.content_size.width - 1, 10)
        marked = texts.highlighted
        texts.set_options(
            [
                Option(Content.assemble("Read a file ...", (f"{'^o':>{max(width - 15, 3)}}", "dim")), id=_FILE),
                *self._heading("Recent texts", bool(self._recent)),
                *(
                    Option(
                        Content.assemble(
                            fit(visible(one.first_line), width),
                            (f"\n  {len(one.text):,} characters, {one.tokens:,} tokens", "dim"),
                        ),
                        id=f"{_RECENT}{index}",
                    )
                    for index, one in enumerate(self._recent)
                ),
                *self._heading("Samples", True),
                *(
                    Option(Content(fit(sample.title, width)), id=f"{_SAMPLE}{index}")
                    for index, sample in enumerate(samples())
                ),
            ]
        )
        texts.mark(0 if marked is None else marked)

    @staticmethod
    def _heading(title: str, shown: bool) -> list[Option]:
        return [Option(Content.styled(title, "bold $accent"), disabled=True)] if shown else []

    def on_text_area_changed(self) -> None:
        """Keep the count right."""
        self._count()

    def _count(self) -> None:
        text = self.query_one("#editor", TextArea).text
        words = f"{len(text):,} characters, {text.count(chr(10)) + 1:,} lines"
        if self._estimate is None:
            content = Content.styled(words, "dim")
        elif self._estimate.too_long(text):
            content = Content.styled(f"{words}, {self._estimate.in_words(text)}: too long for the model", "$text-error")
        else:
            content = Content.styled(f"{words}, {self._estimate.in_words(text)}", "dim")
        self.query_one("#editor-message", Static).update(content)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Put another text into the editor."""
        event.stop()
        chosen = event.option_id or ""
        if chosen == _FILE:
            self.action_open_file()
        elif chosen.startswith(_RECENT):
            self._put(self._recent[int(chosen.removeprefix(_RECENT))].text)
        else:
            self._put(samples()[int(chosen.removeprefix(_SAMPLE))].text)

    def _put(self, text: str | None) -> None:
        """Put ``text`` into the editor; undo brings the former text back. ``None`` changes nothing."""
        if text is None:
            return
        editor = self.query_one("#editor", TextArea)
        editor.replace(text, (0, 0), editor.document.end)
        editor.move_cursor((0, 0))
        editor.focus()

    def action_open_file(self) -> None:
        """Ask for a file, and put its text into the editor."""
        self.app.push_screen(OpenFile(), self._put)

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
                Content.styled(
                    "The text is empty: type or paste one, or choose one of the others (tab).", "$text-error"
                )
            )

    def action_erase(self) -> None:
        """Empty the editor; undo brings the text back."""
        editor = self.query_one("#editor", TextArea)
        editor.replace("", (0, 0), editor.document.end)
