"""Models and folders as sources: what they say about themselves, texts, and captures."""

from __future__ import annotations

import hashlib
import json
import re
import shutil

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file

from faa_core import errors
from faa_core.capture import opening
from faa_core.models import loading
from faa_core.reference import parse

CONTEXT = 64


def open_it(path, device="cpu", dtype="auto"):
    return opening.open_source(parse(str(path)), device, dtype, lambda *report: None)


class Collected:
    def __init__(self):
        self.infos, self.maps, self.rows = [], [], []

    def begin(self, info, support):
        self.infos.append(info)
        self.strips = []

    def strip(self, row, weights):
        self.strips.append(weights.clone())

    def end(self, rows):
        self.maps.append(torch.cat(self.strips, dim=1))
        self.rows.append(rows)


def test_a_folder_says_which_model_made_the_numbers(folder):
    source = open_it(folder)
    info = source.info
    assert info.reference == str(folder)
    assert info.architecture == "LlamaForCausalLM"
    assert (info.device, info.dtype, info.route, info.context) == ("cpu", "float32", "interface", CONTEXT)
    assert info.attention == "sdpa"
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert info.revision == f"sha256:{weights[:16]}"
    assert re.fullmatch("[0-9a-f]{16}", info.tokenizer_hash)
    assert [(layer.name, layer.heads, layer.pattern) for layer in info.layers] == [
        ("0", 2, "causal"),
        ("1", 2, "causal"),
    ]
    base = hf.AutoModel.from_pretrained(folder)
    assert info.parameters == sum(parameter.numel() for parameter in base.parameters())
    assert info.versions["torch"] == torch.__version__
    assert set(info.versions) >= {"faa", "python", "torch", "transformers", "numpy"}


def test_a_capture_equals_the_model_with_its_head(folder):
    source = open_it(folder)
    encoded = source.encode("the cat sat on the mat .", False)
    sink = Collected()
    notes = source.capture(encoded, sink)
    model = hf.AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    with torch.no_grad():
        own = model(**encoded.inputs, output_attentions=True).attentions
    assert len(sink.maps) == 2
    for mine, theirs, rows in zip(sink.maps, own, sink.rows, strict=True):
        assert float((mine - theirs[0]).abs().max()) <= 1e-6
        assert float((rows.rows(2, 5) - theirs[0][:, 2:5]).abs().max()) <= 1e-6
    assert notes == ()


def test_tokens_point_into_the_text(folder):
    tokens = open_it(folder).encode("the  cat\tsat", False).tokens
    assert tokens.pieces == ("<s>", "the", "cat", "sat")
    assert tokens.offsets == ((0, 0), (0, 3), (5, 8), (9, 12))
    assert tokens.special == (True, False, False, False)
    assert tokens.ids == (0, 3, 4, 5)


def test_control_characters_and_markup_are_text(folder):
    encoded = open_it(folder).encode("\x1b[31m [bold]cat[/] \x07", False)
    assert "cat" in encoded.tokens.pieces
    assert "\x07" in encoded.tokens.pieces


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_text_is_refused(folder, text):
    with pytest.raises(errors.TextError, match="The text is empty"):
        open_it(folder).encode(text, False)


def test_a_long_text_is_refused_with_numbers_or_cut_on_request(folder):
    source = open_it(folder)
    text = "cat " * 100
    with pytest.raises(errors.TextError) as caught:
        source.encode(text, False)
    assert "101 tokens" in caught.value.message
    assert str(CONTEXT) in caught.value.message
    assert "--truncate" in caught.value.hint
    encoded = source.encode(text, True)
    assert len(encoded.tokens) == CONTEXT
    assert encoded.truncated_from == 101
    assert source.encode("cat", True).truncated_from is None
    assert source.encode("cat " * 63, False).truncated_from is None  # exactly the context, with the start token


def test_one_token_is_a_map_of_one_cell(folder):
    settings = json.loads((folder / "tokenizer.json").read_text())
    settings["post_processor"] = None  # no start token
    (folder / "tokenizer.json").write_text(json.dumps(settings))
    source = open_it(folder)
    encoded = source.encode("cat", False)
    assert len(encoded.tokens) == 1
    sink = Collected()
    source.capture(encoded, sink)
    assert [maps.tolist() for maps in sink.maps] == [[[[1.0]], [[1.0]]]] * 2


