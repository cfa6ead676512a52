"""All statistics of one head: value, null, excess and status, and below them what the marked one means."""

from __future__ import annotations

import math

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from faa_core.catalogue import BY_KEY, Entry
from faa_core.records import STATUS_MEANING, STATUSES, LayerResult, Statistics
from faa_tui.rendering.text import fit
from faa_tui.widgets.list_pane import ListPane

_NAME = 24
"""Cells of the column of names, where there is room: the longest title."""
_NUMBER = 8
"""Cells of a column of numbers."""
_STATUS = 8
"""Cells that the column of statuses needs at least."""


class StatisticsTable(Vertical):
    """A table that is read line by line; the definition of the marked line stands below."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._heads = Static(id="statistics-heads")
        self._lines = ListPane(id="statistics-lines")
        self._definition = Static(id="statistics-definition", markup=False)
        self._result: LayerResult | None = None
        self._head = 0

    def compose(self) -> ComposeResult:
        """Column heads, lines, definition."""
        yield self._heads
        yield self._lines
        yield self._definition

    def show(self, result: LayerResult | None, head: int = 0) -> None:
        """Show head ``head`` of ``result``; nothing where it is ``None``."""
        self._result, self._head = result, head
        if self.is_mounted:
            self._fill()

    @property
    def marked(self) -> int:
        """Row of the marked statistic; 0 where there are none."""
        return self._lines.highlighted or 0

    @property
    def marked_key(self) -> str:
        """Key of the marked statistic; "" where there are none."""
        names = self._result.statistics.names if self._result is not None else ()
        return names[self.marked] if self.marked < len(names) else ""

    def on_mount(self) -> None:
        """Show what was there before the lines were."""
        self._fill()

    def on_resize(self) -> None:
        """Lay the columns out anew."""
        self._fill()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what the marked number is."""
        event.stop()
        self._define(event.option_index)

    def _fill(self) -> None:
        lines = self._lines
        width = max(self.content_size.width - 3, 20)
        # Where there is no room for the difference beside value and null, the reader can form it.
        numbers = 3 if width >= 9 + 3 * _NUMBER else 2
        name_width = min(width - numbers * _NUMBER, _NAME + 1)
        status_width = width - name_width - numbers * _NUMBER - 2
        if status_width < _STATUS:
            status_width = 0
            name_width = min(width - numbers * _NUMBER - 2, _NAME + 1)
        columns = ("value", "null", "excess")[:numbers]
        head_line = "statistic".ljust(name_width) + "".join(f"{column:>{_NUMBER}}" for column in columns)
        self._heads.update(Content.styled(head_line + ("  status" if status_width else ""), "dim"), layout=False)
        if self._result is None:
            lines.clear_options()
            self._definition.update("", layout=False)
            return
        statistics = self._result.statistics
        texts = [self._line(statistics, row, name_width, numbers, status_width) for row in range(len(statistics.names))]
        if len(texts) == lines.option_count:
            for index, text in enumerate(texts):
                lines.replace_option_prompt_at_index(index, text)
        else:
            lines.set_options([Option(text) for text in texts])
            lines.mark(0)
        self._define(lines.highlighted or 0)

    def _line(self, statistics: Statistics, row: int, name_width: int, columns: int, status_width: int) -> Content:
        entry = BY_KEY[statistics.names[row]]
        value = statistics.value[row, self._head]
        null = statistics.null[row, self._head]
        status = STATUSES[statistics.status[row, self._head]]
        name = entry.title if len(entry.title) < name_width else entry.symbol
        text = f"{fit(name, name_width - 1):<{name_width}}" + "".join(
            f"{figure(number, entry, signed=index == 2):>{_NUMBER}}"
            for index, number in enumerate((value, null, value - null)[:columns])
        )
        if status == "ok":
            return Content(text)
        return Content.styled(
            text + ("  " + fit(status.replace("_", " "), status_width) if status_width else " !"), "dim"
        )

    def _define(self, row: int) -> None:
        if self._result is None or row >= len(self._result.statistics.names):
            return
        statistics = self._result.statistics
        entry = BY_KEY[statistics.names[row]]
        error = statistics.error[row, self._head]
        status = STATUSES[statistics.status[row, self._head]]
        unit = f", {entry.unit}" if entry.unit else ""
        parts: list[str | tuple[str, str]] = [(f"{entry.title}{unit}", "bold")]
        if math.isfinite(error):
            parts.append(f"  ± {error:.{entry.decimals}f}")
        if status != "ok":
            parts.append((f"  {status.replace('_', ' ')}: {STATUS_MEANING[status]}", "$text-warning"))
        parts.append(f"\n{entry.definition}")
        self._definition.update(Content.assemble(*parts), layout=False)


def figure(value: float, entry: Entry, signed: bool = False) -> str:
    """``value`` with the digits that ``entry`` asks for; a middle dot where it is undefined."""
    if not math.isfinite(value):
        return "·"
    return f"{value:{'+' if signed else ''}z.{entry.decimals}f}"
