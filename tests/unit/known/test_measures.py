from __future__ import annotations

import numpy as np
import pytest

from faa_core.known.measures import (
    BINOMIAL,
    TRINOMIAL,
    cascade,
    cascade_dimension,
    cascade_spectrum,
    cascade_strength,
    resample,
    sink,
    uniform_causal,
)


def test_a_cascade_is_its_generator_inside_its_generator() -> None:
    np.testing.assert_allclose(cascade(2), BINOMIAL)
    np.testing.assert_allclose(cascade(4)[:2, :2], 0.4 * BINOMIAL)
    np.testing.assert_allclose(cascade(9, TRINOMIAL), np.kron(TRINOMIAL, TRINOMIAL))


@pytest.mark.parametrize("n", [1, 7, 50, 64])
@pytest.mark.parametrize("seed", [None, 3])
def test_every_cascade_has_mass_one(n: int, seed: int | None) -> None:
    measure = cascade(n, seed=seed)
    assert measure.shape == (n, n)
    assert (measure > 0).all()
    assert measure.sum() == pytest.approx(1, abs=1e-12)


def test_shuffling_moves_shares_but_keeps_them() -> None:
    shuffled = cascade(64, seed=0)
    np.testing.assert_allclose(np.sort(shuffled, None), np.sort(cascade(64), None))
    assert not np.allclose(shuffled, cascade(64))
    np.testing.assert_array_equal(shuffled, cascade(64, seed=0))


def test_resampling_divides_by_area() -> None:
    np.testing.assert_allclose(
        resample(np.array([[1.0, 0.0], [0.0, 0.0]]), 3), [[4, 2, 0], [2, 1, 0], [0, 0, 0]] / np.float64(9)
    )


def test_closed_forms() -> None:
    assert cascade_dimension(BINOMIAL, 0) == pytest.approx(2)
    assert cascade_dimension(BINOMIAL, 2) == pytest.approx(-np.log2(0.3))
    assert cascade_dimension(BINOMIAL, np.inf) == pytest.approx(-np.log2(0.4))
    assert cascade_dimension(BINOMIAL, 1 + 1e-7) == pytest.approx(cascade_dimension(BINOMIAL, 1), abs=1e-6)
    # Where q is 1, f, alpha and D_1 meet; f is the Legendre transform of (q - 1) D_q elsewhere.
    assert cascade_spectrum(TRINOMIAL, 1) == pytest.approx(cascade_dimension(TRINOMIAL, 1))
    for q in (-2.0, 0.0, 3.0):
        legendre = q * cascade_strength(BINOMIAL, q) - (q - 1) * cascade_dimension(BINOMIAL, q)
        assert cascade_spectrum(BINOMIAL, q) == pytest.approx(legendre)


def test_rows_of_attention_sum_to_one() -> None:
    np.testing.assert_allclose(uniform_causal(9).sum(1), 1)
    np.testing.assert_allclose(sink(9, 0.6).sum(1), 1)
    assert sink(9, 0.6)[8, 0] == pytest.approx(0.6 + 0.4 / 9)


@pytest.mark.parametrize("generator", [[[1.0]], [[0.5, 0.5]], [[0.5, 0.6], [0.0, 0.0]], [[1.5, -0.5], [0, 0]]])
def test_what_is_no_generator_is_refused(generator: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="generator"):
        cascade(8, generator)


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="side"):
        cascade(0)
    with pytest.raises(ValueError, match="sink"):
        sink(4, 1.5)
