"""The frame around everything that has a number to jump to."""

from __future__ import annotations

from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from faa_tui.live_keys import key_of


class Pane(Vertical):
    """A bordered box that says which key leads to it, and can fill the screen.

    Args:
        leads: Id of the action that focuses it; "" for none.
        title: What it shows.
        id: Id of the widget.
    """

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    Pane {
        layers: default above;
        & > .pane--empty { layer: above; width: 100%; height: auto; padding: 0 1; color: $text-muted; }
    }
    """

    def __init__(self, leads: str, title: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self.leads = leads
        self._title = Content(title)
        self._head = self._foot = Content("")
        self._lines: int | None = None
        self.name_of_pane = title
        self._empty: Static | None = None

    def say(self, text: str) -> None:
        """Say why there is nothing here, and what to do; "" where there is something.

        What is below stays where it is, and keeps the focus.
        """
        if self._empty is None:
            if not text:
                return
            self._empty = Static(classes="pane--empty", markup=False)
            self.mount(self._empty)
        self._empty.update(Content(text))
        self._empty.display = bool(text)

    def on_mount(self) -> None:
        """Say which key leads here, and fill the screen when the screen says so."""
        self.tell_key()
        self.watch(self.screen, "maximized", self._fit, init=False)

    def fit(self, lines: int | None) -> None:
        """Be so many lines high with its borders, or as high as the style sheet says, unless it fills the screen."""
        self._lines = lines
        self._fit()

    def _fit(self) -> None:
        self.styles.height = None if self.screen.maximized is self else self._lines

    def head(self, title: str | Content) -> None:
        """Write ``title`` into the border; it is never read as markup."""
        self._title = title if isinstance(title, Content) else Content(title)
        if self.is_attached:
            self.tell_key()

    def tell_key(self) -> None:
        """Write the border, because the title or the key is another one."""
        key = f"{key_of(self.app, self.leads)} " if self.leads else ""
        content = Content.assemble((key, "dim"), self._title) if key else self._title
        if content != self._head:  # or the whole box would be drawn again
            self._head = self.border_title = content

    def foot(self, text: str | Content) -> None:
        """Write ``text`` into the lower border."""
        content = text if isinstance(text, Content) else Content(text)
        if content != self._foot:
            self._foot = self.border_subtitle = content
