"""Colour ramps: 256 levels each, in true colour and in the 256 colours of xterm.

Viridis and magma are by Smith and van der Walt (CC0), cividis by Nunez, Anderton and Renslow (PLOS ONE 2018). They
are kept as the corners of a piecewise linear curve that stays within one unit in 255 of the published tables.

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

RampName = Literal["viridis", "cividis", "magma", "grey", "diverging"]
ColourSystem = Literal["truecolor", "256", "none"]
"""How many colours the terminal shows. Sixteen count as none: four steps of a ramp mislead more than glyphs do."""

LEVELS: Final = 256
"""Levels of a ramp. Numbers from here on are the cells that have no place on it."""
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

RGB = tuple[int, int, int]

_SPECIAL: Final[tuple[tuple[RGB, int], ...]] = (
    ((40, 43, 54), 235),  # MASKED
    ((122, 18, 44), 88),  # UNDEFINED
    ((47, 55, 84), 61),  # MISSING
    ((0, 0, 0), 16),  # OUTSIDE: replaced by the background of the widget
    ((255, 255, 255), 231),  # INK_LIGHT
    ((0, 0, 0), 16),  # INK_DARK
)

# Level and colour of each corner, two hexadecimal digits for each of level, red, green and blue.
_CORNERS: Final[Mapping[str, str]] = {
    "viridis": (
        "00440154 14481d6f 2346307e 3a3e4c8a 5e2d718e 841f948c 931fa287 a22ab07f b344bf70 c66ccd5a dfaadc32 edd0e11c "
        "f4e2e418 fdf8e621 fffde725"
    ),
    "cividis": (
        "0000224e 14003070 17013271 1c123570 27263d6e 3c3f4c6c 6162656f 86828079 aba69c74 ccc8b866 e5e4ce53 f6f7de3e "
        "fbfde334 fffee838"
    ),
    "magma": (
        "00000004 0703030f 140e0b2b 25241253 3036106b 3a471078 4b621980 68902a81 83bc3978 97db476a a8ef5d5e b6f8765c "
        "c4fc9065 d8feb67c f4fde9aa fffcfdbf"
    ),
    "grey": "00000000 ffffffff",
    "diverging": ("0008306b 302166ac 5867a9cf 70d1e5f0 80f7f7f7 90fee0b6 a8fdae61 d0cc590d ff6e2d05"),
}

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
        """The same ramp on ``background``, which half cells beyond the edge of a map show."""
        rgb, xterm = list(self.rgb), list(self.xterm)
        rgb[OUTSIDE], xterm[OUTSIDE] = background, nearest_xterm(background)
        return Ramp(self.name, tuple(rgb), tuple(xterm), self.diverging)

    @cached_property
    def ink(self) -> NDArray[np.uint16]:
        """uint16 [PALETTE]: for every level the ink, light or dark, that stands out from it by 4.5 to 1 or more."""
        # Contrast with white and with black is equal where (L + .05)^2 = 1.05 * .05.
        bright = np.array([luminance(colour) for colour in self.rgb]) > (1.05 * 0.05) ** 0.5 - 0.05
        return np.where(bright, INK_DARK, INK_LIGHT).astype(np.uint16)


def luminance(colour: RGB) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


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
    corners = np.array([list(bytes.fromhex(corner)) for corner in _CORNERS[name].split()])
    every = np.arange(LEVELS)
    channels = [np.rint(np.interp(every, corners[:, 0], corners[:, channel])).astype(int) for channel in (1, 2, 3)]
    rgb = [(int(r), int(g), int(b)) for r, g, b in zip(*channels, strict=True)]
    starts = [start for start, _ in _STEPS[name]]
    steps = np.searchsorted(starts, every, side="right") - 1
    xterm = [_STEPS[name][step][1] for step in steps]
    return Ramp(
        name,
        (*rgb, *(colour for colour, _ in _SPECIAL)),
        (*xterm, *(number for _, number in _SPECIAL)),
        name == "diverging",
    )


RAMPS: Final[Mapping[RampName, Ramp]] = {
    name: _build(name) for name in ("viridis", "cividis", "magma", "grey", "diverging")
}
"""Every ramp by its name."""
