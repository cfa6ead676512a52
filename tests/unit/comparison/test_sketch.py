"""Divergences of heads from a few of their rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faa_core.comparison.sketch import divergence, sketch_rows
from faa_core.errors import UsageError
from faa_core.heads.divergence import head_divergence

LN2 = np.log(2)
HALF = 1e-3  # weights travel in half precision


def random_heads(seed: int, heads: int, n: int, sharpness: float = 2.0) -> np.ndarray:
    logits = sharpness * np.random.default_rng(seed).normal(size=(heads, n, n))
    weights = np.tril(np.exp(logits))
    return weights / weights.sum(-1, keepdims=True)


def even(n: int) -> np.ndarray:
    return np.tril(np.ones((1, n, n))) / np.arange(1, n + 1)[:, None]


def test_rows_are_the_middles_of_equal_parts() -> None:
    assert sketch_rows(160, 16) == tuple(range(5, 160, 10))
    assert sketch_rows(3) == (0, 1, 2)
    assert sketch_rows(0) == ()


@given(st.integers(0, 5000), st.integers(1, 40))
def test_rows_ascend_within_the_text(count: int, rows: int) -> None:
    chosen = sketch_rows(count, rows)
    assert len(chosen) == min(rows, count)
    assert sorted(set(chosen)) == list(chosen)
    assert all(0 <= row < count for row in chosen)


def test_even_attention_and_the_identity_by_hand(sketched) -> None:
    # Row i of 16: the identity has 1 on key i, even attention 1/(i+1) on each; see faa explain divergence.
    a, b = sketched(even(16), top=4), sketched(np.eye(16)[None], top=4)
    assert divergence(a, b)[0, 0] == pytest.approx(0.446643, abs=HALF)
    first = np.zeros((1, 16, 16))
    first[0, :, 0] = 1
    assert divergence(sketched(first, top=1), b)[0, 0] == pytest.approx(15 / 16 * LN2, abs=HALF)


def test_sketches_of_all_keys_have_the_divergence_of_the_maps(sketched) -> None:
    a, b = random_heads(0, 3, 24), random_heads(1, 5, 24)
    exact = head_divergence(a, b, "causal").value
    np.testing.assert_allclose(divergence(sketched(a, top=24), sketched(b, top=24)), exact, atol=HALF)


def test_what_is_not_told_is_spread_evenly(sketched) -> None:
    # Three told keys, the rest of the row even: the sketch says all there is.
    n = 40
    random = np.random.default_rng(3)
    maps = []
    for _ in range(4):
        weights = np.tril(np.ones((n, n)))
        for row in range(6, n):
            weights[row, random.choice(row + 1, 3, replace=False)] += random.uniform(5, 30, 3)
        maps.append(weights / weights.sum(-1, keepdims=True))
    maps = np.stack(maps)
    rows = range(6, n)
    a = sketched(maps, rows=rows, top=3)
    exact = head_divergence(maps[:, 6:], None, "full").value
    np.testing.assert_allclose(divergence(a, a), exact, atol=HALF)


def test_keys_that_only_one_side_sees_count_as_weight_beside_none(sketched) -> None:
    # Even attention over all keys so far beside even attention over a window of four.
    n = 12
    first = np.maximum(np.arange(n) - 3, 0)
    window = (np.arange(n) >= first[:, None]) & (np.arange(n) <= np.arange(n)[:, None])
    window = window[None] / window.sum(-1)[:, None]
    exact = head_divergence(even(n), window, "causal").value
    for top in (1, 2, 12):
        found = divergence(sketched(even(n), top=top), sketched(window, top=top, first=first))
        np.testing.assert_allclose(found, exact, atol=HALF)


def test_learned_sinks_are_taken_out(sketched) -> None:
    a = random_heads(4, 2, 20)
    np.testing.assert_allclose(
        divergence(sketched(0.3 * a), sketched(a)), divergence(sketched(a), sketched(a)), atol=3 * HALF
    )


def test_rows_without_mass_do_not_count(sketched) -> None:
    a, b = random_heads(5, 1, 10), random_heads(6, 1, 10)
    partly = b.copy()
    partly[0, :5] = 0
    rows = range(5, 10)
    assert divergence(sketched(a), sketched(partly)) == pytest.approx(
        divergence(sketched(a, rows=rows), sketched(b, rows=rows)), abs=1e-9
    )
    assert np.isnan(divergence(sketched(a), sketched(0 * b))).all()


@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from((0.5, 2.0, 6.0)))
def test_divergence_is_symmetric_within_its_bounds_and_nothing_for_the_same_head(
    sketched, seed, top, sharpness
) -> None:
    a, b = (sketched(random_heads(seed + k, 3, 16, sharpness), top=top) for k in (0, 1))
    found = divergence(a, b)
    assert ((found >= 0) & (found <= LN2)).all()
    np.testing.assert_allclose(found, divergence(b, a).T, atol=1e-12)
    np.testing.assert_allclose(np.diag(divergence(a, a)), 0, atol=1e-12)


def test_more_heads_than_a_block_holds_are_compared_alike(sketched, monkeypatch) -> None:
    from faa_core.comparison import sketch

    a, b = sketched(random_heads(7, 6, 12)), sketched(random_heads(8, 4, 12))
    whole = divergence(a, b)
    monkeypatch.setattr(sketch, "_PAIRS", 1)
    np.testing.assert_array_equal(divergence(a, b), whole)


def test_sketches_of_other_rows_are_refused(sketched) -> None:
    a = random_heads(9, 1, 10)
    with pytest.raises(UsageError, match="the same rows"):
        divergence(sketched(a, rows=(1, 2)), sketched(a, rows=(1, 3)))
