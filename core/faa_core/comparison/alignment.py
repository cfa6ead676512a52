"""Which tokens of several models stand for the same part of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faa_core.records import Tokens


@dataclass(frozen=True, eq=False)
class Alignment:
    """Common segments of one text.

    Attributes:
        pieces: What each segment stands for in the text.
        segments: For each side int32 [tokens]: segment of each token, ascending from 0; -1 for tokens that the
            tokenizer added (set aside).
        same: Whether all sides have the same tokens; then every token, an added one too, is a segment of its own.
    """

    pieces: tuple[str, ...]
    segments: tuple[NDArray[np.int32], ...]
    same: bool

    def __len__(self) -> int:
        return len(self.pieces)


def align(sides: Sequence[Tokens], text: str) -> Alignment:
    """Common segments of the tokens of several models on the same text."""
    raise NotImplementedError