def test_an_encoder_decoder_reads_the_text_twice(save):
    path = save(
        hf.T5Config(d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2, vocab_size=12, decoder_start_token_id=1)
    )
    source = open_it(path)
    encoded = source.encode("the cat sat", False)
    assert encoded.tokens.pieces == ("<s>", "the", "cat", "sat")
    assert encoded.decoder_tokens.pieces == ("</s>", "<s>", "the", "cat")
    assert encoded.decoder_tokens.ids == (1, 0, 3, 4)
    assert encoded.decoder_tokens.special == (True, True, False, False)
    sink = Collected()
    source.capture(encoded, sink)
    assert [info.name for info in sink.infos] == ["e0", "e1", "0", "x0", "1", "x1"]
    assert source.info.context is None


def test_random_weights_are_always_the_same_and_leave_the_generators_alone(folder):
    state = torch.random.get_rng_state()
    one, other = open_it(f"{folder}@init"), open_it(f"{folder}@init")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert one.info.revision == "init seed 0"
    for mine, theirs in zip(one._loaded.model.parameters(), other._loaded.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    trained = hf.AutoModel.from_pretrained(folder)
    assert not torch.equal(trained.embed_tokens.weight, one._loaded.model.embed_tokens.weight)


def test_the_bundled_model_is_a_folder_like_any_other(folder, monkeypatch):
    monkeypatch.setattr(loading, "DEMO_FOLDER", folder)
    assert open_it("demo").info.reference == "demo"
    assert open_it("demo@init").info.revision == "init seed 0"
    with pytest.raises(errors.ModelError, match="no revision 'v2'"):
        open_it("demo@v2")


def test_random_weights_need_no_weight_files(folder):
    (folder / "model.safetensors").unlink()
    assert open_it(f"{folder}@init").info.revision == "init seed 0"
    with pytest.raises(errors.ModelError, match="holds no weights") as caught:
        open_it(folder)
    assert "@init" in caught.value.hint


def _broken(folder, change):
    change(folder)
    with pytest.raises(errors.ModelError) as caught:
        open_it(folder)
    assert caught.value.hint
    assert str(folder) in caught.value.message
    return caught.value.message


def _config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_each_fault_of_a_folder_has_its_own_message(folder, tmp_path):
    def copy(name):
        return shutil.copytree(folder, tmp_path / name)

    with pytest.raises(errors.ModelError, match="There is no folder"):
        open_it(tmp_path / "nowhere")
    assert "has no config.json" in _broken(copy("a"), lambda path: (path / "config.json").unlink())
    assert "cannot be read" in _broken(copy("b"), lambda path: (path / "config.json").write_text("{"))
    assert "pickled (pytorch_model.bin)" in _broken(
        copy("c"), lambda path: (path / "model.safetensors").rename(path / "pytorch_model.bin")
    )
    assert "has no tokenizer" in _broken(copy("d"), lambda path: [file.unlink() for file in path.glob("tokenizer*")])
    assert "brings its own model code" in _broken(
        copy("e"), lambda path: _config(path, model_type="mine", auto_map={"AutoModel": "modeling_mine.Mine"})
    )
    assert "does not know the model type 'mine'" in _broken(copy("f"), lambda path: _config(path, model_type="mine"))
    assert "code from the hub" in _broken(
        copy("g"), lambda path: _config(path, _attn_implementation_internal="someone/kernel")
    )
    assert "because of its weights" in _broken(
        copy("h"), lambda path: (path / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    )
    assert "could not be loaded" in _broken(copy("i"), lambda path: _config(path, hidden_size=32))


def test_a_missing_shard_is_named(folder):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, "model-00001-of-00002.safetensors")}
    index["weight_map"][next(iter(weights))] = "model-00002-of-00002.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    save_file(weights, folder / "model-00001-of-00002.safetensors", {"format": "pt"})
    assert "first model-00002-of-00002.safetensors" in _broken(folder, lambda path: None)
    index["weight_map"]["x"] = "../elsewhere.safetensors"
    assert "outside its folder" in _broken(
        folder, lambda path: (path / "model.safetensors.index.json").write_text(json.dumps(index))
    )


