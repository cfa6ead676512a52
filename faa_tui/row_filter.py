"""A few words that choose rows of a table: what the line after ``/`` means.

Words are separated by spaces, and a row must satisfy all of them:

- ``induction`` is part of one of its texts; upper and lower case are the same.
- ``L2H3``, ``2.3`` or ``L2`` is one of its names, or begins one: ``L2`` is not the beginning of ``L21H0``.
- ``js>.1``, ``q<=.05``, ``layer=3``, ``d!=0`` compare the number in a column; ``|d|>.2`` compares its size. A number
  that is undefined satisfies no comparison. Where a column has several numbers, one of them is enough.
- ``!induction`` or ``!q<.05`` is the contrary.

This module knows neither pairs nor widgets; a table describes its rows by `Columns`.
"""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Row = TypeVar("Row")
Numbers = float | tuple[float, ...]

_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_COMPARISON: Final = re.compile(r"(?P<column>[^<>=!]*)(?P<operator><=|>=|!=|==|=|<|>)(?P<number>.*)", re.DOTALL)


@dataclass(frozen=True)
class Columns(Generic[Row]):
    """What can be asked of a row.

    Attributes:
        numbers: By the name of the column, in lower case, its number, or several; NaN where undefined.
        names: What the row is called.
        texts: What is said about it.
    """

    numbers: Mapping[str, Callable[[Row], Numbers]]
    names: Callable[[Row], Sequence[str]]
    texts: Callable[[Row], Sequence[str]]


class FilterError(ValueError):
    """A filter that means nothing; the message says what to write instead."""


def parse(text: str, columns: Columns[Row]) -> Callable[[Row], bool]:
    """What ``text`` asks of a row; an empty one asks nothing.

    Raises:
        FilterError: A word has no meaning: its column does not exist, or there is no number to compare with.
    """
    terms = [_term(word, columns) for word in text.split()]
    return lambda row: all(term(row) for term in terms)


def _term(word: str, columns: Columns[Row]) -> Callable[[Row], bool]:
    if word.startswith("!") and len(word) > 1:
        inner = _term(word[1:], columns)
        return lambda row: not inner(row)
    match = _COMPARISON.fullmatch(word)
    if match is None and word.strip("|").casefold() in columns.numbers:
        raise FilterError(f"{word!r} is a column: compare it with a number, as in {word}>.1")
    if match is None:
        return _word(word.casefold(), columns)
    values, size = _column(word, match["column"], columns)
    compare, number = _OPERATORS[match["operator"]], _number(word, match["number"])

    def holds(row: Row) -> bool:
        found = values(row)
        several = found if isinstance(found, tuple) else (found,)
        return any(compare(abs(value) if size else value, number) for value in several if not math.isnan(value))

    return holds


def _word(word: str, columns: Columns[Row]) -> Callable[[Row], bool]:
    def holds(row: Row) -> bool:
        return any(_begins(name.casefold(), word) for name in columns.names(row)) or any(
            word in text.casefold() for text in columns.texts(row)
        )

    return holds


def _begins(name: str, word: str) -> bool:
    rest = name[len(word) :]
    return name.startswith(word) and not (rest[:1].isdigit() and word[-1:].isdigit())


def _column(word: str, written: str, columns: Columns[Row]) -> tuple[Callable[[Row], Numbers], bool]:
    """The numbers that a comparison is about, and whether their size is meant."""
    size = len(written) > 2 and written.startswith("|") and written.endswith("|")
    name = (written[1:-1] if size else written).casefold()
    if name in columns.numbers:
        return columns.numbers[name], size
    every = ", ".join(columns.numbers)
    if not name:
        raise FilterError(f"{word!r} does not say of what: write a column first, one of {every}")
    near = difflib.get_close_matches(name.strip("|"), columns.numbers, n=1, cutoff=0.5)
    raise FilterError(
        f"no column is called {name!r}; " + (f"did you mean {near[0]}?" if near else f"there are {every}")
    )


def _number(word: str, written: str) -> float:
    try:
        number = float(written.replace("−", "-"))
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise FilterError(
            f"{written!r} in {word!r} is no number" if written else f"{word!r} wants a number, as in {word}.1"
        )
    return number
