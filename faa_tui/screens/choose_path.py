"""A dialog that asks for a path: typed, with the names that continue it listed below, or chosen from that list."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from faa_core.errors import FaaError, TextError
from faa_tui import text_files
from faa_tui.rendering.text import pad, visible
from faa_tui.screens.dialog import Answer, Dialog
from faa_tui.text_files import Place
from faa_tui.widgets.list_pane import ListPane

_SIZE = 10
"""Cells of the column of sizes."""


class Shortcut(NamedTuple):
    """A line above the names, that stands for something else than a file of the folder.

    Attributes:
        line: What is typed for it.
        title: What it is.
        folder: Whether it is a folder to go to.
    """

    line: str
    title: str
    folder: bool = False


class ChoosePath(Dialog[Answer]):
    """Answers with what lies at a path; what is wrong with one is said below it.

    Folders are listed and files read on threads, since either can lie on a disk that is slow to answer.
    """

    TITLE: ClassVar[str]
    PLACEHOLDER: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", id="path.complete", tooltip="Complete the name", priority=True),
        Binding("down", "move(1)", "down", show=False, id="path.down", tooltip="Next name", priority=True),
        Binding("up", "move(-1)", "up", show=False, id="path.up", tooltip="Name before", priority=True),
        Binding("pagedown", "move(10)", "page down", show=False, id="path.page_down", tooltip="Ten on", priority=True),
        Binding("pageup", "move(-10)", "page up", show=False, id="path.page_up", tooltip="Ten back", priority=True),
    ]

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-tall")]  # noqa: RUF012

    class Listed(Message):
        """A folder was read, or could not be."""

        def __init__(self, typed: str, places: tuple[Place, ...], more: int, fault: str) -> None:
            super().__init__()
            self.typed = typed
            self.places = places
            self.more = more
            self.fault = fault

    class Read(Message):
        """What lies at a path was read, or could not be."""

        def __init__(self, answer: object, fault: FaaError | None) -> None:
            super().__init__()
            self.answer = answer
            self.fault = fault

    def __init__(self) -> None:
        super().__init__()
        self._places: tuple[Place, ...] = ()
        self._shortcuts: tuple[Shortcut, ...] = ()
        self._listed_for = ""

    @abstractmethod
    def read(self, line: str) -> Answer:
        """What lies at the path; called on a thread.

        Raises:
            FaaError: Nothing that would do.
        """

    def shortcuts(self, folder: Path, places: tuple[Place, ...]) -> tuple[Shortcut, ...]:
        """Lines to be listed above the names of a folder."""
        return ()

    def compose(self) -> ComposeResult:
        """The line to type in, what is wrong with it, the names that continue it."""
        with Vertical(id="path-box", classes="dialog"):
            yield Input(placeholder=self.PLACEHOLDER, id="path-line", select_on_focus=False)
            yield Static(id="path-message", markup=False)
            yield ListPane(id="path-names")
        yield Footer()

    def on_mount(self) -> None:
        """Begin in the folder that faa was started in."""
        self.query_one("#path-box").border_title = Content(self.TITLE)
        self.query_one("#path-names").can_focus = False
        self._list("")

    # --- the line ------------------------------------------------------------------------------------------------

    @property
    def _line(self) -> Input:
        return self.query_one("#path-line", Input)

    @property
    def _names(self) -> ListPane:
        return self.query_one("#path-names", ListPane)

    def _tell(self, text: Content | str) -> None:
        self.query_one("#path-message", Static).update(text)

    def _write(self, typed: str) -> None:
        self._line.value = typed
        self._line.cursor_position = len(typed)

    def on_input_changed(self, event: Input.Changed) -> None:
        """A new attempt: list what continues it; the old complaint is no longer about it."""
        event.stop()
        self._list(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line, or the name that is marked."""
        event.stop()
        marked = self._names.highlighted
        if marked is None:
            self._take(event.value.strip())
        else:
            self._choose(marked)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the name that was clicked."""
        event.stop()
        self._choose(event.option_index)

    def _choose(self, index: int) -> None:
        if index < len(self._shortcuts):
            shortcut = self._shortcuts[index]
            if shortcut.folder:
                self._write(shortcut.line)
            else:
                self._take(shortcut.line)
            return
        place = self._places[index - len(self._shortcuts)]
        head, slash, _ = self._listed_for.rpartition("/")
        path = f"{head}{slash}{place.name}"
        if place.folder:
            self._write(f"{path}/")
        else:
            self._take(path)

    def _take(self, line: str) -> None:
        if not line:
            self._tell(Content.styled("Type a path, or choose one with the arrow keys.", "$text-error"))
            return
        self._tell(Content.styled(f"Reading {visible(line)} ...", "dim"))

        def work() -> None:
            answer: Answer | None = None
            fault: FaaError | None = None
            try:
                answer = self.read(line)
            except FaaError as error:
                fault = error
            except OSError as error:
                fault = TextError(f"{line} cannot be read: {error.strerror}.", "Check the path.")
            self.post_message(self.Read(answer, fault))

        self.run_worker(work, group="path-read", thread=True, exclusive=True, exit_on_error=False)

    def on_choose_path_read(self, event: Read) -> None:
        """Answer, or say why not."""
        event.stop()
        if event.fault is None:
            self.dismiss(event.answer)  # type: ignore[arg-type]
        else:
            self._tell(
                Content.assemble((visible(event.fault.message), "$text-error"), f"\n{visible(event.fault.hint)}")
            )

    # --- the names -----------------------------------------------------------------------------------------------

    def _list(self, typed: str) -> None:
        def work() -> None:
            folder, beginning = text_files.split(typed)
            places: tuple[Place, ...] = ()
            more, fault = 0, ""
            try:
                places, more = text_files.places_in(folder, beginning)
            except FaaError as error:
                fault = error.message
            self.post_message(self.Listed(typed, places, more, fault))

        self.run_worker(work, group="path-list", thread=True, exclusive=True, exit_on_error=False)

    def on_choose_path_listed(self, event: Listed) -> None:
        """Show the names, unless the line is another one by now."""
        event.stop()
        if event.typed != self._line.value:
            return
        self._places, self._listed_for = event.places, event.typed
        above = Shortcut(text_files.above(event.typed), "../", folder=True)
        self._shortcuts = (above, *self.shortcuts(text_files.split(event.typed)[0], event.places))
        width = max(self._names.content_size.width - 1, 20)
        lines = [Content(visible(shortcut.title)) for shortcut in self._shortcuts]
        for place in event.places:
            name = pad(visible(place.name) + ("/" if place.folder else ""), width - _SIZE)
            size = "" if place.size is None else text_files.size_in_words(place.size)
            lines.append(Content.assemble(name, (f"{size:>{_SIZE}}", "dim")))
        self._names.set_options([Option(line) for line in lines])
        self._names.mark(None)
        if event.fault:
            self._tell(Content.styled(visible(event.fault), "$text-error"))
        elif event.more:
            self._tell(Content.styled(f"{event.more:,} more are not listed; type the beginning of a name.", "dim"))
        else:
            self._tell("")

    # --- keys ----------------------------------------------------------------------------------------------------

    def action_complete(self) -> None:
        """Write all that the names have in common behind what is typed."""
        if self._listed_for == self._line.value:
            self._write(text_files.completed(self._line.value, self._places))

    def action_move(self, step: int) -> None:
        """Mark another name; above the first one, none, so that enter takes the line again."""
        count = self._names.option_count
        if count:
            marked = self._names.highlighted
            at = (-1 if marked is None else marked) + step
            self._names.mark(None if at < 0 else min(at, count - 1))
