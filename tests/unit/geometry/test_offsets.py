from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry.offsets import (
    aligned_counts,
    fit_offsets,
    mean_counts,
    minimum_counts,
    offset_regressor,
    offset_sizes,
)
from faa_core.geometry.pyramid import max_pyramid
from faa_core.records import STATUSES

KnownSet = Callable[[str, int], tuple[np.ndarray, float]]


def _placements(image: torch.Tensor, size: int) -> torch.Tensor:
    """Box counts of every placement of the grid, [size, size], one by one."""
    n, m = image.shape
    counts = torch.zeros(size, size, dtype=torch.int64)
    for i in range(size):
        for j in range(size):
            rows, columns = (-(-(side + shift) // size) * size for side, shift in ((n, i), (m, j)))
            padded = torch.zeros(rows, columns, dtype=torch.bool)
            padded[i : i + n, j : j + m] = image
            counts[i, j] = padded.view(rows // size, size, columns // size, size).any(3).any(1).sum()
    return counts


def test_counts_of_one_cell_and_of_two_by_hand() -> None:
    sizes = np.array([1, 2, 3, 5])
    images = torch.zeros(2, 9, 9, dtype=torch.bool)
    images[:, 4, 4] = True
    images[1, 4, 5] = True
    # One box holds the cell wherever the grid lies. A pair side by side is cut by one placement in s.
    np.testing.assert_allclose(mean_counts(images, sizes), [[1, 1, 1, 1], 1 + 1 / sizes], rtol=0, atol=1e-15)
    assert minimum_counts(images, sizes).tolist() == [[1, 1, 1, 1], [2, 1, 1, 1]]


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 40),
    m=st.integers(1, 40),
    density=st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    sizes=st.sets(st.integers(1, 12), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_means_and_minima_over_all_placements(n: int, m: int, density: float, sizes: set[int], seed: int) -> None:
    image = torch.rand(n, m, generator=torch.Generator().manual_seed(seed)) < density
    sides = np.array(sorted(sizes))
    placements = [_placements(image, size) for size in sides.tolist()]
    means = [float(counts.double().mean()) for counts in placements]
    np.testing.assert_allclose(mean_counts(image, sides), means, rtol=1e-14)
    least = minimum_counts(image, sides)
    for size, count, counts in zip(sides.tolist(), least.tolist(), placements, strict=True):
        # Up to a side of 8 every placement is among the 8 x 8.
        assert count == int(counts.min()) if size <= 8 else count >= int(counts.min())


def test_rows_beyond_what_one_byte_adds_up() -> None:
    image = torch.ones(1, 600, 70, dtype=torch.bool)
    sizes = np.array([1, 4, 9])
    np.testing.assert_allclose(mean_counts(image, sizes), [(599 + sizes) * (69 + sizes) / sizes**2], rtol=1e-15)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (27, 27), (50, 31), (128, 128)])
def test_aligned_counts(n: int, m: int) -> None:
    image = torch.rand(3, n, m, generator=torch.Generator().manual_seed(0)) < 0.05
    pyramid = [level.sum((1, 2)).tolist() for level in max_pyramid(image.int())]
    assert aligned_counts(image, 2).T.tolist() == pyramid
    full = aligned_counts(torch.ones(n, m, dtype=torch.bool), 3)
    assert full.tolist() == [-(-n // 3**k) * -(-m // 3**k) for k in range(len(full))]
    assert full[-1] == 1


@pytest.mark.parametrize(("side", "largest"), [(191, None), (192, 24), (256, 29), (1024, 114)])
def test_sizes_run_from_three_tokens_to_an_eighth(side: int, largest: int | None) -> None:
    sizes = offset_sizes(side, side + 10)
    assert sizes.tolist() == [] if largest is None else (sizes[0], sizes[-1]) == (3, largest)
    assert (np.diff(sizes) > 0).all()


@pytest.mark.parametrize("shape", [(192, 192), (250, 250), (200, 333)])
def test_a_full_map_has_slope_two_and_a_line_slope_one(shape: tuple[int, int]) -> None:
    images = torch.zeros(2, *shape, dtype=torch.bool)
    images[0] = True
    images[1, shape[0] // 2] = True
    result = fit_offsets(images)
    assert abs(result.fit.value[0] - 2) < 1e-12
    if shape[0] == shape[1]:
        assert abs(result.fit.value[1] - 1) < 1e-12
    x = offset_regressor(result.sizes, *shape)
    np.testing.assert_allclose(np.log(result.counts[0]), 2 * x, atol=1e-12)
    np.testing.assert_allclose(result.fit.local_slopes[0], 2, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "n", "base"),
    [("sierpinski", 256, 2), ("sierpinski", 512, 2), ("cantor", 243, 3), ("carpet", 243, 3), ("vicsek", 729, 3)],
)
def test_a_set_on_its_own_grid_is_exact(name: str, n: int, base: int, known_set: KnownSet) -> None:
    image, dimension = known_set(name, n)
    result = fit_offsets(torch.from_numpy(image))
    assert abs(float(result.fit.value) - dimension) < 1e-12
    assert int(result.aligned) == base


def test_off_its_grid_a_set_is_within_its_error(known_set: KnownSet) -> None:
    for name in ("cantor", "carpet", "vicsek", "koch"):
        image, dimension = known_set(name, 300)
        result = fit_offsets(torch.from_numpy(image))
        assert STATUSES[int(result.fit.status)] == "ok"
        assert int(result.aligned) == 0
        assert abs(float(result.fit.value) - dimension) < 1.96 * float(result.fit.error)


def test_where_a_set_lies_does_not_matter(known_set: KnownSet) -> None:
    image, _ = known_set("carpet", 243)
    canvas = torch.zeros(4, 400, 400, dtype=torch.bool)
    for part, (row, column) in zip(canvas, [(0, 0), (1, 2), (157, 157), (50, 97)], strict=True):
        part[row : row + 243, column : column + 243] = torch.from_numpy(image)
    counts = mean_counts(canvas, offset_sizes(400, 400))
    np.testing.assert_array_equal(counts, np.broadcast_to(counts[0], counts.shape))


def test_statuses() -> None:
    n = 256
    images = torch.zeros(4, n, n, dtype=torch.bool)
    images[1, 100, 7] = True
    images[2] = torch.rand(n, n, generator=torch.Generator().manual_seed(0)) < 0.01
    images[3] = torch.ones(n, n).tril().bool()
    result = fit_offsets(images)
    assert [STATUSES[code] for code in result.fit.status] == ["empty", "degenerate", "no_scaling", "ok"]
    assert result.fit.value[1] == 0
    assert np.isnan(result.fit.value[[0, 2]]).all()
    assert np.isnan(result.fit.error[[0, 2]]).all()
    assert np.isfinite(result.fit.effective[1:]).all()
    short = fit_offsets(images[:, :100])
    assert {STATUSES[code] for code in short.fit.status} == {"too_few_scales"}
    assert np.isnan(short.fit.value).all()
    assert short.counts.shape == (4, 0)


def test_batches_equal_single_images() -> None:
    images = torch.rand(5, 200, 210, generator=torch.Generator().manual_seed(1)) < 0.2
    batch = fit_offsets(images.view(5, 1, 200, 210))
    for one, image in enumerate(images):
        single = fit_offsets(image)
        np.testing.assert_array_equal(single.counts, batch.counts[one, 0])
        assert float(single.fit.effective) == pytest.approx(float(batch.fit.effective[one, 0]), abs=1e-14)
