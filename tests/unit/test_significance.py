from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from faa_core.significance import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bootstrap_mean,
    paired_effect,
    pooled_p,
    sign_flip_p,
)

P = [0.01, 0.04, 0.03, 0.005]
NAN = np.nan


@pytest.mark.parametrize(("ours", "method"), [(benjamini_hochberg, "bh"), (benjamini_yekutieli, "by")])
def test_adjusted_p_are_those_of_scipy(ours, method: str) -> None:
    random = np.random.default_rng(7)
    for tests in (1, 2, 32, 144):
        p = np.round(random.random(tests) ** 3, 2)  # with ties, zeros and ones
        np.testing.assert_allclose(ours(p), stats.false_discovery_control(p, method=method), rtol=1e-14)


def test_nobody_who_waits_for_q_waits_for_scipy_stats() -> None:
    statement = "import sys, faa_core.comparison.compare, faa_core.head_tests; print('scipy.stats' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_benjamini_hochberg_by_hand() -> None:
    # Sorted .005 .01 .03 .04 times 4 / rank: .02 .02 .04 .04
    assert benjamini_hochberg(np.array(P)) == pytest.approx([0.02, 0.04, 0.04, 0.02])


def test_benjamini_yekutieli_pays_the_harmonic_sum() -> None:
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    assert benjamini_yekutieli(np.array(P)) == pytest.approx(np.array([0.02, 0.04, 0.04, 0.02]) * harmonic)


@pytest.mark.parametrize("adjust", [benjamini_hochberg, benjamini_yekutieli])
def test_heads_that_were_not_tested_do_not_count(adjust) -> None:
    with_gaps = adjust(np.array([NAN, *P[:2], NAN, *P[2:]]))
    assert np.isnan(with_gaps).tolist() == [True, False, False, True, False, False]
    assert with_gaps[[1, 2, 4, 5]] == pytest.approx(adjust(np.array(P)))
    assert np.isnan(adjust(np.full(3, NAN))).all()
    assert adjust(np.empty(0)).shape == (0,)


def test_axes_declare_the_family() -> None:
    p = np.random.default_rng(0).random((2, 3, 4))
    assert benjamini_hochberg(p) == pytest.approx(benjamini_hochberg(p.ravel()).reshape(p.shape))
    by_statistic = benjamini_hochberg(p, axis=(1, 2))
    assert by_statistic[1] == pytest.approx(benjamini_hochberg(p[1]))
    by_head = benjamini_hochberg(p, axis=0)
    assert by_head[:, 2, 1] == pytest.approx(benjamini_hochberg(p[:, 2, 1]))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusting_keeps_the_order_and_lowers_nothing(p: list[float]) -> None:
    adjusted = benjamini_hochberg(np.array(p))
    assert (adjusted >= np.array(p) - 1e-12).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= -1e-12).all()


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_a_p_value_outside_of_its_range_is_named(value: float) -> None:
    with pytest.raises(ValueError, match=rf"the one at \(1, 0\) is {value:g}"):
        benjamini_hochberg(np.array([[0.5], [value]]))


def test_false_discoveries_are_controlled_and_true_ones_found() -> None:
    random = np.random.default_rng(1)
    z = random.normal(size=(200, 100))
    z[:, :20] += 4
    q = benjamini_hochberg(2 * stats.norm.sf(np.abs(z)), axis=1)
    found = q <= 0.1
    false = found[:, 20:].sum(1) / np.maximum(found.sum(1), 1)
    assert false.mean() <= 0.1
    assert found[:, :20].mean() > 0.8


def test_pooling_resolves_what_a_head_alone_cannot() -> None:
    random = np.random.default_rng(2)
    scale = 10.0 ** random.uniform(-2, 2, 50)
    sample = random.normal(size=(99, 50)) * scale + 5
    value = random.normal(size=50) * scale + 5
    value[:3] = 5 + 6 * scale[:3]
    pooled = pooled_p(value, sample)
    assert pooled.pool == 99 * 50
    assert (pooled.p[:3] < 0.001).all()
    assert (pooled.p[3:] <= 0.05).mean() < 0.15
    assert pooled.p.min() >= 2 / (99 * 50 + 1)
    assert abs(pooled.excess_kurtosis) < 0.3
    assert pooled.size.mean() == pytest.approx(0.05, abs=0.01)


