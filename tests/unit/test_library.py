"""`faa_core.analyze` and `faa_core.compare`: references, loaded models, and attention from anywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pandas
import pytest
import torch

import faa_core
from faa_core.errors import FaaError, TextError, UsageError
from faa_core.records import Analysis

TEXT = "def add(a, b):\n    return a + b\n" * 3


def causal(layers: int = 2, heads: int = 3, n: int = 24) -> np.ndarray:
    a = np.tril(np.random.default_rng(0).random((layers, heads, n, n)))
    return a / a.sum(-1, keepdims=True)


@pytest.fixture(scope="module")
def demo() -> Analysis:
    return faa_core.analyze("demo", TEXT, device="cpu")


def test_a_reference_is_measured_as_a_worker_measures_it(demo: Analysis, run_text: Callable[..., Analysis]) -> None:
    from faa_core.analysis import Engine

    other = run_text(Engine(), "demo", TEXT)
    assert demo.model.reference == "demo"
    assert demo.tokens == other.tokens
    for one, two in zip(demo.layers, other.layers, strict=True):
        assert one.statistics.names == two.statistics.names
        assert np.array_equal(one.statistics.value, two.statistics.value, equal_nan=True)
        assert one.labels == two.labels


def test_a_loaded_model_is_measured_and_left_as_it_was(demo: Analysis) -> None:
    model, tokenizer = faa_core.ModelLoader(faa_core.DeviceManager(False)).load_model("demo", False)
    model.train()
    before = model.config._attn_implementation
    found = faa_core.analyze((model, tokenizer), TEXT)
    assert model.training
    assert model.config._attn_implementation == before
    assert np.allclose(found.layers[0].statistics.value, demo.layers[0].statistics.value, equal_nan=True)
    assert faa_core.analyze((model, tokenizer), TEXT).model.revision == "in memory"
    with pytest.raises(UsageError, match="loaded already"):
        faa_core.analyze((model, tokenizer), TEXT, device="cpu")
    with pytest.raises(UsageError, match="pair"):
        faa_core.analyze(model, TEXT)
    with torch.no_grad():
        model.set_attn_implementation("eager")
        output = model.eval()(**tokenizer(TEXT, return_tensors="pt"), output_attentions=True)
    from_output = faa_core.analyze(output)
    assert np.allclose(from_output.layers[3].statistics.value[0], demo.layers[3].statistics.value[0], equal_nan=True)


class OnlyArray:
    """What a JAX array or any other can do."""

    def __init__(self, a: np.ndarray) -> None:
        self._a = a

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self._a


class Proxy:
    """What nnsight saved until 0.4: it has the ``value``, and everything else of it. Since then it saves tensors."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self.value, name)

    def __array__(self, *how: Any) -> np.ndarray:
        return self.value.__array__(*how)


class ActivationCache:
    """What TransformerLens returns: no dictionary, but nearly one, and full of what is no attention."""

    def __init__(self, a: np.ndarray) -> None:
        self._cache = {"hook_embed": torch.zeros(1, 24, 8)}
        for layer, part in enumerate(a):
            weights = torch.from_numpy(part)[None]
            block = {"hook_resid_pre": torch.zeros(1, 24, 8), "attn.hook_q": torch.zeros(1, 24, 3, 8)}
            block |= {"attn.hook_attn_scores": weights.log(), "attn.hook_pattern": weights}
            self._cache |= {f"blocks.{layer}.{name}": one for name, one in block.items()}

    def keys(self) -> Any:
        return self._cache.keys()

    def __getitem__(self, key: str) -> torch.Tensor:
        return self._cache[key]


A = causal()
FORMS: dict[str, Any] = {
    "array": A,
    "stacked attentions": A[:, None],
    "tensor": torch.from_numpy(A).requires_grad_(),
    "bfloat16": torch.from_numpy(A).to(torch.bfloat16),
    "anything with __array__": OnlyArray(A),
    "list": list(A),
    "attentions": tuple(torch.from_numpy(part)[None] for part in A),
    "mapping": {1: A[1], 0: A[0]},
    "named mapping": {"layer_1": A[1], "layer_0": A[0]},
    "TransformerLens": ActivationCache(A),
    "nnsight": [torch.from_numpy(part)[None].requires_grad_() for part in A],
    "nnsight until 0.4": [Proxy(torch.from_numpy(part)[None].requires_grad_()) for part in A],
}


@pytest.mark.parametrize("form", FORMS)
def test_attention_from_any_library(form: str) -> None:
    found, expected = faa_core.analyze(FORMS[form]), faa_core.analyze(A)
    assert [(layer.info.layer, layer.info.heads, layer.info.pattern) for layer in found.layers] == [
        (0, 3, "causal"),
        (1, 3, "causal"),
    ]
    if form != "bfloat16":
        for one, two in zip(found.layers, expected.layers, strict=True):
            assert np.allclose(one.statistics.value, two.statistics.value, equal_nan=True)


