"""The one place that leans on private parts of Textual, checked against Textual 8.2.8."""

from __future__ import annotations

import time
from asyncio import TimerHandle, get_running_loop
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.segment import Segment
from textual import events
from textual._compositor import Compositor, ReflowResult
from textual.app import App
from textual.binding import Keymap
from textual.color import Color
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from faa_tui.colour import Colours
from faa_tui.rendering.ascii import to_ascii
from faa_tui.rendering.pacing import PATIENCE_SECONDS, QUESTION, Pacing

LAST_ANSWERS_SECONDS: Final = 0.1
"""How long the end of the application waits for answers that the shell would take for keys."""


class AnsiStrip(Strip):
    """A strip whose terminal bytes are known already; its segments are made only when something asks for them.

    Textual styles every segment by itself, which for a heat map costs some 40 bytes and several objects a cell. A
    widget that overrides ``render_lines`` and returns these strips reaches the terminal with its own bytes instead.
    The segments are still there for what needs them: screenshots, cropping under an overlay, tests.

    Args:
        ansi: Terminal bytes. They begin and end with default attributes.
        width: Width in cells.
        make: Makes the same line as segments.
    """

    # Strip stores its segments in the slot `_segments`, which all of its methods read; this shadows it.
    __slots__ = ("_ansi", "_lazy", "_make")

    def __init__(self, ansi: str, width: int, make: Callable[[], list[Segment]]) -> None:
        super().__init__((), width)
        self._ansi = ansi
        self._make = make
        self._lazy: list[Segment] | None = None

    @property
    def _segments(self) -> list[Segment]:
        if self._lazy is None:
            self._lazy = self._make()
        return self._lazy

    @_segments.setter
    def _segments(self, value: list[Segment]) -> None:
        """Take the empty list that the constructor of `Strip` assigns, and forget it."""

    def __bool__(self) -> bool:
        return True

    @property
    def ansi(self) -> str:
        """Terminal bytes of the whole line."""
        return self._ansi

    def render(self, console: Console) -> str:
        """Terminal bytes, whatever the console: the encoder has chosen its colours already."""
        return self._ansi

    def apply_filter(self, filter: LineFilter, background: Color) -> Strip:
        """Skip the conversion of named colours, since there are none; let every other filter see segments."""
        return self if isinstance(filter, ANSIToTruecolor) else super().apply_filter(filter, background)


_SYSTEMS: Final = {
    "truecolor": ColorSystem.TRUECOLOR,
    "256": ColorSystem.EIGHT_BIT,
    "16": ColorSystem.STANDARD,
    "none": ColorSystem.TRUECOLOR,  # there is no colour left by then, and Textual takes None for this one
}


def set_colour_system(console: Console, colours: Colours) -> None:
    """Let the console of an application write so many colours, whatever it has found out itself."""
    console._color_system = _SYSTEMS[colours]


def write_raw(app: App[Any], sequence: str) -> None:
    """Write a sequence to the terminal of ``app`` as it is."""
    if app._driver is not None:
        app._driver.write(sequence)
        app._driver.flush()


def keymap_of(app: App[Any]) -> Keymap:
    """Keys that were chosen for ``app``, by the ids of bindings; Textual only lets one set them."""
    return app._keymap


def take_mouse(app: App[Any], taken: bool) -> bool:
    """Ask the terminal of ``app`` for its mouse, or give it back; whether that is a terminal of which one can."""
    driver = app._driver
    if not isinstance(driver, LinuxDriver):
        return False
    # It writes nothing while it believes that the mouse is not wanted, also when it takes the terminal again.
    driver._mouse = True
    if taken:
        driver._enable_mouse_support()
    else:
        driver._disable_mouse_support()
        driver._mouse = False
    return True


class _TellingCompositor(Compositor):
    """One that notices every widget that has another size than it was told.

    Textual looks for them by comparing with the map it has; when something asks where a widget is after the layout
    has changed and before it is refreshed, that map is the new one already, and nobody hears of the new sizes.
    """

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        result = super().reflow(parent, size)
        untold = {widget for widget, place in self._full_map.items() if widget.outer_size != place.region.size}
        return result._replace(resized=result.resized | (untold - result.shown))


def tell_every_size(screen: Screen[Any]) -> None:
    """Make sure that all widgets of a new ``screen`` hear of their size, also those that Textual forgets."""
    screen._compositor = _TellingCompositor()


class PacedDriver(LinuxDriver):
    """A driver that asks the terminal how far it has come, and tells its application after each frame.

    Args:
        app: A `PacedApp`.
        debug: As for `Driver`.
        mouse: As for `Driver`.
        size: As for `Driver`.
    """

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        assert isinstance(app, PacedApp)
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._paced = app
        self._listening = False

    def start_application_mode(self) -> None:
        """Take the terminal."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._paced.pacing.forget()
        self._listening = True

    def write(self, data: str) -> None:
        """Write to the terminal."""
        if self._paced.only_ascii:
            data = to_ascii(data)
        self._paced.pacing.wrote(len(data.encode()))
        super().write(data)

    def flush(self) -> None:
        """A frame is out."""
        super().flush()
        if self._listening:
            if self._paced.pacing.ask():
                super().write(QUESTION)
            self._paced.frame_written()

    def process_message(self, message: Message) -> None:
        """Note answers as they come, on the thread that reads them."""
        if isinstance(message, events.CursorPosition):
            self._paced.pacing.answered(time.monotonic())
        super().process_message(message)

    def disable_input(self) -> None:
        """Listen no longer, once what was asked is answered; else the answers would be typed into the shell."""
        if self._listening:
            self._listening = False
            deadline = time.monotonic() + LAST_ANSWERS_SECONDS
            while self._paced.pacing.unanswered and time.monotonic() < deadline:
                time.sleep(0.002)
        super().disable_input()


class PacedApp(App[None], inherit_bindings=False):
    """An application that draws no faster than its terminal shows; keys and messages are handled meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.pacing = Pacing()
        """What is known about the way to the terminal; nothing where there is none."""
        self.only_ascii = False
        """Whether nothing but ASCII may reach the terminal."""
        self._holding: ExitStack | None = None
        self._patience: TimerHandle | None = None
        self._missed = False

    def get_driver_class(self) -> type[Driver]:
        """The driver of a terminal, with questions; any other, such as that of a browser, as it is."""
        chosen = super().get_driver_class()
        return PacedDriver if chosen is LinuxDriver else chosen

    def frame_written(self) -> None:
        """Draw nothing more for now if the terminal lags; widgets that change meanwhile are drawn once, afterwards."""
        if self._holding is None and self.pacing.held:
            self._holding, self._missed = ExitStack(), False
            self._holding.enter_context(self.batch_update())
            self._patience = get_running_loop().call_later(PATIENCE_SECONDS, self._give_up)

    def on_cursor_position(self) -> None:
        """The terminal has answered."""
        if not self.pacing.held:
            self._draw_again()

    def _give_up(self) -> None:
        self.pacing.give_up()
        self._draw_again()

    def _draw_again(self) -> None:
        holding, self._holding = self._holding, None
        if holding is None:
            return
        if self._patience is not None:
            self._patience.cancel()
        holding.close()
        if self.screen_stack:
            if self._missed:
                self.screen.refresh()
            self.screen.check_idle()  # it was idle while it was not to draw, and would notice at the next message only

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Draw, or note that Textual has drawn in spite of the hold, as after a new size: that part is lost."""
        self._missed = self._missed or (self._holding is not None and renderable is not None)
        super()._display(screen, renderable)
