"""Which keys a row may see: one interval for each row, which serves causal, sliding, padded and cross-attention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, eq=False)
class Support:
    """The visible keys of each row of an attention map, as one interval for each row.

    Attributes:
        first: int64 [queries]: first visible key of each row.
        stop: int64 [queries]: one past the last visible key; equal to ``first`` where a row sees nothing.
        keys: Number of columns of the map.

    Raises:
        ValueError: The intervals do not fit into the map.
    """

    first: torch.Tensor
    stop: torch.Tensor
    keys: int

    def __post_init__(self) -> None:
        if self.first.dim() != 1 or self.first.shape != self.stop.shape:
            raise ValueError(f"first {tuple(self.first.shape)} and stop {tuple(self.stop.shape)} are not two rows.")
        if self.first.dtype != torch.int64 or self.stop.dtype != torch.int64:
            raise ValueError("first and stop must be int64.")
        if bool((self.first < 0).any() | (self.stop < self.first).any() | (self.stop > self.keys).any()):
            raise ValueError(f"An interval of visible keys leaves the {self.keys} columns of the map.")

    @classmethod
    def full(cls, queries: int, keys: int) -> Support:
        """Every row sees every key."""
        return cls(torch.zeros(queries, dtype=torch.int64), torch.full((queries,), keys, dtype=torch.int64), keys)

    @classmethod
    def causal(cls, queries: int, keys: int | None = None, offset: int | None = None) -> Support:
        """Row i sees keys 0 to i + offset.

        Args:
            queries: Number of rows.
            keys: Number of columns; as many as rows by default.
            offset: Number of keys before the first row's own; ``keys - queries`` by default, as with a cache of keys.
        """
        keys = queries if keys is None else keys
        offset = keys - queries if offset is None else offset
        stop = (torch.arange(queries) + (offset + 1)).clamp_(0, keys)
        return cls(torch.zeros_like(stop), stop, keys)

    @classmethod
    def sliding(cls, queries: int, window: int) -> Support:
        """Row i sees its own key and the ``window - 1`` before it."""
        if window < 1:
            raise ValueError(f"A sliding window of {window} keys sees nothing.")
        stop = torch.arange(1, queries + 1)
        return cls((stop - window).clamp_(min=0), stop, queries)

    @classmethod
    def from_mask(cls, mask: torch.Tensor) -> Support:
        """Support of a bool [queries, keys] mask that is true where a key is visible.

        Raises:
            ValueError: The visible keys of some row are not one unbroken interval.
        """
        if mask.dim() != 2 or mask.dtype != torch.bool:
            raise ValueError(f"A mask is bool [queries, keys], not {mask.dtype} {tuple(mask.shape)}.")
        keys = mask.shape[1]
        length = mask.sum(1)
        first = mask.to(torch.uint8).argmax(1) if keys else torch.zeros_like(length)
        support = cls(first, first + length, keys)
        broken = (support.mask(mask.device) != mask).any(1)
        if bool(broken.any()):
            row = int(broken.nonzero()[0, 0])
            raise ValueError(f"The visible keys of row {row} are not one unbroken interval.")
        return support

    @property
    def queries(self) -> int:
        """Number of rows of the map."""
        return self.first.shape[0]

    @property
    def lengths(self) -> torch.Tensor:
        """int64 [queries]: how many keys each row sees."""
        return self.stop - self.first

    @property
    def identity(self) -> tuple[int, bytes, bytes]:
        """Hashable value that is equal for equal supports, on whatever device they are."""
        return self.keys, self.first.cpu().numpy().tobytes(), self.stop.cpu().numpy().tobytes()

    @classmethod
    def from_identity(cls, identity: tuple[int, bytes, bytes]) -> Support:
        """The support that has this `identity`, on the CPU."""
        keys, first_bytes, stop_bytes = identity
        first, stop = (torch.tensor(np.frombuffer(part, dtype=np.int64)) for part in (first_bytes, stop_bytes))
        return cls(first, stop, keys)

    def rows(self, start: int, stop: int) -> Support:
        """The support of rows ``start`` to ``stop`` alone."""
        return Support(self.first[start:stop], self.stop[start:stop], self.keys)

    def to(self, device: torch.device | str) -> Support:
        """The same support on ``device``."""
        return Support(self.first.to(device), self.stop.to(device), self.keys)

    def mask(self, device: torch.device | str | None = None) -> torch.Tensor:
        """Boolean [queries, keys]: true where a key is visible."""
        support = self if device is None else self.to(device)
        key = torch.arange(self.keys, device=support.first.device)
        return (key >= support.first[:, None]) & (key < support.stop[:, None])

    def uniform(self, device: torch.device | str | None = None) -> torch.Tensor:
        """float32 [queries, keys]: attention that is even over each row's visible keys, the reference of every null.

        Rows that see nothing are zero.
        """
        mask = self.mask(device)
        length = self.lengths.to(mask.device).clamp(min=1)
        return mask / length[:, None].to(torch.float32)
