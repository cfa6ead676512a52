"""The engine on a small random model: its tiles are the model's own attention, and it can be stopped and used again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from faa_core.analysis import Engine
from faa_core.errors import Cancelled, GoneError, TextError, UsageError
from faa_core.records import LayerResult, ModelInfo, Tokens
from faa_core.worker.protocol import Run, Tile

WORDS = 700
CONTEXT = 1024


class Recorder:
    def __init__(self, checks: int | None = None) -> None:
        self.layers: list[LayerResult] = []
        self.tokens: Tokens | None = None
        self.checks_left = checks

    def progress(self, stage: str, text: str, done: int = 0, total: int = 0, unit: str = "") -> None: ...

    def loaded(self, model: ModelInfo) -> None: ...

    def started(self, model: ModelInfo, tokens: Tokens, decoder_tokens, truncated_from) -> None:
        self.tokens = tokens

    def layer(self, index: int, total: int, result: LayerResult) -> None:
        self.layers.append(result)

    def check(self) -> None:
        if self.checks_left is not None:
            self.checks_left -= 1
            if self.checks_left < 0:
                raise Cancelled("The job was cancelled.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small")
    vocabulary = {f"w{i}": i for i in range(64)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0").save_pretrained(path)
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def text() -> str:
    return " ".join(f"w{i}" for i in torch.randint(64, (WORDS,), generator=torch.Generator().manual_seed(1)).tolist())


@pytest.fixture(scope="module")
def own_maps(folder: Path, text: str) -> list[np.ndarray]:
    """float32 [heads, n, n] of each layer, as the model itself returns them."""
    model = LlamaForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    ids = PreTrainedTokenizerFast.from_pretrained(folder)(text, return_tensors="pt").input_ids
    with torch.no_grad():
        return [layer[0].numpy() for layer in model(ids, output_attentions=True).attentions]


@pytest.fixture(scope="module")
def engine(folder: Path, text: str) -> Engine:
    engine = Engine()
    engine.run(Run(1, str(folder), text), Recorder())
    return engine


def pooled(matrix: np.ndarray, cell: int) -> np.ndarray:
    side = -(-len(matrix) // cell)
    padded = np.zeros((side * cell, side * cell), matrix.dtype)
    padded[: len(matrix), : len(matrix)] = matrix
    return padded.reshape(side, cell, side, cell).max((1, 3))


@pytest.mark.parametrize("level", [0, 1, 2, 5, 10])
@pytest.mark.parametrize(("layer", "head"), [(0, 0), (1, 3)])
def test_a_whole_map_is_the_models_own_at_every_level(engine, own_maps, layer, head, level) -> None:
    tile = engine.tile(Tile(2, 1, "decoder", layer, head, level, 0, 10_000, 0, 10_000))
    expected = pooled(own_maps[layer][head], 1 << level).astype(np.float16)
    # Level 0 of 700 tokens is computed again from queries and keys; the levels above it were kept during the pass.
    np.testing.assert_allclose(tile, expected, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("level", [0, 1])
def test_a_tile_is_that_part_of_the_map(engine, own_maps, level) -> None:
    tile = engine.tile(Tile(2, 1, "decoder", 1, 2, level, 130, 190, 64, 100))
    np.testing.assert_allclose(
        tile, pooled(own_maps[1][2], 1 << level)[130:190, 64:100].astype(np.float16), rtol=1e-3, atol=1e-7
    )


@pytest.mark.parametrize(
    ("place", "word"),
    [
        (("decoder", 2, 0, 0, 0, 1, 0, 1), "layer 2"),
        (("encoder", 0, 0, 0, 0, 1, 0, 1), "encoder"),
        (("decoder", 0, 4, 0, 0, 1, 0, 1), "0 to 3"),
        (("decoder", 0, 0, 0, 700, 701, 0, 1), "outside"),
        (("decoder", 0, 0, -1, 0, 1, 0, 1), "outside"),
        (("decoder", 0, 0, 3, 5, 5, 0, 1), "outside"),
    ],
)
def test_a_tile_that_does_not_exist_is_refused(engine, place, word) -> None:
    with pytest.raises(UsageError, match=word):
        engine.tile(Tile(2, 1, *place))


def test_layers_arrive_in_order_with_all_heads(folder, text) -> None:
    recorder = Recorder()
    Engine().run(Run(1, str(folder), text), recorder)
    assert recorder.tokens is not None
    assert len(recorder.tokens) == WORDS
    assert [(result.info.layer, result.info.heads, len(result.labels)) for result in recorder.layers] == [
        (0, 4, 4),
        (1, 4, 4),
    ]


def test_a_cancelled_run_leaves_an_engine_that_works(folder, text) -> None:
    engine = Engine()
    with pytest.raises(Cancelled):
        engine.run(Run(1, str(folder), text), Recorder(checks=3))
    recorder = Recorder()
    engine.run(Run(1, str(folder), text), recorder)
    assert len(recorder.layers) == 2


def test_a_run_that_is_refused_keeps_nothing_and_takes_nothing_from_the_last_one(folder, text) -> None:
    engine = Engine()
    engine.run(Run(1, str(folder), text), Recorder())
    with pytest.raises(TextError, match=str(CONTEXT)):
        engine.run(Run(2, str(folder), text + " " + text), Recorder())
    with pytest.raises(GoneError, match="Run 2 is not kept"):
        engine.tile(Tile(3, 2, "decoder", 0, 0, 0, 0, 1, 0, 1))
    assert engine.tile(Tile(4, 1, "decoder", 0, 0, 0, 0, 1, 0, 1)).tolist() == [[1.0]]
