"""Surrogate attention: maps that keep part of what a head does and are random in all else.

What a number of a head says is how far it lies from the same number of its surrogates. Two families rest on exchange
alone, and are exact whatever the weights are: under the hypothesis that the keys of a row are exchangeable, a head and
its surrogates have the same law. The additive family is in `faa_core.geometry.logit_additive`.

Two surrogates that suggest themselves are absent because they reject true nulls. Shuffling along the diagonals and
renormalising the rows mixes rows of different scale; fitting row, column and diagonal sums to the weights and permuting
the ratios fits the few largest weights only. See `faa_core.geometry.null_tests.REFUSED`.
"""

from __future__ import annotations

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


def row_shuffle(x: torch.Tensor, support: Support, streams: Streams) -> torch.Tensor:
    """Permute every row within the keys that it sees: what is left is the set of weights of each row.

    Each of the permutations of a row is equally likely (the chance that two of its keys draw the same bits is below
    2^-40). Entropy, largest weight and mass of every row stay what they are.

    Args:
        x: [heads, n, m], zero outside of the support.
        support: Visible keys, on the device of ``x``.
        streams: Random bits for these heads.

    Returns:
        [replicates, heads, n, m] of the dtype of ``x``.
    """
    heads, n, m = x.shape
    out = x.new_zeros(streams.replicates, heads, n, m)
    step = max(SMALLEST_BAND, -(-n // BANDS))
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        band = support.rows(rows.start, rows.stop)
        seen = band.lengths > 0
        if not bool(seen.any()):
            continue
        keys = slice(int(band.first[seen].min()), int(band.stop[seen].max()))
        key = torch.arange(keys.start, keys.stop, device=x.device)
        # Keys in front of the interval sort before it and keys behind it after it, so that both stay outside.
        place = torch.where(key >= band.first[:, None], _INSIDE, 0) + torch.where(key >= band.stop[:, None], _INSIDE, 0)
        order = shuffled(streams.bits(*place.shape), place)
        part = x[:, rows, keys]
        out[..., rows, keys] = part.expand(streams.replicates, *part.shape).gather(-1, order)
    return out


def row_rotation(x: torch.Tensor, support: Support, streams: Streams) -> torch.Tensor:
    """Rotate every row by a random number of keys within the keys that it sees.

    What is left is each row up to where it starts, clusters of neighbouring keys included; what is tested is how the
    rows are aligned. The rotations are a subgroup of the permutations, so the test is exact under the same hypothesis.

    Arguments and result are those of `row_shuffle`.
    """
    heads, n, m = x.shape
    length = support.lengths.clamp(min=1)
    turn = streams.bits(n) % length
    offset = torch.arange(m, device=x.device) - support.first[:, None]
    turned = offset + turn[..., None]
    turned -= torch.where(turned >= length[:, None], length[:, None], 0)
    order = torch.where(support.mask(), turned + support.first[:, None], torch.arange(m, device=x.device))
    return x.expand(streams.replicates, heads, n, m).gather(-1, order)


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


__all__ = ["Streams", "row_rotation", "row_shuffle", "shuffled", "uniform"]
