from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoModel, LlamaConfig, LlamaForCausalLM, PreTrainedConfig, PreTrainedTokenizerFast

CONTEXT = 64
WORDS = ["<s>", "</s>", "<unk>", "the", "cat", "sat", "on", "mat", "a", "dog", "ran", "."]


def _tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.decoder = decoders.WordPiece()
    words.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def _config() -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=CONTEXT,
        bos_token_id=0,
        eos_token_id=1,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete model with its tokenizer, as ``save_pretrained`` writes it."""
    path = tmp_path / "model"
    with torch.random.fork_rng():
        torch.manual_seed(3)
        LlamaForCausalLM(_config()).save_pretrained(path)
    _tokenizer().save_pretrained(path)
    return path


@pytest.fixture
def save(tmp_path: Path) -> Callable[[PreTrainedConfig], Path]:
    """``save(config)``: a folder with a random base model of that configuration, and the tokenizer."""

    def write(config: PreTrainedConfig) -> Path:
        path = tmp_path / config.model_type
        with torch.random.fork_rng():
            torch.manual_seed(3)
            AutoModel.from_config(config).save_pretrained(path)
        _tokenizer().save_pretrained(path)
        return path

    return write


@pytest.fixture
def reports() -> list[tuple[str, str, int, int, str]]:
    return []
