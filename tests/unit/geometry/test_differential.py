from __future__ import annotations

import numpy as np
import pytest
import torch

from faa_core.geometry import Support
from faa_core.geometry.differential import (
    box_range_dimension,
    box_range_dimension_of_field,
    differential_box_dimension,
    differential_box_dimension_of_field,
)
from faa_core.known.surfaces import brownian_surface

HURST = (0.2, 0.35, 0.5, 0.65, 0.8)


def _grey(g: np.ndarray) -> np.ndarray:
    return 255 * (g - g.min((-2, -1), keepdims=True)) / np.ptp(g, axis=(-2, -1), keepdims=True)


@pytest.mark.parametrize(("n", "seeds"), [(128, 10), (256, 6)])
def test_the_bias_is_the_one_that_is_printed(n: int, seeds: int) -> None:
    fields = np.array([[brownian_surface(n, hurst, 10 * i + k) for k in range(seeds)] for i, hurst in enumerate(HURST)])
    truth = 3 - np.array(HURST)[:, None]
    cubes, ranges = differential_box_dimension_of_field(_grey(fields)), box_range_dimension_of_field(fields)
    assert (cubes.effective - truth).mean() == pytest.approx(cubes.bias, abs=0.02)
    assert (ranges.effective - truth).mean() == pytest.approx(ranges.bias, abs=0.02)
    assert np.isnan(cubes.value[cubes.status != "ok"]).all()


def test_cubes_are_counted_as_in_the_definition() -> None:
    n = 64
    g = np.random.default_rng(0).integers(0, 256, (n, n))
    result = differential_box_dimension_of_field(g)
    for k, s in enumerate(result.scales.astype(int)):
        if not 2 <= s <= n // 4:
            continue
        boxes = g.reshape(n // s, s, n // s, s)
        height = s * 256 / n
        cubes = np.ceil((boxes.max((1, 3)) + 1) / height) - np.ceil((boxes.min((1, 3)) + 1) / height) + 1
        assert result.curve[k] == pytest.approx(np.log(cubes.sum() / n**2), abs=1e-12)


def test_the_range_is_taken_over_boxes_that_share_their_edges() -> None:
    n = 65
    g = np.random.default_rng(0).normal(size=(n, n))
    result = box_range_dimension_of_field(g)
    for k, s in ((1, 2), (3, 8)):
        starts = range(0, n - s, s)
        ranges = [np.ptp(g[i : i + s + 1, j : j + s + 1]) for i in starts for j in starts]
        assert result.curve[k] == pytest.approx(np.log(np.mean(ranges)) - 3 * np.log(s), abs=1e-12)


def test_a_plane_has_dimension_two() -> None:
    axis = np.arange(129.0)
    plane = box_range_dimension_of_field(axis[:, None] + 2 * axis)
    assert float(plane.value) == pytest.approx(2, abs=1e-12)
    assert str(plane.status) == "ok"


def test_attention_is_measured_on_a_fixed_scale() -> None:
    # Grey level 0 is a lift of 2^-24, 255 all weight of a row on one of its 64 keys: 30 octaves.
    n = 64
    logits = torch.randn(n, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    attention = torch.softmax(logits, -1)
    grey = 255 * (torch.log2(attention * n) + 24) / 30
    one, other = differential_box_dimension(attention), differential_box_dimension_of_field(grey)
    np.testing.assert_allclose(one.curve, other.curve, atol=1e-12)


@pytest.mark.parametrize("cubes", [True, False])
def test_only_boxes_that_are_wholly_visible_count(cubes: bool) -> None:
    measure = differential_box_dimension_of_field if cubes else box_range_dimension_of_field
    g = _grey(brownian_surface(128, 0.5, 0))
    spoiled = np.where(np.tril(np.ones((128, 128), bool)), g, 1e6)
    causal = measure(spoiled, "causal")
    np.testing.assert_array_equal(causal.curve, measure(g, "causal").curve)
    assert float(causal.effective) == pytest.approx(float(measure(g).effective), abs=0.15)
    batch = measure(np.broadcast_to(g, (2, 3, 128, 128)).copy(), "causal")
    assert batch.effective.shape == (2, 3)
    np.testing.assert_array_equal(batch.effective, np.full((2, 3), float(causal.effective)))


@pytest.mark.parametrize("measure", [differential_box_dimension, box_range_dimension])
def test_where_there_is_nothing_to_measure(measure: type) -> None:
    assert str(measure(Support.causal(100).uniform(), "causal").status) == "degenerate"
    assert str(measure(np.ones((64, 64))).status) == "degenerate"
    assert str(measure(np.eye(64)).status) == "underflow"
    for small in (np.ones((1, 1)), np.ones((1, 80)), np.ones((40, 40))):
        assert str(measure(small).status) == "too_few_scales"
    # No box of 16 tokens to the side fits into a window of 12.
    window = Support.sliding(100, 12)
    noise = torch.rand(100, 100, generator=torch.Generator().manual_seed(0)) * window.mask()
    assert str(measure(noise, window).status) == "too_few_scales"
    nan = np.ones((64, 64))
    nan[1, 1] = np.nan
    result = measure(nan)
    assert str(result.status) == "non_finite"
    assert np.isnan(result.effective)
    with pytest.raises(ValueError, match="negative"):
        measure(-np.ones((64, 64)))
