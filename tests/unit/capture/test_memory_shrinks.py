"""Where memory runs out strips shrink, and the maps stay what they were."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from faa_core.analysis import Engine
from faa_core.capture import calls, opening
from faa_core.capture.calls import RowBudget
from faa_core.capture.coverage import find_coverage
from faa_core.capture.held import HeldCall
from faa_core.capture.strips import StripSize
from faa_core.errors import OutOfMemoryError
from faa_core.models import devices
from faa_core.worker import protocol

TEXT = "for name in sorted(names):\n    print(name)\n" * 8
TOKENS = 200
HEADS = 4
# Another kernel of the processor may multiply matrices of another size, with other last bits.
TOLERANCE = 1e-6


class Heard:
    """A listener that keeps the layers."""

    def __init__(self):
        self.layers = []

    def layer(self, index, total, result):
        assert index == len(self.layers)
        self.layers.append(result)

    def __getattr__(self, name):
        return lambda *arguments: None


class Small(TorchDispatchMode):
    """A device that cannot allocate a tensor larger than ``most`` bytes."""

    def __init__(self, most: int):
        super().__init__()
        self.most = most
        self.failures = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        given = {_storage(value) for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)}
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor) and value.untyped_storage().nbytes() > self.most:
                if _storage(value) in given:
                    continue
                self.failures += 1
                raise torch.OutOfMemoryError(f"Tried to allocate {value.untyped_storage().nbytes()} bytes.")
        return result


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _capture(coverage, model, text, sink, size):
    def visit(info, call):
        sink.begin(info, call.support)
        for row, weights in call.strips():
            sink.strip(row, weights)
            del weights
        sink.end(call.row_source(RowBudget()))

    return coverage.run(model, text, visit, size)


@pytest.fixture
def twice(make, inputs, sink):
    """``twice(family, most)``: maps and output of a pass with memory, and of one where no tensor may be larger."""

    def run(family, most):
        model = make(family)
        coverage, text = find_coverage(model), inputs(model, TOKENS)
        whole, small, size = type(sink)(), type(sink)(), StripSize()
        output = _capture(coverage, model, text, whole, StripSize())
        with Small(most) as device:
            again = _capture(coverage, model, text, small, size)
        return (whole, output), (small, again), size, device

    return run


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma3", "modernbert"])
def test_rows_are_halved_until_they_fit(family, twice):
    (whole, output), (small, again), size, device = twice(family, HEADS * 128 * TOKENS * 4)
    assert device.failures >= 1
    assert size.shrunk
    assert size.groups == 1
    assert whole.starts[0] == [0]
    assert small.starts[0] == [0, 64, 128, 192]
    assert small.infos == whole.infos  # every layer once
    for a, b in zip(whole.maps, small.maps, strict=True):
        torch.testing.assert_close(b, a, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(again.last_hidden_state, output.last_hidden_state, rtol=1e-4, atol=1e-4)


def test_what_was_found_to_fit_is_kept_for_the_layers_that_follow(twice):
    _, (small, _), _, device = twice("llama", HEADS * 128 * TOKENS * 4)
    assert device.failures == 1  # the first strip of the first layer
    assert small.starts == [[0, 64, 128, 192]] * 3


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2", "deepseek-v3", "t5", "bert", "bart", "jamba"])
def test_then_heads_are_computed_apart(family, make, inputs, sink, own):
    model = make(family)
    coverage, text = find_coverage(model), inputs(model, TOKENS)
    size = StripSize(1)
    while size.shrink(64, HEADS, TOKENS, HEADS):
        pass
    assert size.groups == HEADS
    whole = type(sink)()
    output = _capture(coverage, model, text, whole, StripSize(1))
    again = _capture(coverage, model, text, sink, size)
    for a, b in zip(whole.maps, sink.maps, strict=True):
        torch.testing.assert_close(b, a, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(again.last_hidden_state, output.last_hidden_state, rtol=1e-4, atol=1e-4)
    for source, maps in zip(sink.sources, whole.maps, strict=True):
        torch.testing.assert_close(source.rows(70, 130), maps[:, 70:130], rtol=0, atol=TOLERANCE)


def test_heads_that_cannot_be_computed_apart_are_said_to_be_so(twice):
    with pytest.raises(OutOfMemoryError, match="64 rows at a time, and GptOssAttention computes all heads at once"):
        twice("gpt-oss", HEADS * 64 * TOKENS * 4 - 1)


def test_nothing_smaller_is_tried_than_one_head(twice):
    with pytest.raises(OutOfMemoryError, match="64 rows at a time, one head after the other") as caught:
        twice("gpt2", HEADS * 64 * TOKENS * 4 - 1)
    assert caught.value.__cause__ is None
    assert caught.value.hint


@pytest.fixture
def held(make, inputs):
    """Maps of a layer as BLOOM hands them over, with a size of their own."""
    model = make("bloom")
    calls = []

    def visit(info, call):
        calls.append(HeldCall(call.module, call.maps, call.mask, StripSize()))
        list(call.strips())

    find_coverage(model).run(model, inputs(model, TOKENS), visit)
    return calls[1]


def test_strips_of_maps_that_a_model_computes_whole_are_halved_until_they_fit(held):
    with Small(HEADS * 64 * TOKENS * 4) as device:
        strips = [(row, weights.clone()) for row, weights in held.strips()]
    assert device.failures >= 1
    assert held.size.shrunk
    assert [row for row, _ in strips] == [0, 64, 128, 192]
    assert torch.equal(torch.cat([weights for _, weights in strips], dim=1), held.maps)


def test_what_a_model_computes_whole_is_said_to_be_so_where_no_strip_fits(held):
    with (
        Small(1000),
        pytest.raises(OutOfMemoryError, match=r"64 rows .* all heads, which BloomAttention computes whole"),
    ):
        list(held.strips())


def test_another_error_is_not_taken_for_a_lack_of_memory(make, inputs):
    model = make("llama")
    coverage, text = find_coverage(model), inputs(model, TOKENS)

    def broken(info, call):
        call.eager = lambda *arguments, **options: 1 / 0
        list(call.strips())

    with pytest.raises(ZeroDivisionError):
        coverage.run(model, text, broken)


class WithoutFloat64(TorchDispatchMode):
    """A device that refuses float64, as Apple's does."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor) and value.dtype == torch.float64:
                raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support it.")
        return result


