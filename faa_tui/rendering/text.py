"""Text from models and files, harmless by `visible`, in so many cells.

The results are plain strings for `rich.text.Text` or `Segment`; they are never markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

from faa_core.visible import visible

ELLIPSIS: Final = "…"


def fit(text: str, width: int) -> str:
    """``text`` cut to at most ``width`` cells, with an ellipsis where something is missing.

    ``text`` is one line of `visible` characters; wide ones count as two cells and are never split.
    """
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def pad(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells: cut by `fit`, or filled with spaces, on the left when ``right``."""
    cut = fit(text, width)
    filling = " " * (width - cell_len(cut))
    return filling + cut if right else cut + filling


def token_label(piece: str, width: int | None = None) -> str:
    """A token as a label: visible, spaces as ``·``, at most ``width`` cells; ``∅`` for a token without text."""
    shown = visible(piece, spaces=True) or "∅"
    return shown if width is None else fit(shown, width)


def joined(parts: Sequence[str], width: int) -> str:
    """As many of ``parts``, from the first, as stand side by side in ``width`` cells; the first is cut if need be."""
    text = parts[0]
    for part in parts[1:]:
        if cell_len(text) + cell_len(part) + 2 > width:
            break
        text += "  " + part
    return fit(text, width)


__all__ = ["ELLIPSIS", "fit", "joined", "pad", "token_label", "visible"]
