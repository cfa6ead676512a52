"""The page on a number, below what that number is here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Markdown, Static

from faa_core import explain
from faa_tui.explaining import Explained
from faa_tui.live_keys import key_of
from faa_tui.rendering.text import visible
from faa_tui.screens.reading import Reading


class ExplainScreen(Reading):
    """Shows the text of ``faa explain``, of one number after another.

    Args:
        explained: Which pages, and what stands above each.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "next", "next number", id="explain.next", tooltip="Explain the other number of this pane"),
    ]

    def __init__(self, explained: Sequence[Explained]) -> None:
        super().__init__()
        self._explained = tuple(explained)
        self._at = 0

    @property
    def shown(self) -> Explained:
        """Which page shows."""
        return self._explained[self._at]

    def compose(self) -> ComposeResult:
        """What it is here stays, the page scrolls."""
        with Vertical(id="explain-box", classes="dialog"):
            yield Static(id="explain-facts", markup=False)
            yield Static(id="explain-remark", markup=False)
            with VerticalScroll(id="explain-scroll"):
                yield Markdown(self._page(), open_links=False)
        yield Footer()

    def on_mount(self) -> None:
        """Show what the first one is here."""
        self._tell()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a next one only where there are two."""
        return action != "next" or len(self._explained) > 1

    async def action_next(self) -> None:
        """Show the next page, after the last the first."""
        self._at = (self._at + 1) % len(self._explained)
        self._tell()
        await self.query_one(Markdown).update(self._page())
        self.body.scroll_home(animate=False)

    def _page(self) -> str:
        return explain.page(self.shown.name, key_of(self.app, "examine"))

    def _tell(self) -> None:
        """Write what is above the page and in the frame around it."""
        said = self.shown
        box = self.query_one("#explain-box")
        box.border_title = Content(explain.title(said.name))
        box.border_subtitle = Content(f"faa explain {said.name}")
        parts: list[str | tuple[str, str]] = [(visible(said.where), "bold")]
        for name, value in said.facts:
            parts += [(f"   {name} ", "dim"), value]
        facts, remark = self.query_one("#explain-facts", Static), self.query_one("#explain-remark", Static)
        facts.update(Content.assemble(*parts))
        facts.display = bool(said.facts)
        remark.update(Content.styled(said.remark, "$text-warning"))
        remark.display = bool(said.remark)
