"""The bundled demo model: a standard checkpoint with the heads and the perplexity its card states."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import torch
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "core" / "faa_core" / "models" / "demo"
SAMPLE = 'def area(r):\n    """Return πr² — exactly."""\n\treturn  math.pi * r ** 2\n'


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    """The measuring script: what it reports by hand is what is asserted here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        import measure_demo
    return measure_demo


@pytest.fixture(scope="module")
def loaded(measure: ModuleType):
    """The model and its tokenizer, loaded without a network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        return measure.load(FOLDER)


def test_folder_is_small():
    """The folder travels with the package: 4 MB at most."""
    assert sum(file.stat().st_size for file in FOLDER.rglob("*")) <= 4_000_000


def test_is_a_standard_llama(loaded):
    """The checkpoint is transformers' own architecture, of the documented size."""
    model, tokenizer = loaded
    config = model.config
    assert type(model).__module__ == "transformers.models.llama.modeling_llama"
    assert config.architectures == ["LlamaForCausalLM"]
    assert (config.num_hidden_layers, config.num_attention_heads, config.head_dim) == (4, 8, 32)
    assert (config.hidden_size, config.intermediate_size, config.vocab_size) == (128, 384, 2048)
    assert config.tie_word_embeddings
    assert config.max_position_embeddings >= 1024
    assert len(tokenizer) == config.vocab_size


def test_tokenizer_round_trip_and_offsets(loaded):
    """BOS comes first, decoding gives the text back, and the offsets of the tokens tile it."""
    _, tokenizer = loaded
    assert tokenizer.is_fast
    encoded = tokenizer(SAMPLE, return_offsets_mapping=True)
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.bos_token_id not in ids[1:]
    assert offsets[0] == (0, 0)
    assert tokenizer.decode(ids, skip_special_tokens=True) == SAMPLE
    spelled = tokenizer("one two", return_offsets_mapping=True, add_special_tokens=False)
    assert "".join("one two"[start:end] for start, end in spelled["offset_mapping"]) == "one two"
    covered = set()
    for start, end in offsets[1:]:
        assert 0 <= start < end <= len(SAMPLE)
        covered.update(range(start, end))
    assert covered == set(range(len(SAMPLE)))


@pytest.fixture(scope="module")
def held_out(measure: ModuleType, loaded):
    """The token ids of the held-out files of this Python's own library."""
    return measure.encode(loaded[1], [document for document in measure.documents() if document.held_out])


def test_previous_token_head(measure: ModuleType, loaded, held_out):
    """At least one head attends to the previous token on text it has not seen."""
    model, tokenizer = loaded
    scores = measure.previous_token_scores(model, held_out, tokenizer.bos_token_id, rows=4)
    assert measure.best_head(scores)[0] >= measure.GOAL_PREVIOUS_TOKEN


@pytest.mark.parametrize("segment", [50, 100])
def test_induction_head(measure: ModuleType, loaded, segment: int):
    """At least one head looks up what followed the earlier occurrence of a token."""
    model, tokenizer = loaded
    scores = measure.induction_scores(model, tokenizer, segment, draws=4, seed=1)
    assert measure.best_head(scores)[0] >= measure.GOAL_INDUCTION


def test_untrained_counterpart_has_neither_head(measure: ModuleType, loaded, held_out):
    """The scores come from training: the same architecture at random weights stays near uniform."""
    model, tokenizer = loaded
    torch.manual_seed(0)
    untrained = AutoModelForCausalLM.from_config(model.config, dtype=torch.float32).eval()
    untrained.set_attn_implementation("eager")
    bos = tokenizer.bos_token_id
    assert measure.best_head(measure.previous_token_scores(untrained, held_out, bos, rows=2))[0] < 0.1
    assert measure.best_head(measure.induction_scores(untrained, tokenizer, 50, draws=2))[0] < 0.1


def test_perplexity_beats_the_bigram(measure: ModuleType, loaded, held_out):
    """On held-out text of this Python the perplexity is at most a third of a bigram model's.

    To be fast, the bigram model is fitted on every eighth training document and the start of each held-out
    file is scored; ``scripts/measure_demo.py`` uses everything.
    """
    model, tokenizer = loaded
    training = measure.encode(tokenizer, [d for d in measure.documents() if not d.held_out][::8])
    texts = [ids[:500] for ids in held_out]
    bos = tokenizer.bos_token_id
    bigram, _ = measure.bigram_perplexity(training, texts, model.config.vocab_size, bos)
    assert measure.perplexity(model, texts, 512, bos) <= bigram * measure.GOAL_PERPLEXITY_RATIO
