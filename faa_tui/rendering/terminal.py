"""What the terminal of a running application can show."""

from __future__ import annotations

from typing import Any, Final

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color

from faa_tui._compat import PacedApp
from faa_tui.rendering.cells import Encoder, Spaces, encoder
from faa_tui.rendering.pacing import Pacing
from faa_tui.rendering.ramps import ColourSystem, Ramp, colour_system


def colours_of(app: App[Any]) -> ColourSystem:
    """The colours that ``app`` may use: none under ``NO_COLOR``, else what its console has found out."""
    return "none" if app.no_color else colour_system(app.console.color_system or "truecolor")


_SYSTEMS: Final = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT, "truecolor": ColorSystem.TRUECOLOR}


def rich_colours(console: Console) -> ColorSystem:
    """The colour system by which ``console`` writes styles, by the same rule as Textual's strips."""
    return _SYSTEMS.get(console.color_system or "truecolor", ColorSystem.TRUECOLOR)


def pacing_of(app: App[Any]) -> Pacing | None:
    """What is known about the way to the terminal of ``app``; ``None`` where it draws for no terminal."""
    return app.pacing if isinstance(app, PacedApp) and not app.is_headless else None


def encoders_of(app: App[Any], ramp: Ramp, base: Style) -> tuple[Encoder, Encoder | None]:
    """What draws the maps of ``app``, and what draws them while they move where that takes fewer bytes.

    Args:
        app: The application.
        ramp: Colours of a map.
        base: Style of the text around it.
    """
    colours = colours_of(app)
    if colours == "none":
        return encoder(ramp, colours, base), None
    if isinstance(app, PacedApp) and app.only_ascii:
        return Spaces(ramp, colours), Spaces(ramp, "256")
    return encoder(ramp, colours, base), encoder(ramp, "256")


def fitted(app: App[Any], style: Style, background: Color) -> Style:
    """A style as the filters of ``app`` would change it, for what is drawn past them."""
    segments = [Segment("x", style)]
    for line_filter in app.get_line_filters():
        segments = line_filter.apply(segments, background)
    found = segments[0].style or Style.null()
    return found.without_color if app.no_color and app.console.color_system != "standard" else found
