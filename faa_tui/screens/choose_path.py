"""A dialog that asks for a path: typed, with the names that continue it listed below, or chosen from that list."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, Input, Static
from textual.widgets.option_list import Option

from faa_core.errors import FaaError, TextError
from faa_core.folders import Place, places_in, split
from faa_tui import text_files
from faa_tui.live_keys import with_keys
from faa_tui.rendering.text import pad, visible
from faa_tui.screens.dialog import Answer
from faa_tui.screens.line_over_list import LineOverList
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


class ChoosePath(LineOverList[Answer]):
    """Answers with what lies at a path; what is wrong with one is said below it.

    Folders are listed and files read on threads, since either can lie on a disk that is slow to answer.
    """

    TITLE: ClassVar[str]
    PLACEHOLDER: ClassVar[str]
    LINE = "#path-line"
    MESSAGE = "#path-message"
    LIST = "#path-names"

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
            yield Input(placeholder=with_keys(self.app, self.PLACEHOLDER), id="path-line", select_on_focus=False)
            yield Static(id="path-message", markup=False)
            yield ListPane(id="path-names")
        yield Footer()

    def on_mount(self) -> None:
        """Begin in the folder that faa was started in."""
        self.query_one("#path-box").border_title = Content(self.TITLE)
        self.query_one("#path-names").can_focus = False
        self._list("")

    # --- the line ------------------------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        """A new attempt: list what continues it; the old complaint is no longer about it."""
        event.stop()
        self._list(event.value)

    def choose(self, index: int) -> None:
        """Take a file, or go on into a folder."""
        if index < len(self._shortcuts):
            shortcut = self._shortcuts[index]
            if shortcut.folder:
                self.write(shortcut.line)
            else:
                self.take(shortcut.line)
            return
        place = self._places[index - len(self._shortcuts)]
        head, slash, _ = self._listed_for.rpartition("/")
        path = f"{head}{slash}{place.name}"
        if place.folder:
            self.write(f"{path}/")
        else:
            self.take(path)

    def take(self, typed: str) -> None:
        """Read what lies at the path; it is the answer where it can be."""
        if not typed:
            said = with_keys(self.app, "Type a path, or choose one with {line.up} and {line.down}.")
            self.tell(Content.styled(said, "$text-error"))
            return
        self.tell(Content.styled(f"Reading {visible(typed)} ...", "dim"))

        def work() -> None:
            answer: Answer | None = None
            fault: FaaError | None = None
            try:
                answer = self.read(typed)
            except FaaError as error:
                fault = error
            except OSError as error:
                fault = TextError(f"{typed} cannot be read: {error.strerror}.", "Check the path.")
            self.post_message(self.Read(answer, fault))

        self.run_worker(work, group="path-read", thread=True, exclusive=True, exit_on_error=False)

    def on_choose_path_read(self, event: Read) -> None:
        """Answer, or say why not."""
        event.stop()
        if event.fault is None:
            self.dismiss(event.answer)  # type: ignore[arg-type]
        else:
            self.tell(Content.assemble((visible(event.fault.message), "$text-error"), f"\n{visible(event.fault.hint)}"))

    # --- the names -----------------------------------------------------------------------------------------------

    def _list(self, typed: str) -> None:
        def work() -> None:
            folder, beginning = split(typed)
            places: tuple[Place, ...] = ()
            more, fault = 0, ""
            try:
                places, more = places_in(folder, beginning)
            except FaaError as error:
                fault = error.message
            self.post_message(self.Listed(typed, places, more, fault))

        self.run_worker(work, group="path-list", thread=True, exclusive=True, exit_on_error=False)

    def on_choose_path_listed(self, event: Listed) -> None:
        """Show the names, unless the line is another one by now."""
        event.stop()
        if event.typed != self.line.value:
            return
        self._places, self._listed_for = event.places, event.typed
        above = Shortcut(text_files.above(event.typed), "../", folder=True)
        self._shortcuts = (*self.shortcuts(split(event.typed)[0], event.places), above)
        width = max(self.list.content_size.width - 1, 20)
        lines = [Content(visible(shortcut.title)) for shortcut in self._shortcuts]
        for place in event.places:
            name = pad(visible(place.name) + ("/" if place.folder else ""), width - _SIZE)
            size = "" if place.size is None else text_files.size_in_words(place.size)
            lines.append(Content.assemble(name, (f"{size:>{_SIZE}}", "dim")))
        self.list.set_options([Option(line) for line in lines])
        self.list.mark(None)
        if event.fault:
            self.tell(Content.styled(visible(event.fault), "$text-error"))
        elif event.more:
            self.tell(Content.styled(f"{event.more:,} more are not listed; type the beginning of a name.", "dim"))
        else:
            self.tell("")

    def completed(self) -> str:
        """What is typed, and what the names have in common behind it; itself while they are those of another line."""
        typed = self.line.value
        return text_files.completed(typed, self._places) if self._listed_for == typed else typed
