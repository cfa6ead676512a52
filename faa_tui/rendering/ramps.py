"""Colour ramps: 256 levels each, in true colour as `faa_core.colours` has them, and in the 256 colours of xterm.

Rounding a ramp to the nearest xterm colour breaks it: viridis falls to 14 colours and its lightness turns back three
times. The xterm ramps here are chosen by hand so that lightness only ever rises, or for the diverging ramp rises to
the middle and falls after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from faa_core.colours import LEVELS, RGB, RampName, colours, dark_ink, luminance

ColourSystem = Literal["truecolor", "256", "none"]
"""How many colours the terminal shows. Sixteen count as none: four steps of a ramp mislead more than glyphs do."""

# Numbers from LEVELS on are the cells that have no place on a ramp.
MASKED: Final = 256
"""Level of a cell that its row may not see."""
UNDEFINED: Final = 257
"""Level of a cell whose weight is NaN."""
MISSING: Final = 258
"""Level of a cell that has not arrived yet."""
OUTSIDE: Final = 259
"""Level of a half cell beyond the edge of the map."""
INK_LIGHT: Final = 260
"""Level of marks on dark cells."""
INK_DARK: Final = 261
"""Level of marks on light cells."""
PALETTE: Final = 262
"""Number of levels, special ones included."""

_SPECIAL: Final[tuple[tuple[RGB, int], ...]] = (
    ((40, 43, 54), 235),  # MASKED
    ((122, 18, 44), 88),  # UNDEFINED
    ((47, 55, 84), 61),  # MISSING
    ((0, 0, 0), 16),  # OUTSIDE: replaced by the background of the widget
    ((255, 255, 255), 231),  # INK_LIGHT
    ((0, 0, 0), 16),  # INK_DARK
)

_ON_LIGHT: Final[Mapping[int, tuple[RGB, int]]] = {MASKED: ((188, 192, 206), 146), MISSING: ((168, 172, 216), 147)}
"""Those that stand back on a light background."""

# First level and xterm number of each step.
_STEPS: Final[Mapping[str, tuple[tuple[int, int], ...]]] = {
    "viridis": (
        (0, 53), (34, 54), (44, 55), (52, 24), (87, 60), (99, 30), (139, 36), (176, 72), (184, 77), (204, 113),
        (217, 148), (232, 184), (247, 220),
    ),
    "cividis": (
        (0, 17), (18, 237), (42, 238), (58, 239), (72, 240), (86, 60), (100, 242), (114, 243), (127, 244),
        (141, 245), (155, 246), (167, 247), (176, 144), (194, 179), (217, 185), (241, 220),
    ),
    "magma": (
        (0, 16), (26, 17), (48, 53), (56, 54), (81, 90), (104, 126), (130, 161), (150, 167), (166, 203), (181, 209),
        (203, 216), (224, 222), (245, 229),
    ),
    "grey": (
        (0, 16), (8, 232), (18, 233), (30, 236), (48, 237), (58, 238), (68, 239), (78, 240), (88, 241),
        (98, 242), (108, 243), (118, 244), (128, 245), (138, 246), (148, 247), (158, 248), (168, 249), (178, 250),
        (188, 251), (198, 252), (208, 253), (218, 254), (228, 255), (244, 231),
    ),
    "diverging": (
        (0, 18), (20, 24), (44, 25), (62, 31), (72, 67), (84, 74), (94, 110), (102, 153), (112, 189), (121, 231),
        (136, 223), (150, 215), (178, 172), (202, 166), (222, 130), (238, 88), (250, 52),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Ramp:
    """A ramp and the colours of the cells that have no place on it.

    Attributes:
        name: Its name.
        rgb: Colour of each level, special ones included; `PALETTE` of them.
        xterm: Number of the xterm colour of each level, 16 to 255.
        diverging: Whether the middle of the ramp, not its start, stands for nothing unusual.
    """

    name: RampName
    rgb: tuple[RGB, ...]
    xterm: tuple[int, ...]
    diverging: bool

    def over(self, background: RGB) -> Ramp:
        """The same ramp on ``background``: half cells beyond the edge show it, and what nobody may see stands back."""
        rgb, xterm = list(self.rgb), list(self.xterm)
        if dark_ink(background):  # which stands out on light ones
            for level, (colour, number) in _ON_LIGHT.items():
                rgb[level], xterm[level] = colour, number
        rgb[OUTSIDE], xterm[OUTSIDE] = background, nearest_xterm(background)
        return Ramp(self.name, tuple(rgb), tuple(xterm), self.diverging)

    @cached_property
    def ink(self) -> NDArray[np.uint16]:
        """uint16 [PALETTE]: for every level the ink, light or dark, that stands out from it by 4.5 to 1 or more."""
        return np.where([dark_ink(colour) for colour in self.rgb], INK_DARK, INK_LIGHT).astype(np.uint16)


def xterm_rgb(number: int) -> RGB:
    """Colour of an xterm number from 16 to 255: the 6 x 6 x 6 cube, then 24 greys."""
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return (grey, grey, grey)
    steps = (0, 95, 135, 175, 215, 255)
    red, rest = divmod(number - 16, 36)
    green, blue = divmod(rest, 6)
    return (steps[red], steps[green], steps[blue])


def nearest_xterm(colour: RGB) -> int:
    """Number of the xterm colour nearest to ``colour``."""
    return min(
        range(16, 256), key=lambda number: sum((a - b) ** 2 for a, b in zip(xterm_rgb(number), colour, strict=True))
    )


def colour_system(name: str | None) -> ColourSystem:
    """The colour system of a Rich console by its name there; ``None``, 16 colours and the like are ``none``."""
    return "truecolor" if name == "truecolor" else "256" if name == "256" else "none"


def _build(name: RampName) -> Ramp:
    starts = [start for start, _ in _STEPS[name]]
    steps = np.searchsorted(starts, np.arange(LEVELS), side="right") - 1
    xterm = [_STEPS[name][step][1] for step in steps]
    return Ramp(
        name,
        (*colours(name), *(colour for colour, _ in _SPECIAL)),
        (*xterm, *(number for _, number in _SPECIAL)),
        name == "diverging",
    )


RAMPS: Final[Mapping[RampName, Ramp]] = {
    name: _build(name) for name in ("viridis", "cividis", "magma", "grey", "diverging")
}
"""Every ramp by its name."""

__all__ = [
    "INK_DARK",
    "INK_LIGHT",
    "LEVELS",
    "MASKED",
    "MISSING",
    "OUTSIDE",
    "PALETTE",
    "RAMPS",
    "RGB",
    "UNDEFINED",
    "ColourSystem",
    "Ramp",
    "RampName",
    "colour_system",
    "luminance",
    "nearest_xterm",
    "xterm_rgb",
]
