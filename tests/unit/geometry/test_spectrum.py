from __future__ import annotations

import numpy as np
import pytest

from faa_core.geometry import Support
from faa_core.geometry.renyi import renyi_dimensions
from faa_core.geometry.spectrum import singularity_spectrum
from faa_core.known.measures import BINOMIAL, TRINOMIAL, cascade, cascade_spectrum, cascade_strength

ORDERS = np.arange(-5.0, 6.0)


@pytest.mark.parametrize(("n", "generator"), [(256, BINOMIAL), (729, TRINOMIAL)])
def test_cascades_on_their_own_grid_are_exact(n: int, generator: np.ndarray) -> None:
    result = singularity_spectrum(cascade(n, generator), ORDERS, unfold=False)
    strengths = [cascade_strength(generator, q) for q in ORDERS]
    np.testing.assert_allclose(result.alpha.value, strengths, atol=1e-11)
    np.testing.assert_allclose(result.f.value, [cascade_spectrum(generator, q) for q in ORDERS], atol=1e-11)
    assert float(result.width) == pytest.approx(strengths[5] - strengths[10])
    assert str(result.status) == "ok"


def test_even_attention_is_one_point() -> None:
    support = Support.causal(300)
    result = singularity_spectrum(support.uniform(), support=support)
    for of in (result.alpha, result.f):
        np.testing.assert_allclose(of.value, 2, atol=1e-9)
        np.testing.assert_allclose(of.null, 2, atol=1e-12)
    assert float(result.width) == pytest.approx(0, abs=1e-9)


def test_strength_and_dimension_meet_in_the_information_dimension() -> None:
    x = cascade(300, seed=1)
    result = singularity_spectrum(x, (0, 1))
    dimension = renyi_dimensions(x, (0, 1)).effective
    np.testing.assert_allclose(result.f.effective, dimension, atol=1e-10)
    assert result.alpha.effective[1] == pytest.approx(dimension[1], abs=1e-10)


def test_statuses() -> None:
    short = singularity_spectrum(cascade(128))
    assert str(short.status) == "too_few_scales"
    assert np.isnan(short.alpha.value).all()
    assert np.isnan(short.width)
    nan = np.full((256, 256), np.nan)
    batch = singularity_spectrum(np.stack([np.zeros((256, 256)), nan, cascade(256)]))
    assert batch.status.tolist() == ["empty", "non_finite", "ok"]
    negative = singularity_spectrum(np.eye(256), (-1, 0, 1))
    assert negative.f.status.tolist() == negative.alpha.status.tolist() == ["negative_q_undefined", "ok", "ok"]
    assert str(singularity_spectrum(cascade(256), (1,)).status) == "not_measured"
    with pytest.raises(ValueError, match="finite"):
        singularity_spectrum(cascade(256), (np.inf,))
