"""What travels from a worker on another machine, counted: a wire like that of ssh, read frame by frame."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from faa_core.models.loading import DEMO_FOLDER
from faa_core.worker import protocol, wire

REAL = (sys.executable, "-P", "-m", "faa_core.worker")
Wired = Callable[..., Any]
TOKENS = 400
SCREEN = 64_000


@pytest.fixture(scope="module")
def packed(wired: Wired) -> Any:
    return wired(REAL, protocol.Tune(protocol.VERSION, deflate=True))


@pytest.fixture(scope="module")
def plain(wired: Wired) -> Any:
    return wired(REAL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with as many heads as GPT-2 and random weights, wide enough apart that no head is even."""
    path = tmp_path_factory.mktemp("heads144")
    tokenizer = AutoTokenizer.from_pretrained(DEMO_FOLDER)
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_layer=12, n_head=12, n_embd=96, n_positions=1024, initializer_range=0.3,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(path)
    return path


def text_of(tokens: int) -> str:
    """A part of this repository's own code."""
    tokenizer = AutoTokenizer.from_pretrained(DEMO_FOLDER, model_max_length=10**6)
    ids = tokenizer(Path(wire.__file__).read_text(encoding="utf-8"))["input_ids"][:tokens]
    return str(tokenizer.decode(ids))


def test_a_comparison_of_144_heads_takes_at_most_200_kb_of_each_worker(packed: Any, folder: Path) -> None:
    events, _, run = packed.ask(protocol.Run(1, str(folder), text_of(TOKENS)))
    layers = [event for event in events if isinstance(event, protocol.LayerReady)]
    assert sum(event.result.info.heads for event in layers) == 144
    length = len(next(event for event in events if isinstance(event, protocol.Started)).tokens)
    assert abs(length - TOKENS) < 20
    rows = tuple(np.linspace(1, length - 1, 16).astype(int).tolist())
    events, _, sketch = packed.ask(protocol.Sketch(2, 1, "decoder", rows, 8))
    assert sum(isinstance(event, protocol.Sketched) for event in events) == 12
    assert run + sketch <= 200_000, (run, sketch)


def test_a_screen_of_tiles_takes_at_most_64_kb(packed: Any) -> None:
    packed.ask(protocol.Run(10, "demo", text_of(1000), protocol.RunOptions(truncate=True)))
    for head in range(8):
        # The map from afar, and the cells of a terminal of 200 x 50 in half blocks, where none of them is hidden.
        for level, rows, columns in ((2, (0, 256), (0, 256)), (0, (700, 800), (300, 500))):
            _, array, taken = packed.ask(protocol.Tile(11, 10, "decoder", 2, head, level, *rows, *columns))
            assert len(array) >= 40_000
            assert taken <= SCREEN, (head, level, taken)


def test_packed_and_plain_say_the_same(packed: Any, plain: Any) -> None:
    answers = []
    for one in (packed, plain):
        run, _, run_bytes = one.ask(protocol.Run(20, "demo", text_of(100)))
        sketch, _, _ = one.ask(protocol.Sketch(21, 20, "decoder", (1, 50), 4))
        _, tile, tile_bytes = one.ask(protocol.Tile(22, 20, "decoder", 1, 0, 0, 0, 100, 0, 100))
        told = [e for e in run + sketch if isinstance(e, protocol.Started | protocol.LayerReady | protocol.Sketched)]
        answers.append((told, tile, run_bytes, tile_bytes))
    assert [wire.encode(event) for event in answers[0][0]] == [wire.encode(event) for event in answers[1][0]]
    assert answers[0][1] == answers[1][1]
    assert answers[0][2] < 0.7 * answers[1][2]
    assert answers[0][3] < 0.7 * answers[1][3]
