"""Attention that TransformerLens and nnsight hand out, for whom they are installed; tests/unit has stand-ins of both.

They bring some thirty packages, so no extra has them: pip install transformer-lens==4.3.0 nnsight==0.8.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import faa_core
from faa_core.models.loading import DEMO_FOLDER
from faa_core.records import Analysis

TEXT = "def add(a, b):\n    return a + b\n" * 4


def assert_heads_are_those_of_the_bundled_model(found: Analysis) -> None:
    expected = faa_core.analyze("demo", TEXT, device="cpu")
    assert [(one.info.layer, one.info.heads, one.info.pattern) for one in found.layers] == [
        (layer, 8, "causal") for layer in range(4)
    ]
    for one, two in zip(found.layers, expected.layers, strict=True):
        for name in ("D1", "entropy", "first_token", "distance"):
            ours, theirs = (layer.statistics.value[layer.statistics.row(name)] for layer in (one, two))
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, equal_nan=True, err_msg=name)


@pytest.mark.parametrize("form", ["cache", "without batch", "dictionary"])
def test_a_cache_of_transformer_lens(form: str) -> None:
    lens = pytest.importorskip("transformer_lens")
    model: Any = lens.TransformerBridge.boot_transformers(str(DEMO_FOLDER), device="cpu")
    ids = model.tokenizer(TEXT, return_tensors="pt")["input_ids"]
    how = {"without batch": {"remove_batch_dim": True}, "dictionary": {"return_cache_object": False}}.get(form, {})
    _, cache = model.run_with_cache(ids, **how)
    assert_heads_are_those_of_the_bundled_model(faa_core.analyze(cache))


def test_maps_that_nnsight_saves() -> None:
    nnsight = pytest.importorskip("nnsight")
    model = AutoModelForCausalLM.from_pretrained(DEMO_FOLDER, attn_implementation="eager", dtype=torch.float32).eval()
    tokens = AutoTokenizer.from_pretrained(DEMO_FOLDER)(TEXT, return_tensors="pt")
    wrapped = nnsight.NNsight(model)
    with torch.no_grad(), wrapped.trace(**tokens):
        saved = nnsight.save([layer.self_attn.output[1] for layer in wrapped.model.layers])
    assert_heads_are_those_of_the_bundled_model(faa_core.analyze(saved))
