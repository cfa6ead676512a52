from __future__ import annotations

import numpy as np
import pytest

from faa_core.records import LayerInfo, ModelInfo
from faa_tui.application.workers import WorkerState
from faa_tui.rendering.bytes_in_words import in_words
from faa_tui.session import Phase
from faa_tui.widgets.status_bar import Status, StatusBar


def _model(device: str) -> ModelInfo:
    return ModelInfo(
        reference="demo",
        architecture="LlamaForCausalLM",
        revision="",
        device=device,
        dtype="float32",
        attention="sdpa",
        route="interface",
        parameters=1,
        context=None,
        tokenizer_hash="",
        layers=(LayerInfo("decoder", 0, 8, "causal"),),
        versions={},
    )


@pytest.mark.parametrize(
    ("nbytes", "words"), [(3 * 1024**3 + 100 * 1024**2, "3.1 GiB"), (412 * 1024**2, "412 MiB"), (0, "0 KiB")]
)
def test_memory_in_words(nbytes: int, words: str) -> None:
    assert in_words(nbytes) == words


def test_memory_is_that_of_the_device_of_the_model() -> None:
    state = WorkerState(resident=5, device_memory=7)
    assert [state.memory_on(device) for device in ("cpu", "cuda:0", "mps")] == [5, 7, 7]


def test_numbers_are_those_of_the_model_that_is_named_beside_them() -> None:
    bar = StatusBar()
    bar._reactive_status = Status(
        reference="demo", asked="gpt2", model=_model("cpu"), tokens=438, run=2, phase=Phase.FAILED
    )
    assert bar._left(3).plain == "faa  demo  cpu float32  1 layers x 8 heads  438 tokens"
    assert bar._right(3).plain.startswith("run 2  gpt2 failed")


def test_the_line_says_it_beside_the_device_and_only_where_it_is_known() -> None:
    bar = StatusBar()
    bar._reactive_status = Status(reference="demo", model=_model("cuda:0"), memory=3 * 1024**3)
    assert "cuda:0 float32 3.0 GiB" in bar._left(3).plain
    assert "GiB" not in bar._left(2).plain  # what matters less gives way first
    bar._reactive_status = Status(reference="demo", model=_model("cpu"))
    assert "cpu float32  1 layers" in bar._left(3).plain
    assert np.isfinite(bar._left(0).cell_length)
