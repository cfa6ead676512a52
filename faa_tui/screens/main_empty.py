"""What the panes of the main screen say while they have nothing to show: why, and what to do next."""

from __future__ import annotations

from faa_core.worker.protocol import Fail
from faa_tui.live_keys import with_keys
from faa_tui.rendering.text import visible
from faa_tui.screens.main_map import MainMap
from faa_tui.session import Phase
from faa_tui.widgets.pane import Pane
from faa_tui.widgets.status_bar import Status

_PANES = ("layers", "heads", "attention", "numbers", "text")
_COMING = {
    "layers": "A line for each layer, as they are measured.",
    "heads": "A cell for each head, layer by layer as they are measured. Keys work meanwhile.",
    "attention": "The map of the chosen head.",
    "numbers": "The numbers of the chosen head.",
    "text": "The text, coloured by what the query under the cursor attends to.",
}
"""What comes by itself."""
_NEXT = {
    Phase.IDLE: "Nothing is measured yet. {text} takes a text and analyses it, {open} opens a model.",
    Phase.FAILED: "Nothing was measured. {message} says why. {run} runs again, {text} takes another text, {open} opens "
    "another model.",
    Phase.CANCELLED: "The run was cancelled before anything was measured. {run} runs it again.",
    Phase.DONE: "This model has no attention map. {open} opens another one.",
    Phase.KEPT: "This model has no attention map. {open} opens another one.",
    Phase.LEFT: "The text below was not measured when faa was left. {run} runs it, {text} edits it, {open} opens "
    "another model.",
}
"""What to do where nothing comes by itself; the keys are those of the actions in braces."""
_BRIEF = "Nothing yet."
_NO_CURVE_YET = "the first layer is not measured yet"
_NO_CURVE = "nothing is measured; {text} takes a text and analyses it"
_MOST_CHARACTERS = 10_000
"""Of a text that was left: more than a terminal shows."""


class MainEmpty(MainMap):
    """The main screen as far as it has nothing to show."""

    _told: tuple[Phase, bool] | None = None
    _text_left = ""

    def show_text_left(self, text: str) -> None:
        """Show a text that nothing was measured of, as long as the status says that it was left so."""
        lines = text[:_MOST_CHARACTERS].splitlines()
        self._text_left = "\n".join(visible(line) for line in lines)

    def show_status(self, status: Status) -> None:
        """Write the top line, and what the panes say that have nothing."""
        super().show_status(status)
        state = (status.phase, self._results is not None and bool(self._results.rows))
        if state != self._told and self.is_mounted:
            self._told = state
            self._tell_empty(*state)

    def show_fault(self, fail: Fail, keys: str) -> None:
        """Show a fault until `clear_fault`; ids of actions in braces become their keys."""
        super().show_fault(fail, with_keys(self.app, keys))

    def _tell_empty(self, phase: Phase, filled: bool) -> None:
        """Say it in the largest pane at length, in the others in brief."""
        if not filled:
            self._curve.show(None, why=_NO_CURVE_YET if phase.under_way else _NO_CURVE)
        for pane in _PANES:
            text = ""
            if not filled and phase.under_way:
                text = _COMING[pane]
            elif not filled:
                text = with_keys(self.app, _NEXT[phase]) if pane == "heads" else _BRIEF
                if pane == "text" and phase is Phase.LEFT:
                    text = self._text_left
            for here in self.query(f"#{pane}").results(Pane):  # none while the screen is taken down
                here.say(text)
