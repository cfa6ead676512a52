from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.known.sets import GENERATORS, SETS, known_set, koch, percolation, random_generator, self_similar


@pytest.mark.parametrize(
    ("name", "dimension"),
    [
        ("square", 2),
        ("line", 1),
        ("diagonal", 1),
        ("causal", 2),
        ("cantor", 1.26186),
        ("sierpinski", 1.58496),
        ("carpet", 1.89279),
        ("vicsek", 1.46497),
        ("koch", 1.26186),
    ],
)
def test_dimensions(name: str, dimension: float) -> None:
    image, true = known_set(name, 81)
    assert true == pytest.approx(dimension, abs=1e-5)
    assert image.shape == (81, 81)
    assert image.dtype == bool
    assert image.any()


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_natural_side_has_the_exact_prefractal(name: str, steps: int) -> None:
    generator = GENERATORS[name]
    expected = generator
    for _ in range(steps - 1):
        expected = np.kron(expected, generator)
    np.testing.assert_array_equal(known_set(name, len(generator) ** steps).image, expected)


def test_a_carpet_by_hand() -> None:
    assert known_set("carpet", 3).image.astype(int).tolist() == [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
    # Two pixels to three cells: every pixel overlaps one that is on.
    assert known_set("carpet", 2).image.all()
    assert known_set("line", 5).image.nonzero()[0].tolist() == [2] * 5


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("n", [7, 50, 100])
def test_another_side_has_every_pixel_that_overlaps_the_set(name: str, n: int) -> None:
    generator = GENERATORS[name]
    base = len(generator)
    steps = next(k for k in range(20) if base**k >= 4 * n)
    fine, expected = known_set(name, base**steps).image, np.zeros((n, n), bool)
    for row, column in np.argwhere(fine).tolist():
        rows = slice(row * n // len(fine), ((row + 1) * n - 1) // len(fine) + 1)
        columns = slice(column * n // len(fine), ((column + 1) * n - 1) // len(fine) + 1)
        expected[rows, columns] = True
    np.testing.assert_array_equal(known_set(name, n).image, expected)


@pytest.mark.parametrize("n", [64, 243, 500])
def test_koch_is_one_unbroken_curve_over_the_whole_width(n: int) -> None:
    image = koch(n).image
    assert image.any(0).all()
    # Its height is sqrt(3) / 6 of its width.
    assert np.nonzero(image.any(1))[0].max() == pytest.approx(n * np.sqrt(3) / 6, abs=1)
    start = np.zeros_like(image)
    start[tuple(np.argwhere(image)[0])] = True
    while True:
        padded = np.pad(start, 1)
        grown = np.logical_or.reduce([padded[i : i + n, j : j + n] for i in range(3) for j in range(3)]) & image
        if (grown == start).all():
            break
        start = grown
    np.testing.assert_array_equal(start, image)


@pytest.mark.parametrize(("base", "p", "n"), [(2, 0.7, 64), (3, 0.6, 81), (4, 0.5, 64)])
def test_percolation_has_the_mean_number_of_cells_of_its_branching(base: int, p: float, n: int) -> None:
    random = np.random.default_rng(3)
    k = percolation(n, p, random, base)
    assert k.dimension == pytest.approx(2 + np.log(p) / np.log(base))
    cells = [percolation(n, p, random, base).image.sum() for _ in range(200)]
    steps = round(np.log(n) / np.log(base))
    # Those that died out are drawn again; at these p they are few, and they only raise the mean.
    assert np.mean(cells) == pytest.approx((base * base * p) ** steps, rel=0.15)


def test_percolation_is_drawn_from_its_generator_alone() -> None:
    one, same, other = (percolation(100, 0.8, np.random.default_rng(seed), 3).image for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert percolation(50, 1.0, np.random.default_rng(0)).image.all()


@settings(max_examples=30, deadline=None)
@given(base=st.integers(2, 5), data=st.data(), seed=st.integers(0, 99))
def test_random_generators_keep_as_many_cells_as_asked(base: int, data: st.DataObject, seed: int) -> None:
    kept = data.draw(st.integers(1, base * base))
    generator = random_generator(base, kept, np.random.default_rng(seed))
    assert generator.shape == (base, base)
    assert generator.sum() == kept
    image, dimension = self_similar(generator, base**2)
    assert image.sum() == kept**2
    assert dimension == pytest.approx(np.log(kept) / np.log(base))


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(SETS), n=st.integers(1, 90))
def test_every_side_has_a_raster_that_is_not_empty(name: str, n: int) -> None:
    image = known_set(name, n).image
    assert image.shape == (n, n)
    assert image.any()


def test_what_is_no_set_is_refused() -> None:
    with pytest.raises(ValueError, match='not "dragon"'):
        known_set("dragon", 10)
    with pytest.raises(ValueError, match="kept cell"):
        self_similar(np.zeros((3, 3), bool), 9)
    with pytest.raises(ValueError, match="kept cell"):
        self_similar(np.ones((2, 3), bool), 9)
    with pytest.raises(ValueError, match=r"not 0\.2"):
        percolation(16, 0.2, np.random.default_rng(0))