def test_arrays_are_left_alone_keep_layer_numbers_and_take_tokens() -> None:
    before = A.copy()
    found = faa_core.analyze({7: A[0], 3: A[1]}, [f"t{place}" for place in range(24)])
    assert [layer.info.layer for layer in found.layers] == [3, 7]
    assert found.tokens.pieces[:2] == ("t0", "t1")
    assert np.array_equal(before, A)
    assert [layer.info.layer for layer in faa_core.analyze([None, A[0]]).layers] == [1]
    assert faa_core.analyze(A[0, 0]).layers[0].info.heads == 1
    cross = faa_core.analyze(np.full((1, 2, 5, 9), 1 / 9))
    assert (cross.layers[0].info.kind, cross.layers[0].queries, cross.layers[0].keys) == ("cross", 5, 9)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "nothing that has attention"),
        ({}, "nothing that has attention"),
        ({"a": A[0]}, "nothing that has attention"),
        ([1, 2], "nothing that has attention"),
        (np.zeros((3, 2, 2, 4, 4)), "shape"),
        ([np.zeros((2, 3, 4, 4))], "several texts"),
        (np.zeros(4), "shape"),
        (np.arange(4).reshape(2, 2), "int64"),
        ([A[0], A[0][:, :4, :4]], "one size"),
        ([None, None], "None"),
        ({"layer_1": A[0], "block_1": A[0]}, "same layer"),
    ],
)
def test_what_is_no_attention_is_refused(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        faa_core.analyze(given)


def test_errors_are_those_of_the_family() -> None:
    with pytest.raises(TextError):
        faa_core.analyze("demo", "")
    with pytest.raises(UsageError, match="one text"):
        faa_core.analyze("demo", ["a", "b"])
    with pytest.raises(UsageError, match="2 tokens"):
        faa_core.analyze(A, ["a", "b"])
    with pytest.raises(faa_core.FaaError):
        faa_core.analyze("gpu7:demo", TEXT)
    assert faa_core.FaaError is FaaError


def test_two_models_over_texts(demo: Analysis) -> None:
    found = faa_core.compare("demo", "demo@init", [TEXT, "The golden ratio. " * 5], device="cpu")
    assert len(found.matching.pairs) == 32
    assert np.isfinite(found.divergence).all()
    assert found.aligned == "tokens"
    itself = faa_core.compare("demo", "demo", TEXT, device="cpu")
    assert np.nanmax(itself.divergence) == pytest.approx(0, abs=1e-6)
    finished = faa_core.compare(demo, [demo])
    assert np.isnan(finished.divergence).all()
    arrays = faa_core.compare(A, A[::-1].copy())
    assert (arrays.divergence > 0).all()
    with pytest.raises(UsageError, match="finished"):
        faa_core.compare(demo, "demo", TEXT)
    with pytest.raises(UsageError, match="one text"):
        faa_core.compare(A, A, ["a", "b"])


def test_a_frame_has_a_row_for_each_head(demo: Analysis) -> None:
    frame = demo.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame[["kind", "layer", "head"]].drop_duplicates().shape == (32, 3)
    statistics = demo.layers[2].statistics
    cell = frame[(frame.layer == 2) & (frame["head"] == 5)].iloc[0]
    assert cell["entropy"] == statistics.value[statistics.row("entropy"), 5]
    assert cell["entropy_null"] == statistics.null[statistics.row("entropy"), 5]
    assert cell["D0_status"] in ("ok", "no_scaling", "too_few_scales")
    assert frame.attrs["revision"] == demo.model.revision


def test_a_frame_of_a_comparison_has_the_columns_of_the_csv(demo: Analysis) -> None:
    from faa_core.export.comparison import COLUMNS

    found = faa_core.compare(demo, demo)
    frame = found.to_frame()
    assert set(frame.columns) <= set(COLUMNS)
    assert len(frame) == 32 * len(found.differences.names)
    assert (frame[frame.statistic == "entropy"].difference == 0).all()


def test_a_notebook_shows_a_table_with_everything_escaped(demo: Analysis) -> None:
    hostile = msgspec.structs.replace(
        demo, model=msgspec.structs.replace(demo.model, reference="<script>x</script>"), notes=("<b>n</b>",)
    )
    for shown in (hostile._repr_html_(), faa_core.compare(hostile, hostile)._repr_html_()):
        assert "<script>" not in shown
        assert "&lt;script&gt;" in shown
        assert "<table>" in shown
    assert "<b>n</b>" not in hostile._repr_html_()
    assert "8 more" in demo._repr_html_()
    assert len(demo._repr_html_()) < 10_000


def fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_import_reads_nothing_heavy() -> None:
    heavy = "torch", "transformers", "numpy", "msgspec", "scipy", "pandas", "matplotlib", "rich"
    assert fresh(f"import sys, faa_core\nprint([m for m in {heavy} if m in sys.modules])") == "[]\n"


def test_results_need_no_pandas_and_say_so(demo: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert "<table>" in demo._repr_html_()
    for result in (demo, faa_core.compare(demo, demo)):
        with pytest.raises(UsageError, match="pip install pandas"):
            result.to_frame()


def test_all_names_are_there_and_typed() -> None:
    for name in faa_core.__all__:
        assert getattr(faa_core, name) is not None
        assert name in dir(faa_core)
    with pytest.raises(AttributeError, match="nothing_here"):
        _ = faa_core.nothing_here
    from importlib.resources import files

    assert files("faa_core").joinpath("py.typed").is_file()
