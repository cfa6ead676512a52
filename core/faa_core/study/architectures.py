"""Small models for the signature study: architectures at random initialisation, and the bundled model."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import torch
import transformers as hf

from faa_core import reference
from faa_core.capture.calls import LayerCall
from faa_core.capture.coverage import find_coverage
from faa_core.models.loading import load
from faa_core.records import LayerInfo

_VOCABULARY = 256
_WIDE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": _VOCABULARY,
}
_SHARED_KEYS: dict[str, Any] = {"num_key_value_heads": 2, "head_dim": 16}


def _gpt2(layers: int, heads: int, width: int) -> Callable[[int], Any]:
    return lambda n: hf.GPT2Config(
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        vocab_size=_VOCABULARY,
        n_positions=n,
        bos_token_id=0,
        eos_token_id=0,
    )


_CONFIGURATIONS: dict[str, Callable[[int], Any]] = {
    "gpt2": _gpt2(2, 4, 64),
    "gpt2-wide": _gpt2(4, 8, 256),
    "llama": lambda n: hf.LlamaConfig(**_WIDE, num_key_value_heads=2, max_position_embeddings=n),
    "qwen3": lambda n: hf.Qwen3Config(**_WIDE, **_SHARED_KEYS, max_position_embeddings=n),
    "mixtral": lambda n: hf.MixtralConfig(
        **_WIDE, num_key_value_heads=2, num_local_experts=2, sliding_window=None, max_position_embeddings=n
    ),
    "gpt-neox": lambda n: hf.GPTNeoXConfig(**_WIDE, max_position_embeddings=n),
    "gpt-oss": lambda n: hf.GptOssConfig(
        **_WIDE,
        **_SHARED_KEYS,
        num_local_experts=2,
        num_experts_per_tok=1,
        layer_types=["full_attention"] * 2,
        max_position_embeddings=n,
    ),
    "deepseek-v3": lambda n: hf.DeepseekV3Config(
        **_WIDE,
        num_key_value_heads=4,
        moe_intermediate_size=16,
        n_routed_experts=4,
        n_group=1,
        topk_group=1,
        num_experts_per_tok=2,
        q_lora_rank=16,
        kv_lora_rank=16,
        qk_rope_head_dim=8,
        qk_nope_head_dim=8,
        v_head_dim=12,
        first_k_dense_replace=1,
        max_position_embeddings=n,
    ),
    "bart": lambda n: hf.BartConfig(
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        vocab_size=_VOCABULARY,
        max_position_embeddings=n,
    ),
}


def initialised_maps(name: str, seed: int, tokens: int) -> Iterator[torch.Tensor]:
    """Causal maps, float32 [heads, n, n] a layer, of the architecture ``name`` at its own random initialisation.

    Weights and tokens are random.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = hf.AutoModel.from_config(_CONFIGURATIONS[name](tokens), dtype=torch.float32).eval()
    ids = torch.randint(3, _VOCABULARY, (1, tokens), generator=torch.Generator().manual_seed(seed))
    return _maps_of(model, ids)


def bundled_maps(name: str, tokens: int) -> Iterator[torch.Tensor]:
    """Causal maps, float32 [heads, n, n] a layer, of the bundled model, trained or not.

    The text is the source of a module of the standard library that is not in the training set.
    """
    loaded = load(reference.parse(name), "cpu", "float32", lambda *_: None)
    ids = loaded.tokenizer(inspect.getsource(traceback), truncation=True, max_length=tokens)["input_ids"]
    return _maps_of(loaded.model, torch.tensor([ids]))


def _maps_of(model: hf.PreTrainedModel, ids: torch.Tensor) -> Iterator[torch.Tensor]:
    """The causal maps of one forward pass."""
    found: list[torch.Tensor] = []

    def visit(info: LayerInfo, call: LayerCall) -> None:
        strips = [weights for _, weights in call.strips()]
        if info.kind == "decoder":
            found.append(torch.cat(strips, dim=1))

    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids
    find_coverage(model).run(model, inputs, visit)
    yield from found
