from __future__ import annotations

import numpy as np
import pytest

from faa_core.geometry import Support
from faa_core.geometry.correlation import correlation_dimension, information_codimension
from faa_core.geometry.renyi import renyi_dimensions
from faa_core.known.measures import BINOMIAL, cascade, cascade_dimension, uniform_causal


@pytest.mark.parametrize("n", [64, 100, 257])
def test_the_plane_has_correlation_dimension_two(n: int) -> None:
    result = correlation_dimension(np.ones((n, n)))
    assert float(result.value) == pytest.approx(2, abs=1e-12)
    assert float(result.difference) == pytest.approx(0, abs=1e-12)


def test_the_mass_around_a_cell_by_hand() -> None:
    x = np.random.default_rng(0).random((64, 64))
    result = correlation_dimension(x)
    assert result.scales.tolist() == [3, 5, 9, 11]
    p, reach = x / x.sum(), 5
    centre = range(reach, 64 - reach)
    boxes = np.array([[p[i - 1 : i + 2, j - 1 : j + 2].sum() for j in centre] for i in centre])
    inner = p[reach:-reach, reach:-reach]
    assert result.curve[0] == pytest.approx(np.log((inner * boxes).sum() / inner.sum()), abs=1e-12)


def test_a_line_has_correlation_dimension_one() -> None:
    assert float(correlation_dimension(np.eye(128)).value) == pytest.approx(1, abs=1e-12)


def test_shuffled_cascades() -> None:
    batch = np.stack([cascade(256, seed=s) for s in range(8)])
    errors = correlation_dimension(batch).effective - cascade_dimension(BINOMIAL, 2)
    assert np.sqrt((errors**2).mean()) < 0.05


def test_the_mask_does_not_enter() -> None:
    result = correlation_dimension(uniform_causal(256), "causal")
    assert float(result.value) == pytest.approx(2, abs=0.01)
    assert float(result.difference) == pytest.approx(0, abs=1e-12)


def test_statuses_of_correlation() -> None:
    nan = np.full((100, 100), np.nan)
    batch = correlation_dimension(np.stack([np.zeros((100, 100)), nan, np.ones((100, 100))]))
    assert batch.status.tolist() == ["empty", "non_finite", "ok"]
    assert str(correlation_dimension(np.ones((63, 63))).status) == "too_few_scales"
    window = Support.sliding(100, 4)
    assert str(correlation_dimension(window.uniform(), window).status) == "too_few_scales"


@pytest.mark.parametrize("n", [64, 100])
def test_unfolded_codimension_completes_the_information_dimension(n: int) -> None:
    x = np.stack([np.tril(cascade(n, seed=s)) for s in range(3)])
    codimension = information_codimension(x, "causal")
    dimension = renyi_dimensions(x, (1,), "causal").effective[:, 0]
    np.testing.assert_allclose(codimension.effective, 2 - dimension, atol=1e-12)


@pytest.mark.parametrize("unfold", [True, False])
def test_even_attention_has_codimension_zero(unfold: bool) -> None:
    result = information_codimension(uniform_causal(77), "causal", unfold=unfold)
    assert float(result.value) == pytest.approx(0, abs=1e-12)
    assert float(result.null) == 0


def test_statuses_of_codimension() -> None:
    nan = np.full((64, 64), np.nan)
    assert information_codimension(np.stack([np.zeros((64, 64)), nan])).status.tolist() == ["empty", "non_finite"]
    assert str(information_codimension(np.ones((20, 20))).status) == "too_few_scales"
