from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from faa_core.geometry import Support, box_dimension
from faa_core.geometry.box_counter import THRESHOLDS, UNIT
from faa_core.geometry.box_counting import threshold_curve
from faa_core.geometry.pyramid import ALIGN

KnownSet = Callable[[str, int], tuple[np.ndarray, float]]


def _attention(heads: int, support: Support, sharpness: float, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(heads, support.queries, support.keys, generator=generator) * sharpness
    return torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1)


# --- sets of known dimension --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [64, 77, 100, 243, 250, 512, 729])
def test_square_line_and_diagonal_are_exact(n: int) -> None:
    line = np.zeros((n, n))
    line[n // 2] = 1
    result = box_dimension(np.stack([np.ones((n, n)), line, line.T, np.eye(n)]))
    np.testing.assert_allclose(result.value, [2, 1, 1, 1], atol=1e-12)
    assert (result.status == "ok").all()
    np.testing.assert_allclose(result.null, 2, atol=1e-12)


@pytest.mark.parametrize("n", [64, 128, 256, 512, 1024])
def test_sierpinski_triangle_is_exact_on_its_own_grid(n: int, known_set: KnownSet) -> None:
    image, dimension = known_set("sierpinski", n)
    assert abs(float(box_dimension(image).value) - dimension) < 1e-12


@pytest.mark.parametrize("n", [64, 100, 128, 250, 512])
def test_a_set_that_fills_the_causal_triangle_differs_by_nothing(n: int) -> None:
    full = box_dimension(np.tril(np.ones((n, n), bool)), "causal")
    assert float(full.difference) == 0.0
    uniform = box_dimension(Support.causal(n).uniform(), "causal", threshold=0.5)
    assert float(uniform.difference) == 0.0
    assert uniform.counts.tolist() == uniform.null_counts.tolist()


def test_the_null_is_the_finite_size_value_of_the_mask() -> None:
    # Bare causal support, whose limit is 2, at n = 128, 256, 512.
    null = [float(box_dimension(Support.causal(n).uniform(), "causal").null) for n in (128, 256, 512)]
    assert null == pytest.approx([1.928, 1.942, 1.952], abs=5e-4)


# Signed errors of zero-padded dyadic boxes off the natural grid: known properties of the estimator, not tolerances.
@pytest.mark.parametrize(("name", "error"), [("cantor", 0.130), ("carpet", 0.021), ("vicsek", 0.029), ("koch", 0.034)])
def test_errors_of_other_sets_at_512(name: str, error: float, known_set: KnownSet) -> None:
    image, dimension = known_set(name, 512)
    assert float(box_dimension(image).effective) - dimension == pytest.approx(error, abs=0.01)


def test_errors_over_sizes_and_sets(known_set: KnownSet) -> None:
    names = ("cantor", "sierpinski", "carpet", "vicsek", "koch")
    pairs = [known_set(name, n) for n in (243, 256, 512, 729) for name in names]
    errors = np.array([float(box_dimension(image).effective) - dimension for image, dimension in pairs])
    assert np.sqrt((errors**2).mean()) < 0.07
    assert np.abs(errors).max() < 0.15


def test_percolation(percolation: Callable[[int, float, np.random.Generator], np.ndarray]) -> None:
    random = np.random.default_rng(1)
    keep = np.tile([0.6, 0.7, 0.8, 0.9], 6)
    images = np.stack([percolation(256, p, random) for p in keep])
    result = box_dimension(images)
    errors = result.effective - (2 + np.log2(keep))
    assert np.sqrt((errors**2).mean()) < 0.05
    covered = np.abs(errors) < 1.96 * result.error
    assert covered[result.status == "ok"].mean() >= 0.9


# --- the public function ------------------------------------------------------------------------------------------


def test_an_image_of_numbers_is_measured_as_a_set(known_set: KnownSet) -> None:
    image, _ = known_set("carpet", 243)
    assert box_dimension(image.astype(np.float32)).counts.tolist() == box_dimension(image).counts.tolist()
    assert box_dimension(image.astype(int)).counts.tolist() == box_dimension(image).counts.tolist()


def test_arrays_and_tensors_of_any_batch_shape() -> None:
    a = _attention(6, Support.causal(128), 1.0, 0)
    flat = box_dimension(a, "causal")
    batch = box_dimension(a.numpy().reshape(2, 3, 128, 128), "causal")
    assert batch.value.shape == batch.status.shape == (2, 3)
    assert batch.counts.shape == (2, 3, 8)
    np.testing.assert_array_equal(batch.effective.ravel(), flat.effective)


def test_statuses_of_matrices_without_a_dimension() -> None:
    one = np.zeros((64, 64))
    one[3, 3] = 1
    nan = np.ones((64, 64))
    nan[5, 5] = np.nan
    result = box_dimension(np.stack([np.zeros((64, 64)), one, nan, np.ones((64, 64))]))
    assert result.status.tolist() == ["empty", "degenerate", "non_finite", "ok"]
    assert np.isnan(result.value[[0, 2]]).all()
    assert result.value[1] == 0
    assert str(box_dimension(np.ones((1, 1))).status) == "too_few_scales"


def test_even_attention_is_empty_above_its_own_share() -> None:
    assert str(box_dimension(Support.causal(100).uniform(), "causal").status) == "empty"


def test_a_window_of_noise_does_not_scale() -> None:
    n = 1024
    generator = torch.Generator().manual_seed(0)
    support = Support.sliding(n, 32)
    noise = torch.randn(n, n, generator=generator).masked_fill(~support.mask(), -torch.inf)
    result = box_dimension(torch.softmax(noise, -1), "causal")
    assert str(result.status) == "no_scaling"
    assert np.isnan(result.value)
    assert 1.2 < float(result.effective) < 1.8


def test_masked_keys_change_nothing() -> None:
    a = _attention(1, Support.causal(100), 1.5, 3)[0]
    wider = torch.zeros(100, 100 + 28)
    wider[:, :100] = a
    support = Support(torch.zeros(100, dtype=torch.int64), torch.arange(1, 101), 128)
    narrow, wide = box_dimension(a, "causal"), box_dimension(wider, support)
    assert narrow.counts.tolist() == wide.counts.tolist()


# --- all placements of the grid -----------------------------------------------------------------------------------


def test_offsets_halve_the_error_off_the_grid(known_set: KnownSet) -> None:
    pairs = [known_set(name, n) for n in (256, 300, 512) for name in ("cantor", "carpet", "vicsek", "koch")]
    errors = {
        method: np.array([float(box_dimension(image, method=method).effective) - true for image, true in pairs])
        for method in ("pyramid", "offsets")
    }
    rms = {method: np.sqrt((error**2).mean()) for method, error in errors.items()}
    assert rms["offsets"] < 0.045
    assert rms["offsets"] < 0.7 * rms["pyramid"]


def test_offsets_of_attention_beside_their_null() -> None:
    support = Support.causal(200)
    a = _attention(3, support, 1.0, 0)
    result = box_dimension(a.reshape(3, 1, 200, 200).numpy(), "causal", method="offsets")
    assert result.value.shape == result.aligned.shape == (3, 1)
    assert result.counts.shape == result.curve.shape == (3, 1, len(result.scales))
    assert result.scales[[0, -1]].tolist() == [3, 24]
    np.testing.assert_allclose(np.exp(result.curve), result.counts)
    single = box_dimension(support.mask(), method="offsets")
    np.testing.assert_array_equal(result.null, float(single.effective))
    np.testing.assert_array_equal(result.null_counts, single.counts)
    np.testing.assert_array_equal(result.difference, result.effective - result.null)
    assert (result.difference < 0).all()


@pytest.mark.parametrize("support", [Support.causal(200), Support.sliding(250, 40), Support.full(192, 300)])
def test_a_full_support_differs_by_nothing_with_offsets(support: Support) -> None:
    result = box_dimension(support.uniform().double(), support, threshold=0.5, method="offsets")
    assert float(result.difference) == 0.0
    assert result.counts.tolist() == result.null_counts.tolist()


def test_statuses_with_offsets() -> None:
    x = np.zeros((4, 200, 200))
    x[1, 5, 5] = 1
    x[2, 0, 0] = np.inf
    x[3] = 1
    result = box_dimension(x, method="offsets")
    assert result.status.tolist() == ["empty", "degenerate", "non_finite", "ok"]
    assert result.value[1] == 0
    assert abs(result.value[3] - 2) < 1e-12
    assert str(box_dimension(np.ones((100, 100)), method="offsets").status) == "too_few_scales"


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match='not "sandbox"'):
        box_dimension(np.ones((64, 64)), method="sandbox")


