"""A text in tokens, laid out in lines: white space visible, special tokens by their names, wide characters whole."""

from __future__ import annotations

from typing import Final, NamedTuple

from rich.cells import cell_len

from faa_core.records import Tokens
from faa_tui.rendering.text import fit, token_label

LONGEST: Final = 40
"""Most cells of one token; the tail of a longer one is left out."""
GOES_ON: Final = "‥"
"""Stands for the second and later tokens of one character, which the first of them shows."""


class Placed(NamedTuple):
    """One token in a line.

    Attributes:
        token: Its index in the text.
        column: Its first cell.
        text: What is drawn.
        width: Cells of that.
    """

    token: int
    column: int
    text: str
    width: int


def label_of(tokens: Tokens, index: int) -> str:
    """A token as it is drawn; one that the tokenizer added has a name in brackets, as ``<bos>``."""
    label = token_label(tokens.pieces[index])
    if tokens.special[index] and not label.startswith(("<", "[")):
        return f"<{label}>"
    return label


def token_lines(tokens: Tokens, width: int) -> list[list[Placed]]:
    """Tokens in lines of ``width`` cells: a line ends before a token that does not fit, and after a line feed."""
    lines: list[list[Placed]] = [[]]
    column = covered = 0
    for index, (piece, (start, stop)) in enumerate(zip(tokens.pieces, tokens.offsets, strict=True)):
        label = GOES_ON if start < covered and stop > start and stop <= covered else label_of(tokens, index)
        covered = max(covered, stop)
        text = fit(label, max(1, min(LONGEST, width)))
        cells = cell_len(text)
        if column + cells > width and lines[-1]:
            lines.append([])
            column = 0
        lines[-1].append(Placed(index, column, text, cells))
        column += cells
        if piece.endswith("\n"):
            lines.append([])
            column = 0
    return lines if lines[-1] else lines[:-1]


def line_of(lines: list[list[Placed]], token: int) -> int:
    """Number of the line that a token is in; 0 where there is none."""
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        if lines[middle][-1].token < token:
            low = middle + 1
        else:
            high = middle
    return low if low < len(lines) else 0


def beside(line: list[Placed], column: int) -> int:
    """The token of a line that is nearest to a column."""
    return min(line, key=lambda placed: abs(placed.column + placed.width / 2 - column)).token


def found(tokens: Tokens, sought: str) -> tuple[int, ...]:
    """Tokens in which ``sought`` begins; it may go on over several. Upper case matters where it has any.

    Args:
        tokens: A text.
        sought: What is looked for.
    """
    if not sought:
        return ()
    whole, starts = _joined(tokens)
    if sought == sought.lower():
        # Character by character, since there are some that have another length in lower case.
        whole = "".join(lower if len(lower := character.lower()) == 1 else character for character in whole)
    hits: list[int] = []
    token, place = 0, whole.find(sought)
    while place >= 0:
        while token + 1 < len(starts) and starts[token + 1] <= place:
            token += 1
        if not hits or hits[-1] != token:
            hits.append(token)
        place = whole.find(sought, place + 1)
    return tuple(hits)


def _joined(tokens: Tokens) -> tuple[str, list[int]]:
    """The text that tokens stand for, spaces where the tokenizer has left something out, and where each begins."""
    parts: list[str] = []
    starts, length, covered = [], 0, 0
    for index, (piece, (start, stop), special) in enumerate(
        zip(tokens.pieces, tokens.offsets, tokens.special, strict=True)
    ):
        if special or stop <= start:
            part = label_of(tokens, index) if special else piece
        else:
            # Several tokens can share a character, which is there once.
            parts.append(gap := " " * (start - covered))
            length += len(gap)
            part = piece[max(covered - start, 0) :]
            covered = max(covered, stop)
        starts.append(length)
        parts.append(part)
        length += len(part)
    return "".join(parts), starts
