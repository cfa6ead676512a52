"""All statistics of one head: value, null, excess and status, and below them what the marked one means."""

from __future__ import annotations

import math

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from faa_core.catalogue import BY_KEY, Entry
from faa_core.records import STATUS_MEANING, STATUSES, LayerResult
from faa_core.replication import LEVEL, LayerReplication
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
        self._means: LayerReplication | None = None
        self._head = self._texts = 0

    def compose(self) -> ComposeResult:
        """Column heads, lines, definition."""
        yield self._heads
        yield self._lines
        yield self._definition

    def show(self, result: LayerResult | None, head: int = 0) -> None:
        """Show head ``head`` of ``result``; nothing where it is ``None``."""
        self._result, self._head, self._means = result, head, None
        if self.is_mounted:
            self._fill()

    def show_means(self, means: LayerReplication, head: int, texts: int) -> None:
        """Show what holds of head ``head`` over several texts, of which there are ``texts``."""
        self._result, self._head, self._means, self._texts = None, head, means, texts
        if self.is_mounted:
            self._fill()

    @property
    def _names(self) -> tuple[str, ...]:
        if self._means is not None:
            return self._means.names
        return self._result.statistics.names if self._result is not None else ()

    @property
    def marked(self) -> int:
        """Row of the marked statistic; 0 where there are none."""
        return self._lines.highlighted or 0

    @property
    def marked_key(self) -> str:
        """Key of the marked statistic; "" where there are none."""
        return self._names[self.marked] if self.marked < len(self._names) else ""

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
        columns = ("value" if self._means is None else "mean", "null", "excess")[:numbers]
        head_line = "statistic".ljust(name_width) + "".join(f"{column:>{_NUMBER}}" for column in columns)
        self._heads.update(Content.styled(head_line + ("  status" if status_width else ""), "dim"), layout=False)
        if not self._names:
            lines.clear_options()
            self._definition.update("", layout=False)
            return
        texts = [self._line(row, name_width, numbers, status_width) for row in range(len(self._names))]
        if len(texts) == lines.option_count:
            for index, text in enumerate(texts):
                lines.replace_option_prompt_at_index(index, text)
        else:
            lines.set_options([Option(text) for text in texts])
            lines.mark(0)
        self._define(lines.highlighted or 0)

    def _numbers(self, row: int) -> tuple[float, float, float, str]:
        """Value, null and excess of a line, and a word or two where they are not sure."""
        if self._means is not None:
            at = row, self._head
            mean, excess, used = (float(of[at]) for of in (self._means.mean, self._means.excess, self._means.used))
            return mean, mean - excess, excess, "" if used == self._texts else f"{used:.0f} of {self._texts}"
        assert self._result is not None
        statistics = self._result.statistics
        value, null = float(statistics.value[row, self._head]), float(statistics.null[row, self._head])
        status = STATUSES[statistics.status[row, self._head]]
        return value, null, value - null, "" if status == "ok" else status.replace("_", " ")

    def _line(self, row: int, name_width: int, columns: int, status_width: int) -> Content:
        entry = BY_KEY[self._names[row]]
        *numbers, doubt = self._numbers(row)
        name = entry.title if len(entry.title) < name_width else entry.symbol
        text = f"{fit(name, name_width - 1):<{name_width}}" + "".join(
            f"{figure(number, entry, signed=index == 2):>{_NUMBER}}" for index, number in enumerate(numbers[:columns])
        )
        if not doubt:
            return Content(text)
        return Content.styled(text + ("  " + fit(doubt, status_width) if status_width else " !"), "dim")

    def _define(self, row: int) -> None:
        if row >= len(self._names):
            return
        entry = BY_KEY[self._names[row]]
        unit = f", {entry.unit}" if entry.unit else ""
        said = self._over_texts(row, entry) if self._means is not None else self._on_one_text(row, entry)
        self._definition.update(
            Content.assemble((f"{entry.title}{unit}", "bold"), *said, f"\n{entry.definition}"), layout=False
        )

    def _on_one_text(self, row: int, entry: Entry) -> list[str | tuple[str, str]]:
        assert self._result is not None
        statistics = self._result.statistics
        error = statistics.error[row, self._head]
        status = STATUSES[statistics.status[row, self._head]]
        parts: list[str | tuple[str, str]] = []
        if math.isfinite(error):
            parts.append(f"  ± {error:.{entry.decimals}f}")
        if status != "ok":
            parts.append((f"  {status.replace('_', ' ')}: {STATUS_MEANING[status]}", "$text-warning"))
        return parts

    def _over_texts(self, row: int, entry: Entry) -> list[str | tuple[str, str]]:
        assert self._means is not None
        low, high, used = (of[row, self._head] for of in (self._means.low, self._means.high, self._means.used))
        parts: list[str | tuple[str, str]] = []
        if math.isfinite(low) and math.isfinite(high):
            between = f"{figure(low, entry, signed=True)} to {figure(high, entry, signed=True)}"
            parts.append(f"  excess {between} ({LEVEL:.0%} over texts)")
        if used < self._texts:
            parts.append((f"  defined in {used} of {self._texts} texts", "$text-warning"))
        return parts


def figure(value: float, entry: Entry, signed: bool = False) -> str:
    """``value`` with the digits that ``entry`` asks for; a middle dot where it is undefined."""
    if not math.isfinite(value):
        return "·"
    return f"{value:{'+' if signed else ''}z.{entry.decimals}f}"
