from __future__ import annotations

import numpy as np
import pytest
import torch

from faa_core.geometry import Support
from faa_core.geometry.spectral import largest_square, spectral_slope, spectral_slope_of_field
from faa_core.known.surfaces import brownian_surface

HURST = (0.2, 0.35, 0.5, 0.65, 0.8)


@pytest.mark.parametrize(("n", "seeds", "tolerance"), [(128, 8, 0.13), (256, 5, 0.07)])
def test_brownian_surfaces(n: int, seeds: int, tolerance: float) -> None:
    fields = np.array([[brownian_surface(n, hurst, 10 * i + k) for k in range(seeds)] for i, hurst in enumerate(HURST)])
    result = spectral_slope_of_field(fields)
    errors = result.effective - (3 - np.array(HURST)[:, None])
    assert np.sqrt((errors**2).mean()) <= tolerance
    np.testing.assert_allclose(result.beta, 8 - 2 * result.effective)
    ok = result.status == "ok"
    assert ok.mean() > 0.6
    assert (np.abs(errors[ok]) < 1.96 * result.error[ok]).mean() >= 0.85


def test_a_plane_changes_nothing() -> None:
    g, axis = brownian_surface(100, 0.5, 0), np.arange(100)
    moved = 5 * (g + 2 * axis[:, None] - 3 * axis + 7)
    assert float(spectral_slope_of_field(moved).effective) == pytest.approx(
        float(spectral_slope_of_field(g).effective), abs=1e-9
    )


def test_noise_is_white() -> None:
    g = np.random.default_rng(0).normal(size=(256, 256))
    result = spectral_slope_of_field(g)
    assert str(result.status) == "white"
    assert float(result.beta) == pytest.approx(0, abs=0.3)


def test_the_largest_square() -> None:
    assert largest_square(Support.full(7, 5)) == (0, 0, 5)
    assert largest_square(Support.causal(8)) == (3, 0, 4)
    assert largest_square(Support.causal(9)) == (4, 0, 5)
    assert largest_square(Support.sliding(10, 4))[2] == 2
    nothing = torch.zeros(3, dtype=torch.int64)
    assert largest_square(Support(nothing, nothing, 3)) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_square_is_visible_and_no_larger_one_is(seed: int) -> None:
    random = np.random.default_rng(seed)
    first = random.integers(0, 6, 15)
    support = Support(torch.as_tensor(first), torch.as_tensor(first + random.integers(3, 10, 15)), 16)
    mask = support.mask().numpy()
    row, column, side = largest_square(support)
    assert mask[row : row + side, column : column + side].all()
    windows = np.lib.stride_tricks.sliding_window_view(mask, (side + 1, side + 1))
    assert not windows.all((-2, -1)).any()


def test_only_the_square_inside_of_a_causal_map_counts() -> None:
    g = np.tril(brownian_surface(256, 0.5, 0))
    causal = spectral_slope_of_field(g, "causal")
    assert causal.side == 128
    assert float(causal.effective) == float(spectral_slope_of_field(g[127:255, :128]).effective)


def test_attention_whose_logits_are_a_surface() -> None:
    logits = torch.as_tensor(brownian_surface(256, 0.5, 3)) / 8
    attention = torch.softmax(logits.masked_fill(~Support.causal(256).mask(), -torch.inf), -1)
    batch = spectral_slope(attention.expand(2, 3, 256, 256), "causal")
    assert batch.value.shape == batch.beta.shape == (2, 3)
    np.testing.assert_allclose(batch.effective, 2.5, atol=0.35)


def test_where_there_is_nothing_to_measure() -> None:
    assert str(spectral_slope(Support.causal(200).uniform(), "causal").status) == "degenerate"
    assert str(spectral_slope_of_field(np.ones((64, 64))).status) == "degenerate"
    assert str(spectral_slope_of_field(brownian_surface(126, 0.5, 0), "causal").status) == "too_few_scales"
    assert str(spectral_slope(np.ones((1, 1))).status) == "too_few_scales"
    assert str(spectral_slope(np.eye(64)).status) == "underflow"
    g = np.ones((64, 64))
    g[0, 0] = np.nan
    result = spectral_slope_of_field(g)
    assert str(result.status) == "non_finite"
    assert np.isnan(result.value)
    with pytest.raises(ValueError, match="batch of matrices"):
        spectral_slope_of_field(np.ones(3))
