"""The colours of themes as a terminal and an eye can take them: lines of text are changed as they are drawn.

Themes mark text with colours that are chosen for surfaces, and on light ones much of it can hardly be read; here text
is moved towards black or white until it can.

Rich rounds a colour to the nearest entry of a palette channel by channel, and makes dark greys navy and olive. Here
colours are compared as they are seen. With sixteen colours or none, nothing but the terminal's own background is used
behind text, so that light terminals stay light; what stood out by its background stands out by reverse video.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.color import Color as RichColor
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from faa_core.colours import dark_ink
from faa_tui.rendering.ramps import RGB, luminance, xterm_rgb

READABLE: Final = 4.5
"""Least contrast of text with what is behind it (WCAG 2.2, 1.4.3)."""
VISIBLE: Final = 3.0
"""Least contrast of a curve with what is behind it (WCAG 2.2, 1.4.11)."""
_DOTS: Final = re.compile(r"[\u2800-\u28ff]")
"""What curves are drawn with."""
_WORDS: Final = re.compile(r"[^\s\u2500-\u259f\u2800-\u28ff]")
"""What is text, and not a line, a block or the dots of a curve."""
_STEPS: Final = 16
"""In how many steps text comes to black or white."""
_STANDS_OUT: Final = 1.2
"""Contrast with the background of its widget from which a background means something."""
_COLOURFUL: Final = 0.06
"""Distance from grey, in OKLab, from which a colour of text is one."""
_TINT: Final = 2.5
"""How much more a difference in hue counts than one in lightness: a grey that turns blue is noticed first."""
# Hues of OKLab in degrees where each of these ends. Blue on black is hard to read, and is shown as cyan.
_HUES: Final = ((60, 1), (115, 3), (165, 2), (285, 6), (345, 5), (360, 1))
"""Hue below which text has a colour of the terminal: red, yellow, green, cyan, magenta."""
_ON_LIGHT: Final = {1: 1, 6: 4, 5: 5}
"""What of these can be read on white, cyan as blue; yellow and green cannot, and text has the terminal's own colour."""


class ReadableText(LineFilter):
    """Text that stands out from what is behind it by `READABLE` to 1 or more, and curves that do by `VISIBLE`.

    Whatever the theme asks for; frames, blocks of colour and the terminal's own colours stay as they are.

    Args:
        in_256: Whether the terminal shows the colours that `XtermColours` chooses, which then comes next.
    """

    def __init__(self, in_256: bool = False) -> None:
        super().__init__()
        self._in_256 = in_256

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Change the colours of text and curves in a line."""
        return [self._changed(segment) for segment in segments]

    def _changed(self, segment: Segment) -> Segment:
        text, style, control = segment
        if style is None or _readable(style, self._in_256, READABLE) is style:
            return segment
        if _WORDS.search(text):
            return Segment(text, _readable(style, self._in_256, READABLE), control)
        if _DOTS.search(text):
            return Segment(text, _readable(style, self._in_256, VISIBLE), control)
        return segment


class XtermColours(LineFilter):
    """Colours of the 256 that are seen as the nearest to what a theme asks for."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Change the colours of a line."""
        return [Segment(text, style if style is None else _in_256(style), control) for text, style, control in segments]


class OwnColours(LineFilter):
    """The terminal's own foreground and background, reverse video, bold and underline; and six hues, or none.

    Args:
        hues: Whether text may have one of the terminal's colours.
    """

    def __init__(self, hues: bool) -> None:
        super().__init__()
        self._hues = hues

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Change the styles of a line."""
        behind = (background.r, background.g, background.b)
        return [
            Segment(text, style if style is None else _in_few(style, behind, self._hues), control)
            for text, style, control in segments
        ]


@lru_cache(maxsize=4096)
def _readable(style: Style, in_256: bool, least: float) -> Style:
    """``style`` itself where it can be read, or where its colours are the terminal's own."""
    reverse = bool(style.reverse)
    front, back = (style.bgcolor, style.color) if reverse else (style.color, style.bgcolor)
    ink, paper = _exact(front), _exact(back)
    if ink is None or paper is None:
        return style
    found = _readable_on(paper, ink, in_256, least)
    if found == ink:
        return style
    colour = RichColor.from_rgb(*found)
    return style + (Style(bgcolor=colour) if reverse else Style(color=colour))


