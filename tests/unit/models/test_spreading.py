"""A model larger than one card: where its layers go, what is said where they fit nowhere, and that nothing changes."""

from __future__ import annotations

import logging
import sys

import msgspec
import numpy as np
import pytest
import torch
from transformers import AutoModel, LlamaConfig

from faa_core import reference
from faa_core.analysis import Engine
from faa_core.capture.opening import ModelSource
from faa_core.errors import ModelError, OutOfMemoryError
from faa_core.library import analyze
from faa_core.models import devices, footprint, loading, room
from faa_core.models.devices import Place, place_of, widest_place
from faa_core.models.footprint import GIB, Footprint, held_bytes
from faa_core.models.loading import DEMO_FOLDER
from faa_core.models.room import fits, what_is_free
from faa_core.models.spreading import plan
from faa_core.worker.protocol import Load, RunOptions

TEXT = "for name in sorted(names):\n    print(name)\n" * 30
CPU = torch.device("cpu")
FIRST, SECOND = torch.device("cuda:0"), torch.device("cuda:1")
BOTH = Place((FIRST, SECOND, CPU))
HALVES = {
    "embed_tokens": "cpu",
    "layers.0": "disk",
    "layers.1": "cpu",
    "layers.2": "disk",
    "layers.3": "disk",
    "norm": "disk",
    "rotary_emb": "cpu",
}
"""The bundled model, half of it read from the disk whenever it computes."""


@pytest.fixture
def two_cards(monkeypatch):
    """A machine with two cards of 80 GiB, as far as counting and memory go; nothing can be put on them."""
    monkeypatch.setattr(devices, "_cards", lambda: 2)
    card = {"total": 80 * GIB}
    monkeypatch.setattr(room, "total_bytes", lambda device: card["total"])
    return card


@pytest.fixture
def spread():
    """The bundled model as it is loaded where a plan says cpu and disk."""
    return loading._load_folder(DEMO_FOLDER, "demo", False, None, torch.float32, lambda empty: HALVES)


@pytest.fixture
def plain():
    return loading._load_folder(DEMO_FOLDER, "demo", False, None, torch.float32, CPU)


