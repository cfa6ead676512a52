from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faa_core import AttentionMetrics, FractalTransforms

_DATA = Path(__file__).parents[2] / "data" / "faa-1.0.0"
EXPECTED: dict[str, dict[str, Any]] = json.loads((_DATA / "expected.json").read_text())
MATRICES = np.load(_DATA / "matrices.npz")


@pytest.fixture
def metrics() -> AttentionMetrics:
    return AttentionMetrics()


@pytest.mark.parametrize("name", EXPECTED)
def test_every_number_of_1_0_0_is_there_by_name(name: str, metrics: AttentionMetrics) -> None:
    a, expected = MATRICES[name], EXPECTED[name]
    old = FractalTransforms().compute_fractal_dimension(a, method="faa-1.0.0")
    found = metrics.compute_all_metrics(a, old, method="faa-1.0.0")
    assert found == pytest.approx(expected["metrics"], rel=1e-6, abs=1e-12)
    score = metrics.compute_interpretability_score(a, method="faa-1.0.0")
    assert score == pytest.approx(expected["metrics"]["interpretability_score"], rel=1e-6)
    assert metrics.compute_sparsity(a, 0.05) == pytest.approx(expected["sparsity_threshold_0.05"], rel=1e-6)
    assert metrics.compute_concentration(a, 1) == pytest.approx(expected["concentration_top_1"], rel=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
def test_changes_by_the_interpolation(name: str, metrics: AttentionMetrics) -> None:
    a, expected = MATRICES[name], EXPECTED[name]
    mixed = FractalTransforms().fractal_interpolation_function(a)
    reduction = metrics.compute_entropy_reduction(a, mixed)
    assert reduction == pytest.approx(expected["entropy_reduction_vs_interpolated"], rel=1e-6)
    improvement = metrics.compute_sparsity_improvement(a, mixed)
    assert improvement == pytest.approx(expected["sparsity_improvement_vs_interpolated"], rel=1e-6)


def test_the_dimension_of_all_metrics_is_the_corrected_one(metrics: AttentionMetrics) -> None:
    sierpinski = np.ones((1, 1))
    for _ in range(7):
        sierpinski = np.kron(sierpinski, np.array([[1.0, 1], [0, 1]]))
    found = metrics.compute_all_metrics(sierpinski)
    dimension = math.log2(3)
    assert found["fractal_dimension"] == pytest.approx(dimension, abs=1e-12)
    nearness = 1 - (2 - dimension) / 2
    expected = 0.3 * found["sparsity"] + 0.3 * found["concentration"] + 0.2 * (1 - found["uniformity"])
    assert found["interpretability_score"] == pytest.approx(expected + 0.2 * nearness)
    # 1.0.0 left both out where it was given no dimension.
    old = metrics.compute_all_metrics(sierpinski, method="faa-1.0.0")
    assert old.keys() == found.keys() - {"fractal_dimension", "interpretability_score"}


def test_an_undefined_dimension_makes_no_score(metrics: AttentionMetrics) -> None:
    a = MATRICES["causal_3"]
    assert math.isnan(metrics.compute_interpretability_score(a))
    assert math.isnan(metrics.compute_interpretability_score(a, math.nan))
    assert math.isnan(metrics.compute_all_metrics(a)["fractal_dimension"])
    # As 1.0.0 had it, an undefined dimension is as good as the plane's.
    old = metrics.compute_interpretability_score(a, math.nan, method="faa-1.0.0")
    assert old == pytest.approx(metrics.compute_interpretability_score(a, 2.0))


def test_closed_forms(metrics: AttentionMetrics) -> None:
    even, diagonal = np.full((8, 16), 1 / 16), np.eye(32)
    assert metrics.compute_entropy(even) == pytest.approx(math.log(128))
    assert metrics.compute_uniformity(even) == pytest.approx(1)
    assert metrics.compute_concentration(even) == pytest.approx(5 / 16)
    assert metrics.compute_entropy(diagonal) == pytest.approx(math.log(32), abs=1e-6)
    assert metrics.compute_sparsity(diagonal) == 31 / 32
    assert metrics.compute_sparsity(even) == 0
    assert metrics.compute_sparsity_improvement(even, even / 2, threshold=1 / 20) == 1
    flow = {"forward_flow": 0, "backward_flow": 0, "self_attention": 1}
    assert metrics.compute_attention_flow(diagonal) == flow
    assert metrics.compute_attention_flow(torch.eye(4).roll(1, 0)) == {
        "forward_flow": 0.25,
        "backward_flow": 0.75,
        "self_attention": 0,
    }


def test_a_matrix_without_mass_has_no_shares(metrics: AttentionMetrics) -> None:
    zeros = np.zeros((4, 4))
    assert math.isnan(metrics.compute_concentration(zeros))
    assert math.isnan(metrics.compute_uniformity(zeros))
    assert all(math.isnan(share) for share in metrics.compute_attention_flow(zeros).values())
    assert math.isnan(metrics.compute_interpretability_score(zeros, 1.5))


def test_bad_input_is_named(metrics: AttentionMetrics) -> None:
    broken = np.eye(4)
    broken[2, 1] = np.inf
    for method in (metrics.compute_entropy, metrics.compute_all_metrics, metrics.compute_attention_flow):
        with pytest.raises(ValueError, match="row 2, key 1 is inf"):
            method(broken)
    with pytest.raises(ValueError, match=r"original_attention must be one matrix .* not \(1, 4, 4\)"):
        metrics.compute_entropy_reduction(np.eye(4)[None], np.eye(4))
    with pytest.raises(ValueError, match="at least one column, not 0"):
        metrics.compute_concentration(np.eye(4), top_k=0)
