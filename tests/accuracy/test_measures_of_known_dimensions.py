"""Renyi dimensions: the goals of the accuracy study, with sizes and orders of their own."""

from __future__ import annotations

import numpy as np
import pytest

from faa_core.geometry.renyi import renyi_dimensions
from faa_core.geometry.spectrum import singularity_spectrum
from faa_core.known.measures import (
    BINOMIAL,
    TRINOMIAL,
    cascade,
    cascade_dimension,
    cascade_spectrum,
    cascade_strength,
    uniform_causal,
)

ORDERS = (-5.0, -2.5, -1.0, 0.0, 0.5, 1.0, 1.7, 2.0, 3.0, 5.0)
LOPSIDED = np.array([[0.55, 0.05], [0.15, 0.25]])


@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize(
    ("generator", "n"),
    [(BINOMIAL, 256), (BINOMIAL, 512), (BINOMIAL, 1024), (LOPSIDED, 64), (TRINOMIAL, 243), (TRINOMIAL, 729)],
)
def test_a_cascade_on_its_own_grid_is_exact(generator: np.ndarray, n: int, seed: int | None) -> None:
    result = renyi_dimensions(cascade(n, generator, seed), ORDERS, unfold=False)
    np.testing.assert_allclose(result.effective, [cascade_dimension(generator, q) for q in ORDERS], atol=1e-12)
    assert (result.status == "ok").all()


@pytest.mark.parametrize("seed", [None, 6])
@pytest.mark.parametrize(
    ("generator", "n"), [(BINOMIAL, 256), (LOPSIDED, 512), (BINOMIAL, 1024), (TRINOMIAL, 243), (TRINOMIAL, 729)]
)
def test_the_spectrum_of_a_cascade_on_its_own_grid_is_exact(generator: np.ndarray, n: int, seed: int | None) -> None:
    result = singularity_spectrum(cascade(n, generator, seed), ORDERS, unfold=False)
    np.testing.assert_allclose(result.alpha.effective, [cascade_strength(generator, q) for q in ORDERS], atol=1e-12)
    np.testing.assert_allclose(result.f.effective, [cascade_spectrum(generator, q) for q in ORDERS], atol=1e-12)


@pytest.mark.parametrize("n", [32, 33, 47, 64, 100, 243, 511, 729, 1024])
def test_uniform_causal_attention_is_a_plane_once_unfolded(n: int) -> None:
    result = renyi_dimensions(uniform_causal(n), np.arange(0, 10.25, 0.25), "causal")
    assert np.abs(result.effective - 2).max() <= 1e-9


# The goal is 0.03 from 50 tokens on; sides below 100 miss it at q = 3 and 5.
@pytest.mark.parametrize(
    ("n", "bound"), [(50, 0.04), (60, 0.04), (90, 0.035), (130, 0.03), (250, 0.03), (333, 0.03), (600, 0.03)]
)
def test_a_cascade_off_its_grid(n: int, bound: float) -> None:
    orders = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0)
    result = renyi_dimensions(cascade(n), orders, unfold=False)
    errors = result.effective - [cascade_dimension(BINOMIAL, q) for q in orders]
    assert np.abs(errors).max() <= bound
