"""Amounts of bytes and of time as a person reads them."""

from __future__ import annotations


def in_words(nbytes: int) -> str:
    """``3.1 GiB``, ``412 MiB``, ``5.3 MiB``, ``812 KiB``."""
    for size, unit in ((1024**3, "GiB"), (1024**2, "MiB")):
        if nbytes >= size:
            return (
                f"{nbytes / size:.1f} {unit}" if unit == "GiB" or nbytes < 10 * size else f"{nbytes / size:.0f} {unit}"
            )
    return f"{nbytes / 1024:.0f} KiB"


def clock(seconds: float) -> str:
    """``0:48``, ``12:05``, ``3:20:00``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
