"""Colour ramps of 256 levels, the same on the screen and in reports.

Viridis and magma are by Smith and van der Walt (CC0), cividis by Nunez, Anderton and Renslow (PLOS ONE 2018). They
are kept as the corners of a piecewise linear curve that stays within one unit in 255 of the published tables.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

import numpy as np

RampName = Literal["viridis", "cividis", "magma", "grey", "diverging"]
RGB = tuple[int, int, int]

LEVELS: Final = 256
"""Levels of a ramp."""

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


@cache
def colours(name: RampName) -> tuple[RGB, ...]:
    """The `LEVELS` colours of a ramp."""
    corners = np.array([list(bytes.fromhex(corner)) for corner in _CORNERS[name].split()])
    every = np.arange(LEVELS)
    channels = [np.rint(np.interp(every, corners[:, 0], corners[:, channel])).astype(int) for channel in (1, 2, 3)]
    return tuple((int(r), int(g), int(b)) for r, g, b in zip(*channels, strict=True))


def luminance(colour: RGB) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def dark_ink(colour: RGB) -> bool:
    """Whether black stands out from ``colour`` more than white does; the better of the two does by 4.5 to 1 or more."""
    # Contrast with white and with black is equal where (L + .05)^2 = 1.05 * .05.
    return luminance(colour) > math.sqrt(1.05 * 0.05) - 0.05
