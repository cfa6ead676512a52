"""The layers: for each the mean of the chosen statistic, and which keys its rows may see."""

from __future__ import annotations

import math
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from faa_core.records import LayerInfo
from faa_tui.rendering.text import fit
from faa_tui.session import HeadTable
from faa_tui.widgets.list_pane import ListPane


def number(value: float, decimals: int, signed: bool = False) -> str:
    """``value`` for a narrow column: ``-.21``, ``0.42``; a middle dot where it is undefined."""
    if not math.isfinite(value):
        return "·"
    return f"{value:{'+' if signed else ''}z.{decimals}f}"


class LayerPane(ListPane):
    """List of layers; moving the highlight moves to the layer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "screen.head(-1)", "head -", show=False, id="layers.head_previous", tooltip="Previous head"),
        Binding("right,l", "screen.head(1)", "head +", show=False, id="layers.head_next", tooltip="Next head"),
    ]

    class LayerSelected(Message):
        """The highlight was moved to row ``row`` of the layers that have maps."""

        def __init__(self, layer_pane: LayerPane, row: int) -> None:
            super().__init__()
            self.layer_pane = layer_pane
            self.row = row

        @property
        def control(self) -> LayerPane:
            """The pane."""
            return self.layer_pane

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[LayerInfo, ...] = ()
        self._table: HeadTable | None = None

    def show(self, rows: tuple[LayerInfo, ...], table: HeadTable) -> None:
        """Show ``rows`` with the row means of ``table``."""
        self._rows, self._table = rows, table
        self._fill()

    def on_resize(self) -> None:
        """Lay the columns out anew."""
        self._fill()

    def _fill(self) -> None:
        if self._table is None:
            return
        entry = self._table.entry
        texts = [
            number(mean, entry.decimals, signed=entry.dimension) if here else "…"
            for mean, here in zip(self._table.row_means(), self._table.arrived, strict=True)
        ]
        symbol = ("Δ" if entry.dimension else "") + entry.symbol
        names = max((len(info.name) for info in self._rows), default=1)
        values = max(map(len, texts), default=1)
        width = self.scrollable_content_region.width - 2
        lines: list[Content] = []
        for info, text in zip(self._rows, texts, strict=True):
            pattern = info.pattern + (f" {info.window}" if info.window else "")
            start = f"{info.name:>{names}}  {symbol} {text:>{values}}"
            lines.append(Content.assemble(start, (f"  {fit(pattern, max(width - len(start) - 2, 0))}", "dim")))
        if len(lines) == self.option_count:
            for index, line in enumerate(lines):
                self.replace_option_prompt_at_index(index, line)
        else:
            with self.prevent(OptionList.OptionHighlighted):
                self.set_options([Option(line) for line in lines])

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Go to the layer."""
        event.stop()
        self.post_message(self.LayerSelected(self, event.option_index))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Nothing more to do: the highlight has moved already."""
        event.stop()
