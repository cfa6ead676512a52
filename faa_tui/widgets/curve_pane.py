"""The frame around the curves: it names the page, and says whether what is fitted on it can be trusted."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content

from faa_tui.widgets.curve import CurveView
from faa_tui.widgets.pane import Pane


class CurvePane(Pane):
    """Holds the curves, and writes into its borders what they are.

    Args:
        view: The curves.
        id: Id of the widget.
    """

    def __init__(self, view: CurveView, id: str | None = None) -> None:
        super().__init__("", view.title, id=id)
        self._view = view

    def compose(self) -> ComposeResult:
        """The curves alone."""
        yield self._view

    def on_mount(self) -> None:
        """Name the first page."""
        self.tell()

    def on_paged_plot_page_changed(self) -> None:
        """Name the page; the screen hears of it too, for what this page needs."""
        self.tell()

    def tell(self) -> None:
        """Write the borders, because the page or the head is another one."""
        view = self._view
        self.head(Content.assemble(view.title, (f"  {view.place + 1}/{len(view.PAGES)}", "dim")))
        status = view.status
        words = status.replace("_", " ")
        self.foot(Content.styled(words, "$text-success" if status == "ok" else "$text-warning") if words else "")