def test_heads_whose_nulls_differ_in_shape_are_told() -> None:
    random = np.random.default_rng(3)
    sample = random.normal(size=(199, 40))
    sample[:, :4] = random.standard_t(2, size=(199, 4))
    sample[:, 4:8] = random.uniform(-1, 1, size=(199, 4))
    pooled = pooled_p(np.zeros(40), sample)
    assert pooled.excess_kurtosis > 1
    assert (pooled.size[4:8] == 0).all()
    assert pooled.size[8:].mean() == pytest.approx(0.05, abs=0.02)


def test_pooled_p_leaves_out_what_has_no_null() -> None:
    random = np.random.default_rng(4)
    sample = random.normal(size=(49, 4))
    sample[:, 1] = 2.0
    sample[:, 2] = NAN
    value = np.array([0.0, 2.0, 1.0, NAN])
    pooled = pooled_p(value, sample)
    assert np.isnan(pooled.p).tolist() == [False, True, True, True]
    assert np.isnan(pooled.size).tolist() == [False, True, True, True]
    assert pooled.pool == 49
    nothing = pooled_p(value[1:2], sample[:, 1:2])
    assert (nothing.pool, np.isnan(nothing.p[0]), np.isnan(nothing.excess_kurtosis)) == (0, True, True)
    with pytest.raises(ValueError, match="no 3 replicates"):
        pooled_p(value, sample[:2])


@pytest.mark.parametrize("texts", [3, 5, 10])
def test_intervals_of_normal_numbers_cover_the_mean(texts: int) -> None:
    values = np.random.default_rng(texts).normal(2.0, 3.0, (texts, 1500))
    result = bootstrap_mean(values, seed=1)
    coverage = ((result.low <= 2) & (result.high >= 2)).mean()
    # 1,500 intervals: standard error .006.
    assert 0.93 <= coverage <= 0.975
    assert (result.status == "ok").all()


def test_intervals_of_skewed_numbers_cover_better_than_students() -> None:
    values = np.random.default_rng(8).exponential(size=(10, 1500))
    result = bootstrap_mean(values)
    error = values.std(0, ddof=1) / np.sqrt(10)
    student = np.abs(values.mean(0) - 1) <= stats.t.ppf(0.975, 9) * error
    assert ((result.low <= 1) & (result.high >= 1)).mean() > max(0.92, student.mean() + 0.01)


def test_mean_and_error_over_the_texts_that_define_the_number() -> None:
    values = np.array([[1.0, NAN], [2.0, 4.0], [6.0, NAN], [3.0, 5.0], [4.0, NAN], [2.0, 9.0]])
    result = bootstrap_mean(values)
    assert result.texts.tolist() == [6, 3]
    assert result.mean == pytest.approx([3.0, 6.0])
    assert result.error[0] == pytest.approx(values[:, 0].std(ddof=1) / np.sqrt(6))
    # Three texts: Student's interval.
    half = stats.t.ppf(0.975, 2) * np.std([4, 5, 9], ddof=1) / np.sqrt(3)
    assert (result.low[1], result.high[1]) == pytest.approx((6 - half, 6 + half))


def test_an_interval_depends_on_the_numbers_own_texts_alone() -> None:
    values = np.random.default_rng(5).normal(size=(8, 4))
    values[2, 1] = NAN
    together, alone = bootstrap_mean(values, seed=3), bootstrap_mean(values[:, 1], seed=3)
    dropped = bootstrap_mean(np.delete(values[:, 1], 2), seed=3)
    assert together.low[1] == pytest.approx(float(alone.low)) == pytest.approx(float(dropped.low))
    assert alone.low.shape == ()
    assert bootstrap_mean(values, seed=4).low[0] != together.low[0]


@given(shift=st.floats(-50, 50), factor=st.floats(0.1, 20))
def test_intervals_follow_shift_and_scale(shift: float, factor: float) -> None:
    values = np.random.default_rng(6).gamma(2, size=7)
    plain, moved = bootstrap_mean(values, 199), bootstrap_mean(values * factor + shift, 199)
    assert float(moved.low) == pytest.approx(float(plain.low) * factor + shift, abs=1e-6)
    assert float(moved.high) == pytest.approx(float(plain.high) * factor + shift, abs=1e-6)


