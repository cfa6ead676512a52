"""The main screen as one left it: which head, by what, in which colours, and where the keys go."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events

from faa_core.catalogue import BY_KEY
from faa_tui.rendering.scales import ScaleName
from faa_tui.screens.main_kept import MainKept
from faa_tui.session import Position


@dataclass(frozen=True)
class Look:
    """What one looks at, and how.

    Attributes:
        position: The head; another model may have none of that name, and shows the nearest.
        statistic: Key of the statistic that colours the heads.
        scale: How weights become colours.
        page: Name of the page of curves; what is no page changes nothing.
        pane: Id of the pane in focus; what is no pane changes nothing.
    """

    position: Position
    statistic: str
    scale: ScaleName
    page: str
    pane: str


class MainLook(MainKept):
    """The main screen as far as one finds it again."""

    _pane_used = ""

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Note which pane has the keys: in the end, when one wants to know, none has."""
        self._pane_used = self.pane_id or self._pane_used

    @property
    def look(self) -> Look:
        """What one looks at, or will, while there is nothing: that begins with the first head."""
        position = self.position or Position("decoder", 0, 0)
        return Look(position, self.statistic, self.colours.scale, self._curve.page, self._pane_used)

    def look_again(self, look: Look) -> None:
        """Look at the same; the head shows once a run is there that has it."""
        self.position = look.position
        if look.statistic in BY_KEY:
            self.statistic = look.statistic
        self.colours.scale = look.scale
        self.take_colours()
        if look.page in self._curve.PAGES:
            self._curve.page = look.page
        if look.pane in dict(self.PANES):
            self.action_pane(look.pane)
