"""Every use the engine makes of names that transformers keeps private.

Checked against transformers `CHECKED_TRANSFORMERS`. `tests/unit/capture/test_compat.py` fails when one of them changes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedConfig, PreTrainedModel

CHECKED_TRANSFORMERS = "5.23.0"
"""Version of transformers that this module was written against."""


@contextmanager
def registered(name: str, attention: Callable[..., Any], mask: Callable[..., Any]) -> Iterator[None]:
    """Offer ``name`` as an attention implementation to every model, for as long as the context lasts.

    Registering is public, and both halves are needed: a name without a mask function makes transformers pass no mask
    at all, and a causal model then attends to the future without an error. Taking a name out again is not public.

    Args:
        name: Name of the implementation; must not be in use.
        attention: Called as ``attention(module, query, key, value, attention_mask, **kwargs)``.
        mask: Called with the keyword arguments of ``transformers.masking_utils.eager_mask``.
    """
    AttentionInterface.register(name, attention)
    AttentionMaskInterface.register(name, mask)
    try:
        yield
    finally:
        AttentionInterface._global_mapping.pop(name, None)
        AttentionMaskInterface._global_mapping.pop(name, None)


@contextmanager
def weights_present(module: nn.Module) -> Iterator[None]:
    """Bring the weights of ``module`` itself to where it computes, if accelerate keeps them elsewhere meanwhile.

    Within a forward pass accelerate does so by itself. What it hangs on modules for it is not public.
    """
    hook = getattr(module, "_hf_hook", None)
    if hook is None or not any(weight.device.type == "meta" for weight in module.parameters(recurse=False)):
        yield
        return
    hook.pre_forward(module)
    try:
        yield
    finally:
        hook.post_forward(module, None)


def computing_device(model: PreTrainedModel) -> torch.device:
    """Where ``model`` computes: where its weights are, or where accelerate brings them if they are all elsewhere."""
    device: torch.device = model.device
    if device.type != "meta":
        return device
    hooks = (getattr(module, "_hf_hook", None) for module in model.modules())
    found = (getattr(hook, "execution_device", None) for hook in hooks)
    return torch.device(next((device for device in found if device is not None), device))


def kept_together(model: PreTrainedModel) -> list[str]:
    """Classes of the parts of ``model`` that have to be on one device each: its layers."""
    return sorted(model._no_split_modules or ())


def kept_in_place(model: PreTrainedModel) -> Any:
    """Arguments that ``model`` does not want moved between devices, such as its cache of keys."""
    return model._skip_keys_device_placement


def switchable(model: PreTrainedModel) -> bool:
    """Whether the class of ``model`` calls its attention through the attention interface."""
    return bool(model._can_set_attn_implementation())


def attention_implementation(model: PreTrainedModel) -> str:
    """Name of the attention implementation that ``model`` runs with, for example ``sdpa``."""
    return str(model.config._attn_implementation or "eager")


def _configurations(model: PreTrainedModel) -> list[PreTrainedConfig]:
    """Every configuration object in ``model``, each once: its own, those of its parts, and the nested ones."""
    found: dict[int, PreTrainedConfig] = {}
    pending = [model.config, *(part.config for part in model.modules() if isinstance(part, PreTrainedModel))]
    while pending:
        config = pending.pop()
        if id(config) in found:
            continue
        found[id(config)] = config
        nested = (getattr(config, key, None) for key in config.sub_configs)
        pending.extend(part for part in nested if isinstance(part, PreTrainedConfig))
    return list(found.values())


@contextmanager
def implementation_kept(model: PreTrainedModel) -> Iterator[None]:
    """Restore the attention implementation of every part of ``model`` when the context ends."""
    before = [(config, config._attn_implementation_internal) for config in _configurations(model)]
    try:
        yield
    finally:
        for config, implementation in before:
            config._attn_implementation_internal = implementation


def force_eager(model: PreTrainedModel) -> None:
    """Make ``model`` use its eager attention, also where its class has no public way to change it.

    Use within `implementation_kept`.
    """
    for config in _configurations(model):
        config._attn_implementation_internal = "eager"


@contextmanager
def hooks_kept(model: PreTrainedModel) -> Iterator[None]:
    """Take away, when the context ends, the hooks that ``output_attentions=True`` leaves on the parts of ``model``."""
    flag = "_output_capturing_hooks_installed"
    before = {id(module): set(module._forward_hooks) for module in model.modules()}
    marked = {id(module) for module in model.modules() if flag in vars(module)}
    try:
        yield
    finally:
        for module in model.modules():
            for key in set(module._forward_hooks) - before.get(id(module), set()):
                for table in (
                    module._forward_hooks,
                    module._forward_hooks_with_kwargs,
                    module._forward_hooks_always_called,
                ):
                    table.pop(key, None)
            if flag in vars(module) and id(module) not in marked:
                delattr(module, flag)


def named_implementations(settings: Any) -> list[str]:
    """Every attention implementation that a configuration file names, at any depth.

    A name with a slash is a repository of kernels, that is, code from the hub.

    Args:
        settings: Parsed ``config.json``.
    """
    names: list[str] = []
    if isinstance(settings, dict):
        for key, value in settings.items():
            if key in ("attn_implementation", "_attn_implementation", "_attn_implementation_internal"):
                names += [value] if isinstance(value, str) else []
            names += named_implementations(value)
    elif isinstance(settings, list):
        for value in settings:
            names += named_implementations(value)
    return names


def shifted_right(model: PreTrainedModel, ids: torch.Tensor) -> torch.Tensor | None:
    """What the decoder of ``model`` reads when it is to predict ``ids``, as the model's own code makes it.

    Args:
        model: An encoder-decoder.
        ids: int64 [1, n].

    Returns:
        int64 [1, n], or ``None`` where the model names no token to start with.
    """
    config = model.config
    start = getattr(config, "decoder_start_token_id", None)
    if start is None:
        start = getattr(config, "bos_token_id", None)
    pad = getattr(config, "pad_token_id", None)
    pad = start if pad is None else pad
    for name in ("prepare_decoder_input_ids_from_labels", "_shift_right"):
        own = getattr(model, name, None)
        if own is not None and start is not None:
            return torch.as_tensor(own(ids))
    shift = getattr(sys.modules.get(type(model).__module__), "shift_tokens_right", None)
    if shift is not None and pad is not None:
        arguments = (ids, pad, start) if shift.__code__.co_argcount == 3 else (ids, pad)
        if len(arguments) == 2 or start is not None:
            return torch.as_tensor(shift(*arguments))
    if start is None:
        return None
    return torch.cat([torch.full_like(ids[:, :1], start), ids[:, :-1]], dim=1)
