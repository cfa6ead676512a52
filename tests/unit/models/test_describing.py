"""What is told of a model before it is loaded, beside what is true of it afterwards."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from transformers import GPT2Config, MambaConfig

from faa_core.analysis import Engine
from faa_core.capture.opening import open_source
from faa_core.errors import ModelError, UsageError
from faa_core.models.describing import describe
from faa_core.reference import parse
from faa_core.worker.protocol import Inspect, Load, RunOptions


def described(reference, dtype="auto", tokens=0):
    found = describe(parse(str(reference)), "cpu", dtype, tokens)
    assert found is not None
    return found


@pytest.mark.parametrize("reference", ["demo", "demo@init"])
def test_the_bundled_model_is_what_it_was_said_to_be(reference):
    source = open_source(parse(reference), "cpu", "auto", lambda *report: None)
    found, info = described(reference), source.info
    assert found.layers == info.layers
    assert (found.architecture, found.parameters, found.context) == (info.architecture, info.parameters, info.context)
    assert found.dtype == info.dtype == "float32"
    assert found.needed.weights == pytest.approx(source.nbytes, rel=0.01)
    assert (found.download, found.note) == (0, "")


def test_a_folder_is_what_it_was_said_to_be(folder):
    info = open_source(parse(str(folder)), "cpu", "auto", lambda *report: None).info
    found = described(folder)
    assert (found.layers, found.parameters, found.context) == (info.layers, info.parameters, info.context)
    assert found.key_heads == 1
    assert described(folder, "bfloat16").needed.weights == found.needed.weights // 2


def test_a_text_takes_memory_beside_the_weights():
    short, long = described("demo", tokens=100).needed, described("demo", tokens=1000).needed
    assert (short.tokens, long.tokens) == (100, 1000)
    assert long.layer == 10 * short.layer > 0
    assert described("demo", tokens=10**6).needed.tokens == 1280  # its context


def test_what_keeps_a_folder_from_being_loaded_is_said(folder):
    (folder / "model.safetensors").unlink()
    found = described(folder)
    assert "holds no weights" in found.note
    assert found.needed.weights > 0
    with pytest.raises(ModelError, match="There is no folder"):
        described("./not/there")
    with pytest.raises(UsageError, match="file of attention"):
        described("maps.npy")


def test_a_model_without_attention_says_so(save):
    found = described(save(MambaConfig(hidden_size=16, num_hidden_layers=2, vocab_size=12)))
    assert found.layers == ()
    assert found.key_heads == 0
    assert "no attention" in found.note


def test_no_weight_is_read(save):
    path = save(GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=12, n_positions=32))
    whole = path / "model.safetensors"
    header = int.from_bytes(whole.read_bytes()[:8], "little") + 8
    whole.write_bytes(whole.read_bytes()[:header])
    assert described(path).parameters == sum(weight.numel() for weight in _parameters(path))


def _parameters(path):
    from transformers import AutoConfig, AutoModel

    with torch.device("meta"):
        return list(AutoModel.from_config(AutoConfig.from_pretrained(path)).parameters())


def test_whether_it_fits_is_told_with_what_there_is(tmp_path, folder):
    free = 8 * 1024**2
    engine = Engine(free=lambda device: free - sum(model.weights for model in engine._models))

    def outlook(reference, **options):
        details = engine.inspect(Inspect(1, str(reference), RunOptions(device="cpu", **options)))
        assert details is not None
        assert [room.name for room in details.devices] == ["cpu"]
        return details.outlook, details.devices[0].free

    assert outlook("demo") == ("fits", free)
    engine.load(Load(2, "demo", RunOptions(device="cpu")), Silent())
    assert outlook("demo@init")[0] == "after-unloading"
    assert outlook("demo", max_memory=1024**2)[0] == "no"

    giant = shutil.copytree(folder, tmp_path / "giant", ignore=shutil.ignore_patterns("*.safetensors"))
    settings = json.loads((giant / "config.json").read_text())
    settings |= {"hidden_size": 1 << 16, "intermediate_size": 1 << 18, "vocab_size": 1 << 17}
    (giant / "config.json").write_text(json.dumps(settings))
    assert outlook(giant)[0] == "no"


class Silent:
    def progress(self, *report):
        pass

    def loaded(self, model):
        pass

    def check(self):
        pass
