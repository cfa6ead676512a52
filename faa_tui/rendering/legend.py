"""Round numbers for axes and colour bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from faa_tui.rendering.ramps import LEVELS


def bar_levels(width: int) -> list[int]:
    """Levels of a colour bar of ``width`` cells, from the bottom of the ramp to its top."""
    return [round(cell * (LEVELS - 1) / max(1, width - 1)) for cell in range(width)]


def short_number(value: float) -> str:
    """``value`` in few characters: ``0.25``, ``1e-4``, ``1/64``, ``12``."""
    if math.isnan(value):
        return "·"
    if value == 0:
        return "0"
    ratio = Fraction(value)
    if abs(value) < 1 and ratio.numerator == 1 and 4 < ratio.denominator <= 4096:
        return f"1/{ratio.denominator}"
    if abs(value) < 0.01:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.3g}"


def tick_step(least: float) -> int:
    """Smallest of 1, 2, 5, 10, 20, 50, ... that is not below ``least``."""
    base = 1
    while True:
        for multiple in (1, 2, 5):
            if base * multiple >= least:
                return base * multiple
        base *= 10


def ruler(width: int, ticks: Sequence[tuple[int, str]], taken: range = range(0)) -> str:
    """A line of ``width`` cells with a label at each position, none of them cut.

    Args:
        width: Cells.
        ticks: Position and label of each tick, in order; a label that would touch the one before it is left out.
        taken: Cells that something else stands in; no label touches it.
    """
    line = [" "] * width
    free = 0
    for position, label in ticks:
        touched = bool(taken) and position <= taken.stop and position + len(label) >= taken.start
        if position >= free and position + len(label) <= width and not touched:
            line[position : position + len(label)] = label
            free = position + len(label) + 1
    return "".join(line)