def test_weights_that_would_be_random_are_never_silent(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.self_attn.q_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert "first model.layers.1.self_attn.q_proj.weight" in _broken(folder, lambda path: None)


def test_a_missing_pooler_is_a_note(save):
    path = save(
        hf.BertConfig(vocab_size=12, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24)
    )
    weights = load_file(path / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "pooler" not in name}
    assert len(kept) < len(weights)
    save_file(kept, path / "model.safetensors", {"format": "pt"})
    source = open_it(path)
    notes = source.capture(source.encode("the cat", False), Collected())
    assert [note for note in notes if "pooler.dense.weight" in note and "without influence on attention" in note]
    assert source.info.layers[0].kind == "encoder"


def test_an_encoder_of_an_encoder_decoder_loads_as_its_own_class(save):
    config = hf.T5Config(d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2, vocab_size=12)
    path = save(config)
    hf.T5EncoderModel(config).save_pretrained(path)
    source = open_it(path)
    assert source.info.architecture == "T5EncoderModel"
    assert [info.name for info in source.info.layers] == ["e0", "e1"]
    encoded = source.encode("the cat", False)
    sink = Collected()
    source.capture(encoded, sink)
    assert len(sink.maps) == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_broken_weights_run_and_are_named(folder, value):
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.1.self_attn.k_proj.weight"][0, 0] = value
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    source = open_it(folder)
    sink = Collected()
    notes = source.capture(source.encode("the cat sat", False), sink)
    assert any("first in layers.1.self_attn.k_proj.weight" in note for note in notes)
    assert bool(torch.isfinite(sink.maps[0]).all())
    assert not bool(torch.isfinite(sink.maps[1]).all())


def test_a_tokenizer_of_another_model_is_found_out(folder):
    weights = load_file(folder / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name][:4].clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    _config(folder, vocab_size=4)
    with pytest.raises(errors.ModelError, match="knows 4 tokens only"):
        open_it(folder).encode("the mat", False)


def test_a_model_without_attention_is_refused(save):
    path = save(hf.MambaConfig(hidden_size=16, num_hidden_layers=1, vocab_size=12, state_size=4))
    with pytest.raises(errors.NoAttentionError):
        open_it(path)


def test_half_precision_and_devices(folder):
    assert open_it(folder, dtype="bfloat16").info.dtype == "bfloat16"
    with pytest.raises(errors.UsageError, match="no number format 'int4'"):
        open_it(folder, dtype="int4")
    with pytest.raises(errors.UsageError, match="no device 'cuda:99'") as caught:
        open_it(folder, device="cuda:99")
    assert "cpu" in caught.value.hint


def test_models_of_other_hosts_are_refused():
    with pytest.raises(errors.UsageError, match="for a worker on that machine"):
        opening.open_source(parse("gpu7:gpt2"), "cpu", "auto", lambda *report: None)


def test_a_closed_source_says_so(folder):
    source = open_it(folder)
    source.close()
    with pytest.raises(errors.ModelError, match="is closed"):
        source.encode("the cat", False)


def test_running_out_of_memory_is_told_as_that(folder):
    source = open_it(folder)

    class Greedy(Collected):
        def strip(self, row, weights):
            torch.empty(1 << 50)

    with pytest.raises(errors.OutOfMemoryError, match="ran out while reading 4 tokens"):
        source.capture(source.encode("the cat sat", False), Greedy())
    sink = Collected()
    source.capture(source.encode("the cat sat", False), sink)  # and the next run works
    assert len(sink.maps) == 2


def test_loading_leaves_the_settings_of_transformers_alone(folder, capfd):
    hf.logging.set_verbosity_info()
    hf.logging.enable_progress_bar()
    try:
        open_it(folder)
        assert hf.logging.get_verbosity() == hf.logging.INFO
        assert hf.logging.is_progress_bar_enabled()
    finally:
        hf.logging.set_verbosity_warning()
    assert "Loading weights" not in capfd.readouterr().err
