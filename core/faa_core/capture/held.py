"""Layers whose attention the model has already computed whole: maps that a hook was handed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from faa_core.capture.calls import LayerCall, RowBudget
from faa_core.capture.masks import Window, support_of
from faa_core.capture.strips import RowSource, StripSize
from faa_core.geometry.support import Support
from faa_core.models.devices import for_sums


@dataclass
class HeldCall(LayerCall):
    """A layer whose weights the model has already computed whole.

    Attributes:
        module: The attention module.
        maps: [heads, queries, keys].
        mask: The mask that the module was called with, where there was one.
        size: How large strips are.
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
        """Copies of the maps, a strip at a time."""
        step = self.size.rows(self.heads, self.keys)
        for start in range(0, self.queries, step):
            # A copy, because a sink may overwrite what it is given.
            yield start, self.maps[:, start : start + step].to(torch.float32, copy=True)

    def row_source(self, budget: RowBudget) -> RowSource | None:
        """Keep the maps themselves."""
        nbytes = budget.admit([self.maps])
        return None if nbytes is None else HeldRows(self.maps, nbytes)


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
    used = (maps != 0).any(dim=0).to(torch.uint8).cpu()
    first, stop = used.argmax(dim=-1), keys - used.flip(-1).argmax(dim=-1)
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
