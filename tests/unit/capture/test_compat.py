"""Fails when transformers changes something private that the engine relies on."""

from __future__ import annotations

import pytest
import torch
import transformers as hf
from transformers import masking_utils, modeling_utils

from faa_core import _compat


def test_registered_names_can_be_taken_out_again():
    with _compat.registered("faa_test", lambda: None, lambda: None):
        assert "faa_test" in modeling_utils.ALL_ATTENTION_FUNCTIONS
        assert "faa_test" in masking_utils.ALL_MASK_ATTENTION_FUNCTIONS
    assert "faa_test" not in modeling_utils.ALL_ATTENTION_FUNCTIONS
    assert "faa_test" not in masking_utils.ALL_MASK_ATTENTION_FUNCTIONS


def test_families_inside_and_outside_the_interface_are_told_apart(make):
    assert _compat.switchable(make("llama"))
    assert not _compat.switchable(make("bloom"))


def test_the_implementation_of_every_part_is_restored(make):
    model = make("t5")
    model.set_attn_implementation("sdpa")
    with _compat.implementation_kept(model):
        _compat.force_eager(model)
        assert _compat.attention_implementation(model) == "eager"
        assert model.decoder.config._attn_implementation == "eager"
    assert model.config._attn_implementation == model.decoder.config._attn_implementation == "sdpa"


def test_hooks_that_output_attentions_installs_are_taken_away(make, inputs):
    model = make("llama").eval()
    model.set_attn_implementation("eager")
    with _compat.hooks_kept(model), torch.no_grad():
        assert len(model(**inputs(model, 8), output_attentions=True).attentions) == 3
        assert any(module._forward_hooks for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())
    with torch.no_grad():  # and they come back when they are asked for again
        assert len(model(**inputs(model, 8), output_attentions=True).attentions) == 3


@pytest.mark.parametrize(
    ("family", "expected"),
    [("t5", [0, 5, 6]), ("bart", [2, 5, 6])],
    ids=["method of the class", "function of the module"],
)
def test_the_decoder_reads_the_text_one_place_to_the_right(family, expected, make):
    assert _compat.shifted_right(make(family), torch.tensor([[5, 6, 7]])).tolist() == [expected]


def test_kernels_from_the_hub_are_found_at_any_depth():
    settings = {"text_config": {"_attn_implementation_internal": "someone/kernel"}, "attn_implementation": "sdpa"}
    assert sorted(_compat.named_implementations(settings)) == ["sdpa", "someone/kernel"]


def test_checked_version_is_within_the_supported_range():
    major, minor = (int(part) for part in _compat.CHECKED_TRANSFORMERS.split(".")[:2])
    assert (major, minor) >= (5, 3)
    assert hf.__version__.split(".")[0] == str(major)
