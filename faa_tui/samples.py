"""Short texts that come with the application, so that there is something to look at before one is typed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class Sample:
    """One sample text.

    Attributes:
        name: Stem of its file.
        title: What it is, for a list.
        text: The text itself.
    """

    name: str
    title: str
    text: str


_TITLES = {
    "golden_section": "Python: golden section search",
    "class_with_tests": "Python: a class with doctests",
    "repeated_list": "A list of words, three times (induction)",
    "two_keepers": "A story of two names (English prose)",
    "sums_and_squares": "Numbers in a table",
    "kiesel_am_fluss": "A story in German",
    "kaze_to_tegami": "A story in Japanese",
    "chat_with_markers": "A chat, its markers as text",
}


@cache
def samples() -> tuple[Sample, ...]:
    """Every sample text, the default first."""
    return tuple(
        Sample(name, title, (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")) for name, title in _TITLES.items()
    )


def default_sample() -> Sample:
    """The text that is analysed where none is given: Python code, which the bundled model was trained on."""
    return samples()[0]
