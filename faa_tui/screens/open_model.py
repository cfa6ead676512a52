"""Where a model is chosen: from those at hand, by a path that is completed, or by a name that is typed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Footer, Input, Static
from textual.widgets.option_list import Option

from faa_core.errors import FaaError
from faa_core.inventory import FoundPath, Inventory, ModelDetails
from faa_core.models.continuing import continuing, is_model
from faa_core.reference import ARRAY_SUFFIXES, parse
from faa_core.worker.protocol import Fail, PathsReport
from faa_tui import model_list, model_places, recent
from faa_tui.live_keys import key_of
from faa_tui.messages import DetailsWanted, ModelsWanted, PathsWanted
from faa_tui.model_list import Line
from faa_tui.rendering.bytes_in_words import in_words
from faa_tui.rendering.text import fit, pad, visible
from faa_tui.screens.line_over_list import LineOverList
from faa_tui.screens.model_dialog import ModelDialog, fault, in_place_of_details
from faa_tui.widgets.list_pane import ListPane

REST_SECONDS = 0.15
"""How long a line is marked, or a name left as it is, before its details are asked for."""
FORMS = (
    ("gpt2, org/model@main", "a model of the Hugging Face hub"),
    ("./checkpoint, maps.npz", "a folder, or a file of attention"),
    ("gpu7:gpt2", "on another machine"),
)
"""What can be typed, and what each of them is."""


class OpenModel(ModelDialog, LineOverList[str]):
    """Answers with a reference that can be parsed.

    Args:
        begin: What the line holds at first, for example ``gpu7:``; the models of that machine are asked for at once.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+l", "look_up", "ask the hub", id="open.look_up", tooltip="Ask the hub about this model"),
    ]

    LINE = "#open-reference"
    MESSAGE = "#open-message"
    LIST = "#open-list"

    class Listed(Message):
        """What continues a path was read."""

        def __init__(self, typed: str, found: tuple[FoundPath, ...], model: bool, fault: str) -> None:
            super().__init__()
            self.typed = typed
            self.found = found
            self.model = model
            self.fault = fault

    def __init__(self, begin: str = "") -> None:
        super().__init__()
        self._begin = begin
        self._recent = recent.load()
        self._hosts: tuple[str, ...] = ()
        self._loaded: dict[str, int] = {}
        self._inventories: dict[str, Inventory] = {}
        self._places: tuple[Line, ...] = ()
        self._lines: tuple[Line, ...] = ()
        self._details: dict[str, ModelDetails | None] = {}
        self._whole = ""
        """The line, when its path was found to be one of a model, or nobody could tell."""
        self._asked = ""
        """The line, when another machine was asked what continues its path."""
        self._shown = ""
        self._rest: Timer | None = None

    def compose(self) -> ComposeResult:
        """The line to type in, what is wrong with it, what can be chosen, and what the marked model is."""
        with Vertical(id="open-box", classes="dialog choosing"):
            yield Input(self._begin, placeholder="[host:]model[@revision]", id="open-reference", select_on_focus=False)
            yield Static(id="open-message", markup=False)
            with Horizontal(id="open-body"):
                yield ListPane(id="open-list")
                yield Static(id="open-details", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Ask what there is."""
        self.query_one("#open-box").border_title = Content("Open a model")
        self.list.can_focus = False
        self._list_anew()
        self._show_forms()
        self.post_message(ModelsWanted(model_list.host_and_rest(self._begin)[0]))

    # --- what the application tells ------------------------------------------------------------------------------

    def hear_surroundings(self, hosts: tuple[str, ...], loaded: dict[str, int]) -> None:
        """Offer the machines, and say what is loaded."""
        self._hosts, self._loaded = hosts, loaded
        self._list_anew()

    def hear_models(self, host: str, inventory: Inventory) -> None:
        """Offer the models."""
        self._inventories[host] = inventory
        self._list_anew()
        if host == self._host:
            cut = "There are more folders than were looked into; type a path." if inventory.incomplete else ""
            self.tell(Content.styled(cut, "dim"))

    def hear_places(self, wanted: PathsWanted, report: PathsReport | None) -> None:
        """Offer what continues a path on another machine; ``None`` where its worker is not there, or cannot tell."""
        typed = f"{wanted.host}:{wanted.typed}"
        self._take_places(typed, () if report is None else report.paths, report is None or report.model)

    def hear_details(self, wanted: DetailsWanted, details: ModelDetails | None) -> None:
        """Keep them, and show them where they are still wanted."""
        self._details[wanted.reference] = details
        if wanted.reference == self._shown:
            self._show(in_place_of_details(wanted, details, key_of(self.app, "open.look_up")))

    def hear_fault(self, wanted: DetailsWanted | PathsWanted | str, fail: Fail) -> None:
        """Say what will not come, in its place."""
        if isinstance(wanted, DetailsWanted):
            if wanted.reference == self._shown:
                self._show(fault(fail))
        elif isinstance(wanted, PathsWanted):
            if f"{wanted.host}:{wanted.typed}" == self.line.value:
                self.tell(fault(fail))
        elif wanted == self._host:
            self.tell(fault(fail))

    # --- the line ------------------------------------------------------------------------------------------------

    @property
    def _host(self) -> str:
        return model_list.host_and_rest(self.line.value)[0]

    def on_input_changed(self, event: Input.Changed) -> None:
        """A new attempt: narrow the list down; the old complaint is no longer about it."""
        event.stop()
        self.tell("")
        self._list_anew()
        host, rest = model_list.host_and_rest(event.value)
        if model_list.is_path(rest) and not host:
            self._read_places(event.value)
        else:
            self._places, self._asked = (), ""
        self._wait_for_rest()

    def choose(self, index: int) -> None:
        """Take a model, or go on with a machine or a folder."""
        line = self._lines[index]
        if line.kind == "model":
            self.take(line.reference)
        elif line.kind == "connect":
            self.tell(Content.styled(f"Asking {visible(self._host)} ...", "dim"))
            self.post_message(ModelsWanted(self._host))
        else:
            self.write(line.reference)

    def take(self, typed: str) -> None:
        """Answer with a reference in its shortest form."""
        try:
            answer = str(parse(typed))
        except FaaError as error:
            self.tell(Content.assemble((visible(error.message), "$text-error"), f"\n{visible(error.hint)}"))
        else:
            self.dismiss(answer)

    # --- the list ------------------------------------------------------------------------------------------------

    @property
    def _marked(self) -> Line | None:
        at = self.list.highlighted
        return None if at is None or at >= len(self._lines) else self._lines[at]

    def _list_anew(self) -> None:
        before = self._marked
        typed = self.line.value
        inventory = self._inventories.get(self._host)
        self._lines = model_list.lines(typed, self._recent, self._hosts, inventory, self._loaded, self._places)
        width = max(self.list.content_size.width - 1, 30)
        self.list.set_options([Option(_drawn(line, width), disabled=line.kind == "heading") for line in self._lines])
        self.list.mark(self._lines.index(before) if before in self._lines else None)

    def on_resize(self) -> None:
        """Cut names anew."""
        self.call_after_refresh(self._list_anew)

    def _read_places(self, typed: str) -> None:
        def work() -> None:
            found: tuple[FoundPath, ...] = ()
            wrong = ""
            try:
                found = continuing(typed)
            except FaaError as error:
                wrong = error.message
            self.post_message(self.Listed(typed, found, is_model(typed), wrong))

        self.run_worker(work, group="open-places", thread=True, exclusive=True, exit_on_error=False)

    def on_open_model_listed(self, event: Listed) -> None:
        """Offer what continues the path, unless the line is another one by now."""
        event.stop()
        self._take_places(event.typed, event.found, event.model)
        if event.typed == self.line.value:
            self.tell(Content.styled(visible(event.fault), "$text-error"))

    def _take_places(self, typed: str, found: Sequence[FoundPath], model: bool) -> None:
        if typed == self.line.value:
            self._places = model_places.lines_of(typed, found)
            self._whole = typed if model else ""
            self._list_anew()
            self._wait_for_rest()

    def completed(self) -> str:
        """What is typed, and all that the lines have in common behind it."""
        return model_list.common(self.line.value, self._lines)

    def marked_another(self) -> None:
        """Show its details once it stays."""
        self._wait_for_rest()

    # --- details -------------------------------------------------------------------------------------------------

    def _wait_for_rest(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST_SECONDS, self._ask)

    @property
    def _reference(self) -> str:
        """The model that is marked or typed; "" where it is none."""
        marked = self._marked
        if marked is not None:
            return marked.reference if marked.kind == "model" else ""
        rest = model_list.host_and_rest(self.line.value)[1]
        if model_list.is_path(rest) and self.line.value != self._whole:
            return ""
        try:
            return str(parse(self.line.value))
        except FaaError:
            return ""

    def _ask(self) -> None:
        host, rest = model_list.host_and_rest(self.line.value)
        if host and model_list.is_path(rest) and self._asked != self.line.value:
            self._asked = self.line.value
            self.post_message(PathsWanted(host, rest))
        reference = self._shown = self._reference
        if not reference:
            self._show_forms()
        elif reference.lower().endswith(ARRAY_SUFFIXES):
            self._show(Content.styled("A file of attention: it is shown without a model.", "dim"))
        elif reference in self._details:
            self.hear_details(DetailsWanted(reference), self._details[reference])
        else:
            self._show(Content.styled("Reading its settings ...", "dim"))
            self.post_message(DetailsWanted(reference))

    def _show(self, text: Content) -> None:
        self.query_one("#open-details", Static).update(text)

    def _show_forms(self) -> None:
        width = max(len(form) for form, _ in FORMS)
        lines = (Content.assemble(f"{form:<{width}}  ", (meaning, "dim")) for form, meaning in FORMS)
        self._show(Content("\n").join(lines))

    # --- keys ----------------------------------------------------------------------------------------------------

    def action_look_up(self) -> None:
        """Ask the hub about the model that is marked or typed."""
        if reference := self._reference:
            self._shown = reference
            self._show(Content.styled("Asking the hub ...", "dim"))
            self.post_message(DetailsWanted(reference, ask_hub=True))


def _drawn(line: Line, width: int) -> Content:
    """One line of the list: name, size, age, remark."""
    title = visible(line.title)
    if line.kind == "heading":
        return Content.styled(fit(title, width), "dim italic")
    right = [line.remark] if line.remark else []
    right += [in_words(line.nbytes)] if line.nbytes is not None else []
    right += [model_list.age(time.time() - line.used)] if line.used is not None else []
    columns = f"{right[0]:>12}" if len(right) == 1 else "".join(f"{part:>11}" for part in right)
    columns = visible(columns) if right else ""
    return Content.assemble("  ", pad(title, max(width - 2 - len(columns), 12)), (columns, "dim"))
