"""What the terminal of a running application can show."""

from __future__ import annotations

from typing import Any, Final

from rich.color import ColorSystem
from rich.console import Console
from textual.app import App

from faa_tui._compat import PacedApp
from faa_tui.rendering.pacing import Pacing
from faa_tui.rendering.ramps import ColourSystem, colour_system


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
