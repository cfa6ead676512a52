from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from faa_core.geometry import Support
from faa_core.geometry.renyi import renyi_dimensions
from faa_core.geometry.shuffle_moment import row_shuffle_moment
from faa_core.geometry.surrogates import RowShuffle, Streams

SUPPORTS = {
    "full": Support.full(48, 40),
    "causal": Support.causal(45),
    "sliding": Support.sliding(50, 37),
    "padded": Support(torch.tensor([0] * 5 + [5] * 45), torch.tensor([0] * 5 + [*range(6, 51)]), 51),
}


def _noise(support: Support, spread: float = 2.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    weights = (torch.randn(support.queries, support.keys, generator=generator, dtype=torch.float64) * spread).exp()
    weights = weights * support.mask()
    return weights / weights.sum(-1, keepdim=True).clamp(min=1e-300)


@pytest.mark.parametrize("unfold", [True, False])
@pytest.mark.parametrize("name", SUPPORTS)
def test_the_closed_form_is_the_mean_over_surrogates(name: str, unfold: bool) -> None:
    support = SUPPORTS[name]
    x = _noise(support)
    closed = row_shuffle_moment(x, support, unfold)
    drawn = RowShuffle(support)(x[None], Streams(0, range(400), range(1), x.device))[:, 0]
    simulated = np.exp(-renyi_dimensions(drawn, (2.0,), support, unfold).curve[:, 0])
    error = simulated.std(0, ddof=1) / np.sqrt(len(drawn))
    assert (np.abs(simulated.mean(0) - closed.moment) <= 4 * error + 1e-12).all()
    dimensions = renyi_dimensions(drawn, (2.0,), support, unfold).effective[:, 0]
    assert closed.dimension == pytest.approx(dimensions.mean(), abs=0.25 * dimensions.std())


def test_all_permutations_of_a_row_give_the_same_moment() -> None:
    """Eight equal rows of eight keys with one heavy key: every placement of it can be counted."""
    x = torch.full((8, 8), 1.0, dtype=torch.float64)
    x[:, 2] = 9.0
    closed = row_shuffle_moment(x)
    assert closed.boxes.tolist() == [2, 1]
    # Of the four rows of a band, k put their heavy key into the left half: mass 16 + 8 k there, 16 + 8 (4 - k) beside.
    expected = sum(
        (sum(placed) == k) * ((16 + 8 * k) ** 2 + (16 + 8 * (4 - k)) ** 2) / 16
        for placed in product((0, 1), repeat=4)
        for k in range(5)
    )
    assert closed.moment == pytest.approx([2 * expected / 128**2, 1], rel=1e-12)
    assert np.isnan(closed.dimension)


def test_even_attention_has_nothing_to_permute() -> None:
    support = Support.causal(64)
    moment = row_shuffle_moment(support.uniform().to(torch.float64), support)
    assert moment.moment == pytest.approx(1 / moment.boxes.astype(float) ** 2, rel=1e-12)
    assert moment.dimension == pytest.approx(2, abs=1e-12)


def test_a_batch_keeps_its_shape_and_undefined_heads_are_nan() -> None:
    x = torch.rand(2, 2, 32, 32, generator=torch.Generator().manual_seed(1))
    x[0, 1] = 0
    x[1, 0, 3, 4] = torch.nan
    result = row_shuffle_moment(x)
    assert result.dimension.shape == (2, 2)
    assert np.isnan(result.dimension).tolist() == [[False, True], [True, False]]
    assert row_shuffle_moment(x[1, 1]).dimension == pytest.approx(result.dimension[1, 1], rel=1e-12)
