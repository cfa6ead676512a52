"""Numbers as a reader wants them."""

from __future__ import annotations

import math

UNDEFINED = "-"


def shown(value: float, decimals: int, signed: bool = False) -> str:
    """A number with so many decimals, without a minus before zero; ``-`` for none."""
    if not math.isfinite(value):
        return UNDEFINED if math.isnan(value) else str(value)
    return format(value, f"{'+' if signed else ''}z.{decimals}f")


def short(value: float, signed: bool = False) -> str:
    """Two decimals without the zero before the point: what fits a cell of a matrix."""
    text = shown(value, 2, signed)
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def count(number: int, one: str, several: str = "") -> str:
    """``1 head``, ``3 heads``."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""
