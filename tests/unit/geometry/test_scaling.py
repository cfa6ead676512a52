from __future__ import annotations

import numpy as np
import pytest

from faa_core.geometry.scaling import box_sizes, default_range, fit_counts, size_regressor, systematic_error
from faa_core.records import STATUSES


def _status(code: np.ndarray) -> str:
    return STATUSES[int(code)]


def test_sizes_run_from_one_cell_to_the_whole_map() -> None:
    assert box_sizes(5, 5).tolist() == [1, 2, 4, 8]
    assert box_sizes(3, 16).tolist() == [1, 2, 4, 8, 16]
    assert box_sizes(1, 1).tolist() == [1]


@pytest.mark.parametrize("shape", [(64, 64), (77, 77), (250, 250), (100, 300)])
def test_every_full_map_has_slope_two(shape: tuple[int, int]) -> None:
    sizes = box_sizes(*shape)
    counts = np.prod([-(-side // sizes) for side in shape], axis=0)
    fit = fit_counts(sizes, counts, *shape)
    assert abs(float(fit.value) - 2) < 1e-12
    np.testing.assert_allclose(fit.local_slopes, 2, atol=1e-12)


@pytest.mark.parametrize(("side", "sizes"), [(63, None), (64, (2, 16)), (127, (2, 16)), (512, (2, 128))])
def test_the_range_is_two_tokens_to_a_quarter(side: int, sizes: tuple[int, int] | None) -> None:
    every = box_sizes(side, side)
    first, last = default_range(every, side)
    assert (first, last) == (0, -1) if sizes is None else (every[first], every[last]) == sizes


def test_an_exact_power_law_has_only_the_systematic_error() -> None:
    sizes = box_sizes(256, 256)
    fit = fit_counts(sizes, 256 // sizes, 256, 256)
    assert float(fit.value) == pytest.approx(1, abs=1e-12)
    assert float(fit.error) == pytest.approx(systematic_error(256), abs=1e-12)
    assert float(fit.intercept) == pytest.approx(0, abs=1e-12)
    assert systematic_error(256) == pytest.approx(0.095)


def test_the_error_adds_regression_and_window_spread() -> None:
    # Hand-made: five points of the fit (s = 2..32 at n = 128) with known residuals.
    n, sizes = 128, box_sizes(128, 128)
    counts = np.array([9000, 1783, 500, 147, 43, 12, 4, 1])
    fit = fit_counts(sizes, counts, n, n)
    x, y = size_regressor(sizes, n, n)[1:6], np.log(counts[1:6])
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
    windows = [np.polyfit(x[a:b], y[a:b], 1)[0] for a, b in ((0, 4), (1, 5), (0, 5))]
    spread = (np.quantile(windows, 0.95) - np.quantile(windows, 0.05)) / 3.29
    total = np.sqrt(covariance[0, 0] + spread**2 + systematic_error(n) ** 2)
    assert float(fit.effective) == pytest.approx(slope, abs=1e-12)
    assert float(fit.intercept) == pytest.approx(intercept, abs=1e-12)
    assert float(fit.error) == pytest.approx(total, abs=1e-12)


def test_statuses() -> None:
    sizes = box_sizes(256, 256)
    m = 256 // sizes
    counts = np.stack([m**2, 0 * m, m**0, np.where(sizes <= 8, 32 * m, m**2)])
    fit = fit_counts(sizes, counts, 256, 256)
    assert [_status(code) for code in fit.status] == ["ok", "empty", "degenerate", "no_scaling"]
    assert fit.value[2] == 0
    assert np.isnan(fit.value[[1, 3]]).all()
    assert np.isnan(fit.error[[1, 3]]).all()
    assert 1 < fit.effective[3] < 2
    assert fit.first.tolist() == [1, 0, 1, 1]
    assert fit.last.tolist() == [6, -1, 6, 6]


def test_a_short_map_has_no_dimension() -> None:
    sizes = box_sizes(20, 20)
    fit = fit_counts(sizes, (-(-20 // sizes)) ** 2, 20, 20)
    assert _status(fit.status) == "too_few_scales"
    assert np.isnan(fit.value)
    assert np.isnan(fit.effective)
    assert (int(fit.first), int(fit.last)) == (0, -1)
    np.testing.assert_allclose(fit.local_slopes, 2, atol=1e-12)


def test_batches_equal_single_fits_to_the_last_bit() -> None:
    sizes = box_sizes(500, 500)
    random = np.random.default_rng(0)
    counts = np.sort(random.integers(1, 10_000, (4, 5, len(sizes))), axis=-1)[..., ::-1]
    batch = fit_counts(sizes, counts, 500, 500)
    for index in np.ndindex(4, 5):
        assert fit_counts(sizes, counts[index], 500, 500).effective == batch.effective[index]
