"""Surrogate attention: maps that keep part of what a head does and are random in all else.

What a number of a head says is how far it lies from the same number of its surrogates. Two families rest on exchange
alone, and are exact whatever the weights are: under the hypothesis that the keys of a row are exchangeable, a head and
its surrogates have the same law. The additive family is in `faa_core.geometry.logit_additive`.

Two surrogates that suggest themselves are absent because they reject true nulls. Shuffling along the diagonals and
renormalising the rows mixes rows of different scale; fitting row, column and diagonal sums to the weights and permuting
the ratios fits the few largest weights only. See `faa_core.geometry.null_tests.REFUSED`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from faa_core.geometry.support import Support

BANDS = 8
"""Bands of rows that are shuffled apart, each over the keys that it sees: half of the work under a causal mask."""
SMALLEST_BAND = 32
"""Fewest rows of a band."""

_INSIDE = 1 << 61


class Streams:
    """Random bits, one stream for each replicate of each head, whatever else is drawn with it.

    A stream is set by the seed, the number of the replicate and the index of the head alone. So a surrogate is the same
    in any batch, and in any order of the work, on devices of one kind.

    Args:
        seed: At least 0.
        replicates: Numbers of the replicates.
        heads: Indices of the heads.
        device: Where the bits are made.
    """

    def __init__(self, seed: int, replicates: range, heads: range, device: torch.device) -> None:
        self._shape = (len(replicates), len(heads))
        self._device = device
        self._generators = []
        for replicate in replicates:
            for head in heads:
                words = np.random.SeedSequence(seed, spawn_key=(replicate, head)).generate_state(1, np.uint64)
                self._generators.append(torch.Generator(device).manual_seed(int(words[0] >> np.uint64(1))))

    @property
    def replicates(self) -> int:
        """How many replicates are drawn at a time."""
        return self._shape[0]

    def bits(self, *shape: int) -> torch.Tensor:
        """The next 63 bits of every stream for each cell: int64 [replicates, heads, *shape], none negative."""
        out = torch.empty(len(self._generators), *shape, dtype=torch.int64, device=self._device)
        for part, generator in zip(out, self._generators, strict=True):
            part.random_(generator=generator)
        return out.view(*self._shape, *shape)


class RowShuffle:
    """Permutes every row within the keys that it sees: what is left is the set of entries of each row.

    Each of the permutations of a row is equally likely (the chance that two of its keys draw the same bits is below
    2^-40). Entropy, largest weight and mass of every row stay what they are.

    Args:
        support: Visible keys, on the device of what is permuted.
    """

    def __init__(self, support: Support) -> None:
        self._bands = _bands(support)

    def __call__(self, x: torch.Tensor, streams: Streams) -> torch.Tensor:
        """Draw the surrogates of the heads and replicates of some streams.

        Args:
            x: [heads, n, m] of any dtype, zero outside of the support.
            streams: Random bits for these heads.

        Returns:
            [replicates, heads, n, m] of the dtype of ``x``.
        """
        return _permuted(x, self._bands, streams, lambda band: shuffled(streams.bits(*band.place.shape), band.place))


class RowRotation:
    """Rotates every row by a random number of keys within the keys that it sees.

    What is left is each row up to where it starts, clusters of neighbouring keys included; what is tested is how the
    rows are aligned. The rotations are a subgroup of the permutations, so the test is exact under the same hypothesis.

    Argument and call are those of `RowShuffle`.
    """

    def __init__(self, support: Support) -> None:
        self._bands = _bands(support)
        self._lengths = support.lengths.clamp(min=1)

    def __call__(self, x: torch.Tensor, streams: Streams) -> torch.Tensor:
        """As `RowShuffle.__call__`."""
        turn = (streams.bits(len(self._lengths)) % self._lengths)[..., None]

        def order(band: _Band) -> torch.Tensor:
            turned = band.offset + turn[..., band.rows, :]
            length = self._lengths[band.rows, None]
            turned -= torch.where(turned >= length, length, 0)
            return torch.where(band.place == _INSIDE, turned + band.first, band.key)

        return _permuted(x, self._bands, streams, order)


class _Band(NamedTuple):
    """Some rows, and the keys that any of them sees.

    Attributes:
        rows: Of the matrix.
        keys: Of the matrix.
        key: int64 [keys]: counted from the first of the band.
        first: int64 [rows, 1]: first visible key of each row, counted likewise.
        offset: int64 [rows, keys]: from the first visible key of each row.
        place: int64 [rows, keys]: for `shuffled`. Keys in front of the interval sort before it and keys behind it
            after it, so that both stay outside.
    """

    rows: slice
    keys: slice
    key: torch.Tensor
    first: torch.Tensor
    offset: torch.Tensor
    place: torch.Tensor


def _bands(support: Support) -> list[_Band]:
    """The bands of a support, without those that see nothing."""
    bands = []
    n = support.queries
    step = max(SMALLEST_BAND, -(-n // BANDS))
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        band = support.rows(rows.start, rows.stop)
        seen = band.lengths > 0
        if not bool(seen.any()):
            continue
        keys = slice(int(band.first[seen].min()), int(band.stop[seen].max()))
        key = torch.arange(keys.stop - keys.start, device=support.first.device)
        first, stop = ((edge - keys.start)[:, None] for edge in (band.first, band.stop))
        place = torch.where(key >= first, _INSIDE, 0) + torch.where(key >= stop, _INSIDE, 0)
        bands.append(_Band(rows, keys, key, first, key - first, place))
    return bands


def _permuted(
    x: torch.Tensor, bands: Sequence[_Band], streams: Streams, order: Callable[[_Band], torch.Tensor]
) -> torch.Tensor:
    """[replicates, heads, n, m]: entries of ``x`` at the keys, int64 [replicates, heads, rows, keys], of each band."""
    out = x.new_zeros(streams.replicates, *x.shape)
    for band in bands:
        part = x[:, band.rows, band.keys]
        out[..., band.rows, band.keys] = part.expand(streams.replicates, *part.shape).gather(-1, order(band))
    return out


def uniform(x: torch.Tensor, support: Support) -> torch.Tensor:
    """Spread the mass of every row evenly over the keys that it sees; [heads, n, m] for [heads, n, m]."""
    return x.sum(-1, keepdim=True, dtype=torch.float64).to(x.dtype) * support.uniform().to(x.dtype)


def shuffled(bits: torch.Tensor, place: torch.Tensor | None = None) -> torch.Tensor:
    """Turn random bits into random permutations of the last axis.

    Bits and index share one integer, so that a plain sort yields the permutation; that is several times faster than
    to sort with indices.

    Args:
        bits: int64 [..., size], 63 bits each; overwritten.
        place: int64 of a shape that broadcasts to ``bits``: 0, 2^61 or 2^62. Lower ones come first in the result, and
            only equal ones are mixed.

    Returns:
        int64 [..., size]: indices along the last axis.
    """
    size = bits.shape[-1]
    low = (1 << (size - 1).bit_length()) - 1
    bits.bitwise_and_((_INSIDE - 1) & ~low)
    index = torch.arange(size, device=bits.device)
    bits.bitwise_or_(index if place is None else index | place)
    if bits.device.type == "cpu":
        bits.numpy().sort(axis=-1)  # Sorts integers with vector instructions; that of torch does not.
    else:
        bits = bits.sort(-1).values
    return bits.bitwise_and_(low)


__all__ = ["RowRotation", "RowShuffle", "Streams", "shuffled", "uniform"]
