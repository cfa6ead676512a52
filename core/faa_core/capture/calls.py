"""One attention layer in the middle of a forward pass, however its weights were got at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from faa_core.capture.masks import Mask, RowMask, Window, mask_rows, support_of
from faa_core.capture.strips import STRIP_ALIGN, RowSource, strip_rows
from faa_core.capture.unrounded import Unrounded
from faa_core.geometry.support import Support

ROWS_BYTES = 512 * 1024 * 1024
"""Memory that the row sources of one pass may hold together."""

_NARROW = STRIP_ALIGN
_ROUNDED = (torch.float16, torch.bfloat16)


class RowBudget:
    """Counts the memory that row sources hold; storage that several of them share counts once.

    Args:
        limit: Bytes that all of them together may hold.
        make_room: Asked whether so many bytes more may be held, where others share the memory; may first have them
            let go of theirs.
    """

    def __init__(self, limit: int = ROWS_BYTES, make_room: Callable[[int], bool] | None = None) -> None:
        self._left = limit
        self._make_room = make_room
        self._counted: set[int] = set()

    @property
    def spent(self) -> bool:
        """Whether nothing more can be held at all."""
        return self._left <= 0

    def admit(self, tensors: list[torch.Tensor]) -> int | None:
        """Bytes that holding ``tensors`` adds, now counted; ``None``, and nothing counted, where they do not fit."""
        storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
        added = {pointer: size for pointer, size in storages.items() if pointer not in self._counted}
        nbytes = sum(added.values())
        if nbytes > self._left or not (self._make_room is None or self._make_room(nbytes)):
            return None
        self._left -= nbytes
        self._counted |= added.keys()
        return nbytes


class LayerCall(ABC):
    """The attention of one layer on its way through the model.

    Attributes:
        module: The attention module.
        heads: Number of query heads.
        queries: Number of rows.
        keys: Number of columns.
        named_sink: Whether the model says that a learned sink takes part in the softmax.
    """

    module: nn.Module
    heads: int
    queries: int
    keys: int
    named_sink: bool

    @property
    @abstractmethod
    def support(self) -> Support:
        """Which keys each row may see."""

    @property
    @abstractmethod
    def window(self) -> Window | None:
        """How far a row sees, where that is limited."""

    @abstractmethod
    def strips(self) -> Iterator[tuple[int, torch.Tensor]]:
        """First row and weights, float32 [heads, rows, keys], of every strip; to be exhausted."""

    @abstractmethod
    def row_source(self, budget: RowBudget) -> RowSource | None:
        """Means to compute any row again, or ``None`` where ``budget`` is spent."""


@dataclass
class InterfaceCall(LayerCall):
    """A call of the attention interface: what the model hands to its attention function.

    Attributes:
        module: The attention module.
        eager: The model's own eager attention function.
        query: [1, heads, queries, width].
        key: [1, key heads, keys, width].
        value: [1, key heads, keys, value width].
        mask: Additive mask, by rows or whole.
        options: Every other argument of the call.
        strip_bytes: Size that a strip aims at.
    """

    module: nn.Module
    eager: Callable[..., Any]
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: Mask
    options: dict[str, Any]
    strip_bytes: int
    output: torch.Tensor | None = field(default=None, init=False)
    _support: Support | None = field(default=None, init=False)
    _bounds: tuple[list[int], list[int]] = field(default=([], []), init=False)

    def __post_init__(self) -> None:
        # Dropout is random; a function that samples it would return other weights than the ones looked at.
        if "dropout" in self.options:
            self.options = self.options | {"dropout": 0.0}
        self.heads, self.queries = self.query.shape[1:3]
        self.keys = self.key.shape[2]
        self.named_sink = any(self.options.get(name) is not None for name in ("s_aux", "sinks")) or isinstance(
            getattr(self.module, "sinks", None), torch.Tensor
        )
        self._by_keys = self._keys_can_be_narrowed()

    @property
    def support(self) -> Support:
        """Which keys each row may see, by the mask."""
        if self._support is None:
            self._support = support_of(self.mask, self.queries, self.keys)
            self._bounds = (self._support.first.tolist(), self._support.stop.tolist())
        return self._support

    @property
    def window(self) -> Window | None:
        """The window that the mask draws, if any."""
        return self.mask.window if isinstance(self.mask, RowMask) else None

    def strips(self) -> Iterator[tuple[int, torch.Tensor]]:
        """Compute the weights a strip at a time; ``output`` is complete when they are exhausted."""
        step = strip_rows(self.heads, self.keys, self.strip_bytes)
        for start in range(0, self.queries, step):
            stop = min(start + step, self.queries)
            output, weights = self._run(start, stop)
            if stop - start == self.queries:
                self.output = output
            else:
                if self.output is None:
                    self.output = output.new_empty((output.shape[0], self.queries, *output.shape[2:]))
                self.output[:, start:stop] = output
            del output
            yield start, weights
            del weights

    def row_source(self, budget: RowBudget) -> RowSource | None:
        """Keep queries and keys, so that the same function can compute any row again."""
        if budget.spent:
            return None
        options = {name: _owned(value) for name, value in self.options.items()}
        # Only the weights are wanted later, so one column of the values is enough to keep the function going.
        narrow = InterfaceCall(
            self.module,
            self.eager,
            _owned(self.query),
            _owned(self.key),
            self.value[..., :1].clone(),
            self.mask,
            options,
            self.strip_bytes,
        )
        held = [narrow.query, narrow.key, narrow.value, *_tensors([narrow.options, narrow.mask])]
        nbytes = budget.admit(held)
        return None if nbytes is None else _Recomputed(narrow, nbytes)

    def weights(self, start: int, stop: int) -> torch.Tensor:
        """Weights of some rows: float32 [heads, stop - start, keys]."""
        return self._run(start, stop)[1]

    def _run(self, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        low, high = self._visible_range(start, stop)
        rows = mask_rows(self.mask, start, stop, self.queries)
        options = {name: self._strip_of(value, start, stop, low, high) for name, value in self.options.items()}
        arguments = (
            self.module,
            self.query[:, :, start:stop],
            self.key[:, :, low:high],
            self.value[:, :, low:high],
            rows if rows is None else rows[..., low:high],
        )
        unrounded: torch.Tensor | None = None
        if self.query.dtype in _ROUNDED:
            with Unrounded() as watch:
                output, weights = self.eager(*arguments, **options)
            unrounded = watch.match(weights)
        else:
            output, weights = self.eager(*arguments, **options)
        weights = weights[0].float() if unrounded is None else unrounded[0]
        if high - low == self.keys:
            return output, weights
        whole = weights.new_zeros((weights.shape[0], stop - start, self.keys))
        whole[..., low:high] = weights
        return output, whole

    def _visible_range(self, start: int, stop: int) -> tuple[int, int]:
        """First key that some row of the strip sees, and one past the last."""
        if not self._by_keys:
            return 0, self.keys
        _ = self.support
        low = min(self._bounds[0][start:stop])
        high = max(self._bounds[1][start:stop])
        low, high = low // _NARROW * _NARROW, min(self.keys, -(-high // _NARROW) * _NARROW)
        return (low, high) if high > low else (0, self.keys)

    def _keys_can_be_narrowed(self) -> bool:
        """Whether every argument is known to stay right when keys that no row sees are left out."""
        # A learned sink is one more column behind the last key. Moving it changes the order in which a row is summed,
        # and with that the last bit of the weights; without one, narrowed and whole rows are equal bit for bit.
        if self.mask is None or self.value.shape[2] != self.keys or self.named_sink:
            return False
        known = {"position_bias", "position_ids"}
        return not any(isinstance(value, torch.Tensor) and name not in known for name, value in self.options.items())

    def _strip_of(self, value: Any, start: int, stop: int, low: int, high: int) -> Any:
        if not isinstance(value, torch.Tensor) or value.ndim < 3:
            return value
        if value.shape[-2] == self.queries:
            value = value[..., start:stop, :]
        return value[..., low:high] if value.shape[-1] == self.keys else value


@dataclass
class HeldCall(LayerCall):
    """A layer whose weights the model has already computed whole.

    Attributes:
        module: The attention module.
        maps: [heads, queries, keys].
        mask: The mask that the module was called with, where there was one.
        strip_bytes: Size that a strip aims at.
    """

    module: nn.Module
    maps: torch.Tensor
    mask: torch.Tensor | None
    strip_bytes: int

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
        step = strip_rows(self.heads, self.keys, self.strip_bytes)
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
        return self._maps[:, start:stop].to(torch.float32, copy=True)


class _Recomputed:
    """Rows computed again from queries and keys by the model's own function."""

    def __init__(self, call: InterfaceCall, nbytes: int) -> None:
        self._call = call
        self.nbytes = nbytes

    def rows(self, start: int, stop: int) -> torch.Tensor:
        with torch.no_grad():
            return self._call.weights(start, stop)


def _owned(value: Any) -> Any:
    """``value``, copied where it is a view into a tensor larger than itself, so that only itself is kept alive."""
    if isinstance(value, torch.Tensor) and value.untyped_storage().nbytes() > value.nbytes:
        return value.clone()
    return value


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for part in value for tensor in _tensors(part)] if isinstance(value, tuple | list) else []


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
