from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from faa_core.geometry import Support
from faa_core.records import LayerResult

Measure = Callable[..., LayerResult]


def test_means_of_a_causal_map_by_hand(measure: Measure) -> None:
    weights = torch.tensor(
        [[1, 0, 0, 0, 0], [0.75, 0.25, 0, 0, 0], [0.5, 0.25, 0.25, 0, 0], [0, 0, 1, 0, 0], [0.125, 0.125, 0.25, 0, 0.5]]
    )
    profile = measure(weights[None]).distance
    assert profile is not None
    assert profile.start.tolist() == [0, 1, 2, 4]
    # Distances 0 (five pairs), 1 (four), 2 and 3 (three and two), 4 (one).
    assert profile.mean[0].tolist() == [np.float32(mean) for mean in (2 / 5, 2 / 4, 0.875 / 5, 0.125)]
    even = np.zeros(5)
    for row in range(5):
        even[: row + 1] += 1 / (row + 1)  # a causal row gives as much to each distance that it has
    assert profile.null == pytest.approx([even[0] / 5, even[1] / 4, (even[2] + even[3]) / 5, even[4]], rel=1e-6)


def test_encoder_maps_go_by_the_absolute_distance(measure: Measure) -> None:
    weights = torch.tensor([[0.5, 0.25, 0.25], [0.125, 0.5, 0.375], [0.75, 0.125, 0.125]])
    profile = measure(weights[None], Support.full(3, 3), kind="encoder").distance
    assert profile is not None
    assert profile.mean[0].tolist() == pytest.approx([1.125 / 3, (0.25 + 0.375 + 0.125 + 0.125) / 4, 1 / 2])
    assert profile.null.tolist() == pytest.approx([1 / 3] * 3)


def test_cross_attention_has_no_distances(measure: Measure) -> None:
    assert measure(torch.full((1, 3, 5), 0.2), Support.full(3, 5), kind="cross").distance is None


@pytest.mark.parametrize(
    "support", [Support.causal(300), Support.sliding(300, 70), Support.full(300, 300), Support.causal(130, 300)]
)
@pytest.mark.parametrize("cuts", [(), (64,), (64, 128)])
def test_strips_give_the_explicit_means(measure: Measure, support: Support, cuts: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(1)
    mask = support.mask()
    logits = torch.randn(2, *mask.shape, generator=generator)
    weights = torch.softmax(logits.masked_fill(~mask, -torch.inf), -1)
    profile = measure(weights, support, cuts=cuts).distance
    assert profile is not None
    gap = (torch.arange(support.queries)[:, None] - torch.arange(support.keys)).abs()
    ends = [*profile.start[1:].tolist(), 10**6]
    for at, (start, end) in enumerate(zip(profile.start.tolist(), ends, strict=True)):
        pairs = mask & (gap >= start) & (gap < end)
        expected = weights.double()[:, pairs].mean(1)
        np.testing.assert_allclose(profile.mean[:, at], expected.numpy(), rtol=1e-5)
    assert int(gap[mask].max()) < 2 * max(1, int(profile.start[-1]))  # no bin beyond the last pair


def test_a_window_ends_the_profile_and_a_head_that_is_no_attention_has_none(measure: Measure) -> None:
    support = Support.sliding(64, 4)
    weights = support.rows(0, 64).uniform("cpu")[None].repeat(2, 1, 1)
    weights[1, 3, 2] = float("nan")
    profile = measure(weights, support).distance
    assert profile is not None
    assert profile.start.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(profile.mean[0], profile.null)
    assert np.isnan(profile.mean[1]).all()
