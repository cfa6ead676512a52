"""What both big screens share: panes that digits lead to, one of which can fill the screen, and a notice above them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.geometry import Offset
from textual.screen import Screen
from textual.widget import Widget

from faa_core.worker.protocol import Fail
from faa_tui._compat import tell_every_size
from faa_tui.rendering.choices import MapColours
from faa_tui.screens.jump import JumpScreen
from faa_tui.widgets.notice import Notice
from faa_tui.widgets.pane import Pane

MIN_SIZE = (60, 18)
"""Columns and rows below which nothing useful fits."""


class PanedScreen(Screen[None]):
    """Panes below a notice.

    Args:
        notice: Where faults are told.
        colours: How maps are coloured, on every screen.
    """

    VERTICAL_BREAKPOINTS = [(0, "-flat"), (MIN_SIZE[1], "-low"), (32, "-tall")]  # noqa: RUF012

    PANES: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Ids and names of the panes, in the order of their numbers from 1."""
    FOCUS: ClassVar[Mapping[str, str]] = {}
    """Selector of what takes the keys in each pane."""

    def __init__(self, notice: Notice, colours: MapColours) -> None:
        super().__init__()
        self.colours = colours
        tell_every_size(self)
        self._notice = notice
        self._left: Widget | None = None

    def tell_keys(self) -> None:
        """Name the keys that work now, wherever one is named all the time."""
        for pane in self.query(Pane):
            pane.tell_key()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Keep the pane of the keys in sight, also where the terminal is made narrower."""
        self._left = event.widget
        if self.maximized is None and (pane := self.pane_id):
            self.reveal(pane)

    def on_descendant_blur(self) -> None:
        """Textual takes the focus from what is hidden, as all is in a terminal that is too small."""
        self.call_after_refresh(self._come_back)

    def on_resize(self) -> None:
        """Give the keys back to the pane that had them before the terminal was too small."""
        self.call_after_refresh(self._come_back)

    def _come_back(self) -> None:
        if self.focused is None and self._left is not None and self._left.is_attached and self._left.focusable:
            self.set_focus(self._left)

    # --- colours -------------------------------------------------------------------------------------------------

    def take_colours(self) -> None:
        """Colour the maps as it is chosen."""
        raise NotImplementedError

    def on_screen_resume(self) -> None:
        """Another screen may have chosen other colours."""
        self.take_colours()

    def action_scale(self, step: int) -> None:
        """Colour maps by the scale ``step`` places on."""
        self.colours.next_scale(step)
        self.take_colours()

    def action_ramp(self, step: int) -> None:
        """Colour maps and heads by the ramp ``step`` places on; differences keep theirs, which has a middle."""
        self.colours.next_ramp(step)
        self.take_colours()

    # --- faults and panes ----------------------------------------------------------------------------------------

    def show_fault(self, fail: Fail, keys: str) -> None:
        """Show a fault until `clear_fault`; what is on the screen stays."""
        self._notice.show(fail, keys)

    def clear_fault(self) -> bool:
        """Take the fault away; whether there was one."""
        shown = self._notice.display
        self._notice.hide()
        return shown

    def reveal(self, pane: str) -> None:
        """Make room for ``pane`` where there is none for all; a screen with panes that give way says how."""

    def focus_of(self, pane: str) -> Widget:
        """What takes the keys in ``pane``."""
        return self.query_one(self.FOCUS[pane], Widget)

    def action_pane(self, pane: str) -> None:
        """Focus ``pane``; shows it first where it is hidden."""
        if self.maximized is not None:
            self.minimize()
        self.reveal(pane)
        # At once, although a hidden pane has no room yet: keys that are here already are meant for it.
        self.set_focus(self.focus_of(pane))

    def action_jump(self) -> None:
        """Show a letter on everything that takes keys; the letter leads there."""
        self.app.push_screen(JumpScreen(self._jumps()), self._jumped)

    def _jumped(self, widget: Widget | None) -> None:
        if widget is not None:
            self.set_focus(widget)

    def _jumps(self) -> dict[Offset, Widget]:
        """What takes keys and shows, by where it begins."""
        return {widget.region.offset: widget for widget in self.focus_chain if widget.region}

    def action_maximise(self) -> None:
        """Fill the screen with the focused pane, or put it back."""
        if self.maximized is not None:
            self.minimize()
            return
        panes = self._panes_in_focus()
        if panes:
            self.maximize(panes[-1], container=False)

    def _panes_in_focus(self) -> list[Pane]:
        """Panes around the focus, the innermost first; a curve and its table go together in an outer one."""
        focused: Widget | None = self.focused
        return [node for node in focused.ancestors_with_self if isinstance(node, Pane)] if focused else []

    def _numbered_pane(self) -> tuple[str, str]:
        """Id and name of the innermost pane around the focus that has a number; "" twice for none."""
        leads = (pane.leads.rpartition("pane.")[2] for pane in self._panes_in_focus() if pane.leads)
        return next(((id, name) for lead in leads for id, name in self.PANES if id == lead), ("", ""))

    @property
    def pane_id(self) -> str:
        """Id of the focused pane; "" where none that has a number is in focus."""
        return self._numbered_pane()[0]

    @property
    def pane_name(self) -> str:
        """Name of the focused pane, for the help."""
        panes = self._panes_in_focus()
        return self._numbered_pane()[1] or (panes[0].name_of_pane if panes else "This pane")
