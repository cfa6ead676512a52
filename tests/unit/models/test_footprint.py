"""What a model takes is told before it is loaded, and a limit is kept to."""

from __future__ import annotations

import gc
import inspect
import json
import weakref
from argparse import ArgumentParser

import pytest
import torch
from transformers import AutoConfig, AutoModel

from faa_core import reference
from faa_core.analysis import Engine
from faa_core.errors import OutOfMemoryError
from faa_core.models import footprint, loading, memory
from faa_core.models.footprint import GIB, Footprint, held_bytes, in_gib, pass_footprint
from faa_core.worker.faults import is_out_of_memory
from faa_core.worker.protocol import Load, Run, RunOptions, Unload
from faa_tui.cli.main import add_run_options, run_options_of

TEXT = "the cat sat on the mat . " * 8


class Heard:
    """A listener that keeps the lines."""

    def __init__(self):
        self.lines = []

    def progress(self, stage, text, done=0, total=0, unit=""):
        self.lines.append(text)

    def __getattr__(self, name):
        return lambda *arguments: None


@pytest.fixture
def asked(folder, monkeypatch):
    """``asked(text)``: the footprint that is told before the model is loaded; nothing is loaded for it."""

    def ask(text, dtype="float32"):
        told = []

        def refuse(device, needed):
            told.append(needed)
            raise OutOfMemoryError("No.", "Never.")

        with pytest.raises(OutOfMemoryError):
            loading.load(
                reference.parse(str(folder)),
                "cpu",
                dtype,
                lambda *arguments: None,
                refuse,
                text,
            )
        return told[0]

    return ask


def test_weights_are_known_from_the_headers_and_the_rest_from_the_configuration(asked, folder):
    needed = asked(TEXT)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    head = 12 * 16 * 4  # the layer that predicts tokens, which is in the file and left out
    assert needed.weights == held_bytes(model) + head - sum(buffer.nbytes for buffer in model.buffers())
    assert needed.tokens == 57
    # The residual stream and the wider half of a layer: queries, keys and values, or both inner layers.
    assert needed.layer == 57 * (16 + max(16 + 16 + 8 + 8, 2 * 24)) * 4
    assert needed.strip == 2 * 57 * 57 * 4
    assert needed.total == needed.weights + needed.layer + needed.strip
    half = asked(TEXT, "bfloat16")
    assert half.weights == needed.weights // 2
    assert half.layer == needed.layer // 2
    assert half.strip == needed.strip  # weights of attention are float32 whatever the model computes in
    assert asked("") == Footprint(needed.weights)


def test_a_text_beyond_the_context_counts_as_long_as_the_context(asked):
    assert asked(TEXT * 4).tokens == 64


def test_a_configuration_that_says_little_counts_as_little():
    assert pass_footprint(AutoConfig.for_model("mamba"), 100, torch.float32).strip == 0


def test_a_model_that_cannot_fit_is_refused_before_it_is_loaded_with_the_figures(folder, monkeypatch):
    monkeypatch.setattr(loading, "_load_folder", lambda *arguments: pytest.fail("it was loaded"))
    engine = Engine(free=lambda device: 5000)
    with pytest.raises(OutOfMemoryError) as caught:
        engine.run(Run(1, str(folder), TEXT, RunOptions("cpu")), Heard())
    error = caught.value
    total = in_gib(footprint.total_bytes(torch.device("cpu")))
    assert "does not fit: it needs at least" in error.message
    assert "of weights" in error.message
    assert "for 57 tokens" in error.message
    assert f"of {total} GiB of cpu 4.7e-06 are free" in error.message
    assert "--dtype bfloat16" in error.hint
    assert engine.residents() == ()


def test_a_text_that_cannot_fit_is_refused_and_the_model_stays(folder):
    free = [GIB]
    engine = Engine(free=lambda device: free[0])
    engine.load(Load(1, str(folder)), Heard())
    free[0] = 1000
    with pytest.raises(OutOfMemoryError, match="for 57 tokens beside the weights"):
        engine.run(Run(2, str(folder), TEXT), Heard())
    free[0] = GIB
    engine.run(Run(3, str(folder), TEXT), Heard())
    assert [model.runs for model in engine.residents()] == [(3,)]


