"""Surface dimensions: the goals of the accuracy study, with seeds of their own."""

from __future__ import annotations

import numpy as np
import pytest

from faa_core.geometry.surface import surface_dimension_of_field
from faa_core.known.surfaces import brownian_surface


@pytest.mark.parametrize(("n", "draws", "goal"), [(128, 8, 0.015), (256, 4, 0.006), (512, 2, 0.003)])
def test_brownian_surfaces(n: int, draws: int, goal: float) -> None:
    errors = [
        float(surface_dimension_of_field(brownian_surface(n, hurst, 900 + draw)).effective) - (3 - hurst)
        for hurst in (0.2, 0.35, 0.5, 0.65, 0.8)
        for draw in range(draws)
    ]
    # The root of a mean over few draws is itself uncertain: by one over the root of twice their number.
    assert np.sqrt(np.mean(np.square(errors))) <= goal * (1 + 1 / np.sqrt(2 * len(errors)))