# --- all thresholds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [100, 2 * ALIGN + 1])
def test_every_threshold_equals_a_measurement_of_its_own(n: int) -> None:
    a = _attention(4, Support.causal(n), 1.5, 2).reshape(2, 2, n, n)
    curve = threshold_curve(a, "causal")
    assert curve.value.shape == curve.status.shape == (2, 2, len(THRESHOLDS))
    assert curve.counts.shape[:-1] == (2, 2, len(THRESHOLDS))
    for t, threshold in enumerate(THRESHOLDS.tolist()):
        alone = box_dimension(a, "causal", threshold)
        np.testing.assert_array_equal(curve.value[..., t], alone.value)
        np.testing.assert_array_equal(curve.effective[..., t], alone.effective)
        np.testing.assert_array_equal(curve.difference[..., t], alone.difference)
        np.testing.assert_array_equal(curve.status[..., t], alone.status)
        np.testing.assert_array_equal(curve.counts[..., t, 1:], alone.counts[..., 1:])
        np.testing.assert_array_equal(curve.null_counts, alone.null_counts)
    assert np.isfinite(curve.counts[..., UNIT, 0]).all()
    assert np.isnan(curve.counts[..., UNIT + 1, 0]).all()


def test_even_attention_fills_its_support_below_lift_one_and_nothing_above() -> None:
    n = 150
    nan = torch.full((n, n), torch.nan)
    curve = threshold_curve(torch.stack([Support.causal(n).uniform(), nan]), "causal")
    assert (curve.difference[0, :UNIT] == 0).all()
    assert (curve.status[0, UNIT + 1 :] == "empty").all()
    assert (curve.status[1] == "non_finite").all()
    assert np.isnan(curve.value[1]).all()


@pytest.mark.parametrize("shape", [(3,), (0, 4)])
def test_shapes_that_are_no_matrices_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="batch of matrices"):
        box_dimension(np.ones(shape))
    with pytest.raises(ValueError, match="support is"):
        box_dimension(np.ones((4, 4)), Support.full(4, 5))


@settings(max_examples=25, deadline=None)
@given(hnp.arrays(np.bool_, st.tuples(st.integers(64, 140), st.integers(64, 140)), fill=st.booleans()))
def test_dimensions_lie_between_nothing_and_the_plane(image: np.ndarray) -> None:
    result = box_dimension(image)
    if str(result.status) == "empty":
        assert not image.any()
    else:
        assert -1e-9 <= float(result.effective) <= 2 + 1e-9
    assert (np.diff(result.counts) <= 0).all()
