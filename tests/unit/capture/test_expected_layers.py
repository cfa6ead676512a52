"""What a configuration promises of a model's attention, beside what a pass through it shows."""

from __future__ import annotations

import pytest
import torch
import transformers as hf

from faa_core.capture.coverage import find_coverage
from faa_core.models.attention_kinds import expected_layers, key_heads

FAMILIES = [
    *("gpt2", "llama", "qwen3", "gemma2", "gemma3", "mixtral", "gpt-oss", "deepseek-v3", "llama4", "bert", "albert"),
    *("modernbert", "t5", "bart", "bloom", "mpt", "deberta-v2", "jamba", "zamba2"),
]


def expected(model):
    with torch.device("meta"):
        empty = hf.AutoModel.from_config(model.config)
    return expected_layers(model.config, empty)


def told(layers):
    return [(info.name, info.heads, info.pattern, info.window) for info in layers]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_settings_promise_what_a_pass_shows(family, make):
    model = make(family)
    assert told(expected(model)) == told(find_coverage(model).layers)


def test_a_window_that_only_the_code_of_the_model_knows_is_promised_too(make):
    assert told(expected(make("gpt-neo"))) == [("0", 4, "causal", None), ("1", 4, "sliding", 20)]


def test_layers_without_a_map_say_why(make):
    notes = [info.note for info in expected(make("jamba")) if not info.heads]
    assert len(notes) == 2
    assert all("linear_attention" in note for note in notes)


def test_a_model_without_attention_promises_none(make):
    assert expected(make("mamba")) == ()


def test_heads_that_share_keys_are_told(make):
    assert key_heads(make("qwen3").config) == 2
    assert key_heads(make("gpt2").config) == 4
