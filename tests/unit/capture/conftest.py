from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
import transformers as hf
from transformers import PreTrainedModel

from faa_core import _compat
from faa_core.capture.strips import RowSource
from faa_core.geometry.support import Support
from faa_core.records import LayerInfo

N = 200
DECODER_N = 150
_SIZES: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 64}
_MLP: dict[str, Any] = {"intermediate_size": 48}
_GQA: dict[str, Any] = {"num_key_value_heads": 2, "head_dim": 8}
_SLIDING = ["sliding_attention", "full_attention", "sliding_attention"]


def _configurations() -> dict[str, Callable[[], Any]]:
    return {
        "gpt2": lambda: hf.GPT2Config(n_embd=32, n_layer=3, n_head=4, vocab_size=64, n_positions=512),
        "llama": lambda: hf.LlamaConfig(**_SIZES, **_MLP, num_key_value_heads=2),
        "qwen3": lambda: hf.Qwen3Config(**_SIZES, **_MLP, **_GQA),
        "gemma2": lambda: hf.Gemma2Config(**_SIZES, **_MLP, **_GQA, sliding_window=20, attn_logit_softcapping=2.0),
        "gemma3": lambda: hf.Gemma3TextConfig(**_SIZES, **_MLP, **_GQA, sliding_window=20, layer_types=_SLIDING),
        "mixtral": lambda: hf.MixtralConfig(**_SIZES, **_MLP, num_key_value_heads=2, num_local_experts=2),
        "gpt-oss": lambda: hf.GptOssConfig(
            **(_SIZES | _MLP | _GQA),
            num_local_experts=2,
            num_experts_per_tok=1,
            sliding_window=20,
            layer_types=_SLIDING,
        ),
        "deepseek-v3": lambda: hf.DeepseekV3Config(
            **_SIZES,
            **_MLP,
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
        ),
        "llama4": lambda: hf.Llama4TextConfig(
            **_SIZES, **_MLP, **_GQA, intermediate_size_mlp=48, num_local_experts=2, attention_chunk_size=16
        ),
        "bert": lambda: hf.BertConfig(**_SIZES, **_MLP),
        "albert": lambda: hf.AlbertConfig(**_SIZES, **_MLP, embedding_size=16),
        "modernbert": lambda: hf.ModernBertConfig(
            **_SIZES,
            **_MLP,
            local_attention=16,
            global_attn_every_n_layers=2,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            cls_token_id=1,
            sep_token_id=2,
        ),
        "t5": lambda: hf.T5Config(
            d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, vocab_size=64, decoder_start_token_id=0
        ),
        "bart": lambda: hf.BartConfig(
            d_model=32,
            encoder_layers=2,
            decoder_layers=3,
            encoder_attention_heads=4,
            decoder_attention_heads=2,
            encoder_ffn_dim=48,
            decoder_ffn_dim=48,
            vocab_size=64,
            max_position_embeddings=512,
        ),
        "bloom": lambda: hf.BloomConfig(hidden_size=32, n_layer=3, n_head=4, vocab_size=64),
        "gpt-neo": lambda: hf.GPTNeoConfig(
            hidden_size=32,
            num_layers=2,
            num_heads=4,
            vocab_size=64,
            attention_types=[[["global", "local"], 1]],
            window_size=20,
        ),
        "mpt": lambda: hf.MptConfig(d_model=32, n_heads=4, n_layers=2, vocab_size=64),
        "deberta-v2": lambda: hf.DebertaV2Config(**_SIZES, **_MLP),
        "mamba": lambda: hf.MambaConfig(hidden_size=32, num_hidden_layers=2, vocab_size=64),
        "jamba": lambda: hf.JambaConfig(
            **_SIZES,
            **_MLP,
            num_key_value_heads=2,
            attn_layer_period=3,
            attn_layer_offset=1,
            num_experts=2,
            use_mamba_kernels=False,
            mamba_d_state=4,
        ),
        "zamba2": lambda: hf.Zamba2Config(
            **_SIZES,
            **_MLP,
            num_key_value_heads=4,
            layers_block_type=["mamba", "hybrid", "hybrid"],
            use_mem_rope=True,
            mamba_d_state=4,
            n_mamba_heads=2,
            mamba_headdim=32,
            mamba_ngroups=1,
            attention_hidden_size=64,
            attention_head_dim=16,
        ),
    }


Make = Callable[..., PreTrainedModel]


@pytest.fixture
def make() -> Make:
    """``make(family, head=False)``: a tiny random model, sharp enough that maps are not even."""

    def build(family: str, head: bool = False) -> PreTrainedModel:
        cls = hf.AutoModelForCausalLM if head else hf.AutoModel
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = cls.from_config(_configurations()[family]())
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.data.normal_(0, 0.3)
        return model

    return build


@pytest.fixture
def inputs() -> Callable[..., dict[str, torch.Tensor]]:
    """``inputs(model, n)``: a random text for the model."""

    def build(model: PreTrainedModel, n: int = N) -> dict[str, torch.Tensor]:
        ids = torch.randint(3, 60, (1, n), generator=torch.Generator().manual_seed(1))
        made = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if model.config.is_encoder_decoder:
            made["decoder_input_ids"] = ids[:, :DECODER_N]
        return made

    return build


@pytest.fixture
def own() -> Callable[..., Any]:
    """``own(model, inputs)``: the model's output with ``output_attentions=True`` in eager attention."""

    def run(model: PreTrainedModel, inputs: dict[str, torch.Tensor]) -> Any:
        model.eval()
        with torch.no_grad(), _compat.implementation_kept(model), _compat.hooks_kept(model):
            _compat.force_eager(model)
            return model(**inputs, output_attentions=True, use_cache=False)

    return run


@dataclass
class Collected:
    """A sink that keeps everything."""

    infos: list[LayerInfo] = field(default_factory=list)
    supports: list[Support] = field(default_factory=list)
    strips: list[list[torch.Tensor]] = field(default_factory=list)
    starts: list[list[int]] = field(default_factory=list)
    sources: list[RowSource | None] = field(default_factory=list)

    def begin(self, info: LayerInfo, support: Support) -> None:
        self.infos.append(info)
        self.supports.append(support)
        self.strips.append([])
        self.starts.append([])

    def strip(self, row: int, weights: torch.Tensor) -> None:
        self.starts[-1].append(row)
        self.strips[-1].append(weights.clone())
        weights.fill_(float("nan"))  # a sink may overwrite what it is given

    def end(self, rows: RowSource | None) -> None:
        self.sources.append(rows)

    @property
    def maps(self) -> list[torch.Tensor]:
        return [torch.cat(strips, dim=1) for strips in self.strips]

    def of(self, kind: str) -> list[torch.Tensor]:
        return [weights for info, weights in zip(self.infos, self.maps, strict=True) if info.kind == kind]


@pytest.fixture
def sink() -> Collected:
    return Collected()


@pytest.fixture
def global_state() -> Iterator[None]:
    """Fails the test if it leaves a trace in transformers or torch."""
    before = _state()
    yield
    assert _state() == before


def _state() -> tuple[Any, ...]:
    return (
        sorted(hf.AttentionInterface._global_mapping),
        sorted(hf.AttentionMaskInterface._global_mapping),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.random.get_rng_state().tolist(),
    )
