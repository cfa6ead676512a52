from __future__ import annotations

import pytest
import torch

from faa_core.geometry import Support


def test_causal_rows_see_themselves_and_all_before() -> None:
    assert Support.causal(3).mask().tolist() == [[True, False, False], [True, True, False], [True, True, True]]


def test_causal_with_cached_keys_shifts_the_diagonal() -> None:
    assert Support.causal(2, 4).lengths.tolist() == [3, 4]
    assert Support.causal(2, 4, offset=0).lengths.tolist() == [1, 2]


def test_sliding_window_counts_the_own_key() -> None:
    support = Support.sliding(5, 2)
    assert support.first.tolist() == [0, 0, 1, 2, 3]
    assert support.lengths.tolist() == [1, 2, 2, 2, 2]


@pytest.mark.parametrize(
    "support", [Support.full(3, 5), Support.causal(7), Support.sliding(9, 4), Support.causal(3, 6)], ids=str
)
def test_mask_round_trip(support: Support) -> None:
    again = Support.from_mask(support.mask())
    assert again.identity == support.identity
    assert Support.from_identity(support.identity).identity == support.identity


def test_padding_is_a_support() -> None:
    mask = torch.tensor([[False, False, False], [False, True, False], [False, True, True]])
    support = Support.from_mask(mask)
    assert support.lengths.tolist() == [0, 1, 2]
    assert torch.equal(support.mask(), mask)


def test_a_mask_with_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="row 1"):
        Support.from_mask(torch.tensor([[True, True, True], [True, False, True]]))


def test_an_interval_past_the_last_key_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves the 2 columns"):
        Support(torch.tensor([0]), torch.tensor([3]), 2)


def test_rows_are_the_support_of_a_strip() -> None:
    assert torch.equal(Support.sliding(9, 3).rows(4, 7).mask(), Support.sliding(9, 3).mask()[4:7])


def test_uniform_attention_is_even_over_visible_keys() -> None:
    uniform = Support.causal(4).uniform()
    assert uniform.dtype == torch.float32
    assert uniform[1].tolist() == [0.5, 0.5, 0, 0]
    assert torch.allclose(uniform.sum(1), torch.ones(4))
    padded = Support.from_mask(torch.tensor([[False, False], [True, True]]))
    assert padded.uniform().tolist() == [[0, 0], [0.5, 0.5]]