def _exact(colour: RichColor | None) -> RGB | None:
    """A colour that is not one of the first sixteen, which every terminal shows as it likes; else ``None``."""
    if colour is not None and colour.number is not None and colour.number >= 16:
        return xterm_rgb(colour.number)
    return _rgb(colour)


def _readable_on(paper: RGB, ink: RGB, in_256: bool, least: float) -> RGB:
    """The first colour on the way of ``ink`` to black or white that has a contrast of ``least`` with ``paper``.

    Args:
        paper: What is behind the text.
        ink: What the theme asks for.
        in_256: Whether both are shown in the colour of the 256 that is seen as the nearest.
        least: At most 4.58, which black or white always has.
    """

    def contrast(colour: RGB) -> float:
        if in_256:
            return _contrast(xterm_rgb(nearest_by_eye(colour)), behind)
        return _contrast(colour, behind)

    behind = xterm_rgb(nearest_by_eye(paper)) if in_256 else paper
    if contrast(ink) >= least:
        return ink
    ends: list[RGB] = [(255, 255, 255), (0, 0, 0)]
    if luminance(ink) < luminance(paper):
        ends.reverse()
    end = next(end for end in ends if contrast(end) >= least)
    way = np.linspace(ink, end, _STEPS + 1).round().astype(int).tolist()
    return next(colour for red, green, blue in way if contrast(colour := (red, green, blue)) >= least)


@lru_cache(maxsize=4096)
def _in_256(style: Style) -> Style:
    front, back = style.color, style.bgcolor
    return style + Style(color=front and _xterm(front), bgcolor=back and _xterm(back))


def _xterm(colour: RichColor) -> RichColor:
    if colour.type is not ColorType.TRUECOLOR or colour.triplet is None:
        return colour
    return RichColor.from_ansi(nearest_by_eye(tuple(colour.triplet)))


@lru_cache(maxsize=4096)
def _in_few(style: Style, behind: RGB, hues: bool) -> Style:
    back = _rgb(style.bgcolor)
    reverse = bool(style.reverse) ^ (back is not None and _contrast(back, behind) >= _STANDS_OUT)
    front = _rgb(style.color)
    hue = _hue(front) if hues and front is not None else None
    if hue is not None and dark_ink(behind):
        hue = _ON_LIGHT.get(hue)
    return Style(
        color=None if hue is None else RichColor.from_ansi(hue),
        bold=style.bold,
        italic=style.italic,
        underline=style.underline,
        strike=style.strike,
        reverse=reverse,
        link=style.link,
        meta=style.meta,
    )


def _rgb(colour: RichColor | None) -> RGB | None:
    if colour is None or colour.triplet is None:
        return None
    red, green, blue = colour.triplet
    return red, green, blue


def _contrast(one: RGB, other: RGB) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _hue(colour: RGB) -> int | None:
    """The colour of a terminal that has the hue of ``colour``; ``None`` for what is nearly grey."""
    _, a, b = oklab(np.array(colour)).tolist()
    if np.hypot(a, b) < _COLOURFUL:
        return None
    degrees = np.degrees(np.arctan2(b, a)) % 360
    return next(number for end, number in _HUES if degrees <= end)


def oklab(colours: NDArray[np.integer]) -> NDArray[np.float64]:
    """float64 [..., 3]: lightness and the two opponent colours of sRGB ``colours`` [..., 3] of 0 to 255.

    Source: Ottosson, "A perceptual color space for image processing", 2020.
    """
    unit = colours / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ _TO_CONES.T)
    result: NDArray[np.float64] = cones @ _TO_LAB.T
    return result


@lru_cache(maxsize=4096)
def nearest_by_eye(colour: RGB) -> int:
    """Number, 16 to 255, of the xterm colour that is seen as the nearest to ``colour``."""
    difference = _XTERM_LAB - oklab(np.array(colour))
    return 16 + int(((difference * (1, _TINT, _TINT)) ** 2).sum(axis=1).argmin())


_TO_CONES: Final = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB: Final = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_XTERM_LAB: Final = oklab(np.array([xterm_rgb(number) for number in range(16, 256)]))
