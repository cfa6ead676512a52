from __future__ import annotations

import numpy as np
import pytest
import torch

from faa_core.geometry import Support
from faa_core.heads.coverage import coverage
from faa_core.heads.without_key import without_key

CAUSAL = torch.tensor([[1, 0, 0, 0], [0.75, 0.25, 0, 0], [0.96, 0.02, 0.02, 0], [0.2, 0.4, 0, 0.4]])


def test_rows_are_scaled_up_to_what_is_left() -> None:
    weights, support = without_key(CAUSAL, "causal")
    # Row 0 saw the first token alone, row 2 put all but .04 on it.
    expected = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 0, 0], [0.5, 0, 0.5]])
    torch.testing.assert_close(weights, expected)
    assert support.lengths.tolist() == [0, 1, 2, 3]
    assert support.keys == 3


def test_a_row_left_with_exactly_a_twentieth_is_kept() -> None:
    weights, _ = without_key(torch.tensor([[0.95, 0.05]]))
    assert weights.tolist() == [[1]]


def test_any_key_may_go() -> None:
    weights, support = without_key(CAUSAL, "causal", key=1)
    torch.testing.assert_close(weights[3], torch.tensor([1 / 3, 0, 2 / 3]))
    assert support.lengths.tolist() == [1, 1, 2, 3]
    window = without_key(Support.sliding(5, 2).uniform(), Support.sliding(5, 2), key=2)[1]
    assert window.first.tolist() == [0, 0, 1, 2, 2]
    assert window.stop.tolist() == [1, 2, 2, 3, 4]


def test_the_input_is_left_as_it_is() -> None:
    before = CAUSAL.clone()
    without_key(CAUSAL, "causal")
    assert torch.equal(before, CAUSAL)


def test_a_bad_head_stays_bad_and_spoils_no_other() -> None:
    heads = torch.stack((CAUSAL, CAUSAL))
    heads[1, 3, 0] = torch.nan
    weights, support = without_key(heads, "causal")
    found = coverage(weights, support)
    assert found.status.tolist() == ["ok", "non_finite"]
    assert np.isnan(found.keys[1]).all()
    torch.testing.assert_close(weights[0], without_key(CAUSAL, "causal")[0])


def test_the_shape_in_front_is_kept() -> None:
    weights, _ = without_key(CAUSAL.expand(2, 3, 4, 4), "causal")
    assert weights.shape == (2, 3, 4, 3)


@pytest.mark.parametrize("key", [-1, 4])
def test_a_key_that_is_not_there_is_refused(key: int) -> None:
    with pytest.raises(ValueError, match=f"no key {key} among 4"):
        without_key(CAUSAL, "causal", key)


def test_the_only_key_cannot_go() -> None:
    with pytest.raises(ValueError, match="one key"):
        without_key(torch.ones(3, 1))
