"""A process whose address space is limited: its allocator fails for real, and what it can do is the same as before."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import gc, json, resource, sys
import numpy as np
import psutil, torch, transformers
from faa_core.analysis import Engine
from faa_core.capture.strips import StripSize
from faa_core.errors import OutOfMemoryError
from faa_core.models.footprint import GIB
from faa_core.worker.protocol import Run

torch.set_num_threads(1)
folder = sys.argv[1]
text = "the cat sat on the mat . " * 170


class Heard:
    def __init__(self):
        self.layers = []
    def layer(self, index, total, result):
        assert index == len(self.layers), "a layer was told twice"
        self.layers.append(result)
    def __getattr__(self, name):
        return lambda *arguments: None


def run(engine, headroom):
    source = next(iter(engine._models)).source
    source._sizes = {tokens: StripSize(1 << 30)}  # one strip for the whole map
    heard = Heard()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    if headroom:
        gc.collect()  # what an earlier run left in cycles would be freed in this one, and count as room
        limit = psutil.Process().memory_info().vms + headroom
        resource.setrlimit(resource.RLIMIT_AS, (limit, limits[1]))
    try:
        _, notes = engine.run(Run(2, folder, text), heard)
        told = dict(ok=True, notes=list(notes))
    except OutOfMemoryError as error:
        told = dict(ok=False, message=error.message, hint=error.hint)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    told |= dict(headroom=headroom, layers=len(heard.layers), needed=source.footprint(encoded).total)
    told["values"] = [np.nan_to_num(layer.statistics.value).tolist() for layer in heard.layers]
    return told


engine = Engine()
engine.run(Run(1, folder, text), Heard())
source = next(iter(engine._models)).source
encoded = source.encode(text, False)
tokens = len(encoded.tokens)
told = [run(engine, 0)]
told += [run(engine, mib << 20) for mib in (1, 8, 24, 48, 96, 400)]
json.dump(dict(tokens=tokens, runs=told), sys.stdout)
"""


@pytest.fixture
def runs(save):
    from transformers import LlamaConfig

    return _runs(
        save(
            LlamaConfig(
                vocab_size=12,
                hidden_size=64,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=8,
                num_key_value_heads=4,
                max_position_embeddings=2048,
                bos_token_id=0,
                eos_token_id=1,
            )
        )
    )


@pytest.fixture
def whole_runs(save):
    """Of a model that computes the maps of a layer whole."""
    from transformers import BloomConfig

    return _runs(save(BloomConfig(vocab_size=12, hidden_size=64, n_layer=2, n_head=8, bos_token_id=0, eos_token_id=1)))


# glibc keeps what is freed for later, up to 64 MiB of it, and raises its bounds as it goes: a run would then find room
# that the limit does not count. With the bounds set here every block of more than 64 KiB goes back when it is freed.
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_TOP_PAD_": "0"}


def _runs(folder):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, **GIVES_BACK},
    )
    return json.loads(done.stdout)["runs"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its address space")
def test_an_allocator_that_fails_makes_strips_smaller_and_results_no_different(runs):
    free, *limited = runs
    assert free["ok"]
    assert free["notes"] == []
    assert not limited[0]["ok"]
    assert "GiB" in limited[0]["message"]
    assert "free" in limited[0]["message"]
    assert "shorter text" in limited[0]["hint"]
    done = [run for run in limited if run["ok"]]
    assert done
    shrunk = [run for run in done if any("smaller strips" in note for note in run["notes"])]
    assert shrunk
    for run in done:
        assert run["layers"] == 2
        assert run["headroom"] > run["needed"]  # what is said to be needed at the least is
        assert _worst(run, free) <= 1e-6


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its address space")
def test_maps_that_a_model_computes_whole_are_refused_before_the_run_where_they_cannot_fit(whole_runs):
    free, *limited = whole_runs
    maps = 8 * 1191 * 1191 * 4
    assert free["needed"] >= 2 * maps
    refused = [run for run in limited if not run["ok"] and "does not fit" in run["message"]]
    assert refused
    for run in refused:
        assert run["layers"] == 0
        assert "GiB for 1,191 tokens beside the weights, because BloomModel computes the maps of a" in run["message"]
    assert any(run["ok"] for run in limited)
    for run in limited:
        if run["headroom"] < run["needed"]:
            assert run in refused
        if run["ok"]:
            assert run["headroom"] > run["needed"]  # it is what the model takes at the least
            assert _worst(run, free) == 0


def _worst(run, free):
    """Largest difference of any statistic."""
    return max(
        abs(a - b)
        for mine, theirs in zip(run["values"], free["values"], strict=True)
        for row, other in zip(mine, theirs, strict=True)
        for a, b in zip(row, other, strict=True)
    )
