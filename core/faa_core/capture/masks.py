"""Masks that are never whole: rows of a mask are made when a strip needs them.

The attention mask function registered with transformers returns a `RowMask` where the eager one returns a tensor
[1, 1, n, n]. Rows come from transformers' own ``eager_mask``, asked for a few queries at a time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers.masking_utils import eager_mask

from faa_core.geometry.support import Support

_BLOCK = 64  # rows of a mask looked at together
# Additive masks hide a key with -10,000, with the lowest number of the dtype or with minus infinity. Biases such as
# ALiBi stay far above, and a key at -10,000 has weight exactly 0 in float32.
_HIDDEN = -9_999.0


@dataclass(frozen=True)
class Window:
    """A limit on how far a row sees.

    Attributes:
        width: Number of keys that a row sees where the text is long enough.
        chunked: Whether the text is cut into chunks of that width; otherwise the window slides with the row.
    """

    width: int
    chunked: bool


class RowMask:
    """Stands in for an additive mask [1, 1, queries, keys] and makes the rows that are asked for.

    It answers what modelling code asks of a mask on its way to the attention function (shape, dtype, device, a slice
    of the keys). For anything else it turns into the tensor, one n x n for all heads, and remembers that it did.

    Args:
        make: ``make(start, stop)`` returns the rows, [1, 1, stop - start, keys or more].
        queries: Number of rows.
        keys: Number of columns.
        window: The window that the mask draws, if any.
    """

    def __init__(
        self,
        make: Callable[[int, int], torch.Tensor],
        queries: int,
        keys: int,
        window: Window | None = None,
    ) -> None:
        self._make = make
        self.queries = queries
        self.keys = keys
        self.window = window
        self.materialised = False
        self._last: tuple[int, int, torch.Tensor] | None = None
        self._support: Support | None = None
        self._elsewhere: dict[torch.device, RowMask] = {}
        first = self.rows(0, 1)
        self.dtype = first.dtype
        self.device = first.device
        self.shape = torch.Size((1, first.shape[1], queries, keys))
        self.ndim = 4

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Rows ``start`` to ``stop`` of the additive mask: [1, 1, stop - start, keys]."""
        if self._last is None or self._last[:2] != (start, stop):
            self._last = (start, stop, self._make(start, stop)[..., : self.keys])
        return self._last[2]

    def support(self) -> Support:
        """Which keys each row may see; worked out once, a block of rows at a time."""
        if self._support is None:
            self._support = _interval_support(
                lambda start, stop: visible(self.rows(start, stop)), self.queries, self.keys
            )
        return self._support

    def full(self) -> torch.Tensor:
        """The whole mask as a tensor [1, 1, queries, keys], for code that cannot do without it."""
        self.materialised = True
        return self._make(0, self.queries)[..., : self.keys]

    def dim(self) -> int:
        """4, as for a tensor."""
        return self.ndim

    def size(self, dim: int | None = None) -> Any:
        """Shape, or one extent of it, as for a tensor."""
        return self.shape if dim is None else self.shape[dim]

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Itself where the dtype and the device are already right, a mask on another device, or else the tensor."""
        kwargs = {name: value for name, value in kwargs.items() if name not in ("non_blocking", "copy")}
        wanted = [value for value in (*args, *kwargs.values()) if not isinstance(value, bool)]
        if all(value in (self.dtype, self.device, self.device.type) for value in wanted):
            return self
        if len(wanted) == 1 and isinstance(wanted[0], torch.device | str | int):
            return self._on(torch.device(wanted[0]))
        return self.full().to(*args, **kwargs)

    def _on(self, device: torch.device) -> RowMask:
        """Itself with rows that go to another device as they are made; the same one each time."""
        if device not in self._elsewhere:
            moved = RowMask(
                lambda start, stop: self._make(start, stop).to(device), self.queries, self.keys, self.window
            )
            moved._support = self._support
            self._elsewhere[device] = moved
        return self._elsewhere[device]

    def __getitem__(self, index: Any) -> Any:
        kept = self._keys_kept_by(index)
        if kept is None:
            return self.full()[index]
        return self if kept == self.keys else RowMask(self._make, self.queries, kept, self.window)

    def _keys_kept_by(self, index: Any) -> int | None:
        """How many keys ``index`` keeps where it cuts nothing but the end of the keys; ``None`` for any other."""
        if not isinstance(index, tuple) or not isinstance(last := index[-1], slice):
            return None
        before = index[:-1]
        everything = len(before) == 3 and all(isinstance(part, slice) and part == slice(None) for part in before)
        if not everything and not (len(before) == 1 and before[0] is Ellipsis):
            return None
        kept = range(*last.indices(self.keys))
        return len(kept) if kept.start == 0 and kept.step == 1 else None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(torch.Tensor, name):
            raise AttributeError(name)
        return getattr(self.full(), name)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return function(*_whole(args), **_whole(kwargs or {}))


def _forwarded(name: str) -> Callable[..., Any]:
    function = getattr(operator, name, None)

    def operate(self: RowMask, *others: Any) -> Any:
        if function is None:  # a reflected operator, which only the tensor itself has
            return getattr(self.full(), f"__{name}__")(*_whole(others))
        return function(self.full(), *_whole(others))

    return operate


for _name in (
    *("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "neg", "invert", "and_", "or_"),
    *("lt", "le", "gt", "ge", "eq", "ne"),
):
    setattr(RowMask, f"__{_name.rstrip('_')}__", _forwarded(_name))
RowMask.__hash__ = object.__hash__  # type: ignore[method-assign]


def _whole(value: Any) -> Any:
    """``value`` with every `RowMask` in it turned into its tensor."""
    if isinstance(value, RowMask):
        return value.full()
    if isinstance(value, tuple | list):
        return type(value)(_whole(part) for part in value)
    if isinstance(value, dict):
        return {key: _whole(part) for key, part in value.items()}
    return value


Mask = RowMask | torch.Tensor | None


def row_mask(
    *,
    q_length: int,
    kv_length: int,
    q_offset: int = 0,
    mask_function: Callable[..., torch.Tensor],
    attention_mask: Any = None,
    local_size: int | None = None,
    device: torch.device | str = "cpu",
    **kwargs: Any,
) -> RowMask | None:
    """The attention mask function that capture registers; the arguments are those of ``eager_mask``.

    Returns:
        A `RowMask`, or ``None`` where eager attention needs no mask because every query sees every key.
    """
    if isinstance(attention_mask, RowMask):  # a part of the model that is handed a mask its owner has already made
        return attention_mask

    def make(start: int, stop: int) -> torch.Tensor | None:
        mask: torch.Tensor | None = eager_mask(
            q_length=stop - start,
            kv_length=kv_length,
            q_offset=q_offset + start,
            mask_function=mask_function,
            attention_mask=attention_mask,
            local_size=local_size,
            device=device,
            **kwargs,
        )
        return mask

    if make(0, 1) is None:
        return None
    window = None if local_size is None else _window(mask_function, local_size, device)
    return RowMask(make, q_length, kv_length, window)  # type: ignore[arg-type]


def _window(mask_function: Callable[..., torch.Tensor], local: int, device: torch.device | str) -> Window:
    """What the mask function does with the size ``local``, seen from two rows in the middle of an endless text.

    Transformers names the reach of a window; one that opens to both sides spans twice as many keys. A chunk differs
    from a window in its first row, which sees nothing but itself.
    """
    zero = torch.zeros((1, 1), dtype=torch.long, device=device)
    queries = torch.tensor([[4 * local - 1], [4 * local]], device=device)
    keys = torch.arange(8 * local, device=device)[None]
    try:
        last, first = mask_function(zero, zero, queries, keys).expand(2, 8 * local).sum(dim=-1).tolist()
    except (IndexError, RuntimeError):  # the function looks into tensors of this text's length
        return Window(local, chunked=False)
    return Window(int(last), chunked=first == 1 < last)


def visible(mask: torch.Tensor) -> torch.Tensor:
    """Which keys a piece of a mask leaves visible to some head: [1, heads or 1, rows, keys] -> bool [rows, keys]."""
    seen = mask if mask.dtype == torch.bool else mask > _HIDDEN
    return seen[0].any(dim=0)


def mask_rows(mask: Mask, start: int, stop: int, queries: int) -> torch.Tensor | None:
    """Rows ``start`` to ``stop`` of any kind of mask.

    Args:
        mask: A `RowMask`, a tensor [1, heads or 1, queries or 1, keys], or ``None``.
        start: First row.
        stop: One past the last row.
        queries: Number of queries of the map.
    """
    if isinstance(mask, RowMask):
        return mask.rows(start, stop)
    if mask is None or mask.ndim < 3 or mask.shape[-2] != queries:
        return mask
    return mask[..., start:stop, :]


def support_of(mask: Mask, queries: int, keys: int) -> Support:
    """Which keys each row may see under ``mask``.

    A row whose visible keys have gaps is given the interval that spans them.
    """
    if isinstance(mask, RowMask):
        return mask.support()
    if mask is None or mask.ndim != 4:
        return Support.full(queries, keys)
    tensor = mask.expand(-1, -1, queries, -1)[..., :keys]
    return _interval_support(lambda start, stop: visible(tensor[..., start:stop, :]), queries, keys)


def _interval_support(seen: Callable[[int, int], torch.Tensor], queries: int, keys: int) -> Support:
    first, stop = [], []
    for start in range(0, queries, _BLOCK):
        seen_rows = seen(start, min(start + _BLOCK, queries))
        some, rows = seen_rows.any(dim=-1), seen_rows.to(torch.uint8)
        begin = rows.argmax(dim=-1)
        end = keys - rows.flip(-1).argmax(dim=-1)
        first.append(torch.where(some, begin, 0))
        stop.append(torch.where(some, end, 0))
    return Support(torch.cat(first).cpu(), torch.cat(stop).cpu(), keys)
