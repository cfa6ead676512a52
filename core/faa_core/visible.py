"""Text from models and files, made harmless and visible.

A token may hold anything: escape sequences, line feeds, marks that turn the direction of writing, characters of no
width. All of it is shown, none of it reaches a terminal or a page as a command.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from rich.cells import cell_len

_PICTURES: Final[dict[int, str]] = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x0A: "⏎",
    0x7F: "␡",
}
# Cf holds the directional and the zero-width marks, Zl and Zp break lines, Cs and Co and Cn have no agreed shape.
_ESCAPED: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})


@lru_cache(maxsize=65536)
def visible(text: str, *, spaces: bool = False) -> str:
    r"""One harmless line that shows every character of ``text``.

    Args:
        text: Anything.
        spaces: Show spaces as ``·`` too.

    Returns:
        ASCII control characters as their pictures (``␛``, ``␉``, and ``⏎`` for a line feed); other control,
        directional and zero-width characters as ``\u{200b}``; a combining mark with no letter before it on ``◌``, the
        third and later ones on a letter escaped; all else as it is.
    """
    if text.isascii() and text.isprintable():
        return text.replace(" ", "·") if spaces else text
    out: list[str] = []
    marks, escaped = 0, True
    for character in text:
        code = ord(character)
        if code in _PICTURES:
            out.append(_PICTURES[code])
            escaped = True
            continue
        category = unicodedata.category(character)
        if category in _ESCAPED:
            out.append(f"\\u{{{code:x}}}")
        elif category == "Zs":
            out.append(("·" if spaces else " ") if character == " " else f"\\u{{{code:x}}}" if spaces else " ")
        elif cell_len(character) == 0 or category == "Mn":
            # A mark sits on the letter before it; one alone would sit on whatever the screen has there, and piles
            # of them run into the lines above. Variation selectors change widths that terminals disagree on.
            marks = marks + 1
            if marks > 2 or 0xFE00 <= code <= 0xFE0F:
                out.append(f"\\u{{{code:x}}}")
            else:
                out.append(character if out and not escaped else "◌" + character)
                continue
        else:
            out.append(character)
            marks, escaped = 0, False
            continue
        escaped = True
    return "".join(out)
