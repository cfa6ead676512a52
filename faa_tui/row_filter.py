"""A few words that choose rows of a table: what the line after ``/`` means.

Words are separated by spaces, and a row must satisfy all of them:

- ``induction`` is part of one of its texts; upper and lower case are the same, and ``_`` is also a space.
- ``L2H3``, ``2.3`` or ``L2`` is one of its names, or begins one: ``L2`` is not the beginning of ``L21H0``.
- ``label=induction``, ``label!=sink``: the word is, or is not, part of the text in that column.
- ``js>.1``, ``q<=.05``, ``layer=3``, ``d!=0`` compare the number in a column; ``|d|>.2`` compares its size. A number
  that is undefined satisfies no comparison. Where a column has several numbers, one of them is enough.
- ``!induction`` or ``!q<.05`` is the contrary.

A column may be written in short where no other begins alike. This module knows neither heads nor widgets; a table
describes its rows by `Columns`.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_OPERATORS: Final[Mapping[str, Callable[[Any, float], Any]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_COMPARISON: Final = re.compile(r"(?P<column>[^<>=!]*)(?P<operator><=|>=|!=|==|=|<|>)(?P<operand>.*)", re.DOTALL)
_SHOWN: Final = 6
"""Columns that are named at most where one could be meant."""


@dataclass(frozen=True)
class Columns:
    """What can be asked of the rows of a table.

    Attributes:
        count: Rows.
        numbers: By the name of the column float64 [rows], or [rows, several]; NaN where undefined.
        texts: By the name of the column a text for each row.
        names: What a row is called, by its index; asked only where a word is looked for.
        others: Other names of columns, and the columns.
        absent: Columns that these rows lack, and why.
    """

    count: int
    numbers: Mapping[str, NDArray[np.float64]]
    texts: Mapping[str, Sequence[str]]
    names: Callable[[int], Sequence[str]]
    others: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _by_name(self) -> dict[str, str]:
        """Every name in lower case, and its column."""
        own = {name.casefold(): name for name in (*self.numbers, *self.texts)}
        return {name.casefold(): column for name, column in self.others.items()} | own

    def find(self, word: str, written: str) -> str:
        """The column that ``written`` names, or begins to name as no other.

        Raises:
            FilterError: There is none, or there are several.
        """
        name = written.casefold()
        if name in self._by_name:
            return self._by_name[name]
        if name in self.absent:
            raise FilterError(f"{word!r}: {self.absent[name]}")
        every = (*self.numbers, *self.texts)
        if not name:
            raise FilterError(f"{word!r} does not say of what: write a column first, {_some(every)}")
        meant = tuple(dict.fromkeys(column for other, column in self._by_name.items() if other.startswith(name)))
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise FilterError(f"{written!r} begins {_some(meant, 'and')}; write more of it")
        near = difflib.get_close_matches(name.strip("|"), self._by_name, n=1, cutoff=0.5)
        raise FilterError(
            f"no column is called {name!r}; "
            + (f"did you mean {self._by_name[near[0]]}?" if near else f"there are {_some(every, 'and')}")
        )

    def has(self, word: str) -> bool:
        """Whether ``word`` is the whole name of a column."""
        return word.casefold() in self._by_name


def _some(columns: Sequence[str], last: str = "or") -> str:
    """The first few of ``columns`` as an enumeration."""
    if len(columns) > _SHOWN:
        return f"{', '.join(columns[:_SHOWN])} {last} {len(columns) - _SHOWN} others"
    return f" {last} ".join(filter(None, (", ".join(columns[:-1]), columns[-1])))


class FilterError(ValueError):
    """A filter that means nothing; the message says what to write instead."""


def matching(text: str, columns: Columns) -> NDArray[np.bool_]:
    """Which rows are what ``text`` asks for, bool [rows]; an empty one asks nothing.

    Raises:
        FilterError: A word has no meaning: its column does not exist, or there is nothing to compare with.
    """
    wanted = np.ones(columns.count, bool)
    for word in text.split():
        wanted &= _term(word, columns)
    return wanted


def _term(word: str, columns: Columns) -> NDArray[np.bool_]:
    if word.startswith("!") and len(word) > 1:
        return ~_term(word[1:], columns)
    match = _COMPARISON.fullmatch(word)
    if match is None:
        return _word(word, columns)
    written, operand = match["column"], match["operand"]
    size = len(written) > 2 and written.startswith("|") and written.endswith("|")
    column = columns.find(word, written[1:-1] if size else written)
    if column in columns.texts:
        return _said(word, column, match["operator"], operand, columns)
    number = _number(word, operand)
    values = np.abs(columns.numbers[column]) if size else columns.numbers[column]
    holds: NDArray[np.bool_] = _OPERATORS[match["operator"]](values, number) & ~np.isnan(values)
    return holds if holds.ndim == 1 else np.any(holds, axis=1)


def _said(word: str, column: str, comparison: str, operand: str, columns: Columns) -> NDArray[np.bool_]:
    if comparison not in ("=", "==", "!="):
        raise FilterError(f"{column} is a text: write {column}= or {column}!= and a part of it")
    if not operand:
        raise FilterError(f"{word!r} wants a part of the text, as in {column}=mixed")
    found = _holding(operand, columns.texts[column])
    return ~found if comparison == "!=" else found


def _word(word: str, columns: Columns) -> NDArray[np.bool_]:
    found = np.zeros(columns.count, bool)
    for texts in columns.texts.values():
        found |= _holding(word, texts)
    name = word.casefold()
    found |= np.fromiter(
        (any(_begins(other.casefold(), name) for other in columns.names(row)) for row in range(columns.count)),
        bool,
        columns.count,
    )
    if not found.any() and columns.has(word.strip("|")):
        raise FilterError(f"{word!r} is a column: compare it with a number, as in {word}>.1")
    return found


def _holding(word: str, texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which of ``texts`` have ``word`` in them; there are few different ones among many."""
    parts = (word.casefold(), word.casefold().replace("_", " "))
    holds = {text: any(part in text.casefold() for part in parts) for text in set(texts)}
    return np.fromiter((holds[text] for text in texts), bool, len(texts))


def _begins(name: str, word: str) -> bool:
    rest = name[len(word) :]
    return name.startswith(word) and not (rest[:1].isdigit() and word[-1:].isdigit())


def _number(word: str, written: str) -> float:
    try:
        number = float(written.replace("−", "-"))
    except ValueError:
        number = float("nan")
    if np.isnan(number):
        raise FilterError(
            f"{written!r} in {word!r} is no number" if written else f"{word!r} wants a number, as in {word}.1"
        )
    return number
