"""The top line: which model, on what, how far, and how the worker is."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from faa_core.records import ModelInfo
from faa_tui.rendering.bytes_in_words import in_words
from faa_tui.rendering.text import visible
from faa_tui.session import Phase


@dataclass(frozen=True)
class Status:
    """Everything that the top line says.

    Attributes:
        reference: The model that shows, or the one that was asked for where none does.
        asked: The model of the run, where what shows is of another one; "" else.
        model: The loaded model; ``None`` before.
        tokens: Tokens of the text; 0 before it is tokenised.
        truncated_from: Tokens before truncation.
        run: Number of the run; 0 before the first.
        phase: State of the run.
        activity: What the worker is doing.
        seconds: Wall time: so far, or of the finished run.
        worker: State of the worker in words.
        worker_ill: Whether that is a reason to worry.
        texts: Which of several texts shows, in words; "" where there is one.
        kept: Which kept run shows, in words, in place of run, phase and time; "" for a run of this application.
        memory: Bytes that the worker holds: of its accelerator where it uses one, else of its machine; 0 where it is
            not known.
    """

    reference: str = ""
    asked: str = ""
    model: ModelInfo | None = None
    tokens: int = 0
    truncated_from: int | None = None
    run: int = 0
    phase: Phase = Phase.IDLE
    activity: str = ""
    seconds: float | None = None
    worker: str = "not started"
    worker_ill: bool = False
    memory: int = 0
    texts: str = ""
    kept: str = ""


class StatusBar(Widget):
    """One line; what matters least gives way first where it is narrow."""

    status: reactive[Status] = reactive(Status())

    def render(self) -> Content:
        """The line, as long as the widget is wide."""
        width = self.content_size.width
        for detail in (3, 2, 1, 0):
            left, right = self._left(detail), self._right(detail)
            gap = width - left.cell_length - right.cell_length
            if gap >= 2:
                break
        return Content.assemble(left, " " * max(gap, 1), right)

    def _left(self, detail: int) -> Content:
        status = self.status
        parts: list[str | tuple[str, str]] = [("faa", "bold $accent"), "  ", (visible(status.reference), "bold")]
        if (model := status.model) is not None and detail >= 1:
            if detail >= 2:
                parts.append(f"  {visible(model.device)}")
            if detail >= 3:
                parts.append(f" {visible(model.dtype)}")
                if status.memory:
                    parts.append(f" {in_words(status.memory)}")
            parts.append("  " + shape_of(model, short=detail < 3))
        if status.tokens:
            parts.append(f"  {status.tokens}")
            if status.truncated_from is not None:
                parts.append((f" of {status.truncated_from}", "$warning"))
            parts.append(" tokens" if detail >= 2 else " tok")
        if status.texts:
            parts.append((f"  {status.texts}", "$accent"))
        return Content.assemble(*parts)

    def _right(self, detail: int) -> Content:
        status = self.status
        colour = {Phase.DONE: "$success", Phase.FAILED: "$error", Phase.CANCELLED: "$warning"}.get(status.phase, "")
        what = visible(status.activity) if status.activity and status.phase.under_way else status.phase.value
        parts: list[str | tuple[str, str]] = []
        if status.kept:
            parts.append((status.kept, "$warning"))
        else:
            if status.run and (detail >= 1 or not status.activity):
                parts.append(f"run {status.run}  ")
            if status.asked:
                parts += [(visible(status.asked), "bold"), " "]
            parts.append((what, colour) if colour else what)
            if status.seconds is not None:
                parts.append(f" {status.seconds:.2f} s" if not status.phase.under_way else f" {status.seconds:.0f} s")
        if detail >= 1 or status.worker_ill:
            label = "  worker: " if detail >= 2 else "  "
            parts.append(label)
            parts.append((visible(status.worker), "bold $error") if status.worker_ill else visible(status.worker))
        return Content.assemble(*parts)


def shape_of(model: ModelInfo, short: bool = False) -> str:
    """``4 layers x 8 heads``; the range of heads where layers differ."""
    heads = [info.heads for info in model.layers if info.heads]
    if not heads:
        return "no attention"
    count = str(heads[0]) if len(set(heads)) == 1 else f"{min(heads)}-{max(heads)}"
    return f"{len(heads)}x{count}" if short else f"{len(heads)} layers x {count} heads"
