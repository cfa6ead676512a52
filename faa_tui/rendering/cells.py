"""Two pixels in every terminal cell, with as few bytes as can be.

A line of half blocks shows two rows of levels: the upper one is the foreground of ``▀``, the lower one its background.
The encoder says a colour only when it changes, and swaps to ``▄``, ``█`` or a space where the pen already holds what
is needed. Without colour, one glyph stands for both pixels of a cell, its weight or its sign and size.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, Protocol

from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style

from faa_tui.rendering.ramps import INK_DARK, INK_LIGHT, LEVELS, MASKED, MISSING, PALETTE, UNDEFINED, ColourSystem, Ramp

DENSITY: Final = ".-:*+=%#@"
"""Glyphs of the ramp without colour, by the ink they take, light to heavy.

A masked cell is blank, so the weakest visible one is not.
"""

SIGNED: Final = "Oo=-.+*#@"
"""The same for a diverging ramp: round and flat glyphs below its middle, crossed ones above, a dot in between."""

_RESET: Final = "\x1b[0m"
_SOLID_RUN: Final = 6
_SOLID: Final = ["█"] * _SOLID_RUN
"""After so many of these, three bytes each, it pays to change the background and go on with spaces of one byte."""


class Encoder(Protocol):
    """Turns two rows of levels, of equal length, into one line of cells."""

    def line(self, top: Sequence[int], bottom: Sequence[int]) -> str:
        """Terminal bytes, from default attributes to default attributes."""

    def segments(self, top: Sequence[int], bottom: Sequence[int]) -> list[Segment]:
        """The same line as Rich segments."""


class HalfBlocks:
    """Colour encoder.

    Args:
        ramp: Its colours.
        system: ``truecolor`` or ``256``.
    """

    def __init__(self, ramp: Ramp, system: ColourSystem) -> None:
        if system == "truecolor":
            codes = [f"2;{red};{green};{blue}" for red, green, blue in ramp.rgb]
            self._colours = [Color.from_rgb(*rgb) for rgb in ramp.rgb]
        else:
            codes = [f"5;{number}" for number in ramp.xterm]
            self._colours = [Color.from_ansi(number) for number in ramp.xterm]
        # Two levels of the same colour share a number, so that no byte is spent on the step between them.
        seen: dict[str, int] = {}
        self._pen = [seen.setdefault(code, level) for level, code in enumerate(codes)]
        self._merged = len(seen) < LEVELS
        # Whole fragments, so that the loop over cells formats nothing.
        self._back_space = [f"\x1b[48;{code}m " for code in codes]
        self._back_upper = [f"\x1b[48;{code}m▀" for code in codes]
        self._back_lower = [f"\x1b[48;{code}m▄" for code in codes]
        self._front_upper = [f"\x1b[38;{code}m▀" for code in codes]
        self._front_lower = [f"\x1b[38;{code}m▄" for code in codes]
        self._both_front = [f"\x1b[38;{code}" for code in codes]
        self._both_back = [f";48;{code}m▀" for code in codes]
        self._made: dict[tuple[int, int], Style] = {}

    def line(self, top: Sequence[int], bottom: Sequence[int]) -> str:
        """Terminal bytes, from default attributes to default attributes."""
        if self._merged:
            pen = self._pen
            top, bottom = [pen[level] for level in top], [pen[level] for level in bottom]
        back_space, back_upper, back_lower = self._back_space, self._back_upper, self._back_lower
        front_upper, front_lower = self._front_upper, self._front_lower
        both_front, both_back = self._both_front, self._both_back
        held_front = held_back = -1
        out: list[str] = []
        append = out.append
        for upper, lower in zip(top, bottom, strict=True):
            if upper == lower:
                if lower == held_back:
                    append(" ")
                elif upper == held_front and out[-_SOLID_RUN:] != _SOLID:
                    append("█")
                else:
                    append(back_space[lower])
                    held_back = lower
            elif upper == held_front:
                if lower == held_back:
                    append("▀")
                else:
                    append(back_upper[lower])
                    held_back = lower
            elif lower == held_back:
                append(front_upper[upper])
                held_front = upper
            elif lower == held_front:
                if upper == held_back:
                    append("▄")
                else:
                    append(back_lower[upper])
                    held_back = upper
            elif upper == held_back:
                append(front_lower[lower])
                held_front = lower
            else:
                append(both_front[upper])
                append(both_back[lower])
                held_front, held_back = upper, lower
        append(_RESET)
        return "".join(out)

    def segments(self, top: Sequence[int], bottom: Sequence[int]) -> list[Segment]:
        """The same line as Rich segments, neighbours of one colour pair joined."""
        made, colours = self._made, self._colours
        out: list[Segment] = []
        run = 0
        held: tuple[int, int] | None = None
        for pair in [*zip(top, bottom, strict=True), None]:
            if pair != held:
                if held is not None:
                    style = made.get(held)
                    if style is None:
                        style = made[held] = Style(color=colours[held[0]], bgcolor=colours[held[1]])
                    out.append(Segment("▀" * run, style))
                held, run = pair, 0
            run += 1
        return out


class Spaces(HalfBlocks):
    """Colour encoder for terminals without half blocks: a cell has the colour of the pixel that stands out.

    Args:
        ramp: Its colours.
        system: ``truecolor`` or ``256``.
    """

    def __init__(self, ramp: Ramp, system: ColourSystem) -> None:
        super().__init__(ramp, system)
        stands_out = [abs(2 * level - (LEVELS - 1)) if ramp.diverging else level for level in range(LEVELS)]
        # Marks before everything, and what has no place on the ramp where a cell holds nothing else.
        marks = [LEVELS if level in _INKS else -1 for level in range(LEVELS, PALETTE)]
        self._rank = [*stands_out, *marks]

    def _cells(self, top: Sequence[int], bottom: Sequence[int]) -> list[int]:
        rank = self._rank
        return [upper if rank[upper] >= rank[lower] else lower for upper, lower in zip(top, bottom, strict=True)]

    def line(self, top: Sequence[int], bottom: Sequence[int]) -> str:
        """Terminal bytes, from default attributes to default attributes."""
        cells = self._cells(top, bottom)
        return super().line(cells, cells)

    def segments(self, top: Sequence[int], bottom: Sequence[int]) -> list[Segment]:
        """The same line as Rich segments."""
        cells = self._cells(top, bottom)
        return [Segment(" " * len(text), style) for text, style, _ in super().segments(cells, cells)]


@cache
def glyphs(diverging: bool) -> tuple[str, ...]:
    """A glyph for each level of a ramp."""
    ramp = SIGNED if diverging else DENSITY
    return tuple(ramp[level * len(ramp) // LEVELS] for level in range(LEVELS))


class Glyphs:
    """Encoder without colour: the heavier pixel of each cell picks the glyph, and marks are in reverse video.

    Args:
        base: Style of the text around the map, on terminals that have the few colours it needs.
        diverging: Whether the heavier pixel is the one farther from the middle of the ramp.
    """

    def __init__(self, base: Style | None = None, diverging: bool = False) -> None:
        self._base = base or Style.null()
        self._glyph = glyphs(diverging)
        self._heaviness = [abs(2 * level - (LEVELS - 1)) if diverging else level for level in range(LEVELS)]
        self._special = {MASKED: " ", UNDEFINED: "?", MISSING: "~"}

    def _cells(self, top: Sequence[int], bottom: Sequence[int]) -> list[tuple[str, bool]]:
        glyph, heaviness, special = self._glyph, self._heaviness, self._special
        cells: list[tuple[str, bool]] = []
        for upper, lower in zip(top, bottom, strict=True):
            marked = upper in _INKS or lower in _INKS
            if upper < LEVELS and (lower >= LEVELS or heaviness[upper] >= heaviness[lower]):
                cells.append((glyph[upper], marked))
            elif lower < LEVELS:
                cells.append((glyph[lower], marked))
            else:
                cells.append((special.get(upper) or special.get(lower) or " ", marked))
        return cells

    def _runs(self, top: Sequence[int], bottom: Sequence[int]) -> list[tuple[str, bool]]:
        runs: list[tuple[str, bool]] = []
        for glyph, marked in self._cells(top, bottom):
            if runs and runs[-1][1] == marked:
                runs[-1] = (runs[-1][0] + glyph, marked)
            else:
                runs.append((glyph, marked))
        return runs

    def line(self, top: Sequence[int], bottom: Sequence[int]) -> str:
        """Terminal bytes, from default attributes to default attributes."""
        return "".join(
            (self._base + Style(reverse=True) if marked else self._base).render(text, color_system=ColorSystem.STANDARD)
            for text, marked in self._runs(top, bottom)
        )

    def segments(self, top: Sequence[int], bottom: Sequence[int]) -> list[Segment]:
        """The same line as Rich segments."""
        reverse = self._base + Style(reverse=True)
        return [Segment(text, reverse if marked else self._base) for text, marked in self._runs(top, bottom)]


_INKS: Final = frozenset({INK_LIGHT, INK_DARK})


def encoder(ramp: Ramp, system: ColourSystem, base: Style | None = None) -> Encoder:
    """The encoder that a terminal with ``system`` can show; ``base`` is the style of glyphs that have no colour."""
    return Glyphs(base, ramp.diverging) if system == "none" else HalfBlocks(ramp, system)