@pytest.mark.parametrize("family", ["llama", "gemma3", "gpt-oss", "t5", "bert", "bloom", "mpt"])
def test_nothing_on_the_device_of_the_model_is_float64(family, make, inputs, sink):
    model = make(family)
    coverage, text = find_coverage(model), inputs(model, TOKENS)
    with WithoutFloat64():
        _capture(coverage, model, text, sink, StripSize(1))
        assert all(source.rows(3, 9).dtype == torch.float32 for source in sink.sources)
    assert sink.maps


def test_sums_are_taken_where_float64_is():
    on_cpu = torch.rand(2, 3, 4)
    assert devices.for_sums(on_cpu) is on_cpu
    apple = SimpleNamespace(device=torch.device("mps"), cpu=lambda: on_cpu)
    assert devices.for_sums(apple) is on_cpu


def test_all_that_is_measured_has_passed_there_and_is_what_it_was(monkeypatch):
    def run(engine):
        heard = Heard()
        engine.run(protocol.Run(1, "demo", TEXT), heard)
        tile = engine.tile(protocol.Tile(2, 1, "decoder", 1, 2, 0, 0, 40, 0, 40))
        tests = engine.test(protocol.Test(3, 1, "D1", replicates=9), Heard())
        return heard.layers, tile, tests

    moved = []

    def move(weights):
        moved.append(weights)
        return weights.cpu().clone()

    expected = run(Engine())
    for module in (calls, opening):
        monkeypatch.setattr(module, "for_sums", move)
    layers, tile, tests = run(Engine())
    assert len(moved) >= 4 + 4  # strips, and rows for the tests
    for a, b in zip(layers, expected[0], strict=True):
        np.testing.assert_allclose(a.statistics.value, b.statistics.value, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(tile, expected[1])
    for a, b in zip(tests.layers, expected[2].layers, strict=True):
        np.testing.assert_allclose(a.p, b.p, rtol=0, atol=1e-6)
