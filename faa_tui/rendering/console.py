"""A Rich console that keeps to what a terminal can show, for commands that print once."""

from __future__ import annotations

from typing import Final, Literal, TextIO

from rich.console import Console

from faa_tui.colour import Colours, Display
from faa_tui.rendering.ascii import to_ascii

_SYSTEMS: Final[dict[Colours, Literal["truecolor", "256", "standard"] | None]] = {
    "truecolor": "truecolor",
    "256": "256",
    "16": "standard",
    "none": None,
}


def console_for(output: TextIO, display: Display, *, asked: bool) -> Console:
    """A console that writes to ``output``.

    Args:
        output: Where to.
        display: What the terminal can show.
        asked: Whether the user has asked for these colours; into a file or a pipe there are none without.
    """
    colours = display.colours if asked or Console(file=output).is_terminal else "none"
    return Console(
        file=_Ascii(output) if display.ascii else output,  # type: ignore[arg-type]
        highlight=False,
        color_system=_SYSTEMS["none" if display.ascii else colours],
        force_terminal=True if asked and colours != "none" else None,
        no_color=colours == "none",
    )


class _Ascii:
    """A stream that writes in ASCII what is written to it; maps come in glyphs, which are ASCII already."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self.encoding = "utf-8"  # Rich may draw what it likes: it is changed on the way

    def write(self, text: str) -> int:
        return self._output.write(to_ascii(text))

    def flush(self) -> None:
        self._output.flush()

    def isatty(self) -> bool:
        return self._output.isatty()

    def fileno(self) -> int:
        return self._output.fileno()
