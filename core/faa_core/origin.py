"""How numbers came about, beyond the model that they are of: what every kept run and every exported file says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from faa_core.records import Analysis


class Origin(msgspec.Struct, frozen=True):
    """What was asked for, and of which texts.

    Attributes:
        parameters: What was asked for, by the names of the options: plain strings, numbers and lists.
        seed: Where everything random began; ``None`` where nothing was.
        texts: SHA-256 of each text, in hexadecimal digits.
        hosts: Names that the machines give themselves, one for each model; "" where it is not known.
    """

    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    seed: int | None = None
    texts: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    @property
    def text_sha256(self) -> str:
        """SHA-256 of the text; of several, that of their digests, one on each line; "" where they are not known."""
        return self.texts[0] if len(self.texts) == 1 else text_sha256("\n".join(self.texts)) if self.texts else ""

    def as_dict(self) -> dict[str, Any]:
        """What an exported file says: digest of the text or texts, parameters and seed."""
        return {"text_sha256": self.text_sha256, "parameters": self.parameters, "seed": self.seed}

    def of_texts(self, analyses: Sequence[Analysis]) -> Origin:
        """The same, with the texts of ``analyses``."""
        return msgspec.structs.replace(self, texts=tuple(text_sha256(analysis.text) for analysis in analyses))


UNKNOWN = Origin()
"""Nothing is known but the model."""


def text_sha256(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
