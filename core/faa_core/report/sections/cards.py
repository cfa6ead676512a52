"""One head, or one pair of heads, at length."""

from __future__ import annotations

import msgspec

from faa_core.report.pictures import Picture
from faa_core.report.svg import Plot


class Card(msgspec.Struct, frozen=True):
    """One head or pair at length.

    Attributes:
        name: ``1.5``, the head of A of a pair: what links to the card end in.
        title: Its heading.
        label: What it looks like, with its score where it matches.
        reason: Why it is shown.
        statements: What may be said of its numbers.
        pictures: Its map; of a pair that of A, that of B and the difference; none where they are not at hand.
        plots: Its curves.
    """

    name: str
    title: str
    label: str
    reason: str
    statements: tuple[str, ...]
    pictures: tuple[Picture, ...]
    plots: tuple[Plot, ...]


def sentence(words: str) -> str:
    """With a capital and a full stop."""
    return words[0].upper() + words[1:] + "."
