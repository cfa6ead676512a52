"""How the sides of a comparison are told apart in plots: by a symbol and a colour each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from faa_tui.rendering.plot import RGB
from faa_tui.rendering.text import fit, visible

SIDES: Final = 4
"""Sides that can be told apart."""
FILLED: Final = "●▲■◆"
"""Symbol of each side."""
OPEN: Final = "○△□◇"
"""The same for what does not count."""
_NAME: Final = 20
"""Most cells of the name of a side."""


@dataclass(frozen=True)
class SideColours:
    """Colours of the parts of a plot; ``None`` leaves the terminal's own.

    Attributes:
        sides: One for each side.
        chosen: What the cursor is on.
        null: Nulls, and the line of no difference.
        frame: Axes, ticks and dotted lines.
    """

    sides: tuple[RGB | None, RGB | None, RGB | None, RGB | None]
    chosen: RGB | None
    null: RGB | None
    frame: RGB | None


ON_DARK: Final = SideColours(
    ((86, 180, 233), (230, 159, 0), (0, 178, 130), (214, 140, 185)), (240, 228, 66), (130, 140, 160), (110, 110, 110)
)
"""For dark backgrounds; the hues can be told apart with any kind of colour vision (Okabe and Ito 2008)."""
ON_LIGHT: Final = SideColours(
    ((0, 100, 165), (190, 80, 0), (0, 120, 88), (150, 60, 115)), (0, 0, 0), (110, 115, 130), (130, 130, 130)
)
"""The same hues for light backgrounds."""
PLAIN: Final = SideColours((None, None, None, None), None, None, None)
"""For terminals without colour."""


def side_name(text: str) -> str:
    """The name of a side, harmless and short."""
    return fit(visible(text), _NAME)
