"""The models at hand: the bundled one, the ones opened lately, and a way to any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from faa_tui.model_list import BUNDLED
from faa_tui.rendering.bytes_in_words import in_words
from faa_tui.rendering.text import fit, pad, visible
from faa_tui.widgets.list_pane import ListPane


class ModelPane(ListPane):
    """List of model references; enter opens one. Those in memory carry how much of it they and their runs take."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "unload", "unload", id="models.unload", tooltip="Give back the memory of the marked model"),
        Binding("i", "details", "details", id="models.details", tooltip="What the marked model is and takes"),
    ]

    class Opened(Message):
        """A model was chosen."""

        def __init__(self, model_pane: ModelPane, reference: str) -> None:
            super().__init__()
            self.model_pane = model_pane
            self.reference = reference

        @property
        def control(self) -> ModelPane:
            """The pane."""
            return self.model_pane

    class OtherWanted(Message):
        """The user wants to type a reference; ``begin`` is the start of it that is known."""

        def __init__(self, model_pane: ModelPane, begin: str = "") -> None:
            super().__init__()
            self.model_pane = model_pane
            self.begin = begin

        @property
        def control(self) -> ModelPane:
            """The pane."""
            return self.model_pane

    class UnloadWanted(Message):
        """The memory of a model is to be given back."""

        def __init__(self, model_pane: ModelPane, reference: str) -> None:
            super().__init__()
            self.model_pane = model_pane
            self.reference = reference

        @property
        def control(self) -> ModelPane:
            """The pane."""
            return self.model_pane

    class DetailsWanted(Message):
        """The user wants to know what a model is before it is opened."""

        def __init__(self, model_pane: ModelPane, reference: str) -> None:
            super().__init__()
            self.model_pane = model_pane
            self.reference = reference

        @property
        def control(self) -> ModelPane:
            """The pane."""
            return self.model_pane

    class HostWanted(Message):
        """The user wants to name another machine."""

        def __init__(self, model_pane: ModelPane) -> None:
            super().__init__()
            self.model_pane = model_pane

        @property
        def control(self) -> ModelPane:
            """The pane."""
            return self.model_pane

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hosts: tuple[str, ...] = ()
        self._references: tuple[str, ...] = BUNDLED
        self._current = ""
        self._loaded: Mapping[str, int] = {}

    def show(
        self,
        recent: tuple[str, ...],
        current: str,
        hosts: tuple[str, ...] = (),
        loaded: Mapping[str, int] | None = None,
    ) -> None:
        """Show the bundled models, then others, then machines that models may be on; ``current`` is marked.

        Args:
            recent: Models that were opened lately.
            current: The model that is looked at.
            hosts: Names of machines.
            loaded: Models in memory, with the bytes that they and their runs take.
        """
        moved, self._current = current != self._current, current
        self._hosts, self._loaded = hosts, loaded or {}
        named = [current] if current else []
        self._references = tuple(dict.fromkeys((*BUNDLED, *named, *self._loaded, *recent)))
        self._fill()
        if moved:
            self.mark(self._references.index(current))

    @property
    def references(self) -> tuple[str, ...]:
        """All models of the list."""
        return self._references

    @property
    def marked(self) -> str:
        """The model on the marked line; "" where that is another line."""
        at = self.highlighted
        return self._references[at] if at is not None and at < len(self._references) else ""

    def on_resize(self) -> None:
        """Cut names anew."""
        self._fill()

    def _fill(self) -> None:
        width = max(self.scrollable_content_region.width - 4, 4)
        index = self.highlighted
        with self.prevent(OptionList.OptionHighlighted):
            self.set_options(
                [
                    *(Option(self._line(name, width)) for name in self._references),
                    *(Option(Content.styled(f"  {fit(visible(host), width - 2)}:…", "dim")) for host in self._hosts),
                    Option(Content.styled("  open another…", "dim")),
                    Option(Content.styled("  add a machine…", "dim")),
                ]
            )
            self.highlighted = 0 if index is None else min(index, self.option_count - 1)

    def _line(self, name: str, width: int) -> Content:
        sign = "▸ " if name == self._current else "  "
        if name not in self._loaded:
            return Content(sign + fit(visible(name), width))
        memory = in_words(self._loaded[name])
        return Content.assemble(sign, pad(visible(name), width - len(memory) - 1), (f" {memory}", "$text-success"))

    def action_unload(self) -> None:
        """Ask for the memory of the marked model."""
        if self.marked:
            self.post_message(self.UnloadWanted(self, self.marked))

    def action_details(self) -> None:
        """Ask what the marked model is."""
        if self.marked:
            self.post_message(self.DetailsWanted(self, self.marked))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Turn the line into a reference."""
        event.stop()
        references, hosts, index = len(self._references), len(self._hosts), event.option_index
        if index < references:
            self.post_message(self.Opened(self, self._references[index]))
        elif index < references + hosts:
            self.post_message(self.OtherWanted(self, f"{self._hosts[index - references]}:"))
        elif index == references + hosts:
            self.post_message(self.OtherWanted(self))
        else:
            self.post_message(self.HostWanted(self))
