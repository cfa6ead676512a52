"""How attention leaves the capture: strips of query rows, and the means to compute any row again."""

from __future__ import annotations

from typing import Protocol

import torch

from faa_core.geometry.support import Support
from faa_core.records import LayerInfo

STRIP_ALIGN = 64
"""Every strip but the last of a map has a multiple of this many rows."""

STRIP_BYTES = 8 * 1024 * 1024
"""Size that one strip of float32 weights aims at."""


class RowSource(Protocol):
    """Any row of one layer's attention, after its strips have been dropped."""

    @property
    def nbytes(self) -> int:
        """Memory that the source holds, in bytes."""

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Weights of the query rows ``start`` to ``stop``: float32 [heads, stop - start, keys]."""


class StripSink(Protocol):
    """Who is handed the attention of a forward pass, layer after layer.

    Any of the methods may raise; the capture then gives up the pass, leaves the model as it was, and lets the
    exception through.
    """

    def begin(self, info: LayerInfo, support: Support) -> None:
        """A layer follows; ``support`` says which keys its rows may see."""

    def strip(self, row: int, weights: torch.Tensor) -> None:
        """Some rows of the layer.

        Args:
            row: Index of the first of them; strips come in order and without gaps, from 0.
            weights: float32 [heads, rows, keys] on the device of the model. Keys outside the support have weight 0.
                Rows are as the model uses them: those of a learned sink sum to less than 1. The tensor belongs to the
                sink, which may overwrite it.
        """

    def end(self, rows: RowSource | None) -> None:
        """The layer is complete.

        Args:
            rows: Computes any of its rows again; ``None`` where the memory for that is spent.
        """


class StripSize:
    """How large strips are. Where memory runs out they shrink, and stay so for whoever shares the object.

    Rows are halved first, down to `STRIP_ALIGN`; then the heads of a strip are computed group after group, down to
    one key head at a time. A strip always leaves the capture with all of its heads.

    Args:
        strip_bytes: Size that one strip of float32 weights aims at.

    Attributes:
        strip_bytes: Likewise; less after it has shrunk.
        groups: Groups that the heads of a strip are computed in.
    """

    def __init__(self, strip_bytes: int = STRIP_BYTES) -> None:
        self._asked = strip_bytes
        self.strip_bytes = strip_bytes
        self.groups = 1

    @property
    def shrunk(self) -> bool:
        """Whether memory has run out, so that it is smaller than was asked for."""
        return self.strip_bytes < self._asked or self.groups > 1

    def rows(self, heads: int, keys: int) -> int:
        """Rows of a strip of so many heads and keys."""
        return strip_rows(heads, keys, self.strip_bytes)

    def shrink(self, rows: int, heads: int, keys: int, most_groups: int) -> bool:
        """Shrink, because a strip did not fit; whether that was possible.

        Args:
            rows: Rows of the strip.
            heads: Its heads.
            keys: Its keys.
            most_groups: Groups that its heads can be split into; 1 where they cannot.
        """
        if rows > STRIP_ALIGN:
            half = max(rows // 2 // STRIP_ALIGN, 1) * STRIP_ALIGN
            self.strip_bytes = min(self.strip_bytes - 1, 4 * heads * keys * half)
            return True
        if self.groups < most_groups:
            self.groups = min(2 * self.groups, most_groups)
            return True
        return False

    def least(self) -> bool:
        """Make strips as small as they go; whether they were larger."""
        larger = self.strip_bytes > 1
        self.strip_bytes = 1
        return larger


def strip_rows(heads: int, keys: int, strip_bytes: int = STRIP_BYTES) -> int:
    """Rows of a strip: the largest multiple of `STRIP_ALIGN` whose float32 weights fit ``strip_bytes``, at least one.

    Args:
        heads: Heads of the map.
        keys: Columns of the map.
        strip_bytes: Budget in bytes.
    """
    return max(1, strip_bytes // (4 * heads * keys * STRIP_ALIGN)) * STRIP_ALIGN
