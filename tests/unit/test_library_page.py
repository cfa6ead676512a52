"""The examples of docs/library.md run, and every form of one model's attention that it names has the same numbers."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import faa_core
from faa_core.records import Analysis

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
CALLS = re.findall(r"`(analyze\([^`]*\))`", PAGE)
TEXT = "def add(a, b):\n    return a + b\n" * 4


class Model:
    """The bundled model, which its users would call by the names of their libraries."""

    def __init__(self) -> None:
        loader = faa_core.ModelLoader(faa_core.DeviceManager(prefer_gpu=False))
        self.model, self.tokenizer = loader.load_model("demo")
        self.inputs = self.tokenizer(TEXT, return_tensors="pt")
        with torch.inference_mode():
            self.output = self.model(**self.inputs, output_attentions=True)
        self.maps = [one[0].numpy() for one in self.output.attentions]
        self.cache = {f"blocks.{layer}.attn.hook_pattern": one for layer, one in enumerate(self.output.attentions)}
        self.cache["blocks.0.hook_resid_pre"] = torch.zeros(1, 4, 8)


@pytest.fixture(scope="module")
def loaded() -> Model:
    return Model()


@pytest.fixture(scope="module")
def demo() -> Analysis:
    return faa_core.analyze("demo", TEXT, device="cpu")


def test_examples_run_from_the_top_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(EXAMPLES) >= 3
    names: dict[str, Any] = {"texts": [TEXT, "one two three four"]}
    for example in EXAMPLES:
        exec(example, names)
    assert len(names["run"].to_frame()) == 32
    assert {path.name for path in tmp_path.iterdir()} >= {"figures", "tokens.pdf"}


@pytest.mark.parametrize("call", CALLS)
def test_every_form_in_the_table_is_taken(call: str, loaded: Model) -> None:
    a = loaded.maps[0]
    names = {
        "analyze": faa_core.analyze,
        "model": loaded.model,
        "tokenizer": loaded.tokenizer,
        "inputs": loaded.inputs,
        "text": TEXT,
        "cache": loaded.cache,
        "saved": [SimpleNamespace(value=one) for one in loaded.maps],
        **{"a": a, "a0": a, "a1": loaded.maps[1], "a7": a},
    }
    assert isinstance(eval(call, names), Analysis)


@pytest.mark.parametrize("form", ["pair", "output", "arrays", "stack", "cache"])
def test_every_form_gives_the_numbers_of_the_reference(form: str, loaded: Model, demo: Analysis) -> None:
    given: Any = {
        "pair": (loaded.model, loaded.tokenizer),
        "output": loaded.output,
        "arrays": loaded.maps,
        "stack": np.stack(loaded.maps),
        "cache": loaded.cache,
    }[form]
    found = faa_core.analyze(given, TEXT if form == "pair" else "")
    assert len(found.layers) == len(demo.layers)
    compared = 0
    for one, two in zip(found.layers, demo.layers, strict=True):
        assert (one.info.layer, one.info.heads) == (two.info.layer, two.info.heads)
        for name in two.statistics.names:
            if name not in one.statistics.names:
                continue
            ours = one.statistics.value[one.statistics.row(name)]
            theirs = two.statistics.value[two.statistics.row(name)]
            if form != "pair" and not np.isfinite(ours).any():
                continue  # it depends on which tokens are equal, which attention alone does not know
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4, equal_nan=True, err_msg=name)
            compared += 1
    assert compared >= 4 * 10