def test_a_higher_level_gives_a_wider_interval() -> None:
    values = np.random.default_rng(7).normal(size=12)
    narrow, wide = bootstrap_mean(values, level=0.8), bootstrap_mean(values, level=0.99)
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_too_few_texts_give_no_interval() -> None:
    values = np.array([[NAN, 3.0, 0.1, 0.1], [NAN, NAN, 0.1, 0.2], [NAN, NAN, 0.1, 0.1]])
    result = bootstrap_mean(values)
    assert result.status.tolist() == ["no_rows", "degenerate", "degenerate", "ok"]
    assert result.texts.tolist() == [0, 1, 3, 3]
    assert np.isnan(result.mean).tolist() == [True, False, False, False]
    assert np.isnan(result.error).tolist() == [True, True, False, False]
    assert result.error[2] == 0
    assert np.isnan(result.low).tolist() == [True, True, True, False]
    assert bootstrap_mean(np.empty((0, 2))).status.tolist() == ["no_rows", "no_rows"]


def test_one_text_unlike_all_others_gets_a_finite_interval() -> None:
    result = bootstrap_mean(np.array([0.0, 0, 0, 0, 1]))
    assert np.isfinite([result.low, result.high]).all()
    assert result.low < 0.2 < result.high


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": np.array(1.0)}, "not a single number"),
        ({"values": np.array([[1.0, 2.0], [3.0, np.inf]])}, r"text 1 at \(1,\)"),
        ({"values": np.ones(3), "replicates": 10}, "not 10, 0.95"),
        ({"values": np.ones(3), "level": 1.0}, "not 1999, 1"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap_mean(**arguments)


def test_resamples_that_repeat_the_mean_itself_do_no_harm() -> None:
    # Of -1, 0, 0, 0, 1 many resamples are all 0, which is the mean.
    result = bootstrap_mean(np.array([-1.0, 0.0, 0.0, 0.0, 1.0]), replicates=999, seed=1, level=0.95)
    assert float(result.mean) == 0
    assert float(result.low) < 0 < float(result.high)


# --- sign flips ----------------------------------------------------------------------------------------------------


def test_sign_flips_by_hand() -> None:
    # Of the eight ways to sign 1, 2, 3 two reach 6; of 1, 2, -3 all with |sum| >= 0 do; of 1, 2, -1 those with 2 or 4.
    p = sign_flip_p(np.array([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0], [3.0, -3.0, -1.0]])).p
    assert p == pytest.approx([2 / 8, 1.0, 6 / 8])


@pytest.mark.parametrize("texts", [2, 5, 6, 12])
def test_the_smallest_p_is_two_in_two_to_the_texts(texts: int) -> None:
    found = sign_flip_p(np.arange(1.0, texts + 1))
    assert float(found.p) == float(found.smallest) == 2 / 2**texts


def test_beyond_twelve_texts_flips_are_drawn_and_p_is_never_nothing() -> None:
    values = np.random.default_rng(0).normal(0.8, 1, (14, 20))
    drawn, again = sign_flip_p(values, seed=1), sign_flip_p(values, seed=1)
    np.testing.assert_array_equal(drawn.p, again.p)
    signs = 1 - 2 * (np.arange(2**14)[:, None] >> np.arange(14) & 1)
    exact = (np.abs(signs @ values) >= np.abs(values.sum(0)) - 1e-9).mean(0)
    # 9,999 draws: standard error at most .005.
    np.testing.assert_allclose(drawn.p, exact, atol=0.02)
    assert sign_flip_p(np.ones(40)).p == 1 / 10_000 == sign_flip_p(np.ones(40)).smallest


def test_texts_that_do_not_define_a_difference_or_show_none_resolve_nothing() -> None:
    values = np.array([[1.0, 1.0, NAN, 0.0], [2.0, 2.0, NAN, 0.0], [3.0, 0.0, 5.0, 0.0], [4.0, NAN, NAN, 0.0]])
    found = sign_flip_p(values)
    assert found.p == pytest.approx([2 / 16, 2 / 4, NAN, 1.0], nan_ok=True)
    assert found.smallest == pytest.approx([2 / 16, 2 / 4, NAN, 1.0], nan_ok=True)
    assert found.texts.tolist() == [4, 3, 1, 4]
    assert sign_flip_p(np.empty((0, 2))).p == pytest.approx([NAN, NAN], nan_ok=True)


