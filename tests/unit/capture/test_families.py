from __future__ import annotations

import pytest
import torch

from faa_core.capture.calls import RowBudget
from faa_core.capture.coverage import find_coverage
from faa_core.capture.strips import STRIP_ALIGN, StripSize
from faa_core.errors import NoAttentionError

INTERFACE = [
    *("gpt2", "llama", "qwen3", "gemma2", "gemma3", "mixtral", "gpt-oss", "deepseek-v3", "llama4"),
    *("bert", "albert", "modernbert", "t5", "bart", "jamba", "zamba2"),
]
HOOKS = ["bloom", "gpt-neo", "mpt", "deberta-v2"]
# Where the processor's matrix product rounds alike whatever the number of rows, all of these are 0; where it picks
# another kernel for a strip than for the whole, the last bits of a float32 differ, and the layers above carry them on.
TOLERANCE = 1e-4


def _returned(output, kind):
    for name in (f"{kind}_attentions", "attentions"):
        if getattr(output, name, None):
            return [maps[0] for maps in getattr(output, name) if maps is not None]
    raise AssertionError(f"no {kind} maps")


@pytest.mark.usefixtures("global_state")
@pytest.mark.parametrize("family", INTERFACE + HOOKS)
def test_streamed_maps_and_outputs_equal_the_models_own(family, make, inputs, own, sink):
    model = make(family)
    coverage = find_coverage(model)
    assert coverage.route == ("interface" if family in INTERFACE else "hooks")
    text = inputs(model)
    budget = RowBudget()

    def visit(info, call):
        sink.begin(info, call.support)
        for row, weights in call.strips():
            sink.strip(row, weights)
        sink.end(call.row_source(budget))

    output = coverage.run(model, text, visit, size=StripSize(1))
    expected = own(model, text)

    assert float((output.last_hidden_state - expected.last_hidden_state).abs().max()) <= TOLERANCE
    for kind in {info.kind for info in sink.infos}:
        mine, theirs = sink.of(kind), _returned(expected, kind)
        assert len(mine) == len(theirs)
        for one, other in zip(mine, theirs, strict=True):
            assert one.dtype == torch.float32
            assert float((one - other).abs().max()) <= TOLERANCE
    for info, support, starts, maps, source in zip(
        sink.infos, sink.supports, sink.starts, sink.maps, sink.sources, strict=True
    ):
        assert info.heads == maps.shape[0]
        assert starts == list(range(0, maps.shape[1], STRIP_ALIGN))
        assert len(starts) > 1
        assert not maps[:, ~support.mask()].any()
        assert support.lengths.min() > 0
        assert float((source.rows(70, 140) - maps[:, 70:140]).abs().max()) <= TOLERANCE
        assert source.nbytes > 0
        if info.window is not None:
            assert int(support.lengths.max()) == info.window
    assert {(info.kind, info.layer) for info in sink.infos} == {
        (info.kind, info.layer) for info in coverage.layers if info.heads
    }


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma3", "gpt-oss", "deepseek-v3", "bloom"])
def test_logits_are_those_of_the_whole_model(family, make, inputs, own):
    model = make(family, head=True)
    text = inputs(model)
    output = find_coverage(model).run(model, text, lambda info, call: [None for _ in call.strips()], size=StripSize(1))
    torch.testing.assert_close(output.logits, own(model, text).logits, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma3", "gpt-oss", "bloom"])
def test_the_base_model_has_the_maps_of_the_whole_one(family, make, inputs, own):
    model = make(family, head=True)
    text = inputs(model)
    whole, base = own(model, text).attentions, own(model.base_model, text).attentions
    assert all(torch.equal(one, other) for one, other in zip(whole, base, strict=True))


def test_layers_say_what_they_are(make):
    def patterns(family):
        return [(info.name, info.pattern, info.window) for info in find_coverage(make(family)).layers]

    assert patterns("gpt2") == [("0", "causal", None), ("1", "causal", None), ("2", "causal", None)]
    assert patterns("gemma3") == [("0", "sliding", 20), ("1", "causal", None), ("2", "sliding", 20)]
    assert patterns("modernbert") == [
        ("e0", "bidirectional", None),
        ("e1", "sliding", 17),
        ("e2", "bidirectional", None),
    ]
    assert patterns("llama4") == [("0", "chunked", 16), ("1", "chunked", 16), ("2", "chunked", 16)]
    assert patterns("bart") == [
        *[("e0", "bidirectional", None), ("e1", "bidirectional", None)],
        *[("0", "causal", None), ("x0", "cross", None)],
        *[("1", "causal", None), ("x1", "cross", None)],
        *[("2", "causal", None), ("x2", "cross", None)],
    ]


def test_a_window_inside_the_attention_module_is_seen_in_the_zeros(make, inputs, sink):
    model = make("gpt-neo")

    def visit(info, call):
        sink.begin(info, call.support)
        for row, weights in call.strips():
            sink.strip(row, weights)

    find_coverage(model).run(model, inputs(model), visit)
    assert [(info.pattern, info.window) for info in sink.infos] == [("causal", None), ("sliding", 20)]


@pytest.mark.parametrize(("family", "mapped"), [("jamba", [1]), ("zamba2", [1, 2])])
def test_layers_of_a_hybrid_keep_their_number_in_the_stack(family, mapped, make):
    layers = find_coverage(make(family)).layers
    assert [info.layer for info in layers] == [0, 1, 2]
    assert [info.layer for info in layers if info.heads] == mapped
    for info in layers:
        if not info.heads:
            assert info.pattern == "none"
            assert "linear_attention" in info.note


def test_a_model_without_attention_is_refused(make):
    with pytest.raises(NoAttentionError, match="MambaModel has no attention layers"):
        find_coverage(make("mamba"))
