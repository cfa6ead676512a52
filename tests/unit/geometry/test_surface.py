from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support
from faa_core.geometry.surface import LAGS, SurfaceMethod, surface_dimension, surface_dimension_of_field
from faa_core.known.surfaces import brownian_surface

HURST = (0.2, 0.35, 0.5, 0.65, 0.8)


@cache
def _surfaces(n: int, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Surfaces [H, seeds, n, n] and their true dimensions [H, 1]."""
    fields = [[brownian_surface(n, hurst, 100 * i + k) for k in range(seeds)] for i, hurst in enumerate(HURST)]
    return np.array(fields), 3 - np.array(HURST)[:, None]


# --- surfaces of known dimension ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["madogram", "variogram"])
@pytest.mark.parametrize(("n", "seeds", "goal"), [(128, 20, 0.015), (256, 6, 0.006), (512, 2, 0.003)])
def test_brownian_surfaces(n: int, seeds: int, goal: float, method: SurfaceMethod) -> None:
    fields, truth = _surfaces(n, seeds)
    result = surface_dimension_of_field(fields, method=method)
    assert (result.status == "ok").all()
    assert np.sqrt(((result.value - truth) ** 2).mean()) <= goal
    for hurst in (result.row, result.column, result.diagonal):
        assert np.sqrt(((3 - hurst - truth) ** 2).mean()) <= 2 * goal


def test_a_large_brownian_surface() -> None:
    result = surface_dimension_of_field(brownian_surface(1024, 0.6, 5))
    assert abs(float(result.value) - 2.4) <= 0.005


@pytest.mark.parametrize("support", ["full", "causal"])
def test_intervals_cover_the_true_dimension(support: str) -> None:
    fields, truth = _surfaces(128, 20)
    result = surface_dimension_of_field(fields, "causal" if support == "causal" else "full")
    covered = np.abs(result.value - truth) < 1.96 * result.error
    assert 0.88 <= covered.mean() <= 0.995
    assert np.sqrt(((result.value - truth) ** 2).mean()) <= 0.02


def test_attention_whose_logits_are_a_surface_has_its_dimension() -> None:
    # The normalisation of a row is a constant along it: H along rows and the diagonal is that of the logits.
    n, mask = 256, Support.causal(256).mask()
    logits = torch.as_tensor(np.stack([brownian_surface(n, hurst, 3) for hurst in HURST])) / 8
    attention = torch.softmax(logits.masked_fill(~mask, -torch.inf), -1)
    result = surface_dimension(attention, "causal")
    expected = surface_dimension_of_field(logits, "causal")
    np.testing.assert_allclose(result.row, expected.row, atol=1e-6)
    np.testing.assert_allclose(result.effective, 3 - np.array(HURST), atol=0.05)
    assert np.isnan(result.null).all()
    assert np.isnan(result.difference).all()


# --- the estimator ------------------------------------------------------------------------------------------------


def test_variation_is_the_mean_of_the_second_differences() -> None:
    random = np.random.default_rng(0)
    g = random.normal(size=(70, 90))
    stop = np.sort(random.integers(20, 91, 70))
    mask = np.arange(90) < stop[:, None]
    support = Support.from_mask(torch.as_tensor(mask))
    result = surface_dimension_of_field(g, support, "variogram")
    inside = np.where(mask, g, np.nan)
    for k, h in enumerate(LAGS):
        rows = inside[:, 2 * h :] - 2 * inside[:, h:-h] + inside[:, : -2 * h]
        columns = inside[2 * h :] - 2 * inside[h:-h] + inside[: -2 * h]
        diagonal = inside[2 * h :, 2 * h :] - 2 * inside[h:-h, h:-h] + inside[: -2 * h, : -2 * h]
        expected = [np.nanmean(d**2) for d in (rows, columns, diagonal)]
        np.testing.assert_allclose(result.variation[:, k], expected, rtol=1e-12)


def test_the_weighted_slope_of_the_curve_is_the_exponent() -> None:
    result = surface_dimension_of_field(brownian_surface(128, 0.5, 0))
    slope, intercept = np.polyfit(result.regressor, result.curve, 1, w=1 / result.scales)
    assert float(result.value) == pytest.approx(slope, abs=1e-12)
    assert float(result.intercept) == pytest.approx(intercept, abs=1e-12)
    assert float(result.value) == pytest.approx(3 - (result.row + result.column + result.diagonal) / 3, abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 100), st.floats(-50, 50), st.floats(-3, 3), st.floats(-3, 3), st.integers(0, 5))
def test_scale_offset_and_planes_change_nothing(
    scale: float, offset: float, down: float, right: float, seed: int
) -> None:
    g = brownian_surface(64, 0.4, seed)
    axis = np.arange(64)
    moved = scale * (g + offset + down * axis[:, None] + right * axis)
    one, other = surface_dimension_of_field(g), surface_dimension_of_field(moved)
    assert float(one.effective) == pytest.approx(float(other.effective), abs=1e-9)
    assert str(one.status) == str(other.status)


def test_transposing_exchanges_rows_and_columns() -> None:
    g = brownian_surface(100, 0.6, 2) * np.linspace(1, 5, 100)
    one, other = surface_dimension_of_field(g), surface_dimension_of_field(g.T)
    assert float(one.row) == pytest.approx(float(other.column), abs=1e-12)
    assert float(one.effective) == pytest.approx(float(other.effective), abs=1e-12)


def test_anisotropy_is_reported() -> None:
    # Rows are independent of one another, keys of a row are a Brownian path.
    g = np.random.default_rng(1).normal(size=(256, 256)).cumsum(1)
    result = surface_dimension_of_field(g - g.mean(1, keepdims=True))
    assert float(result.row) == pytest.approx(0.5, abs=0.02)
    assert float(result.column) < 0.05


def test_a_batch_of_any_shape_and_precision() -> None:
    g = np.stack([brownian_surface(80, 0.5, seed) for seed in range(6)])
    flat = surface_dimension_of_field(g, "causal")
    batch = surface_dimension_of_field(torch.as_tensor(g.reshape(2, 3, 80, 80)), "causal")
    assert batch.variation.shape == (2, 3, 3, len(LAGS))
    assert batch.curve.shape == (2, 3, len(LAGS))
    np.testing.assert_array_equal(batch.effective.ravel(), flat.effective)
    single = surface_dimension_of_field(g[4].astype(np.float32), "causal")
    assert single.value.shape == single.status.shape == ()
    assert float(single.effective) == pytest.approx(flat.effective[4], abs=1e-5)


# --- where there is nothing to measure ------------------------------------------------------------------------------


def test_noise_is_white() -> None:
    g = np.random.default_rng(0).normal(size=(3, 256, 256))
    result = surface_dimension_of_field(g)
    assert result.status.tolist() == ["white"] * 3
    assert np.isnan(result.value).all()
    np.testing.assert_allclose(result.effective, 3, atol=0.02)


def test_independent_logits_are_white_attention() -> None:
    logits = torch.randn(256, 256, generator=torch.Generator().manual_seed(0))
    attention = torch.softmax(logits.masked_fill(~Support.causal(256).mask(), -torch.inf), -1)
    assert str(surface_dimension(attention, "causal").status) == "white"


def test_a_wave_is_smooth() -> None:
    axis = np.arange(200) / 40
    assert str(surface_dimension_of_field(np.sin(axis[:, None]) + np.cos(axis)).status) == "smooth"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [64, 77, 250])
def test_even_attention_and_planes_are_degenerate(n: int, dtype: type) -> None:
    even = Support.causal(n).uniform().numpy().astype(dtype)
    assert str(surface_dimension(even, "causal").status) == "degenerate"
    axis = np.arange(n)
    plane = (0.1 * axis[:, None] + 0.7 * axis).astype(dtype)
    assert str(surface_dimension_of_field(plane).status) == "degenerate"
    assert str(surface_dimension_of_field(np.ones((n, n), dtype)).status) == "degenerate"


def test_stripes_keep_the_exponent_that_they_have() -> None:
    path = np.random.default_rng(0).normal(size=4096).cumsum()[:256]
    result = surface_dimension_of_field(np.broadcast_to(path, (256, 256)).copy())
    assert str(result.status) == "degenerate"
    assert np.isnan(result.column)
    assert float(result.row) == pytest.approx(0.5, abs=0.15)


def test_a_surface_under_noise_does_not_scale() -> None:
    g = brownian_surface(256, 0.8, 1) + np.random.default_rng(0).normal(size=(256, 256))
    result = surface_dimension_of_field(g)
    assert str(result.status) == "no_scaling"
    assert np.isnan(result.value)
    assert np.isnan(result.error)
    assert 2.3 < float(result.effective) < 2.9


def test_attention_that_is_mostly_zero_underflows() -> None:
    random = np.random.default_rng(0)
    x = random.random((2, 64, 64))
    x[0] *= random.random((64, 64)) < 0.4
    x[1] *= random.random((64, 64)) < 0.6
    result = surface_dimension(x)
    assert str(result.status[0]) == "underflow"
    assert str(result.status[1]) != "underflow"


def test_small_maps_and_narrow_windows_have_too_few_scales() -> None:
    for field, support in [
        (np.eye(63), Support.full(63, 63)),
        (np.ones((1, 1)), Support.full(1, 1)),
        (brownian_surface(100, 0.5, 0), Support.sliding(100, 16)),
        (brownian_surface(100, 0.5, 0), Support(torch.zeros(100).long(), torch.zeros(100).long(), 100)),
    ]:
        result = surface_dimension_of_field(field, support)
        assert str(result.status) == "too_few_scales"
        assert np.isnan(result.value)
    window = surface_dimension_of_field(brownian_surface(200, 0.5, 0), Support.sliding(200, 48))
    assert float(window.value) == pytest.approx(2.5, abs=4 * float(window.error))


def test_fields_that_are_not_finite() -> None:
    g = np.stack([brownian_surface(64, 0.5, 0)] * 3)
    g[0, 5, 3] = np.nan
    g[1, 5, 60] = np.inf
    assert surface_dimension_of_field(g, "causal").status.tolist() == ["non_finite", "ok", "ok"]
    result = surface_dimension_of_field(g)
    assert result.status.tolist() == ["non_finite", "non_finite", "ok"]
    assert np.isnan(result.effective[:2]).all()


def test_without_the_sink() -> None:
    n = 96
    attention = torch.softmax(torch.as_tensor(brownian_surface(n, 0.5, 4)) / 4, -1)
    attention[:, 0] += 40
    first = torch.ones(n, dtype=torch.int64)
    rest = Support(first, torch.full((n,), n), n)
    attention_rest = attention.clone()
    attention_rest[:, 0] = 0
    alone = surface_dimension_of_field(attention[:, 1:].log())
    assert float(surface_dimension(attention_rest, rest).row) == pytest.approx(float(alone.row), abs=1e-9)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="madogram"):
        surface_dimension(np.ones((64, 64)), method="rodogram")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="batch of matrices"):
        surface_dimension_of_field(np.ones(5))
    with pytest.raises(ValueError, match="negative"):
        surface_dimension(-np.ones((64, 64)))
    with pytest.raises(ValueError, match="support is"):
        surface_dimension_of_field(np.ones((64, 64)), Support.full(64, 65))