def _arrays(value):
    """Every array of numbers in a result."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.astuple(value)
    return [array for part in value for array in _arrays(part)] if isinstance(value, tuple) else []


def test_half_of_the_model_away_from_its_device_changes_no_map_and_no_statistic(spread, plain):
    assert {weight.device.type for weight in spread.model.parameters()} == {"cpu", "meta"}
    mine, theirs = (analyze((loaded.model, loaded.tokenizer), TEXT) for loaded in (spread, plain))
    assert len(mine.layers) == 4
    a, b = _arrays(mine.layers), _arrays(theirs.layers)
    assert len(a) > 40
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)
    assert {weight.device.type for weight in spread.model.parameters()} == {"cpu", "meta"}  # and it is as it was


def test_it_says_what_it_is_and_holds_as_the_same_model_in_one_piece(spread, plain):
    mine, theirs = ModelSource(spread, "demo"), ModelSource(plain, "demo")
    assert mine.info == theirs.info
    assert mine.nbytes == theirs.nbytes
    assert spread.notes == plain.notes == ()


def test_weights_that_are_away_are_looked_at_for_nan_as_well(monkeypatch, folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["model.layers.1.self_attn.k_proj.weight"][0, 0] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    where = {"embed_tokens": "cpu", "layers.0": "cpu", "layers.1": "disk", "norm": "cpu", "rotary_emb": "cpu"}
    loaded = loading._load_folder(folder, "it", False, None, torch.float32, lambda empty: where)
    assert "first in layers.1.self_attn.k_proj.weight" in loaded.notes[0]


def test_nothing_is_written_to_the_terminal(capfd, caplog):
    with caplog.at_level(logging.WARNING), loading.quiet():
        loading._load_folder(DEMO_FOLDER, "demo", False, None, torch.float32, lambda empty: HALVES)
    assert not caplog.records
    assert capfd.readouterr().err == ""


def _empty():
    config = LlamaConfig(
        vocab_size=100,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=8,
        num_attention_heads=4,
        max_position_embeddings=64,
    )
    return loading.empty_model(AutoModel, config, torch.float32)


def test_layers_go_to_the_cards_evenly_and_then_to_the_memory_of_the_host():
    empty = _empty()
    layer = sum(weight.nbytes for weight in empty.layers[0].parameters())
    needed = Footprint(held_bytes(empty), layer=10, strip=20, tokens=9)

    def layers(*free):
        where = plan(empty, BOTH, dict(zip(BOTH.devices, free, strict=True)), needed)
        return [next(where[key] for key in (f"layers.{n}", "") if key in where) for n in range(8)]

    enough = layers(100 * layer, 100 * layer, 0)
    assert sorted(set(enough)) == [0, 1]
    assert enough == sorted(enough)
    assert 3 <= enough.count(0) <= 6
    little = layers(4 * layer, 3 * layer, 100 * layer)
    assert little == sorted(little, key=[0, 1, "cpu"].index)
    assert {0, 1, "cpu"} == set(little)
    assert little.count(0) <= 4
    assert little.count(1) <= 3
    other = layers(29, 100 * layer, 0)  # no room for a pass on the first card
    assert set(other) == {1}


def test_what_would_fit_only_with_its_layers_cut_is_refused_with_the_figures_of_every_device(two_cards):
    empty = _empty()
    total = held_bytes(empty)
    free = {FIRST: total // 3, SECOND: total // 3, CPU: total // 3 + 64}
    needed = Footprint(total)
    assert fits(BOTH, needed, free)
    with pytest.raises(OutOfMemoryError, match="cannot be spread over cuda:0\\+cuda:1\\+cpu") as caught:
        plan(empty, BOTH, free, needed)
    assert caught.value.message.count("are free") == 3


@pytest.mark.parametrize(
    ("free", "weights", "beside", "fit"),
    [
        ((10, 10, 10), 30, 0, True),
        ((10, 10, 10), 31, 0, False),
        ((10, 10, 10), 26, 2, True),  # a pass takes two on each card, none in the memory of the host
        ((10, 10, 10), 27, 2, False),
        ((1, 10, 10), 18, 2, True),  # the first card is left out
        ((1, 10, 10), 19, 2, False),
        ((1, 1, 100), 10, 2, False),  # no card is left that could compute
        ((10, 10, 0), 0, 10, True),
        ((10, 9, 100), 0, 10, False),  # its weights are on both cards already, and both must compute
    ],
)
def test_weights_may_be_divided_and_a_pass_is_needed_on_every_card(free, weights, beside, fit):
    room = dict(zip(BOTH.devices, free, strict=True))
    assert fits(BOTH, Footprint(weights, layer=beside // 2, strip=beside - beside // 2), room) is fit


def test_one_device_is_the_simplest_place():
    assert fits(Place((CPU,)), Footprint(7, 2, 1), {CPU: 10})
    assert not fits(Place((CPU,)), Footprint(7, 2, 2), {CPU: 10})


def test_only_who_leaves_the_device_open_has_a_model_spread(two_cards, monkeypatch):
    assert widest_place("auto") == BOTH
    assert widest_place("cuda:1") == Place((SECOND,))
    assert widest_place("cuda") == Place((FIRST,))
    assert widest_place("cpu") == Place((CPU,))
    assert str(BOTH) == "cuda:0+cuda:1+cpu"
    assert Place.parse(str(BOTH)) == BOTH
    assert BOTH.computing == (FIRST, SECOND)
    monkeypatch.setattr(devices, "_cards", lambda: 0)
    assert widest_place("auto") in (Place((CPU,)), Place((torch.device("mps"),)))


def _load(free, seen, device="auto"):
    def make_room(place, needed):
        seen.append(place)
        found = {place_device: free[place_device] for place_device in place.devices}
        if not fits(place, needed, found):
            raise OutOfMemoryError("No.", "Never.")
        return found

    return loading.load(reference.parse("demo"), device, "float32", lambda *told: None, make_room)


def test_a_model_that_fits_the_first_card_is_not_spread(two_cards):
    seen = []
    with pytest.raises((AssertionError, RuntimeError), match="CUDA"):  # there is no such card in this machine
        _load({FIRST: GIB, SECOND: GIB, CPU: GIB}, seen)
    assert seen == [Place((FIRST,))]


def test_a_model_that_fits_the_first_card_no_more_is_asked_room_for_on_all(two_cards):
    seen = []
    with pytest.raises(OutOfMemoryError):
        _load(dict.fromkeys(BOTH.devices, 1000), seen)
    assert seen == [Place((FIRST,)), BOTH]
    seen.clear()
    with pytest.raises(OutOfMemoryError):
        _load(dict.fromkeys(BOTH.devices, 1000), seen, "cuda:0")
    assert seen == [Place((FIRST,))]


@pytest.mark.parametrize("name", ["demo", "demo@init"])
def test_what_no_card_has_room_for_is_loaded_where_there_is(two_cards, name):
    """Both cards are full, so that the plan has the host only: the whole way, but for putting anything on a card."""

    def make_room(place, needed):
        if place != BOTH:
            raise OutOfMemoryError("No.", "Never.")
        return {FIRST: 0, SECOND: 0, CPU: GIB}

    loaded = loading.load(reference.parse(name), "auto", "float32", lambda *told: None, make_room)
    assert loaded.device == CPU
    assert place_of(loaded.model) == Place((CPU,))
    assert ModelSource(loaded, name).info.device == "cpu"


def test_without_accelerate_the_extra_is_named(two_cards, monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ModelError, match="spreading it over cuda:0\\+cuda:1\\+cpu needs accelerate") as caught:
        _load({FIRST: 1000, SECOND: GIB, CPU: GIB}, [])
    assert "pip install 'faa-tui[large]'" in caught.value.hint


def test_what_is_too_large_for_all_of_them_does_not_need_the_extra(two_cards, monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    two_cards["total"] = 1000
    with pytest.raises(OutOfMemoryError):
        _load(dict.fromkeys(BOTH.devices, 1000), [])


def test_the_refusal_of_a_worker_has_the_figures_of_every_card(two_cards, monkeypatch):
    free = {FIRST: 2 * GIB // 1000, SECOND: 3 * GIB // 1000, CPU: 0}
    engine = Engine(free=free.__getitem__)
    with pytest.raises(OutOfMemoryError) as caught:
        engine.load(Load(1, "demo", RunOptions(dtype="float32")), Heard())
    message = caught.value.message
    assert "demo does not fit: it needs at least 0.0051 GiB of weights, and of 80.0 GiB of cuda:0 0.002 are" in message
    assert "of 80.0 GiB of cuda:1 0.003 are free, of 80.0 GiB of cpu 0 are free." in message


def test_a_limit_is_for_each_card_and_not_for_the_memory_of_the_host(two_cards, monkeypatch):
    for module in (footprint, room):
        monkeypatch.setattr(module, "total_bytes", lambda device: 80 * GIB)
    text = what_is_free(BOTH, dict.fromkeys(BOTH.devices, GIB), {FIRST: 2 * GIB, SECOND: 2 * GIB, CPU: 0})
    assert text == (
        "of the 2.0 GiB that --max-gpu-memory allows on cuda:0 1.0 are free, of the 2.0 GiB that --max-gpu-memory "
        "allows on cuda:1 1.0 are free, of 80.0 GiB of cpu 1.0 are free"
    )


class Heard:
    """A listener that keeps nothing."""

    def __getattr__(self, name):
        return lambda *arguments, **named: None
