"""Which attention a model has, as far as its configuration says so: told before there are weights.

What a pass shows is the truth, see `faa_core.capture.coverage`; this is for choosing a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import transformers
from transformers import PreTrainedModel

from faa_core.records import LayerInfo, MapKind, Pattern

_TYPES = ("layer_types", "layers_block_type")
_WHOLE = ("full_attention", "attention", "global_attention", "global", "hybrid", "full")
_SLIDING = ("sliding_attention", "local_attention", "local", "sliding")
_CHUNKED = ("chunked_attention",)


def layer_types(config: Any) -> Sequence[str] | None:
    """Kind of each layer by the name that its configuration gives it; ``None`` where it names none."""
    text = config.get_text_config()
    return next((getattr(text, name) for name in _TYPES if getattr(text, name, None)), None)


def why_no_map(types: Sequence[str] | None, index: int) -> str:
    """Why the layer ``index`` has no map."""
    named = types[index] if types and index < len(types) else None
    return f"This layer is {named} and has no attention map." if named else "This layer computes no attention map."


def expected_layers(config: Any, empty: PreTrainedModel) -> tuple[LayerInfo, ...]:
    """The layers of a model in the order of the forward pass, those without maps with no heads.

    Args:
        config: Its configuration.
        empty: The architecture, on the device ``meta``.

    Returns:
        Nothing where it has no attention at all.
    """
    parts = [module for module in empty.modules() if "attention" in type(module).__name__.lower()]
    if not parts or not _number(config.get_text_config(), "num_attention_heads"):
        return ()
    if config.is_encoder_decoder:
        return _of_both_stacks(config)
    asked = {getattr(part, "is_causal", None) for part in parts}
    causal = type(config.get_text_config()) in transformers.MODEL_FOR_CAUSAL_LM_MAPPING if asked == {None} else True
    return _of_one_stack(config.get_text_config(), causal and not (False in asked and True not in asked))


def key_heads(config: Any) -> int:
    """Heads of keys and values; 0 where there are no heads at all."""
    text = config.get_text_config()
    return _number(text, "num_key_value_heads") or _number(text, "num_attention_heads")


def _of_both_stacks(config: Any) -> tuple[LayerInfo, ...]:
    heads = _number(config, "encoder_attention_heads", "num_attention_heads")
    decoder_heads = _number(config, "decoder_attention_heads", "num_attention_heads")
    encoder = range(_number(config, "encoder_layers", "num_hidden_layers"))
    decoder = range(_number(config, "decoder_layers", "num_decoder_layers", "num_hidden_layers"))
    layers = [LayerInfo("encoder", index, heads, "bidirectional") for index in encoder]
    for index in decoder:
        layers.append(LayerInfo("decoder", index, decoder_heads, "causal"))
        layers.append(LayerInfo("cross", index, decoder_heads, "cross"))
    return tuple(layers)


def _of_one_stack(text: Any, causal: bool) -> tuple[LayerInfo, ...]:
    heads = _number(text, "num_attention_heads")
    kind: MapKind = "decoder" if causal else "encoder"
    whole: Pattern = "causal" if causal else "bidirectional"
    types = layer_types(text) or getattr(text, "attention_layers", None)
    window = _number(text, "sliding_window", "window_size")
    if types is None:
        types = ("sliding_attention" if window else "full_attention",) * _number(text, "num_hidden_layers")
    return tuple(_layer(kind, index, heads, name, types, whole, window, text) for index, name in enumerate(types))


def _layer(
    kind: MapKind, index: int, heads: int, name: str, types: Sequence[str], whole: Pattern, window: int, text: Any
) -> LayerInfo:
    if name in _SLIDING:
        return LayerInfo(kind, index, heads, "sliding", (window if whole == "causal" else 2 * window + 1) or None)
    if name in _CHUNKED:
        return LayerInfo(kind, index, heads, "chunked", _number(text, "attention_chunk_size") or None)
    if name in _WHOLE:
        return LayerInfo(kind, index, heads, whole)
    if "linear" in name or "attention" not in name:
        return LayerInfo(kind, index, 0, "none", note=why_no_map(types, index))
    return LayerInfo(kind, index, heads, "other", note=f"Its configuration calls this layer {name}.")


def _number(config: Any, *names: str) -> int:
    """The first of some fields that is a number above zero; 0 where none is."""
    found = (getattr(config, name, None) for name in names)
    return next((value for value in found if isinstance(value, int) and value > 0), 0)
