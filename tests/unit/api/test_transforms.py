"""The names of 1.0.0: corrected by default, the old number where it is asked for."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faa_core import FractalTransforms
from faa_core.geometry import Support, box_dimension

_DATA = Path(__file__).parents[2] / "data" / "faa-1.0.0"
EXPECTED: dict[str, dict[str, Any]] = json.loads((_DATA / "expected.json").read_text())
MATRICES = np.load(_DATA / "matrices.npz")
SIERPINSKI = np.ones((1, 1))
for _ in range(8):
    SIERPINSKI = np.kron(SIERPINSKI, np.array([[1.0, 0], [1, 1]]))


@pytest.fixture
def transforms() -> FractalTransforms:
    return FractalTransforms()


@pytest.mark.parametrize("name", EXPECTED)
def test_the_golden_transforms_give_what_1_0_0_gave(name: str, transforms: FractalTransforms) -> None:
    a, expected = MATRICES[name], EXPECTED[name]
    blocks = transforms.golden_ratio_partition(a)
    assert [list(block.shape) for block in blocks] == expected["golden_partition_shapes"]
    mixed = transforms.fractal_interpolation_function(a)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(mixed.sum(), expected["interpolation_sum"], rtol=1e-6)
    np.testing.assert_allclose(mixed[0], expected["interpolation_row0"], rtol=1e-6)
    np.testing.assert_allclose(mixed[-1], expected["interpolation_last_row"], rtol=1e-6)
    scored = transforms.golden_ratio_scoring(a)
    np.testing.assert_allclose(scored.sum(), expected["golden_scoring_sum"], rtol=1e-6)
    np.testing.assert_allclose(scored[-1], expected["golden_scoring_last_row"], rtol=1e-6)
    scales = [(scale, part.sum(), part.max()) for scale, part in transforms.multi_scale_analysis(a)]
    np.testing.assert_allclose(scales, expected["multi_scale"], rtol=1e-6)


def test_the_golden_transforms_are_their_definitions_for_any_ratio_and_scale() -> None:
    a, phi = MATRICES["causal_3"].astype(np.float64), 2.0
    n = len(a)
    transforms = FractalTransforms(phi)
    first, second = transforms.golden_ratio_partition(a)
    assert (first.shape, second.shape) == ((1, 1), (2, 2))

    def mixed(scale: float) -> np.ndarray:
        x = a / phi
        return scale / phi * x + scale * (1 - 1 / phi) * np.roll(x, 1, axis=0)

    np.testing.assert_allclose(transforms.fractal_interpolation_function(a, 0.3), mixed(0.3))
    scales = transforms.multi_scale_analysis(a, num_scales=2)
    assert [scale for scale, _ in scales] == [1, 2]
    np.testing.assert_allclose(scales[1][1], mixed(0.5))
    factors = phi ** (-np.arange(n) / n)
    np.testing.assert_allclose(transforms.golden_ratio_scoring(a), a * (factors / factors.sum())[:, None])


@pytest.mark.parametrize("name", EXPECTED)
def test_the_old_dimension_is_there_by_name(name: str, transforms: FractalTransforms) -> None:
    a, expected = MATRICES[name], EXPECTED[name]
    old = transforms.compute_fractal_dimension(a, method="faa-1.0.0")
    assert abs(old - expected["fractal_dimension"]) <= 1e-12
    old = transforms.compute_fractal_dimension(a, scales=[2, 4, 8], method="faa-1.0.0")
    assert abs(old - expected["fractal_dimension_scales_2_4_8"]) <= 1e-12
    if expected["self_similarity"] is None:
        with pytest.raises(ValueError, match=r"1\.0\.0"):
            transforms.compute_self_similarity(a, method="faa-1.0.0")
    else:
        assert transforms.compute_self_similarity(a, method="faa-1.0.0") == pytest.approx(1, abs=1e-12)


def test_constants() -> None:
    phi = (1 + math.sqrt(5)) / 2
    assert phi == FractalTransforms.PHI
    assert pytest.approx(1.5849625007211563) == FractalTransforms.D_SIERPINSKI
    assert pytest.approx(1.2618595071429148) == FractalTransforms.D_KOCH
    assert FractalTransforms.D_DRAGON == 2
    assert pytest.approx(phi**2 / 2, abs=1e-15) == FractalTransforms.D_NEURAL
    assert FractalTransforms(phi=2).phi_inv == 0.5
    with pytest.raises(ValueError, match="above 0, not 0"):
        FractalTransforms(phi=0)


def test_the_dimension_is_that_of_the_set(transforms: FractalTransforms) -> None:
    # As a full map: the lift of a causal one would take the length of its rows into account.
    assert transforms.compute_fractal_dimension(SIERPINSKI, support="full") == pytest.approx(math.log2(3), abs=1e-12)
    assert transforms.compute_fractal_dimension(np.eye(128), support="full") == pytest.approx(1, abs=1e-12)


def test_dyadic_sizes_given_by_hand_are_those_taken_by_default(transforms: FractalTransforms) -> None:
    for scales in ([2, 4, 8, 16, 32, 64], [64, 8, 4, 32, 2, 16, 16]):
        value = transforms.compute_fractal_dimension(SIERPINSKI, scales=scales, support="full")
        assert value == pytest.approx(math.log2(3), abs=1e-12)


def test_a_square_has_dimension_two_over_any_sizes(transforms: FractalTransforms) -> None:
    scales = [3, 5, 11, 20, 26]
    ones = np.ones((77, 101))
    assert transforms.compute_fractal_dimension(ones, scales, support="full") == pytest.approx(2, abs=1e-12)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_support_is_seen_in_the_matrix(name: str, transforms: FractalTransforms) -> None:
    a = MATRICES[name]
    causal = a.shape[0] == a.shape[1] and not np.triu(a, 1).any()
    assert causal == (name.startswith(("causal", "uniform", "identity", "prev", "sink")))
    expected = float(box_dimension(a, "causal" if causal else "full").value)
    np.testing.assert_equal(transforms.compute_fractal_dimension(a), expected)
    np.testing.assert_equal(transforms.compute_fractal_dimension(torch.tensor(a)), expected)


def test_undefined_is_not_a_number_and_never_the_constant(transforms: FractalTransforms) -> None:
    for a in (MATRICES["causal_3"], np.zeros((64, 64)), Support.causal(64).uniform(), np.ones((2, 64))):
        assert math.isnan(transforms.compute_fractal_dimension(a))
    assert math.isnan(transforms.compute_fractal_dimension(SIERPINSKI, scales=[2, 4, 8]))
    assert math.isnan(transforms.compute_fractal_dimension(SIERPINSKI, scales=[2, 3, 4, 5]))
    assert math.isnan(transforms.compute_fractal_dimension(np.zeros((64, 64)), scales=[2, 4, 8, 16]))
    assert math.isnan(transforms.compute_self_similarity(Support.causal(64).uniform()))


def test_self_similarity_tells_a_fractal_from_noise_and_takes_any_shape(transforms: FractalTransforms) -> None:
    assert transforms.compute_self_similarity(SIERPINSKI, support="full") == pytest.approx(1, abs=1e-12)
    noise = np.random.default_rng(0).random((60, 90))
    assert abs(transforms.compute_self_similarity(noise)) < 0.1
    assert abs(transforms.compute_self_similarity(noise.T, scale_factor=3)) < 0.2


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int64])
def test_tensors_of_any_dtype_are_taken(dtype: torch.dtype, transforms: FractalTransforms) -> None:
    a = torch.tensor(SIERPINSKI).to(dtype).requires_grad_(dtype.is_floating_point)
    assert transforms.compute_fractal_dimension(a, support="full") == pytest.approx(math.log2(3), abs=1e-12)
    assert isinstance(transforms.golden_ratio_scoring(a), np.ndarray)


def test_bad_input_is_named(transforms: FractalTransforms) -> None:
    broken = np.full((8, 8), 0.125)
    broken[3, 5] = np.nan
    with pytest.raises(ValueError, match=r"attention_matrix .* row 3, key 5 is nan"):
        transforms.compute_fractal_dimension(broken)
    broken[3, 5] = -0.25
    with pytest.raises(ValueError, match=r"row 3, key 5 is -0\.25"):
        transforms.compute_self_similarity(broken)
    with pytest.raises(ValueError, match=r"attention_weights must be one matrix .* not \(2, 8, 8\)"):
        transforms.golden_ratio_scoring(np.ones((2, 8, 8)))
    with pytest.raises(ValueError, match="Row 0 of matrix 0 has weight"):
        transforms.compute_fractal_dimension(np.full((8, 8), 0.125), support="causal")
    with pytest.raises(ValueError, match="sides 1 to 8, not 16"):
        transforms.compute_fractal_dimension(np.full((8, 8), 0.125), scales=[2, 4, 16])
    with pytest.raises(ValueError, match=r"not '1\.0\.0'"):
        transforms.compute_fractal_dimension(np.eye(8), method="1.0.0")  # type: ignore[arg-type]
