from __future__ import annotations

import inspect
from importlib.metadata import version

import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import ANSIToTruecolor, NoColor
from textual.screen import Screen
from textual.strip import Strip

from faa_tui._compat import AnsiStrip


def test_the_private_parts_of_textual_are_as_they_were() -> None:
    # AnsiStrip shadows this slot. If it fails, read textual/strip.py again, then faa_tui/_compat.py.
    assert "_segments" in Strip.__slots__
    assert "self._segments = list(segments)" in inspect.getsource(Strip.__init__)
    assert int(version("textual").split(".")[0]) == 8


def test_the_private_parts_that_pace_frames_are_as_they_were() -> None:
    # PacedApp and PacedDriver rest on these. If it fails, read textual/app.py, screen.py and drivers/linux_driver.py.
    display, idle = inspect.getsource(App._display), inspect.getsource(Screen._on_idle)
    assert "if self._batch_count:\n                return" in display
    assert display.index("self._driver.write(terminal_sequence)") < display.index("self._driver.flush()")
    assert "if not self.app._batch_count and self.is_current" in idle
    assert "self.disable_input()" in inspect.getsource(LinuxDriver.stop_application_mode)
    assert "self.process_message(event)" in inspect.getsource(LinuxDriver.run_input_thread)
    assert isinstance(Console(color_system="256")._color_system, ColorSystem)
    assert "console._color_system or ColorSystem.TRUECOLOR" in inspect.getsource(Strip.render)


def test_bytes_go_out_as_they_are_and_segments_are_made_late() -> None:
    asked = 0

    def make() -> list[Segment]:
        nonlocal asked
        asked += 1
        return [Segment("ab", Style.parse("red")), Segment("cd")]

    strip = AnsiStrip("\x1b[31mab\x1b[0mcd", 4, make)
    assert strip.render(Console()) == "\x1b[31mab\x1b[0mcd"
    assert strip
    assert strip.cell_length == 4
    assert asked == 0
    assert strip.text == "abcd"
    assert strip.text == "abcd"
    assert asked == 1


@pytest.mark.parametrize(("start", "stop", "text"), [(0, 2, "ab"), (1, 3, "bc"), (2, 4, "cd")])
def test_an_overlay_can_cut_it(start: int, stop: int, text: str) -> None:
    strip = AnsiStrip("abcd", 4, lambda: [Segment("ab"), Segment("cd")])
    assert strip.crop(start, stop).text == text
    assert [part.text for part in strip.divide([1, 4])] == ["a", "bcd"]
    assert Strip.join([strip, Strip([Segment("!")])]).text == "abcd!"


def test_filters_of_named_colours_pass_it_by_and_others_do_not() -> None:
    from rich.terminal_theme import DEFAULT_TERMINAL_THEME

    strip = AnsiStrip("ab", 2, lambda: [Segment("ab", Style.parse("#ff0000 on #00ff00"))])
    background = Color(0, 0, 0)
    assert strip.apply_filter(ANSIToTruecolor(DEFAULT_TERMINAL_THEME), background) is strip
    (segment,) = strip.apply_filter(NoColor(), background)
    assert segment.style is not None
    assert segment.style.color is not None
    assert segment.style.color.is_default