@pytest.mark.parametrize(
    ("draw", "texts"),
    [
        (lambda random, shape: random.normal(size=shape), 8),
        (lambda random, shape: random.standard_cauchy(shape), 8),
        # The scales of the texts differ a hundredfold; flips do not mind.
        (lambda random, shape: random.laplace(size=shape) * np.geomspace(0.1, 10, shape[0])[:, None], 10),
        (lambda random, shape: random.normal(size=shape), 16),
    ],
)
def test_true_nulls_are_rejected_as_often_as_is_said(draw, texts: int) -> None:
    p = sign_flip_p(draw(np.random.default_rng(texts), (texts, 4000)), flips=1999).p
    for level in (0.05, 0.2):
        # The largest multiple of 2/2^texts that is no larger; 4,000 tests: three standard errors are .011 and .019.
        size = np.floor(level * 2 ** (texts - 1)) / 2 ** (texts - 1)
        assert (p <= level).mean() == pytest.approx(size, abs=3 * np.sqrt(level * (1 - level) / 4000))


def test_differences_are_found_about_as_often_as_by_the_t_test() -> None:
    values = np.random.default_rng(2).normal(1.0, 1.0, (10, 2000))
    flipped = (sign_flip_p(values).p <= 0.05).mean()
    student = (stats.ttest_1samp(values, 0).pvalue <= 0.05).mean()
    assert student > 0.75
    assert flipped == pytest.approx(student, abs=0.03)


def test_false_discoveries_among_sign_flip_tests_are_controlled() -> None:
    random = np.random.default_rng(4)
    false, none_true, found = [], [], []
    for _ in range(400):
        values = random.normal(size=(12, 60))
        none_true.append(float((benjamini_hochberg(sign_flip_p(values).p) <= 0.05).any()))
        values[:, :15] += 1.5
        q = benjamini_hochberg(sign_flip_p(values).p) <= 0.05
        false.append(q[15:].sum() / max(q.sum(), 1))
        found.append(q[:15].mean())
    # Standard errors .003, .011 and .003.
    assert np.mean(false) <= 0.05 * 45 / 60 + 0.01
    assert np.mean(none_true) <= 0.05 + 0.03
    assert np.mean(found) > 0.9


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=9), st.floats(0.01, 50))
def test_p_depends_on_neither_scale_nor_side_nor_order(values: list[float], factor: float) -> None:
    d = np.round(np.array(values), 3)
    p = float(sign_flip_p(d).p)
    assert 2 / 2 ** len(d) <= p <= 1
    for other in (-d, d[::-1], factor * d):
        assert float(sign_flip_p(other).p) == pytest.approx(p)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": np.array(1.0)}, "not a single number"),
        ({"values": np.array([[1.0, 2.0], [3.0, np.inf]])}, r"text 1 at \(1,\)"),
        ({"values": np.ones(3), "flips": 10}, "not 10"),
    ],
)
def test_bad_arguments_of_a_sign_flip_test_are_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sign_flip_p(**arguments)


# --- effect sizes --------------------------------------------------------------------------------------------------


def test_an_effect_is_the_mean_over_the_deviation_and_corrected() -> None:
    values = np.array([[1.0], [2.0], [3.0], [6.0]])
    # d_z = 3 / sd = 1.38873; f = 3: Gamma(1.5) / (sqrt(1.5) Gamma(1)) = .72360
    assert paired_effect(values) == pytest.approx([1.38873 * 0.72360], abs=1e-4)


def test_corrected_effects_do_not_exaggerate() -> None:
    values = np.random.default_rng(3).normal(0.8, 1.0, (5, 40_000))
    assert paired_effect(values).mean() == pytest.approx(0.8, abs=0.015)
    assert (values.mean(0) / values.std(0, ddof=1)).mean() > 0.95


def test_effects_that_nothing_defines_are_not_numbers() -> None:
    values = np.array([[1.0, 2.0, 0.0, NAN], [2.0, 2.0, 0.0, 1.0], [NAN, 2.0, 0.0, NAN], [NAN, 2.0, 0.0, NAN]])
    assert np.isnan(paired_effect(values)).all()
