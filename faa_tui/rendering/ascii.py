"""Text for terminals that show nothing but ASCII: every character has one of the same width that looks like it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from rich.cells import get_character_cell_size

_BEYOND: Final = re.compile("[^\x00-\x7f]")

_LOOKS: Final = {
    "+": "┌┐└┘├┤┬┴┼╭╮╯╰╔╗╚╝╠╣╦╩╬┏┓┗┛┣┫┳┻╋╒╓╕╖╘╙╛╜◆◇",
    "-": "─━┄┅┈┉╌╍╴╶╸╺‐‑‒–—−▬",
    "|": "│┃┆┇┊┋╎╏║╵╷╹╻▏▎▍▌▋▊▐▕",
    "#": "█▉▓■▇▆⬛",
    ":": "▒▚▞",
    ".": "░·…•∙⋅⠂▪",
    "^": "▀▲△↑▴⇧",
    "_": "▄▁▂▃▅␣⎵",
    "v": "▼▽↓▾✓✔⇩",
    ">": "►▶→▸›❯⇒",
    "<": "◀◄←◂‹❮⇐",
    "*": "●○◉★☆✱✶⬤⏺",
    "x": "×✕✖✗✘⨯",
    "~": "≈∼≋",
    "=": "═≡",
    "/": "╱",
    "\\": "╲",
    "0": "∅",
    "'": "‘’′▘▝",
    ",": "▖▗",
    '"': "“”″▔▛▜▙▟",
    "$": "↵⏎␊␤",
    "d": "Δδ",
    "u": "µμ",
    " ": "\u00a0\u2002\u2003\u2009",
}
_TABLE: Final = {beyond: plain for plain, looks in _LOOKS.items() for beyond in looks}
_DOTS: Final = " .:*#"
"""A braille cell by its dots, two a step."""


def to_ascii(text: str) -> str:
    """The text in ASCII, every character in as many cells as before; what looks like nothing becomes ``?``."""
    return text if text.isascii() else _BEYOND.sub(_replace, text)


def _replace(match: re.Match[str]) -> str:
    return _plain(match[0])


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    if character in _TABLE:
        return _TABLE[character]
    code, width = ord(character), get_character_cell_size(character)
    if 0x2800 <= code <= 0x28FF:
        return _DOTS[(bin(code & 0xFF).count("1") + 1) // 2]
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", character) if letter.isascii())
    return letters if letters.isprintable() and len(letters) == width else "?" * width
