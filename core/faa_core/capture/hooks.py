"""The hooks route: families outside the attention interface, one layer's maps at a time."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from faa_core import _compat
from faa_core.capture.held import HeldCall
from faa_core.capture.streaming import Visitor, as_found, forward_options
from faa_core.capture.strips import StripSize

_NAMES = ("attention", "attn")


def run_hooked(
    model: PreTrainedModel,
    inputs: dict[str, torch.Tensor],
    visit: Visitor,
    ask: bool,
    size: StripSize | None = None,
) -> Any:
    """Run one forward pass in eager attention and show the maps that attention modules return to ``visit``.

    The maps of one layer are alive at a time: what the module returned is replaced by an empty tensor, so that
    nothing piles up in the model's own output.

    Args:
        model: A model whose attention modules return their weights.
        inputs: Arguments of its ``forward``, one text; batch size 1.
        visit: Called for every map; must exhaust ``call.strips()``.
        ask: Whether to pass ``output_attentions=True``, without which some families return no weights.
        size: How large strips are; shrinks where memory runs out.

    Returns:
        What ``forward`` returns.
    """
    strips = StripSize() if size is None else size

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        index = _index_of_maps(output)
        if index is None:
            return None
        maps = output[index]
        visit(HeldCall(module, maps[0], _mask_among(args, kwargs, maps), strips))
        empty = maps.new_empty((1, maps.shape[1], 0, 0))
        return type(output)((*output[:index], empty, *output[index + 1 :]))

    with contextlib.ExitStack() as stack:
        stack.enter_context(as_found(model))
        stack.enter_context(_compat.hooks_kept(model))
        _compat.force_eager(model)
        for module in model.modules():
            if any(name in type(module).__name__.lower() for name in _NAMES):
                stack.callback(module.register_forward_hook(hook, with_kwargs=True).remove)
        options = forward_options(model, output_attentions=True) if ask else forward_options(model)
        return model(**inputs, **options)


def _index_of_maps(output: Any) -> int | None:
    """Place of the attention weights in what an attention module returned, or ``None``."""
    if type(output) not in (tuple, list):
        return None
    for index, value in enumerate(output):
        if (
            index
            and isinstance(value, torch.Tensor)
            and value.ndim == 4
            and value.shape[0] == 1
            and _are_weights(value)
        ):
            return index
    return None


def _are_weights(value: torch.Tensor) -> bool:
    """Whether rows look like shares; NaN passes, because broken weights are to be shown as broken."""
    if value.numel() == 0 or not value.is_floating_point():
        return False
    low, high = value.min(), value.max()
    return not bool((low < -1e-3) | (high > 1.01) | (value.sum(dim=-1, dtype=torch.float32).max() > 1.05))


def _mask_among(args: tuple[Any, ...], kwargs: dict[str, Any], maps: torch.Tensor) -> torch.Tensor | None:
    """The attention mask among the arguments of an attention module."""
    named = [value for name, value in kwargs.items() if "mask" in name]
    for value in (*named, *args):
        if (
            isinstance(value, torch.Tensor)
            and value.ndim == 4
            and value.shape[1] == 1
            and value.shape[-2] in (1, maps.shape[-2])
            and value.shape[-1] >= maps.shape[-1]
        ):
            return value
    return None
