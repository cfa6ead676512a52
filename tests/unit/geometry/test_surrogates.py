from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support
from faa_core.geometry.surrogates import RowRotation, RowShuffle, Streams, shuffled, uniform

CPU = torch.device("cpu")


def _attention(heads: int, support: Support, seed: int = 0) -> torch.Tensor:
    weights = torch.rand(heads, support.queries, support.keys, generator=torch.Generator().manual_seed(seed))
    return weights * support.mask()


@st.composite
def _supports(draw: st.DrawFn) -> Support:
    queries, keys = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    first = draw(st.lists(st.integers(0, keys), min_size=queries, max_size=queries))
    stop = [draw(st.integers(low, keys)) for low in first]
    return Support(torch.tensor(first), torch.tensor(stop), keys)


@pytest.mark.parametrize("surrogate", [RowShuffle, RowRotation])
@settings(max_examples=40, deadline=None)
@given(support=_supports())
def test_rows_keep_their_weights_inside_their_support(surrogate, support: Support) -> None:
    x = _attention(2, support)
    drawn = surrogate(support)(x, Streams(1, range(3), range(2), CPU))
    assert drawn.shape == (3, 2, support.queries, support.keys)
    assert torch.equal(drawn.sort(-1).values, x.sort(-1).values.expand_as(drawn))
    assert not drawn[..., ~support.mask()].any()


def test_every_permutation_of_a_row_is_equally_likely() -> None:
    x = torch.tensor([[[0.0, 0.1, 0.2, 0.7, 0.0]]])
    support = Support(torch.tensor([1]), torch.tensor([4]), 5)
    drawn = RowShuffle(support)(x, Streams(5, range(6000), range(1), CPU))
    counts = Counter(tuple(row) for row in drawn[:, 0, 0, 1:4].tolist())
    assert len(counts) == 6
    assert all(abs(count - 1000) < 5 * np.sqrt(1000 * 5 / 6) for count in counts.values())


def test_every_rotation_of_a_row_is_equally_likely_and_nothing_else_occurs() -> None:
    x = torch.tensor([[[0.0, 1.0, 2.0, 3.0, 4.0]]])
    support = Support(torch.tensor([1]), torch.tensor([5]), 5)
    drawn = RowRotation(support)(x, Streams(5, range(4000), range(1), CPU))
    counts = Counter(tuple(row) for row in drawn[:, 0, 0, 1:].tolist())
    assert set(counts) == {(1, 2, 3, 4), (2, 3, 4, 1), (3, 4, 1, 2), (4, 1, 2, 3)}
    assert all(abs(count - 1000) < 5 * np.sqrt(1000 * 3 / 4) for count in counts.values())


def test_rows_and_heads_are_shuffled_independently() -> None:
    x = torch.arange(64.0).expand(2, 64, 64)
    drawn = RowShuffle(Support.full(64, 64))(x, Streams(0, range(2), range(2), CPU)).reshape(-1, 64)
    assert len(torch.unique(drawn, dim=0)) == len(drawn)
    correlation = torch.corrcoef(drawn)
    correlation.fill_diagonal_(0)
    assert float(correlation.abs().max()) < 0.6
    assert abs(float(correlation.mean())) < 0.01


def test_a_surrogate_depends_on_seed_replicate_and_head_alone() -> None:
    support = Support.causal(50)
    x = _attention(4, support)
    together = RowShuffle(support)(x, Streams(7, range(5), range(4), CPU))
    alone = RowShuffle(support)(x[2:3], Streams(7, range(3, 4), range(2, 3), CPU))
    assert torch.equal(together[3, 2], alone[0, 0])
    assert not torch.equal(together[3, 2], RowShuffle(support)(x, Streams(8, range(5), range(4), CPU))[3, 2])


def test_a_bit_stream_goes_on_from_call_to_call() -> None:
    first, second = Streams(1, range(2), range(3), CPU), Streams(1, range(2), range(3), CPU)
    parts = torch.cat([first.bits(20), first.bits(30)], -1)
    assert torch.equal(parts, second.bits(50))
    assert bool((parts >= 0).all())
    assert len(torch.unique(parts)) == parts.numel()


def test_places_are_kept_apart() -> None:
    place = torch.tensor([0, 0, 1, 1, 1, 2]) << 61
    order = shuffled(Streams(2, range(200), range(1), CPU).bits(6), place)
    assert torch.equal(order.sort(-1).values, torch.arange(6).expand_as(order))
    assert set(order[..., :2].unique().tolist()) == {0, 1}
    assert set(order[..., 5].unique().tolist()) == {5}


def test_uniform_keeps_the_mass_of_rows() -> None:
    support = Support.causal(6)
    x = _attention(2, support) * 0.3
    even = uniform(x, support)
    assert torch.allclose(even.sum(-1), x.sum(-1))
    assert torch.allclose(even[1, 3, :4], x[1, 3].sum() / 4)
    assert not even[..., ~support.mask()].any()
