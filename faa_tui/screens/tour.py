"""What is where, in a minute: a note beside one pane after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Offset, Region
from textual.screen import ModalScreen
from textual.widgets import Static

from faa_tui.live_keys import with_keys
from faa_tui.screens.paned import PanedScreen

WIDTH = 52
"""Cells of the note."""


@dataclass(frozen=True)
class Step:
    """One stop.

    Attributes:
        pane: Id of a pane; "" for the screen as a whole.
        title: What it is.
        text: One sentence or two, with the keys in braces by the ids of their actions: ``{statistic}``.
    """

    pane: str
    title: str
    text: str


STEPS: tuple[Step, ...] = (
    Step(
        "models",
        "Models",
        "The bundled model is being analysed already. {pane.models} comes here and {list.choose} opens one; {open} "
        "takes any name of the hub, a folder, or another machine: gpu7:gpt2.",
    ),
    Step(
        "heads",
        "Heads",
        "A cell is a head, a row a layer. {heads.left} {heads.down} {heads.up} {heads.right} choose the head "
        "that all panes show. {statistic} colours them by the next number, {explain} explains it.",
    ),
    Step(
        "attention",
        "Attention",
        "The map of that head: rows are queries, columns keys. {map.left} {map.down} {map.up} {map.right} move, "
        "{map.zoom_in} and {map.zoom_out} zoom; the line below reads out the weight, and {copy} copies it.",
    ),
    Step(
        "numbers",
        "Numbers",
        "Each number stands beside its null, which is what even attention has. {curve.next} shows other curves, "
        "{examine} measures what needs the whole map.",
    ),
    Step("text", "Text", "Coloured by what the query under the cursor attends to. {text} takes another text."),
    Step(
        "",
        "And then",
        "{help} lists the keys that work where you are, {palette} finds every command by its name. {compare} compares "
        "two models, {report} writes a report, {quit} leaves.",
    ),
)
"""The way."""


class TourScreen(ModalScreen[None]):
    """Shows the steps one after another; whichever way it is left, it is over.

    Args:
        base: The screen below, whose panes it points at.
        texts: Text of each of `STEPS`, with the names of the keys in it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,l,space,n", "step(1)", "next", id="tour.next", tooltip="The next pane"),
        Binding("left,h,backspace,p", "step(-1)", "back", id="tour.back", tooltip="The pane before"),
        Binding("escape,q", "leave", "leave", id="tour.leave", tooltip="Leave the tour"),
    ]

    def __init__(self, base: PanedScreen, texts: Sequence[str]) -> None:
        super().__init__()
        self._base = base
        self._texts = tuple(texts)
        self._at = 0

    @property
    def at(self) -> int:
        """Which of the steps shows, from 0."""
        return self._at

    def compose(self) -> ComposeResult:
        """A note that is put beside the pane."""
        with Vertical(id="tour-box"):
            yield Static(id="tour-text", markup=False)
            yield Static(id="tour-keys", markup=False)

    def on_mount(self) -> None:
        """Begin."""
        self._show()

    def on_resize(self) -> None:
        """The panes are elsewhere."""
        self.call_after_refresh(self._place)

    def on_unmount(self) -> None:
        """Point at nothing any more."""
        self._point("")

    def action_step(self, step: int) -> None:
        """Go on or back; past the last step the tour is over."""
        if self._at + step >= len(STEPS):
            self.action_leave()
        else:
            self._at = max(0, self._at + step)
            self._show()

    def action_leave(self) -> None:
        """Close it."""
        self.dismiss(None)

    def _show(self) -> None:
        step = STEPS[self._at]
        if step.pane:
            self._base.reveal(step.pane)
        self._point(step.pane)
        self.query_one("#tour-box").border_title = Content(f"{step.title}   {self._at + 1} of {len(STEPS)}")
        self.query_one("#tour-text", Static).update(Content(self._texts[self._at]))
        last = self._at == len(STEPS) - 1
        on, back = "{tour.next} done" if last else "{tour.next} next", "{tour.back} back   " if self._at else ""
        keys = with_keys(self.app, f"{on}   {back}{{tour.leave}} leave for good")
        self.query_one("#tour-keys", Static).update(Content.styled(keys, "dim"))
        self.call_after_refresh(self._place)

    def _point(self, pane: str) -> None:
        for id, _ in self._base.PANES:
            for found in self._base.query(f"#{id}"):
                found.set_class(id == pane, "-pointed")

    def _place(self) -> None:
        """Put the note beside the pane where there is room, else over its edge."""
        box, step = self.query_one("#tour-box"), STEPS[self._at]
        size = box.outer_size
        whole = Region(0, 0, *self.size)
        target = self._base.query_one(f"#{step.pane}").region if step.pane else whole
        box.styles.offset = _beside(target, whole, size.width, size.height)


def _beside(pane: Region, screen: Region, width: int, height: int) -> Offset:
    """Where a note goes: to the right of a pane, to its left, below, above, or into its middle."""
    middle = max(0, min(pane.y + max(0, (pane.height - height) // 2), screen.height - height))
    across = max(0, min(pane.x + max(0, (pane.width - width) // 2), screen.width - width))
    spots = (
        (pane.right, middle),
        (pane.x - width, middle),
        (across, pane.bottom),
        (across, pane.y - height),
    )
    for x, y in spots:
        if screen.contains_region(Region(x, y, width, height)):
            return Offset(x, y)
    return Offset(across, middle)
