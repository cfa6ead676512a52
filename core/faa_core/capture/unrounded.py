"""Weights of half-precision models before they are rounded for storage."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_SOFTMAX = {torch.softmax, torch.Tensor.softmax, torch.nn.functional.softmax}


class Unrounded(TorchFunctionMode):
    """Watches the softmax of an eager attention function and keeps its result in float32.

    A model in bfloat16 computes scores in bfloat16, normalises them in float32, and rounds the weights to eight bits
    of mantissa before it multiplies them with the values, so that rows sum to anything from 0.998 to 1.002. Scores are
    the model's own, rounding included; the float32 weights are the attention that those scores mean, and what the
    model multiplies with is their nearest bfloat16. Statistics are taken from the float32 ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self._weights: torch.Tensor | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in _SOFTMAX:
            return func(*args, **kwargs)
        scores = args[0] if args else kwargs["input"]
        result = func(*args, **kwargs)
        if scores.ndim == 4 and scores.is_floating_point():
            exact = result if result.dtype == torch.float32 else torch.softmax(scores, dim=-1, dtype=torch.float32)
            self._weights = exact
        return result

    def match(self, weights: torch.Tensor) -> torch.Tensor | None:
        """The float32 weights that round to ``weights``.

        Args:
            weights: [1, heads, rows, keys], what the attention function returned.

        Returns:
            float32 [1, heads, rows, keys], or ``None`` where no softmax was seen that rounds to ``weights`` bit for
            bit: the function then does more than a softmax, and what it returned is all there is.
        """
        if self._weights is None or self._weights.shape[:3] != weights.shape[:3]:
            return None
        exact = self._weights[..., : weights.shape[-1]]  # a learned sink is an additional last column
        return exact if torch.equal(exact.to(weights.dtype), weights) else None
