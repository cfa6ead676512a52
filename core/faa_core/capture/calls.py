"""One attention layer in the middle of a forward pass, however its weights were got at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from faa_core import _compat
from faa_core.capture.masks import Mask, RowMask, Window, mask_rows, support_of
from faa_core.capture.strips import STRIP_ALIGN, RowSource, StripSize
from faa_core.capture.unrounded import Unrounded
from faa_core.errors import OutOfMemoryError
from faa_core.geometry.support import Support
from faa_core.models.devices import for_sums
from faa_core.models.memory import REMEDY, attempt, give_back

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
        size: How large strips are; shrinks where memory runs out.
    """

    module: nn.Module
    eager: Callable[..., Any]
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: Mask
    options: dict[str, Any]
    size: StripSize
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
        start = 0
        while start < self.queries:
            stop = min(start + self.size.rows(self.heads, self.keys), self.queries)
            made = attempt(lambda: self._run(start, stop))  # noqa: B023, called at once
            if made is None:
                self._shrink(stop - start)
                continue
            output, weights = made
            del made  # or it would hold the strip while the next one is computed
            if stop - start == self.queries:
                self.output = output
            else:
                if self.output is None:
                    self.output = output.new_empty((output.shape[0], self.queries, *output.shape[2:]))
                self.output[:, start:stop] = output
            del output
            yield start, weights
            del weights
            start = stop

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
            self.size,
        )
        held = [narrow.query, narrow.key, narrow.value, *_tensors([narrow.options, narrow.mask])]
        nbytes = budget.admit(held)
        return None if nbytes is None else _Recomputed(narrow, nbytes)

    def weights(self, start: int, stop: int) -> torch.Tensor:
        """Weights of some rows: float32 [heads, stop - start, keys]."""
        return self._run(start, stop)[1]

    def _shrink(self, rows: int) -> None:
        """Make strips smaller, because this one did not fit; called where nothing holds what it had allocated."""
        give_back(self.query.device)
        groups = self.key.shape[1] if self._by_heads else 1
        if not self.size.shrink(rows, self.heads, self.keys, groups):
            how = ", one head after the other"
            if not self._by_heads:
                how = f", and {type(self.module).__name__} computes all heads at once"
            raise OutOfMemoryError(
                f"Memory of {self.query.device} ran out on attention, even for {rows} rows at a time{how}.",
                REMEDY,
            )

    def _run(self, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Output and weights of some rows, of all heads."""
        key_heads = self.key.shape[1]
        groups = min(self.size.groups, key_heads)
        if groups == 1 or not self._by_heads:
            return self._run_heads(start, stop, range(self.heads), range(key_heads))
        step, shared = -(-key_heads // groups), self.heads // key_heads
        whole = self.query.new_empty((self.heads, stop - start, self.keys), dtype=torch.float32)
        outputs = []
        for first in range(0, key_heads, step):
            keys = range(first, min(first + step, key_heads))
            heads = range(keys.start * shared, keys.stop * shared)
            output, weights = self._run_heads(start, stop, heads, keys)
            whole[heads.start : heads.stop] = weights
            del weights
            outputs.append(output)
        return torch.cat(outputs, dim=2), whole

    def _run_heads(self, start: int, stop: int, heads: range, keys: range) -> tuple[torch.Tensor, torch.Tensor]:
        low, high = self._visible_range(start, stop)
        some = slice(keys.start, keys.stop)
        rows = mask_rows(self.mask, start, stop, self.queries)
        options = {
            name: self._strip_of(self._of_heads(value, heads), start, stop, low, high)
            for name, value in self.options.items()
        }
        arguments = (
            self.module,
            self.query[:, heads.start : heads.stop, start:stop],
            self.key[:, some, low:high],
            self.value[:, some, low:high],
            rows if rows is None else self._of_heads(rows, heads)[..., low:high],
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

    @property
    def _by_heads(self) -> bool:
        """Whether heads can be computed apart: every argument is known to belong to all heads or to one each."""
        # A learned sink is a parameter of the module with an entry for every head, which cannot be cut from here.
        if self.named_sink or self.heads % self.key.shape[1] or self.value.shape[1] != self.key.shape[1]:
            return False
        tensors = {name: value for name, value in self.options.items() if isinstance(value, torch.Tensor)}
        return all(
            name == "position_ids" or (value.ndim == 4 and value.shape[1] in (1, self.heads))
            for name, value in tensors.items()
        )

    def _of_heads(self, value: Any, heads: range) -> Any:
        one_each = isinstance(value, torch.Tensor) and value.ndim == 4 and value.shape[1] == self.heads
        return value[:, heads.start : heads.stop] if one_each and len(heads) < self.heads else value

    def _strip_of(self, value: Any, start: int, stop: int, low: int, high: int) -> Any:
        if not isinstance(value, torch.Tensor) or value.ndim < 3:
            return value
        if value.shape[-2] == self.queries:
            value = value[..., start:stop, :]
        return value[..., low:high] if value.shape[-1] == self.keys else value


class _Recomputed:
    """Rows computed again from queries and keys by the model's own function."""

    def __init__(self, call: InterfaceCall, nbytes: int) -> None:
        self._call = call
        self.nbytes = nbytes

    def rows(self, start: int, stop: int) -> torch.Tensor:
        # A few families (gpt-oss) look up a weight of the module as they compute.
        with torch.no_grad(), _compat.weights_present(self._call.module):
            return for_sums(self._call.weights(start, stop))


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
