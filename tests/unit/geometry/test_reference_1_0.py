"""The numbers of 1.0.0 against what the package itself returned for 13 matrices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faa_core.geometry import reference_1_0 as reference

_DATA = Path(__file__).parents[2] / "data" / "faa-1.0.0"
EXPECTED: dict[str, dict[str, Any]] = json.loads((_DATA / "expected.json").read_text())
MATRICES = np.load(_DATA / "matrices.npz")


def _causal(n: int, sharpness: float, seed: int) -> np.ndarray:
    weights = np.tril(np.exp(np.random.default_rng(seed).normal(0, sharpness, (n, n))))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("name", EXPECTED)
def test_dimensions_and_box_counts_to_the_last_digit(name: str) -> None:
    a, expected = MATRICES[name], EXPECTED[name]
    assert reference.box_counts(a).tolist() == list(expected["box_counts"].values())
    assert abs(reference.fractal_dimension(a) - expected["fractal_dimension"]) <= 1e-12
    assert abs(reference.fractal_dimension(a, (2, 4, 8)) - expected["fractal_dimension_scales_2_4_8"]) <= 1e-12


@pytest.mark.parametrize("name", EXPECTED)
def test_metrics(name: str) -> None:
    a, expected = MATRICES[name], EXPECTED[name]
    metrics = {
        "entropy": reference.entropy(a),
        "sparsity": reference.sparsity(a),
        "concentration": reference.concentration(a),
        "uniformity": reference.uniformity(a),
        **reference.flow(a),
        "fractal_dimension": reference.fractal_dimension(a),
        "interpretability_score": reference.interpretability(a, reference.fractal_dimension(a)),
    }
    assert metrics == pytest.approx(expected["metrics"], rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("name", EXPECTED)
def test_self_similarity_is_one_or_an_error(name: str) -> None:
    if EXPECTED[name]["self_similarity"] is None:
        with pytest.raises(ValueError, match="40 rows and 60 columns"):
            reference.self_similarity(MATRICES[name])
    else:
        assert reference.self_similarity(MATRICES[name]) == pytest.approx(1, abs=1e-12)


@given(st.integers(2, 20), st.integers(2, 20), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_self_similarity_says_nothing_about_the_matrix(n: int, m: int, factor: int, seed: int) -> None:
    a = np.random.default_rng(seed).random((n, m))
    if n // factor >= 2 and -(-m // factor) > -(-n // factor):
        with pytest.raises(ValueError, match="has no value"):
            reference.self_similarity(a, factor)
    else:
        assert reference.self_similarity(a, factor) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("n", [15, 48, 94, 250, 256])
@pytest.mark.parametrize("sharpness", [0.01, 1.0])
def test_a_causal_head_has_the_dimension_of_its_length(n: int, sharpness: float) -> None:
    closed = reference.causal_dimension(n)
    # In nearly even heads the smallest weights share the last row, where they may empty one box of side 2.
    assert reference.fractal_dimension(_causal(n, sharpness, seed=n)) == pytest.approx(closed, abs=1e-4)
    assert reference.fractal_dimension(_causal(n, 1.0, seed=1)) == pytest.approx(closed, abs=1e-12)


def test_the_published_signature_is_a_length() -> None:
    closed = {n: reference.causal_dimension(n) for n in range(64, 2049)}
    assert [n for n, value in closed.items() if abs(value - 2.0295) <= 5e-4] == [78, 79, 250, 251]
    assert [round(reference.causal_dimension(n), 4) for n in (15, 248, 250)] == [2.4037, 2.0250, 2.0296]
    # Above the dimension of the plane, because rows past the last whole box are dropped.
    assert max(closed.values()) == closed[94] == pytest.approx(2.131, abs=5e-4)


def test_three_tokens_a_filled_square_and_no_number_at_all_have_the_same_dimension() -> None:
    for a in (MATRICES["causal_3"], np.ones((64, 64)), np.zeros((64, 64)), np.full((64, 64), np.nan)):
        assert reference.fractal_dimension(a) == pytest.approx(1.3090169943749475, abs=1e-15)
    assert reference.causal_dimension(3) == reference.CONSTANT


def test_an_undefined_dimension_counts_as_a_plane() -> None:
    a = MATRICES["causal_48"]
    assert reference.interpretability(a, float("nan")) == reference.interpretability(a, 2.0)
    assert reference.interpretability(a, 7.0) == pytest.approx(reference.interpretability(a, 2.0) - 0.2)


def test_a_constant_matrix_has_no_correlation() -> None:
    assert np.isnan(reference.self_similarity(np.ones((8, 8))))
    assert reference.concentration(np.zeros((4, 4))) == 0
    assert set(reference.flow(np.zeros((4, 4))).values()) == {0.0}


@pytest.mark.parametrize("sizes", [(0, 2), (2, 2), (-1,)])
def test_bad_sizes_are_named(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="different and at least 1"):
        reference.fractal_dimension(np.eye(8), sizes)
    with pytest.raises(ValueError, match=r"not \(2, 8, 8\)"):
        reference.fractal_dimension(np.zeros((2, 8, 8)))