def test_a_limit_holds_on_every_device_and_other_models_make_room_within_it():
    engine = Engine(free=lambda device: 1 << 40)
    engine.load(Load(1, "demo"), Heard())
    weights = engine.residents()[0].weights
    options = RunOptions("cpu", max_memory=weights + weights // 2)
    engine.load(Load(2, "demo@init", options), heard := Heard())
    assert "Unloaded demo to make room" in heard.lines
    assert [model.reference for model in engine.residents()] == ["demo@init"]
    with pytest.raises(OutOfMemoryError) as caught:
        engine.load(Load(3, "demo", RunOptions("cpu", max_memory=weights // 2)), Heard())
    assert f"the {in_gib(weights // 2)} GiB that --max-gpu-memory allows on cpu" in caught.value.message
    assert "a larger limit" in caught.value.hint
    engine.load(Load(4, "demo", RunOptions("cpu")), Heard())  # without a limit again


def test_the_limit_of_a_card_is_given_to_its_allocator_and_lifted_again(monkeypatch):
    told = []
    total = type("Card", (), {"total_memory": 80 * GIB})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: total)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *asked: told.append(asked))
    card = torch.device("cuda:1")
    memory.bound(card, 0)
    memory.bound(torch.device("cpu"), GIB)
    assert told == []
    memory.bound(card, 20 * GIB)
    memory.bound(card, 100 * GIB)
    memory.bound(card, 0)
    memory.bound(card, 0)
    assert told == [(0.25, card), (1.0, card), (1.0, card)]


def test_the_limit_of_apples_gpu_is_a_share_of_what_it_recommends_and_is_lifted_to_what_torch_starts_with(monkeypatch):
    told = []
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 16 * GIB)
    monkeypatch.setattr(torch.mps, "set_per_process_memory_fraction", told.append)
    gpu = torch.device("mps")
    memory.bound(gpu, 0)
    assert told == []
    memory.bound(gpu, 4 * GIB)
    memory.bound(gpu, 100 * GIB)
    memory.bound(gpu, 0)
    memory.bound(gpu, 0)
    assert told == [0.25, 2.0, memory._MPS_UNASKED]


def test_torch_takes_what_it_is_asked_of_cards():
    """The real functions, which this machine may be unable to run, have the arguments that they are given."""
    card = torch.device("cuda:1")
    for function in (
        torch.cuda.mem_get_info,
        torch.cuda.memory_reserved,
        torch.cuda.memory_allocated,
        torch.cuda.get_device_properties,
    ):
        inspect.signature(function).bind(card)
    inspect.signature(torch.cuda.set_per_process_memory_fraction).bind(0.5, card)
    inspect.signature(torch.mps.set_per_process_memory_fraction).bind(0.5)
    for function in (torch.mps.recommended_max_memory, torch.mps.current_allocated_memory, torch.cuda.empty_cache):
        inspect.signature(function).bind()
    with pytest.raises(
        ValueError, match="Allowed range"
    ):  # the largest share that is asked for is the largest there is
        torch.mps.set_per_process_memory_fraction(memory._MPS_MOST + 0.1)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."))
    assert is_out_of_memory(torch.AcceleratorError("CUDA error: out of memory"))
    assert torch.cuda.OutOfMemoryError is torch.OutOfMemoryError


def test_unloading_frees_every_parameter():
    engine = Engine()
    engine.run(Run(1, "demo", TEXT), Heard())
    model = next(iter(engine._models)).source._loaded.model
    parameters = [weakref.ref(parameter) for parameter in model.parameters()]
    del model
    assert all(parameter() is not None for parameter in parameters)
    engine.unload(Unload(2, "demo"))
    gc.collect()
    assert [parameter() for parameter in parameters] == [None] * len(parameters)


def test_the_control_group_that_leaves_least_counts(tmp_path):
    def group(folder, limit):
        folder.mkdir(exist_ok=True)
        (folder / "memory.current").write_text("5000\n")
        (folder / "memory.stat").write_text("anon 3000\ninactive_file 1500\n")
        (folder / "memory.max").write_text(f"{limit}\n")

    membership = tmp_path / "membership"
    assert footprint._group_memory(tmp_path, membership) == (None, 0)
    group(tmp_path, "max")
    assert footprint._group_memory(tmp_path, membership) == (None, 0)
    group(tmp_path, 9000)
    assert footprint._group_memory(tmp_path, membership) == (9000, 3500)
    membership.write_text("1:name=systemd:/\n0::/job/step\n")
    assert footprint._group_memory(tmp_path, membership) == (9000, 3500)
    group(tmp_path / "job", 7000)
    group(tmp_path / "job" / "step", "max")
    assert footprint._group_memory(tmp_path, membership) == (7000, 3500)


@pytest.mark.parametrize(("nbytes", "words"), [(13 * GIB, "13.0"), (GIB // 4, "0.2"), (GIB // 100, "0.01"), (-5, "0")])
def test_amounts_have_the_digits_that_matter(nbytes, words):
    assert in_gib(nbytes) == words


def test_the_limit_of_the_command_line_is_in_gib_and_goes_to_the_worker(capsys):
    parser = ArgumentParser()
    add_run_options(parser)
    assert run_options_of(parser.parse_args(["--max-gpu-memory", "7.5"])).max_memory == 15 * GIB // 2
    assert run_options_of(parser.parse_args([])) == RunOptions()
    for wrong in ("0", "-1", "much"):
        with pytest.raises(SystemExit):
            parser.parse_args(["--max-gpu-memory", wrong])
    assert "max-gpu-memory" in capsys.readouterr().err
    assert json.loads(json.dumps(RunOptions().max_memory)) == 0
