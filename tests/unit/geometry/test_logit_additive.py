from __future__ import annotations

import numpy as np
import pytest
import torch

from faa_core.geometry import Support
from faa_core.geometry.logit_additive import FLOOR, logit_additive
from faa_core.geometry.matrices import matrices_of
from faa_core.geometry.surrogates import Streams

CPU = torch.device("cpu")
SUPPORTS = [
    Support.full(13, 13),
    Support.full(9, 14),
    Support.causal(17),
    Support.causal(6, 10),
    Support.sliding(20, 5),
]


def _noise(heads: int, support: Support, effects: torch.Tensor | float = 0.0, spread: float = 1.0) -> torch.Tensor:
    noise = torch.randn(
        heads, support.queries, support.keys, generator=torch.Generator().manual_seed(4), dtype=torch.float64
    )
    return (noise * spread + effects).masked_fill(~support.mask(), -torch.inf).softmax(-1)


def _additive(support: Support) -> torch.Tensor:
    random = torch.Generator().manual_seed(9)
    n, m = support.queries, support.keys
    column = torch.randn(m, generator=random, dtype=torch.float64)
    diagonal = torch.randn(n + m - 1, generator=random, dtype=torch.float64)
    return column + diagonal[torch.arange(m) - torch.arange(n)[:, None] + n - 1]


@pytest.mark.parametrize("support", SUPPORTS, ids=str)
def test_effects_of_query_key_and_distance_leave_no_residual(support: Support) -> None:
    fit = logit_additive(matrices_of(_noise(1, support, _additive(support), spread=0.0), support))
    assert float(fit.residual.abs().max()) < 1e-8
    surrogate = fit.surrogates(Streams(0, range(1), range(1), CPU))[0, 0]
    assert torch.allclose(surrogate, _noise(1, support, _additive(support), spread=0.0)[0], atol=1e-8)
    assert torch.allclose(fit.residual_field()[0], support.uniform().double(), atol=1e-7)


@pytest.mark.parametrize("support", SUPPORTS, ids=str)
def test_residuals_sum_to_zero_along_rows_columns_and_diagonals(support: Support) -> None:
    residual = logit_additive(matrices_of(_noise(2, support, _additive(support)), support)).residual
    n, m = support.queries, support.keys
    diagonals = torch.stack([residual.diagonal(k, -2, -1).sum(-1) for k in range(1 - n, m)])
    assert float(residual.sum(-1).abs().max()) < 1e-8
    assert float(residual.sum(-2).abs().max()) < 1e-8
    assert float(diagonals.abs().max()) < 1e-8
    assert not residual[:, ~support.mask()].any()


def test_the_fit_is_the_least_squares_fit() -> None:
    support = Support.causal(7)
    x = _noise(1, support)
    inside = support.mask().flatten()
    row, key = (index.flatten() for index in torch.meshgrid(torch.arange(7), torch.arange(7), indexing="ij"))
    design = torch.cat([torch.eye(7)[row], torch.eye(7)[key], torch.eye(13)[row - key + 6]], 1)[inside].double()
    logits = (x[0] * support.lengths[:, None]).flatten()[inside].log()
    solution = np.linalg.lstsq(design.numpy(), logits.numpy(), rcond=None)[0]
    expected = logits.numpy() - design.numpy() @ solution
    assert logit_additive(matrices_of(x, support)).residual[0].flatten()[inside].numpy() == pytest.approx(expected)


def test_surrogates_keep_row_sums_support_and_effects() -> None:
    support = Support.causal(32)
    effects = 3.0 * (torch.arange(32) == 0)
    x = _noise(3, support, effects) * torch.linspace(0.2, 1, 32)[:, None]
    fit = logit_additive(matrices_of(x, support))
    drawn = fit.surrogates(Streams(0, range(50), range(3), CPU))
    assert drawn.shape == (50, 3, 32, 32)
    assert torch.allclose(drawn.sum(-1), x.sum(-1).expand(50, 3, 32))
    assert not drawn[..., ~support.mask()].any()
    # The sink survives; the noise on the other keys does not.
    assert float(drawn[..., 8:, 0].mean()) == pytest.approx(float(x[..., 8:, 0].mean()), rel=0.1)
    assert float(torch.corrcoef(torch.stack([x[0, 16:, 1:16].flatten(), drawn[0, 0, 16:, 1:16].flatten()]))[0, 1]) < 0.6


def test_residuals_change_places_within_an_octave_only() -> None:
    """A residual that is large at large distances alone is large there in every surrogate."""
    support = Support.full(32, 32)
    distance = (torch.arange(32)[:, None] - torch.arange(32)).abs()
    x = _noise(1, support, spread=1.0)
    near = distance < 8
    calm = torch.where(near, 0.01, 1.0) * x.log()
    fit = logit_additive(matrices_of(calm.softmax(-1), support))
    drawn = fit.surrogates(Streams(3, range(20), range(1), CPU))[:, 0]
    rough = logit_additive(matrices_of(drawn, support)).residual
    inner = near & (torch.arange(32) > 0)
    assert float(rough[:, inner].std()) < 0.6 * float(rough[:, ~near].std())


def test_zeros_count_as_the_floor() -> None:
    support = Support.full(8, 8)
    x = torch.full((1, 8, 8), 0.25)
    x[..., ::2] = 0
    fit = logit_additive(matrices_of(x, support))
    assert fit.floored.tolist() == [0.5]
    assert torch.allclose(fit.fitted[0, :, 0] - fit.fitted[0, :, 1], torch.full((8,), np.log(FLOOR / 2)), atol=1e-4)


def test_rows_that_see_nothing_stay_empty() -> None:
    support = Support(torch.tensor([0, 2, 2, 2]), torch.tensor([0, 3, 4, 5]), 5)
    x = support.uniform()[None]
    fit = logit_additive(matrices_of(x, support))
    assert torch.allclose(fit.surrogates(Streams(0, range(2), range(1), CPU)), x.expand(2, 1, 4, 5), atol=1e-6)
    assert torch.allclose(fit.residual_field(), x, atol=1e-6)
