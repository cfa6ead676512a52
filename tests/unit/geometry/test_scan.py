from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from faa_core.geometry import Support, box_dimension
from faa_core.geometry.box_counter import THRESHOLDS, Grid
from faa_core.geometry.scan import ORDERS, box_counts, power_sums, scan


def test_even_mass_by_hand() -> None:
    sums = power_sums(torch.ones(4, 4))
    boxes, mass = np.array([16.0, 4, 1]), np.array([1.0, 4, 16])
    expected = [boxes * (mass * np.log(mass) if q == 1 else mass**q) for q in ORDERS]
    np.testing.assert_allclose(sums, expected, rtol=1e-6)


def test_empty_boxes_add_nothing() -> None:
    x = torch.zeros(5, 3)
    x[4, 2] = 2.0
    one = [math.sqrt(2), 2 * math.log(2), 4, 8, 32]
    np.testing.assert_allclose(power_sums(x), np.repeat(np.array(one)[:, None], 4, 1), rtol=1e-6)
    assert (power_sums(torch.zeros(5, 3)) == 0).all()


def test_counts_are_those_of_each_threshold() -> None:
    support = Support.causal(100)
    logits = 2 * torch.randn(2, 100, 100, generator=torch.Generator().manual_seed(0))
    x = torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1)
    counts = box_counts(x, support.lengths)
    for t, threshold in enumerate(THRESHOLDS):
        np.testing.assert_array_equal(counts[:, t], box_dimension(x, support, float(threshold)).counts)
    wide = box_counts(x, support.lengths, Grid(-40, 23))
    assert wide.shape == (2, 64, 8)
    np.testing.assert_array_equal(wide[:, 28:53], counts)


def test_one_reading_tells_both() -> None:
    x = torch.rand(2, 3, 65, 40, generator=torch.Generator().manual_seed(1))
    lengths = torch.full((65,), 40)
    both = scan(x, lengths)
    assert both.counts.shape == (2, 3, 25, 8)
    assert both.sums.shape == (2, 3, 5, 8)
    np.testing.assert_array_equal(both.counts, box_counts(x, lengths))
    np.testing.assert_allclose(both.sums, power_sums(x), rtol=1e-12)


def test_power_sums_are_those_of_the_masses() -> None:
    x = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(2))
    sums = power_sums(x)[0]
    for level in range(7):
        side = 1 << level
        mass = x[0].double().view(64 // side, side, 64 // side, side).sum((1, 3))
        exact = [float((mass.log() * mass if q == 1 else mass**q).sum()) for q in ORDERS]
        np.testing.assert_allclose(sums[:, level], exact, rtol=1e-6 if level == 0 else 1e-13)


def test_what_is_no_float32_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match=r"float64 \(2, 2\)"):
        power_sums(torch.ones(2, 2, dtype=torch.float64))
    with pytest.raises(ValueError, match="n, m >= 1"):
        power_sums(torch.ones(0, 2))
