"""Models whose weights accelerate keeps elsewhere and brings for each call: the same maps, bit for bit."""

from __future__ import annotations

import pytest
import torch
from accelerate import cpu_offload, disk_offload

from faa_core import _compat
from faa_core.capture.calls import RowBudget
from faa_core.capture.coverage import find_coverage
from faa_core.capture.strips import StripSize


def _collect(model, text, sink, size=None):
    def visit(info, call):
        sink.begin(info, call.support)
        for row, weights in call.strips():
            sink.strip(row, weights)
        sink.end(call.row_source(RowBudget()))

    output = find_coverage(model).run(model, text, visit, size or StripSize(1))
    return sink, output.last_hidden_state


@pytest.fixture(params=["memory", "disk"])
def away(request, tmp_path):
    """Keeps every weight of a model away from its modules, in the memory of the host or on the disk."""

    def offload(model):
        if request.param == "disk":
            return disk_offload(model, tmp_path, execution_device=torch.device("cpu"))
        return cpu_offload(model, execution_device=torch.device("cpu"))

    return offload


# gpt-oss looks up a weight of its attention module when rows are computed again; BLOOM goes through hooks.
@pytest.mark.parametrize("family", ["llama", "gemma3", "gpt-oss", "bert", "t5", "bart", "bloom", "deberta-v2"])
def test_maps_rows_and_output_are_those_of_the_model_in_one_piece(family, away, make, inputs, sink):
    model = make(family)
    text = inputs(model)
    plain, output = _collect(model, text, type(sink)())
    moved, again = _collect(away(model.eval()), text, sink)
    assert {weight.device.type for weight in model.parameters()} == {"meta"}
    assert moved.infos == plain.infos
    for mine, theirs in zip(moved.maps, plain.maps, strict=True):
        assert torch.equal(mine, theirs)
    assert torch.equal(again, output)
    for mine, theirs in zip(moved.sources, plain.sources, strict=True):
        assert torch.equal(mine.rows(70, 90), theirs.rows(70, 90))
    assert {weight.device.type for weight in model.parameters()} == {"meta"}  # also after rows were computed again


def test_weights_of_a_module_are_there_for_as_long_as_they_are_needed(away, make):
    model = make("llama")
    module = model.layers[1].self_attn.q_proj
    own = module.weight.detach().clone()
    with _compat.weights_present(module):
        assert torch.equal(module.weight, own)
    away(model)
    assert module.weight.device.type == "meta"
    with _compat.weights_present(module):
        assert torch.equal(module.weight, own)
        with _compat.weights_present(module):  # accelerate has brought them already
            assert torch.equal(module.weight, own)
        assert torch.equal(module.weight, own)
    assert module.weight.device.type == "meta"
