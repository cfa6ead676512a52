"""The attention interface route: the model's own eager attention, a strip of query rows at a time."""

from __future__ import annotations

import contextlib
import inspect
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from faa_core import _compat
from faa_core.capture.calls import InterfaceCall, LayerCall
from faa_core.capture.masks import row_mask
from faa_core.capture.strips import StripSize
from faa_core.errors import NoAttentionError

Visitor = Callable[[LayerCall], None]
"""Is shown every layer's attention in the order of the forward pass, and exhausts its strips."""


@contextlib.contextmanager
def as_found(model: PreTrainedModel) -> Iterator[None]:
    """Evaluation without gradients, with the model's training flags and attention restored at the end.

    Gradients are off through ``no_grad`` and not ``inference_mode``: some models keep tensors they make on the way
    (rotary frequencies, for example), and one made in inference mode would break a later training step.
    """
    training = [(module, module.training) for module in model.modules()]
    with torch.no_grad(), _compat.implementation_kept(model):
        model.eval()
        try:
            yield
        finally:
            for module, flag in training:
                module.training = flag


def stream(
    model: PreTrainedModel,
    inputs: dict[str, torch.Tensor],
    visit: Visitor,
    size: StripSize | None = None,
) -> Any:
    """Run one forward pass and show every layer's attention to ``visit``, strip by strip.

    Both the attention function and the mask function are registered under a name of their own for the time of the
    pass. Whatever happens, the model and transformers are left as they were found.

    Args:
        model: Any model that calls its attention through the attention interface.
        inputs: Arguments of its ``forward``, one text; batch size 1.
        visit: Called for every attention layer; must exhaust ``call.strips()``.
        size: How large strips are; shrinks where memory runs out.

    Returns:
        What ``forward`` returns.

    Raises:
        NoAttentionError: An attention module has no eager function, or works on several texts at once.
    """
    strips = StripSize() if size is None else size

    def attention(
        module: nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: Any = None,
        **options: Any,
    ) -> tuple[torch.Tensor, None]:
        if query.shape[0] != 1:
            raise NoAttentionError(
                f"{type(module).__name__} folds parts of the text into the batch, and its attention is no map.",
                "Such models cannot be shown.",
            )
        call = InterfaceCall(module, eager_function(type(module)), query, key, value, attention_mask, options, strips)
        visit(call)
        assert call.output is not None
        return call.output, None

    name = f"faa_{uuid.uuid4().hex}"
    with _compat.registered(name, attention, row_mask), as_found(model):
        model.set_attn_implementation(name)
        return model(**inputs, **forward_options(model))


def forward_options(model: nn.Module, **wanted: Any) -> dict[str, Any]:
    """The options of one forward pass without a cache, as far as ``model`` has them."""
    wanted = {"use_cache": False, "return_dict": True} | wanted
    parameters = inspect.signature(model.forward).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return {name: value for name, value in wanted.items() if open_ended or name in parameters}


def eager_function(cls: type[nn.Module]) -> Callable[..., Any]:
    """The eager attention function that modules of ``cls`` fall back on.

    It is the one that the code of ``forward`` names, looked up where that code lives; a family that renames or
    overrides it is found all the same.

    Raises:
        NoAttentionError: There is none.
    """
    forward = inspect.unwrap(cls.forward)
    code = getattr(forward, "__code__", None)
    for name in code.co_names if code is not None else ():
        candidate = forward.__globals__.get(name)
        if "eager" in name and callable(candidate):
            return candidate  # type: ignore[no-any-return]
    for base in cls.__mro__:
        candidate = getattr(sys.modules.get(base.__module__), "eager_attention_forward", None)
        if callable(candidate):
            return candidate  # type: ignore[no-any-return]
    raise NoAttentionError(
        f"{cls.__name__} calls the attention interface, but no eager attention function belongs to it."
    )
