"""How many tokens a text that nobody has tokenised yet will have, by the last one that was."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10


@dataclass(frozen=True)
class TokenEstimate:
    """What is known of a model's tokens from its last run.

    Attributes:
        text: The text of that run.
        tokens: How many tokens it had, before it was cut.
        context: Longest text that the model reads, in tokens; ``None`` where it names no limit.
    """

    text: str
    tokens: int
    context: int | None

    def of(self, text: str) -> int:
        """Tokens of ``text``: exact for the text of the run, else in proportion to its bytes of UTF-8."""
        if text == self.text:
            return self.tokens
        return round(self.tokens * _bytes(text) / max(_bytes(self.text), 1))

    def in_words(self, text: str) -> str:
        """``384 of 2,048 tokens``; ``about 1,900 of 2,048 tokens`` where nobody has counted."""
        count = self.of(text)
        number = f"{count:,}" if text == self.text else f"about {_rounded(count):,}"
        return f"{number} tokens" if self.context is None else f"{number} of {self.context:,} tokens"

    def too_long(self, text: str) -> bool:
        """Whether the model would probably refuse ``text``."""
        return self.context is not None and self.of(text) > self.context


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _rounded(count: int) -> int:
    """``count`` with two digits that mean something."""
    if count < 100:
        return count
    unit = int(10 ** (floor(log10(count)) - 1))
    return round(count / unit) * unit
