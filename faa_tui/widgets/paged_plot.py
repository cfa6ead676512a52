"""Plots of one thing, of which one shows at a time, drawn once for a size, a page and a look."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget


class PagedPlot(Widget):
    """Steps through pages; a subclass names them in `PAGES` and draws them."""

    ALLOW_SELECT = False
    PAGES: ClassVar[Mapping[str, str]] = {}
    """Titles of the pages by name, in the order of the key that steps through them."""

    page: reactive[str] = reactive("")
    """Name of the page that shows; the first one to begin with."""

    class PageChanged(Message):
        """Another page shows.

        Attributes:
            paged_plot: The sender.
            page: Which.
        """

        def __init__(self, paged_plot: PagedPlot, page: str) -> None:
            super().__init__()
            self.paged_plot = paged_plot
            self.page = page

        @property
        def control(self) -> PagedPlot:
            """The sender."""
            return self.paged_plot

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None, disabled: bool = False
    ) -> None:
        """Make an empty plot.

        Args:
            name: Name of the widget.
            id: Id of the widget.
            classes: Its classes.
            disabled: Whether it takes no input.
        """
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self.set_reactive(PagedPlot.page, next(iter(self.PAGES)))
        self._drawn_for: object = None
        self._lines: list[Strip] = []

    @property
    def title(self) -> str:
        """Title of the page that shows."""
        return self.PAGES[self.page]

    @property
    def place(self) -> int:
        """Which of the pages shows, from 0."""
        return list(self.PAGES).index(self.page)

    def action_step(self, step: int) -> None:
        """Show the page ``step`` places on."""
        self.page = list(self.PAGES)[(self.place + step) % len(self.PAGES)]

    def validate_page(self, page: str) -> str:
        """Refuse a page that does not exist.

        Raises:
            ValueError: It does not.
        """
        if page not in self.PAGES:
            raise ValueError(f"no page is called {page!r}; there are {', '.join(self.PAGES)}")
        return page

    def watch_page(self, page: str) -> None:
        """Say that it is another one."""
        self.post_message(self.PageChanged(self, page))

    def draw_anew(self) -> None:
        """Draw again what shows, because it is something else now."""
        self._drawn_for = None
        self.refresh()

    def look(self) -> Hashable:
        """What besides the size and the page the drawing depends on, such as colours."""
        raise NotImplementedError

    def draw_page(self, width: int, height: int) -> list[Text] | None:
        """``height`` lines of ``width`` cells; ``None`` for a blank pane."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Draw a line of the page."""
        base = self.rich_style.without_color if self.app.no_color else self.rich_style
        state = (self.size, self.page, self.look())
        if self._drawn_for != state:
            self._drawn_for = state
            self._lines = self._strips(*self.size)
        if not self._lines:
            return Strip.blank(self.size.width, base)
        return self._lines[y].apply_style(Style(color=base.color, bgcolor=base.bgcolor))

    def _strips(self, width: int, height: int) -> list[Strip]:
        console = self.app.console
        return [
            Strip([Segment(text, style or Style()) for text, style, _ in line.render(console, end="")], width)
            for line in self.draw_page(width, height) or ()
        ]
