from __future__ import annotations

import numpy as np
import pytest
import torch

from faa_core.geometry.offsets import fit_offsets
from faa_core.geometry.scaling import (
    box_sizes,
    default_range,
    fit_counts,
    fit_line,
    fit_windows,
    set_error,
    size_regressor,
    systematic_error,
)
from faa_core.known.sets import percolation
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
    assert float(fit.error) == pytest.approx(1.2 / 16, abs=1e-12)
    assert float(fit.intercept) == pytest.approx(0, abs=1e-12)
    x = np.log([8.0, 4, 2, 1])
    assert float(fit_line(x, 1.3 * x, 0, 3, systematic_error(256)).error) == pytest.approx(0.095)


def test_sets_that_nearly_fill_the_plane_are_measured_better() -> None:
    np.testing.assert_allclose(set_error(400, np.array([1.0, 1.75, 2.0])), np.array([1.2, 0.6, 0.6]) / 20)


def test_the_error_adds_regression_and_window_spread() -> None:
    # Hand-made: five points of the fit (s = 2..32 at n = 128) with known residuals.
    n, sizes = 128, box_sizes(128, 128)
    counts = np.array([9000, 1783, 500, 147, 43, 12, 4, 1])
    fit = fit_counts(sizes, counts, n, n)
    x, y = size_regressor(sizes, n, n)[1:6], np.log(counts[1:6])
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
    windows = [np.polyfit(x[a:b], y[a:b], 1)[0] for a, b in ((0, 4), (1, 5), (0, 5))]
    spread = (np.quantile(windows, 0.95) - np.quantile(windows, 0.05)) / 3.29
    total = np.sqrt(covariance[0, 0] + spread**2 + 1.2**2 * max(2 - slope, 0.25) / n)
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


def test_a_measure_scales_where_its_curve_is_straight() -> None:
    x = np.log(2.0 ** np.arange(5, -1, -1))
    bend, wave = (x - x.mean()) ** 2, np.where(np.arange(6) % 2, 0.01, -0.01)
    # The slopes of the waves differ by 4 x 0.01 / ln 2 = 0.06, and by twice as much.
    additions = [0 * x, 0.019 * bend, 0.021 * bend, wave, 2 * wave]
    fit = fit_line(x, np.stack([1.5 * x + addition for addition in additions]), 0, 5, 0.0)
    assert [_status(code) for code in fit.status] == ["ok", "ok", "no_scaling", "ok", "no_scaling"]
    np.testing.assert_allclose(fit.effective[:3], 1.5, atol=1e-12)


def test_a_set_may_repeat_itself_at_every_other_size_but_not_bend() -> None:
    sizes = box_sizes(1024, 1024)
    x = size_regressor(sizes, 1024, 1024)
    # Counts that double and octuple in turn: the slopes 1 and 3 hide a power law of 2 over two octaves.
    twofold = np.exp(np.cumsum(np.where(np.arange(11) % 2, 1, 3) * np.log(2)))[::-1]
    bend = np.exp(1.5 * x + 0.05 * (x - x.mean()) ** 2)
    step = np.exp(1.5 * x + np.where(x > x.mean(), 0.3, -0.3))
    fit = fit_counts(sizes, np.stack([twofold, bend, step]), 1024, 1024)
    assert [_status(code) for code in fit.status] == ["ok", "no_scaling", "no_scaling"]


# How the verdict separates noise from sets of known dimension at lift 1. Gaussian logits, causal, by deviation.
@pytest.mark.parametrize("n", [64, 127, 128, 256, 512])
@pytest.mark.parametrize(("deviation", "verdict"), [(0.0, "ok"), (2.0, "no_scaling"), (3.0, "no_scaling")])
def test_noise_does_not_scale(n: int, deviation: float, verdict: str) -> None:
    logits = torch.randn(2, n, n, generator=torch.Generator().manual_seed(n)) * deviation
    mask = torch.ones(n, n).tril().bool()
    lift = torch.softmax(logits.masked_fill(~mask, -torch.inf), -1) * torch.arange(1, n + 1)[:, None]
    image = (lift > (1 if deviation else 0.5)) & mask
    counts = np.array([[int(level.sum()) for level in _levels(one)] for one in image])
    fit = fit_counts(box_sizes(n, n), counts, n, n)
    assert [_status(code) for code in fit.status] == [verdict] * 2


def _levels(image: torch.Tensor) -> list[torch.Tensor]:
    levels = [image]
    while levels[-1].numel() > 1:
        rows, columns = (side + side % 2 for side in levels[-1].shape)
        padded = torch.zeros(rows, columns, dtype=torch.bool)
        padded[: levels[-1].shape[0], : levels[-1].shape[1]] = levels[-1]
        levels.append(padded.view(rows // 2, 2, columns // 2, 2).any(3).any(1))
    return levels


@pytest.mark.parametrize("method", ["pyramid", "offsets"])
def test_intervals_hold_the_true_dimension(method: str) -> None:
    random = np.random.default_rng(20)
    covered = []
    for _ in range(110):
        n, base = int(random.integers(192, 257)), int(random.integers(2, 5))
        image, dimension = percolation(n, float(base ** (random.uniform(1.05, 1.95) - 2)), random, base)
        mask = torch.from_numpy(image)
        if method == "offsets":
            fit = fit_offsets(mask).fit
        else:
            fit = fit_counts(box_sizes(n, n), np.array([int(level.sum()) for level in _levels(mask)]), n, n)
        if _status(fit.status) == "ok":
            covered.append(abs(float(fit.value) - dimension) < 1.96 * float(fit.error))
    assert len(covered) > 60
    assert 0.91 <= np.mean(covered) <= 0.99


def test_the_median_of_windows_follows_the_straight_stretch() -> None:
    x = np.linspace(5, 0, 21)
    straight = 1.2 * x
    bent = straight + np.where(x < 1.5, 0.1 * (1.5 - x) ** 2, 0)
    random = straight + np.random.default_rng(0).normal(0, 0.02, 21)

    def fit(curves: np.ndarray):
        every = np.ones(curves.shape[:-1], bool)
        return fit_windows(x, curves, lambda _x, _y: every, lambda slope: np.zeros(slope.shape))

    result = fit(np.stack([straight, bent, random]))
    least_squares = np.polyfit(x, bent, 1)[0]
    assert result.value[0] == pytest.approx(1.2, abs=1e-12)
    assert result.error[0] == pytest.approx(0, abs=1e-9)
    assert abs(result.value[1] - 1.2) < 0.5 * abs(least_squares - 1.2)
    assert 0 < result.error[1] < result.error[2]
    assert np.isnan(fit(np.full(21, np.nan)).value)


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
