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


def strip_rows(heads: int, keys: int, strip_bytes: int = STRIP_BYTES) -> int:
    """Rows of a strip: the largest multiple of `STRIP_ALIGN` whose float32 weights fit ``strip_bytes``, at least one.

    Args:
        heads: Heads of the map.
        keys: Columns of the map.
        strip_bytes: Budget in bytes.
    """
    return max(1, strip_bytes // (4 * heads * keys * STRIP_ALIGN)) * STRIP_ALIGN
