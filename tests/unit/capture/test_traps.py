"""The ways in which attention comes out wrong without an error, each shown and each guarded against."""

from __future__ import annotations

import pytest
import torch
import transformers as hf

from faa_core.capture.coverage import find_coverage
from faa_core.capture.streaming import eager_function
from faa_core.capture.strips import StripSize
from faa_core.errors import Cancelled, NoAttentionError


def _collect(model, text, sink):
    coverage = find_coverage(model)

    def visit(info, call):
        sink.begin(info, call.support)
        for row, weights in call.strips():
            sink.strip(row, weights)

    return coverage, coverage.run(model, text, visit, StripSize(1))


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_sdpa_returns_no_maps_and_streaming_does(family, make, inputs, sink):
    model = make(family)
    model.set_attn_implementation("sdpa")
    text = inputs(model)
    with torch.no_grad():
        output = model.eval()(**text, output_attentions=True)
    names = ("attentions", "encoder_attentions", "decoder_attentions", "cross_attentions")
    assert not any(getattr(output, name, None) for name in names)
    coverage, _ = _collect(model, text, sink)
    assert len(sink.maps) == len(coverage.layers)


def test_a_name_without_a_mask_function_would_attend_to_the_future(make, inputs, sink):
    model = make("llama").eval()
    text = inputs(model)
    above = []

    def attention(module, query, key, value, attention_mask, **options):
        output, weights = eager_function(type(module))(module, query, key, value, attention_mask, **options)
        above.append(float(weights.triu(1).sum()))
        return output, weights

    hf.AttentionInterface.register("trap_without_mask", attention)
    try:
        model.set_attn_implementation("trap_without_mask")
        with torch.no_grad():
            model(**text)
    finally:
        model.set_attn_implementation("sdpa")
        hf.AttentionInterface._global_mapping.pop("trap_without_mask")
    assert min(above) > 1

    _collect(model, text, sink)
    assert all(not maps.triu(1).any() for maps in sink.maps)


def test_learned_sinks_are_named_and_never_renormalised(make, inputs, sink):
    model = make("gpt-oss")
    coverage, _ = _collect(model, inputs(model), sink)
    assert all(info.learned_sink for info in coverage.layers)
    assert all(float(maps.sum(dim=-1).min()) < 0.9 for maps in sink.maps)


def test_sliding_layers_alternate_and_their_last_row_sees_one_window(make, inputs, sink):
    model = make("gemma3")
    _collect(model, inputs(model), sink)
    assert [int((maps[:, -1] > 0).sum(dim=-1).max()) for maps in sink.maps] == [20, 200, 20]
    assert [int(support.lengths[-1]) for support in sink.supports] == [20, 200, 20]


@pytest.mark.parametrize(("family", "name"), [("gemma2", "softcap"), ("t5", "position_bias")])
def test_what_changes_scores_reaches_every_strip(family, name, make, inputs, sink):
    model = make(family)
    seen = []
    coverage = find_coverage(model)

    def visit(info, call):
        seen.append(call.options.get(name))
        sink.begin(info, call.support)
        for row, weights in call.strips():
            sink.strip(row, weights)
        query, key = call.query.float(), call.key.float().repeat_interleave(call.heads // call.key.shape[1], dim=1)
        scores = query @ key.transpose(-1, -2) * (call.options.get("scaling") or query.shape[-1] ** -0.5)
        scores = scores.masked_fill(~call.support.mask(), float("-inf"))
        plain = torch.softmax(scores, dim=-1)[0]
        differs.append(float((plain - sink.maps[-1]).abs().max()))

    differs: list[float] = []
    coverage.run(model, inputs(model), visit, size=StripSize(1))
    assert all(value is not None for value in seen)
    assert max(differs) > 0.01  # leaving it out would show


def test_half_precision_statistics_see_weights_before_rounding(make, inputs, own, sink):
    model = make("llama").to(torch.bfloat16)
    text = inputs(model)
    stored = own(model, text).attentions
    _collect(model, text, sink)
    for mine, theirs in zip(sink.maps, stored, strict=True):
        assert float((theirs[0].float().sum(dim=-1) - 1).abs().max()) > 1e-4
        assert float((mine.sum(dim=-1) - 1).abs().max()) < 1e-5
        assert torch.equal(mine.to(torch.bfloat16), theirs[0])


def test_maps_of_a_hybrid_are_fewer_than_its_layers(make, inputs, own, sink):
    model = make("jamba")
    text = inputs(model)
    assert len([maps for maps in own(model, text).attentions if maps is not None]) == 1
    _collect(model, text, sink)
    assert [info.layer for info in sink.infos] == [1]


def test_cross_attention_has_its_own_two_lengths(make, inputs, sink):
    model = make("bart")
    _collect(model, inputs(model), sink)
    assert {maps.shape[1:] for maps in sink.of("encoder")} == {(200, 200)}
    assert {maps.shape[1:] for maps in sink.of("decoder")} == {(150, 150)}
    assert {maps.shape[1:] for maps in sink.of("cross")} == {(150, 200)}
    for info, support in zip(sink.infos, sink.supports, strict=True):
        if info.kind == "cross":
            assert bool((support.lengths == 200).all())


def test_dropout_and_gradients_are_off_during_the_pass_only(make, inputs, own, sink):
    model = make("gpt2")
    model.train()
    model.h[1].eval()  # a part that the user froze stays frozen, the rest stays in training
    flags = [module.training for module in model.modules()]
    text = inputs(model)
    _, output = _collect(model, text, sink)
    assert [module.training for module in model.modules()] == flags
    assert not output.last_hidden_state.requires_grad
    assert not output.last_hidden_state.is_inference()
    assert torch.is_grad_enabled()
    assert torch.equal(output.last_hidden_state, own(model, text).last_hidden_state)


@pytest.mark.usefixtures("global_state")
@pytest.mark.parametrize("family", ["llama", "t5", "bloom"])
def test_an_exception_in_the_sink_leaves_everything_as_it_was(family, make, inputs, sink):
    model = make(family).train()
    coverage = find_coverage(model)
    implementations = [part.config._attn_implementation for part in model.modules() if hasattr(part, "config")]
    hooks = [list(module._forward_hooks) for module in model.modules()]

    def visit(info, call):
        for row, _ in call.strips():
            if row:
                raise Cancelled("enough")

    with pytest.raises(Cancelled):
        coverage.run(model, inputs(model), visit, size=StripSize(1))
    assert [part.config._attn_implementation for part in model.modules() if hasattr(part, "config")] == implementations
    assert [list(module._forward_hooks) for module in model.modules()] == hooks
    assert all(module.training for module in model.modules())

    _collect(model, inputs(model), sink)  # and the next run works
    assert sink.maps


def test_an_attention_that_nothing_reaches_is_refused_by_name():
    class Opaque(torch.nn.Module):
        def forward(self, query):
            return query

    with pytest.raises(NoAttentionError, match="Opaque"):
        eager_function(Opaque)
