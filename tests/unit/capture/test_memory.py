"""Nothing of the size of a layer's maps is ever allocated, decided by counting bytes."""

from __future__ import annotations

import pytest
import torch
from accelerate import cpu_offload
from torch.utils._python_dispatch import TorchDispatchMode

from faa_core import _compat
from faa_core.capture.calls import InterfaceCall, RowBudget
from faa_core.capture.coverage import find_coverage
from faa_core.capture.strips import StripSize

TOKENS = 768
HEADS = 4


class Largest(TorchDispatchMode):
    """Remembers the largest storage that any operation returned, other than those that are there already."""

    def __init__(self, *there):
        super().__init__()
        self.nbytes = 0
        self.there = {tensor.untyped_storage().data_ptr() for tensor in there}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, tuple | list) else [result]:
            if isinstance(value, torch.Tensor) and value.untyped_storage().data_ptr() not in self.there:
                self.nbytes = max(self.nbytes, value.untyped_storage().nbytes())
        return result


@pytest.mark.parametrize("family", ["llama", "gemma3", "gpt-oss", "modernbert"])
def test_no_tensor_is_larger_than_a_strip(family, make, inputs):
    model = make(family)
    coverage = find_coverage(model)
    text = inputs(model, TOKENS)
    strip = HEADS * 64 * (TOKENS + 1) * 4
    with Largest() as seen:
        coverage.run(model, text, lambda info, call: [call.support, *(None for _ in call.strips())], size=StripSize(1))
    one_mask = TOKENS * TOKENS  # bool, for one head: not even that
    assert strip < 2 * one_mask
    assert seen.nbytes <= max(strip, 64 * 64 * 48 * 4)

    with Largest() as seen, torch.no_grad(), _compat.implementation_kept(model):
        _compat.force_eager(model)
        model(**text, use_cache=False)
    assert seen.nbytes >= HEADS * one_mask * 4  # the measure does see what the model makes by itself


def test_no_tensor_is_larger_than_a_strip_where_accelerate_hands_arguments_to_layers(make, inputs):
    """It moves every argument of a layer to the device of the layer, the mask among them."""
    model = make("llama")
    cpu_offload(model, execution_device=torch.device("cpu"))
    coverage, text = find_coverage(model), inputs(model, TOKENS)
    strip = HEADS * 64 * TOKENS * 4
    with Largest() as seen:
        coverage.run(model, text, lambda info, call: [call.support, *(None for _ in call.strips())], size=StripSize(1))
    assert seen.nbytes <= max(strip, 64 * 64 * 48 * 4)


@pytest.mark.parametrize("family", ["bloom", "mpt"])
def test_maps_that_a_model_hands_over_whole_are_not_copied_whole(family, make, inputs):
    model = make(family)
    coverage, text = find_coverage(model), inputs(model, TOKENS)
    largest = []

    def visit(info, call):
        maps, mask = call.maps, call.mask
        with Largest(maps, *([] if mask is None else [mask])) as seen:
            again = type(call)(call.module, maps, mask, StripSize(1))
            for _ in again.strips():
                pass
        largest.append(seen.nbytes)
        list(call.strips())

    coverage.run(model, text, visit)
    assert max(largest) <= HEADS * 64 * TOKENS * 4 < HEADS * TOKENS * TOKENS


def test_rows_are_kept_within_one_budget_for_all_layers(make, inputs):
    model = make("llama")
    coverage = find_coverage(model)
    sources = []

    def sized(limit):
        budget = RowBudget(limit)
        sources.clear()

        def visit(info, call):
            list(call.strips())
            sources.append(call.row_source(budget))

        coverage.run(model, inputs(model), visit)
        return [source.nbytes for source in sources if source is not None]

    # Queries of 4 heads, keys of 2, 8 wide, and one column of values for each of the 2, in float32. The positions
    # belong to all layers and count once.
    layer, positions = 200 * (4 * 8 + 2 * 8 + 2) * 4, 200 * 8
    assert sized(1 << 30) == [layer + positions, layer, layer]
    assert sized(positions + 2 * layer) == [layer + positions, layer]
    assert sized(0) == []
    assert sources == [None, None, None]


def test_a_bias_that_all_layers_share_counts_once(make, inputs):
    model = make("t5")
    budget = RowBudget()
    sizes = {"encoder": [], "decoder": [], "cross": []}

    def visit(info, call):
        assert isinstance(call, InterfaceCall)
        list(call.strips())
        sizes[info.kind].append(call.row_source(budget).nbytes)

    find_coverage(model).run(model, inputs(model), visit)
    bias = 4 * 200 * 200 * 4
    assert sizes["encoder"][0] > bias
    assert sizes["encoder"][1] < bias
