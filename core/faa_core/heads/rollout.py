"""Attention rollout: how much of each input token reaches each position through all layers.

Abnar and Zuidema (2020, "Quantifying Attention Flow in Transformers", section 3): each layer mixes positions as the
mean of its heads does, the residual connection keeps each position as it is, both alike, and layers multiply. Under a
causal mask alone this ends at the first token, whatever the model does: 32 even layers of 64 tokens give it .9954 of
the last position, and .9975 of all of them. So rollout is shown as excess over that of even attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry import Support
from faa_core.geometry.matrices import Array, SupportLike, matrices_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rollout:
    """Rollout of one text through the layers of a model.

    Attributes:
        value: float64 [n, n]: share of each input token (column) in each position (row); rows sum to one. The last row
            is what a decoder's next token is made of. NaN unless ``ok``.
        null: float64 [n, n]: the same of attention that is even over the visible keys of every layer.
        layers: Number of layers.
        status: ``ok``, or ``non_finite`` where a layer holds NaN or infinity.
    """

    value: Floats
    null: Floats
    layers: int
    status: str

    @property
    def excess(self) -> Floats:
        """float64 [n, n]: what the model sends beyond what its masks do; rows sum to zero."""
        return self.value - self.null


class RolloutMeter:
    """Multiplies layers as they come, in the order of the forward pass.

    Holds two n x n matrices in float64.

    Args:
        tokens: Length n of the text.
    """

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self._layers = 0
        self._finite = True
        self._value: torch.Tensor | None = None
        self._null: torch.Tensor | None = None

    def add(self, attention: Array, support: SupportLike = "causal") -> None:
        """Take in the next layer.

        Args:
            attention: [heads, n, n] weights, or [n, n], their mean over heads. Rows need not sum to one; a row without
                mass keeps its position as it is.
            support: Visible keys of this layer.

        Raises:
            ValueError: The map is not n x n, or holds bad weights; see `faa_core.geometry.matrices.matrices_of`.
        """
        matrices = matrices_of(attention, support)
        weights, visible = matrices.weights, matrices.support
        n = self._tokens
        if tuple(weights.shape[1:]) != (n, n):
            raise ValueError(f"Layer {self._layers} is {weights.shape[1]} x {weights.shape[2]}, not {n} x {n}.")
        self._finite &= bool(matrices.finite.all())
        if self._value is None or self._null is None:
            self._value = torch.eye(n, dtype=torch.float64, device=weights.device)
            self._null = self._value
        # A model may be spread over devices; its layers meet on the first one's.
        visible = visible.to(self._value.device)
        mixed = weights.mean(0, dtype=torch.float64).to(self._value.device)
        self._value = (mixed @ self._value + self._value) / (mixed.sum(-1, keepdim=True) + 1)
        # Even attention takes means over intervals of rows, which are differences of a running sum.
        running = torch.cat((self._null.new_zeros(1, n), self._null.cumsum(0)))
        lengths = visible.lengths[:, None]
        even = (running[visible.stop] - running[visible.first]) / lengths.clamp(min=1)
        self._null = (even + self._null) / torch.where(lengths > 0, 2.0, 1.0)
        self._layers += 1

    def finish(self) -> Rollout:
        """Rollout through the layers so far.

        Raises:
            ValueError: There was none.
        """
        if self._value is None or self._null is None:
            raise ValueError("Rollout needs at least one layer.")
        value = self._value.cpu().numpy()
        if not self._finite:
            value = np.full_like(value, np.nan)
        return Rollout(value, self._null.cpu().numpy(), self._layers, "ok" if self._finite else "non_finite")


def rollout(layers: Sequence[Array] | torch.Tensor, support: SupportLike | Sequence[SupportLike] = "causal") -> Rollout:
    """Rollout through all layers at once.

    Without the first token, which is a sink in many models, it is the rollout of the map between the others:
    ``weights, rest = without_key(x, support)``, then ``weights[..., 1:, :]`` with ``rest.rows(1, n)``.

    Args:
        layers: One map for each layer, [n, n] as the mean over heads or [heads, n, n], as a sequence or one tensor.
        support: Visible keys of all layers, or one support for each.

    Raises:
        ValueError: There is no layer, supports and layers differ in number, or a map is bad.
    """
    supports = [support] * len(layers) if isinstance(support, str | Support) else list(support)
    if len(supports) != len(layers):
        raise ValueError(f"There are {len(supports)} supports for {len(layers)} layers.")
    if not len(layers):
        raise ValueError("Rollout needs at least one layer.")
    meter = RolloutMeter(layers[0].shape[-1])
    for attention, visible in zip(layers, supports, strict=True):
        meter.add(attention, visible)
    return meter.finish()


__all__ = ["Rollout", "RolloutMeter", "rollout"]
