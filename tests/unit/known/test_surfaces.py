from __future__ import annotations

import numpy as np
import pytest

from faa_core.known.surfaces import brownian_surface


@pytest.mark.parametrize("hurst", [0.2, 0.5, 0.75, 0.8, 0.95])
def test_increments_have_the_variance_of_the_law_at_every_distance(hurst: float) -> None:
    surfaces = np.stack([brownian_surface(33, hurst, seed) for seed in range(400)])
    for row, column in [(0, 1), (1, 1), (5, 12), (0, 32), (32, 32)]:
        squares = (surfaces[:, row, column] - surfaces[:, 0, 0]) ** 2
        ratio = squares.mean() / np.hypot(row, column) ** (2 * hurst)
        assert abs(ratio - 1) < 5 * np.sqrt(2 / 400)


def test_a_seed_is_a_surface() -> None:
    np.testing.assert_array_equal(brownian_surface(20, 0.4, 7), brownian_surface(20, 0.4, 7))
    assert np.abs(brownian_surface(20, 0.4, 7) - brownian_surface(20, 0.4, 8)).max() > 0.1
    assert brownian_surface(20, 0.4, 7).shape == (20, 20)
    assert brownian_surface(20, 0.4, 7)[0, 0] == 0


@pytest.mark.parametrize("hurst", [0.0, 1.0, -0.3, float("nan")])
def test_exponents_outside_of_the_law_are_refused(hurst: float) -> None:
    with pytest.raises(ValueError, match="Hurst exponent"):
        brownian_surface(16, hurst, 0)


def test_a_point_is_no_surface() -> None:
    with pytest.raises(ValueError, match="side of at least 2, not 1"):
        brownian_surface(1, 0.5, 0)
