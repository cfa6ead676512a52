"""The models at hand: the bundled one, the ones opened lately, and a way to any other."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from faa_core.reference import DEMO, INIT
from faa_tui.rendering.text import fit, visible
from faa_tui.widgets.list_pane import ListPane

BUNDLED = (DEMO, f"{DEMO}@{INIT}")
"""References that always work."""


class ModelPane(ListPane):
    """List of model references; enter opens one."""

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
        """The user wants to type a reference."""

        def __init__(self, model_pane: ModelPane) -> None:
            super().__init__()
            self.model_pane = model_pane

        @property
        def control(self) -> ModelPane:
            """The pane."""
            return self.model_pane

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._references: tuple[str, ...] = BUNDLED
        self._current = ""

    def show(self, recent: tuple[str, ...], current: str) -> None:
        """Show the bundled models, then ``recent``; ``current`` is marked."""
        moved, self._current = current != self._current, current
        self._references = tuple(dict.fromkeys((*BUNDLED, *([current] if current else []), *recent)))
        self._fill()
        if moved:
            self.mark(self._references.index(current))

    def on_resize(self) -> None:
        """Cut names anew."""
        self._fill()

    def _fill(self) -> None:
        width = max(self.scrollable_content_region.width - 4, 4)
        index = self.highlighted
        with self.prevent(OptionList.OptionHighlighted):
            self.set_options(
                [
                    *(
                        Option(Content(("▸ " if name == self._current else "  ") + fit(visible(name), width)))
                        for name in self._references
                    ),
                    Option(Content.styled("  open another…", "dim")),
                ]
            )
            self.highlighted = 0 if index is None else min(index, len(self._references))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Turn the line into a reference."""
        event.stop()
        if event.option_index < len(self._references):
            self.post_message(self.Opened(self, self._references[event.option_index]))
        else:
            self.post_message(self.OtherWanted(self))
