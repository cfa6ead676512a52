"""`FractalAttentionAnalyzer` on the bundled model and on the matrices that 1.0.0 was run on."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from faa_core import (
    AttentionMetrics,
    AttentionVisualizer,
    DeviceManager,
    FractalAttentionAnalyzer,
    FractalTransforms,
    ModelLoader,
)
from faa_core.errors import FileError, UsageError

_DATA = Path(__file__).parents[2] / "data" / "faa-1.0.0"
EXPECTED: dict[str, dict[str, Any]] = json.loads((_DATA / "expected.json").read_text())
MATRICES = np.load(_DATA / "matrices.npz")
TEXT = "def add(a, b):\n    return a + b\n" * 2
KEYS = {
    "fractal_dimension",
    "transformed_attention",
    "golden_ratio_scored",
    "metrics",
    "tokens",
    "analysis_time",
    "model_name",
    "layer_idx",
    "head_idx",
}
METRICS = EXPECTED["causal_3"]["metrics"].keys()


@pytest.fixture(scope="module")
def demo() -> FractalAttentionAnalyzer:
    return FractalAttentionAnalyzer("demo", DeviceManager(prefer_gpu=False))


@pytest.fixture(scope="module")
def results(demo: FractalAttentionAnalyzer) -> dict[str, Any]:
    return demo.analyze(TEXT)


def models_own_map(demo: FractalAttentionAnalyzer, layer: int, head: int) -> torch.Tensor:
    encoded = demo.tokenizer(TEXT, return_tensors="pt")
    with torch.inference_mode():
        return demo.model(**encoded, output_attentions=True).attentions[layer][0, head].float()


def test_every_key_of_1_0_0_is_there(demo: FractalAttentionAnalyzer, results: dict[str, Any]) -> None:
    assert results.keys() == KEYS
    assert results["metrics"].keys() == METRICS
    count = len(demo.tokenizer(TEXT)["input_ids"])
    assert len(results["tokens"]) == count
    assert results["transformed_attention"].shape == results["golden_ratio_scored"].shape == (count, count)
    assert results["transformed_attention"].dtype == np.float32
    assert isinstance(results["fractal_dimension"], float)
    assert results["analysis_time"] > 0
    assert (results["model_name"], results["layer_idx"], results["head_idx"]) == ("demo", -1, 0)


@pytest.mark.parametrize(("layer", "head"), [(0, 0), (1, 3), (-2, -1)])
def test_it_measures_the_head_that_the_model_itself_returns(
    demo: FractalAttentionAnalyzer, layer: int, head: int
) -> None:
    own = models_own_map(demo, layer, head)
    found = demo.analyze(TEXT, layer, head)
    mixed = FractalTransforms().fractal_interpolation_function(own)
    np.testing.assert_allclose(found["transformed_attention"], mixed, atol=1e-6)
    expected = demo.metrics.compute_all_metrics(own)
    for key in METRICS - {"fractal_dimension", "interpretability_score"}:
        assert found["metrics"][key] == pytest.approx(expected[key], rel=1e-4, abs=1e-6), key


def test_a_layer_or_a_head_past_the_end_is_an_error(demo: FractalAttentionAnalyzer) -> None:
    for layer in (4, 99, -5):
        with pytest.raises(UsageError, match=f"no layer {layer}") as caught:
            demo.analyze(TEXT, layer)
        assert "0 to 3" in caught.value.hint
    for head in (8, -9):
        with pytest.raises(UsageError, match=f"no head {head}") as caught:
            demo.analyze(TEXT, 0, head)
        assert "0 to 7" in caught.value.hint
    with pytest.raises(ValueError, match="method"):
        demo.analyze(TEXT, method="faa-2.0")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EXPECTED)
def test_the_numbers_of_1_0_0_come_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.npy"
    np.save(path, MATRICES[name])
    analyzer = FractalAttentionAnalyzer(str(path), DeviceManager(prefer_gpu=False), method="faa-1.0.0")
    found, expected = analyzer.analyze(""), EXPECTED[name]
    assert found["fractal_dimension"] == pytest.approx(expected["fractal_dimension"], rel=1e-12)
    assert found["metrics"] == pytest.approx(expected["metrics"], rel=1e-6, abs=1e-12)
    assert found["transformed_attention"].sum() == pytest.approx(expected["interpolation_sum"], rel=1e-5)
    assert found["golden_ratio_scored"].sum() == pytest.approx(expected["golden_scoring_sum"], rel=1e-5)
    assert found["model_name"] == str(path)


def test_a_short_text_has_no_dimension_unless_that_of_1_0_0_is_asked_for(demo: FractalAttentionAnalyzer) -> None:
    found = demo.analyze("a")
    assert math.isnan(found["fractal_dimension"])
    assert math.isnan(found["metrics"]["interpretability_score"])
    assert demo.analyze("a", method="faa-1.0.0")["fractal_dimension"] == FractalTransforms.D_NEURAL


def test_figures_come_along_or_go_to_a_folder(demo: FractalAttentionAnalyzer, tmp_path: Path) -> None:
    drawn = demo.analyze("one two", return_visualizations=True)
    assert drawn.keys() == KEYS | {"visualizations"}
    assert drawn["visualizations"].keys() == {"attention_matrix", "fractal_comparison", "token_importance"}
    assert all(isinstance(figure, Figure) for figure in drawn["visualizations"].values())
    demo.analyze_batch(["one two", "three"], save_dir=tmp_path / "new")
    for name in ("text_0", "text_1"):
        written = {path.name for path in (tmp_path / "new" / name).iterdir()}
        assert written == {f"{figure}.png" for figure in drawn["visualizations"]}
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be a folder"):
        demo.analyze("one two", save_dir=tmp_path / "file")


def test_a_batch_is_as_many_results(demo: FractalAttentionAnalyzer, tmp_path: Path) -> None:
    found = demo.analyze_batch([TEXT, "one two"], layer_idx=1)
    assert [len(one["tokens"]) for one in found] == [
        len(demo.tokenizer(text)["input_ids"]) for text in (TEXT, "one two")
    ]
    assert all(one["layer_idx"] == 1 and "visualizations" not in one for one in found)
    demo.export_results(found, tmp_path / "batch.json")
    assert [one["layer_idx"] for one in json.loads((tmp_path / "batch.json").read_text())] == [1, 1]
    with pytest.raises(UsageError, match="one result"):
        demo.export_results(found, tmp_path / "batch.npz", "npz")


def test_two_models_are_compared_under_the_keys_of_1_0_0(demo: FractalAttentionAnalyzer, tmp_path: Path) -> None:
    found = demo.compare_models("demo@init", TEXT, method="faa-1.0.0")
    assert found.keys() == {"model_1", "model_2", "dimension_difference"}
    for key, name in (("model_1", "demo"), ("model_2", "demo@init")):
        assert found[key].keys() == {"name", "fractal_dimension", "metrics"}
        assert found[key]["name"] == name
        assert found[key]["metrics"].keys() == METRICS
    first, second = (found[key]["fractal_dimension"] for key in ("model_1", "model_2"))
    assert found["dimension_difference"] == abs(first - second)
    assert found["model_1"]["metrics"]["entropy"] != found["model_2"]["metrics"]["entropy"]
    another = demo.compare_models("demo@init", TEXT, layer_idx=1, head_idx=2)
    assert another["model_1"]["metrics"] == pytest.approx(demo.analyze(TEXT, 1, 2)["metrics"], nan_ok=True)
    demo.export_results(found, tmp_path / "pair.json")
    assert json.loads((tmp_path / "pair.json").read_text()) == found
    with pytest.raises(UsageError, match="comparison"):
        demo.export_results(found, tmp_path / "pair.csv", "csv")


def test_results_are_read_back_from_json(
    demo: FractalAttentionAnalyzer, results: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "made" / "out.json"
    demo.export_results(results, path)
    found = json.loads(path.read_text())
    assert found.keys() == KEYS - {"transformed_attention", "golden_ratio_scored"}
    assert found["tokens"] == results["tokens"]
    for key, value in results["metrics"].items():
        assert found["metrics"][key] == (None if math.isnan(value) else value)


def test_results_are_read_back_from_csv(
    demo: FractalAttentionAnalyzer, results: dict[str, Any], tmp_path: Path
) -> None:
    demo.export_results([results, results], tmp_path / "out.csv", "csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert rows[0].keys() == {"model_name", "fractal_dimension", "analysis_time"} | METRICS
    assert rows[0]["model_name"] == "demo"
    assert float(rows[1]["entropy"]) == results["metrics"]["entropy"]
    assert rows[0]["fractal_dimension"] == "" or float(rows[0]["fractal_dimension"]) == results["fractal_dimension"]


def test_results_are_read_back_from_npz(
    demo: FractalAttentionAnalyzer, results: dict[str, Any], tmp_path: Path
) -> None:
    demo.export_results(results, tmp_path / "out.npz", "npz")
    with np.load(tmp_path / "out.npz") as found:
        assert set(found.files) == {"transformed_attention", "golden_ratio_scored", "fractal_dimension"}
        for name in found.files:
            np.testing.assert_array_equal(found[name], results[name])


def test_what_cannot_be_written_is_said(
    demo: FractalAttentionAnalyzer, results: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no format 'xml'"):
        demo.export_results(results, tmp_path / "out.xml", "xml")
    with pytest.raises(UsageError, match="no results"):
        demo.export_results([], tmp_path / "out.json")
    with pytest.raises((UsageError, FileError)):
        demo.export_results(results, tmp_path)


def test_an_analyzer_has_the_attributes_of_1_0_0(demo: FractalAttentionAnalyzer) -> None:
    kinds = {
        "device_manager": DeviceManager,
        "model_loader": ModelLoader,
        "fractal_transforms": FractalTransforms,
        "metrics": AttentionMetrics,
        "visualizer": AttentionVisualizer,
    }
    assert all(isinstance(getattr(demo, name), kind) for name, kind in kinds.items())
    assert (demo.model_name, demo.device) == ("demo", "cpu")
    assert demo.model.config._attn_implementation == "eager"


def test_arguments_of_the_model_go_to_the_loader(results: dict[str, Any]) -> None:
    manager = DeviceManager(prefer_gpu=False)
    other = FractalAttentionAnalyzer("demo", manager, force_eager_attention=False, torch_dtype="float32")
    assert other.device_manager is manager
    assert other.model.config._attn_implementation != "eager"
    # Its maps are the same: faa has them either way.
    assert other.analyze(TEXT)["metrics"] == pytest.approx(results["metrics"], rel=1e-5, nan_ok=True)
    assert FractalAttentionAnalyzer("demo", manager, dtype=torch.bfloat16).model.dtype == torch.bfloat16


def test_models_are_loaded_as_asked() -> None:
    loader = ModelLoader(DeviceManager(prefer_gpu=False, max_gpu_memory_gb=1))
    model, tokenizer = loader.load_model("demo", torch_dtype=torch.float16)
    assert model.dtype == torch.float16
    assert not model.training
    attentions = model(**tokenizer("one two", return_tensors="pt"), output_attentions=True).attentions
    assert len(attentions) == 4
    untrained, _ = loader.load_model("demo", force_eager_attention=False, revision="init", dtype="float16")
    assert untrained.config._attn_implementation != "eager"
    assert not torch.equal(untrained.get_input_embeddings().weight, model.get_input_embeddings().weight)
    assert isinstance(ModelLoader().device_manager, DeviceManager)
    with pytest.raises(UsageError, match="number format"):
        loader.load_model("demo", dtype="int3")
    with pytest.raises(UsageError, match="'colour'"):
        loader.load_model("demo", colour="blue")
    with pytest.raises(UsageError, match="no code"):
        loader.load_model("demo", trust_remote_code=True)


def test_a_device_is_given_what_it_may_hold(caplog: pytest.LogCaptureFixture) -> None:
    manager = DeviceManager(prefer_gpu=False)
    assert (manager.prefer_gpu, manager.max_gpu_memory_gb, manager.device.type) == (False, 20, "cpu")
    assert DeviceManager().prefer_gpu
    assert manager.get_device_config(10**9) == {}
    # 5.4e9 parameters of float32 are 20 GiB.
    manager.device = torch.device("cuda:1")
    assert manager.get_device_config(10**9) == {"device_map": "cuda:1"}
    config = manager.get_device_config(6 * 10**9)
    assert config["max_memory"][1] == "20GiB"
    assert config["dtype"] == torch.float16
    with pytest.raises(UsageError, match="0 GiB"):
        DeviceManager(max_gpu_memory_gb=0)
    with caplog.at_level("INFO", "faa"):
        DeviceManager.log_memory_usage("after loading")
    assert re.fullmatch(r"after loading: \d+\.\d\d GiB of main memory.*", caplog.messages[0])
