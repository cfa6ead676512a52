"""Layers whose attention the model has already computed whole: maps that a hook was handed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from faa_core.capture.calls import LayerCall, RowBudget
from faa_core.capture.masks import Window, support_of
from faa_core.capture.strips import STRIP_ALIGN, RowSource, StripSize
from faa_core.errors import OutOfMemoryError
from faa_core.geometry.support import Support
from faa_core.models.devices import for_sums
from faa_core.models.memory import REMEDY, attempt, give_back


@dataclass
class HeldCall(LayerCall):
    """A layer whose weights the model has already computed whole.

    Attributes:
        module: The attention module.
        maps: [heads, queries, keys].
        mask: The mask that the module was called with, where there was one.
        size: How large strips are; shrinks where memory runs out.
    """

    module: nn.Module
    maps: torch.Tensor
    mask: torch.Tensor | None
    size: StripSize

    def __post_init__(self) -> None:
        self.heads, self.queries, self.keys = self.maps.shape
        self.named_sink = False
        self._support, self._width = _observed_support(self.maps, self.mask)

    @property
    def support(self) -> Support:
        """Which keys each row may see, by the mask or by what is exactly zero."""
        return self._support

    @property
    def window(self) -> Window | None:
        """The window that shows in what is exactly zero, if any."""
        return None if self._width is None else Window(self._width, chunked=False)

    def strips(self) -> Iterator[tuple[int, torch.Tensor]]:
        """Copies of the maps, a strip at a time; strips get smaller where memory runs out."""
        start = 0
        while start < self.queries:
            stop = min(start + self.size.rows(self.heads, self.keys), self.queries)
            # A copy, because a sink may overwrite what it is given.
            copied = attempt(lambda: self.maps[:, start:stop].to(torch.float32, copy=True))  # noqa: B023, called at once
            if copied is None:
                self._shrink(stop - start)
                continue
            yield start, copied
            del copied
            start = stop

    def row_source(self, budget: RowBudget) -> RowSource | None:
        """Keep the maps themselves."""
        nbytes = budget.admit([self.maps])
        return None if nbytes is None else HeldRows(self.maps, nbytes)

    def _shrink(self, rows: int) -> None:
        """Make strips smaller, because this one did not fit."""
        give_back(self.maps.device)
        if not self.size.shrink(rows, self.heads, self.keys, 1):
            raise OutOfMemoryError(
                f"Memory of {self.maps.device} ran out on attention, even for {rows} rows at a time beside the maps of "
                f"all heads, which {type(self.module).__name__} computes whole.",
                REMEDY,
            )


class HeldRows:
    """Rows of maps that are kept whole.

    Args:
        maps: [heads, queries, keys] of any floating dtype.
        nbytes: Memory that they hold.
    """

    def __init__(self, maps: torch.Tensor, nbytes: int) -> None:
        self._maps = maps
        self.nbytes = nbytes

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Weights of the rows ``start`` to ``stop``: float32 [heads, stop - start, keys]."""
        return for_sums(self._maps[:, start:stop].to(torch.float32, copy=True))


def _observed_support(maps: torch.Tensor, mask: torch.Tensor | None) -> tuple[Support, int | None]:
    """Support of maps that are there whole, from the mask if there was one, else from what is exactly zero.

    A narrower window that the module applies by itself shows in the zeros: it is taken for one when every row fits it.
    """
    _, queries, keys = maps.shape
    first, stop = _used_keys(maps)
    support: Support | None = None
    if mask is not None:
        support = support_of(mask, queries, keys)
        # Some families mean by True that a key is hidden; weights outside the support give that away.
        if not bool(((first >= support.first) & (stop <= support.stop)).all()):
            support = None
    if support is None:
        causal = queries == keys and bool((stop <= torch.arange(queries) + 1).all())
        support = Support.causal(queries) if causal else Support.full(queries, keys)
    width = int((support.stop - first).max())
    window_first = torch.clamp(support.stop - width, min=0)
    if (
        queries == keys
        and width < queries
        and torch.equal(first, window_first)
        and bool((first >= support.first).all())
    ):
        return Support(first, support.stop, keys), width
    return support, None


def _used_keys(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """First key that some head gives weight to, and one past the last, of each row: int64 [queries] both.

    Nothing of the size of the maps is made beside them: rows are looked at a few at a time.
    """
    first, stop = [], []
    for rows in torch.split(maps, STRIP_ALIGN, dim=1):
        used = (rows != 0).any(dim=0).to(torch.uint8)
        first.append(used.argmax(dim=-1))
        stop.append(maps.shape[2] - used.flip(-1).argmax(dim=-1))
    return torch.cat(first).cpu(), torch.cat(stop).cpu()
