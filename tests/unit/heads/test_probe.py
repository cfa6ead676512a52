from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support
from faa_core.heads.probe import ProbeMeter, probe_scores, repeat_sequences

LENGTH = 20


def _looks_back(back: int, offset: int, length: int = LENGTH) -> torch.Tensor:
    """One head: the second copy looks ``back`` tokens back, everything else at the first token."""
    n = offset + 2 * length
    a = torch.zeros(1, n, n)
    a[:, : n - length, 0] = 1
    row = torch.arange(n - length, n)
    a[:, row, row - back] = 1
    return a


# --- texts --------------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(
    length=st.integers(2, 30), draws=st.integers(1, 5), seed=st.integers(0, 9), bos=st.sampled_from([None, 0, 3, 99])
)
def test_a_text_is_a_sequence_of_ordinary_tokens_twice(length: int, draws: int, seed: int, bos: int | None) -> None:
    special = {0, 7, 39}
    texts = repeat_sequences(40, special, bos, length, draws, seed)
    assert texts.dtype == np.int64
    assert texts.shape == (draws, 2 * length + (bos is not None))
    if bos is not None:
        assert (texts[:, 0] == bos).all()
        texts = texts[:, 1:]
    np.testing.assert_array_equal(texts[:, :length], texts[:, length:])
    for text in texts[:, :length]:
        assert len(set(text)) == length
        assert not set(text) & (special | {bos})
        assert text.min() >= 0
        assert text.max() < 40


def test_texts_follow_from_the_seed() -> None:
    one, again, other = (repeat_sequences(1000, (), 1, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert one.shape == (4, 101)
    assert (one[0] != one[1]).any()


def test_every_ordinary_token_can_be_drawn() -> None:
    assert set(repeat_sequences(10, (2,), 0, length=8)[0, 1:9]) == {1, 3, 4, 5, 6, 7, 8, 9}


def test_too_few_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="50 different tokens cannot be drawn from 47"):
        repeat_sequences(50, (0, 1), 2)
    with pytest.raises(ValueError, match="at least one draw"):
        repeat_sequences(500, (), 2, draws=0)
    with pytest.raises(ValueError, match="at least one draw of 2"):
        repeat_sequences(500, (), 2, length=1)


# --- scores -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0, 1])
def test_a_perfect_induction_head_scores_one(offset: int) -> None:
    found = probe_scores(_looks_back(LENGTH - 1, offset), LENGTH, offset)
    assert found.induction.value.tolist() == [1]
    assert found.duplicate.value.tolist() == [0]
    assert found.induction_without_first.value.tolist() == [1]
    assert (found.draws, found.length) == (1, LENGTH)


@pytest.mark.parametrize("offset", [0, 1])
def test_a_perfect_duplicate_head_scores_one(offset: int) -> None:
    found = probe_scores(_looks_back(LENGTH, offset), LENGTH, offset)
    assert found.duplicate.value.tolist() == [1]
    assert found.induction.value.tolist() == [0]
    assert found.duplicate_without_first.value.tolist() == [1]


@pytest.mark.parametrize("offset", [0, 1])
def test_even_attention_is_its_own_null(offset: int) -> None:
    support = Support.causal(offset + 2 * LENGTH)
    found = probe_scores(support.uniform()[None], LENGTH, offset)
    rows = np.arange(offset + LENGTH, offset + 2 * LENGTH)
    for score in (found.induction, found.duplicate):
        assert score.value == pytest.approx([np.mean(1 / (rows + 1))])
        assert score.null == pytest.approx(score.value)
    # Without the first token, which is the copy itself where there is no BOS.
    assert found.induction_without_first.null == pytest.approx([np.mean(1 / rows)])
    assert found.induction_without_first.value == pytest.approx([np.mean(1 / rows)])
    left = rows[1:] if offset == 0 else rows
    assert found.duplicate_without_first.value == pytest.approx([np.mean(1 / left)])
    assert found.duplicate_without_first.null == pytest.approx([np.mean(1 / left)])


def test_a_sink_hides_induction_and_its_removal_shows_it() -> None:
    a = 0.1 * _looks_back(LENGTH - 1, 1)
    a[:, :, 0] += 0.9
    found = probe_scores(a, LENGTH, 1)
    assert found.induction.value == pytest.approx([0.1])
    assert found.induction_without_first.value == pytest.approx([1])


def test_a_head_that_only_rests_has_no_rows_without_the_first_token() -> None:
    a = torch.zeros(1, 2 * LENGTH, 2 * LENGTH)
    a[:, :, 0] = 1
    found = probe_scores(a, LENGTH, 0)
    assert found.induction.value.tolist() == [0]
    assert found.induction_without_first.status.tolist() == ["no_rows"]
    assert np.isnan(found.induction_without_first.value).all()
    assert np.isnan(found.induction_without_first.null).all()


def test_a_window_shorter_than_the_sequence_sees_no_copy() -> None:
    support = Support.sliding(2 * LENGTH + 1, LENGTH)
    found = probe_scores(support.uniform()[None], LENGTH, 1, support)
    assert found.induction.value == pytest.approx([1 / LENGTH])
    assert found.duplicate.status.tolist() == ["no_rows"]
    assert np.isnan(found.duplicate.value).all()


def test_strips_of_several_draws_give_the_mean_of_whole_maps() -> None:
    n = 2 * LENGTH + 1
    support = Support.causal(n)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 2, n, n, generator=generator).masked_fill(~support.mask(), -torch.inf)
    draws = torch.softmax(2 * logits, -1)
    meter = ProbeMeter(2, LENGTH, 1)
    for draw in draws:
        for start, stop in pairwise((0, 16, 21, 30, n)):
            meter.add(start, draw[:, start:stop])
    found, alone = meter.finish(), [probe_scores(draw, LENGTH, 1) for draw in draws]
    assert found.draws == 3
    for name in ("induction", "duplicate", "induction_without_first", "duplicate_without_first"):
        values = np.stack([getattr(one, name).value for one in alone])
        score = getattr(found, name)
        np.testing.assert_allclose(score.value, values.mean(0), rtol=1e-6)
        np.testing.assert_allclose(score.error, values.std(0, ddof=1) / np.sqrt(3), rtol=1e-5)
        np.testing.assert_allclose(score.null, alone[0].induction.null if "without" not in name else score.null)
        assert np.isnan(getattr(alone[0], name).error).all()


def test_one_bad_head_spoils_no_other() -> None:
    a = _looks_back(LENGTH - 1, 1).repeat(2, 1, 1)
    a[1, 3, 1] = torch.nan
    found = probe_scores(a, LENGTH, 1)
    assert found.induction.status.tolist() == ["ok", "non_finite"]
    assert found.induction.value[0] == 1
    assert np.isnan(found.induction.value[1])
    assert np.isnan(found.duplicate.null[1])


def test_maps_that_do_not_fit_are_refused() -> None:
    a = _looks_back(LENGTH - 1, 1)
    with pytest.raises(ValueError, match="does not continue a map of 1 heads and 40 tokens at row 0"):
        probe_scores(a, LENGTH, 0)
    with pytest.raises(ValueError, match="The support is 9 x 9"):
        ProbeMeter(1, LENGTH, 1, Support.causal(9))
    meter = ProbeMeter(1, LENGTH, 1)
    with pytest.raises(ValueError, match="row 0 of"):
        meter.finish()
    meter.add(0, a[:, :10])
    with pytest.raises(ValueError, match="at row 11 does not continue"):
        meter.add(11, a[:, 11:])
    with pytest.raises(ValueError, match="ended at row 10 of 41"):
        meter.finish()
