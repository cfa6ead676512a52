from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from faa_core.geometry import Support, box_dimension
from faa_core.geometry import null_tests as module
from faa_core.geometry.lacunarity import lacunarity
from faa_core.geometry.logit_additive import logit_additive
from faa_core.geometry.matrices import matrices_of
from faa_core.geometry.null_tests import null_test
from faa_core.geometry.renyi import renyi_dimensions
from faa_core.geometry.surrogates import RowRotation, RowShuffle, Streams
from faa_core.geometry.tested import LACUNARITY_SIDE
from faa_core.study.calibration import family

FIRST_KEYS = 8


def _mass_of_first_keys(x: torch.Tensor, support: Support) -> NDArray[np.floating]:
    return x[..., :FIRST_KEYS].sum((-2, -1), dtype=torch.float64).numpy()


def test_the_record_says_what_the_sample_says() -> None:
    x = family("sink", 3, 32)
    test = null_test(x, _mass_of_first_keys, support="causal", replicates=39, seed=5)
    assert test.sample.shape == (39, 3)
    assert test.value == pytest.approx(_mass_of_first_keys(x, Support.causal(32)))
    assert test.mean == pytest.approx(test.sample.mean(0))
    assert test.deviation == pytest.approx(test.sample.std(0, ddof=1))
    assert test.difference == pytest.approx(test.value - test.mean)
    assert test.z == pytest.approx(test.difference / test.deviation)
    assert (test.null, test.replicates, test.seed) == ("row_shuffle", 39, 5)
    assert test.status.tolist() == ["ok"] * 3


def test_p_is_never_zero_and_counts_both_sides() -> None:
    sink, plain = family("sink", 1, 64), family("independent", 1, 64)
    test = null_test(torch.cat([sink, plain]), _mass_of_first_keys, support="causal", replicates=19)
    assert test.p[0] == pytest.approx(2 / 20)
    above = (test.sample[:, 1] >= test.value[1]).sum()
    assert test.p[1] == pytest.approx(min(1, 2 * (1 + min(above, 19 - above)) / 20))
    assert test.p_error[0] == pytest.approx(2 * np.sqrt(0.05 * 0.95 / 19))


@pytest.mark.parametrize("null", ["row_shuffle", "row_rotation", "logit_additive", "residual"])
def test_a_head_has_the_same_surrogates_in_any_batch(null: module.Null, monkeypatch: pytest.MonkeyPatch) -> None:
    x = family("recency", 4, 40)
    whole = null_test(x, _mass_of_first_keys, null, "causal", 9, seed=3)
    front = null_test(x[:2], _mass_of_first_keys, null, "causal", 9, seed=3)
    assert front.sample == pytest.approx(whole.sample[:, :2], rel=1e-6)
    monkeypatch.setattr(module, "_CELLS_IN_CACHE", 2 * 40 * 40)
    assert null_test(x, _mass_of_first_keys, null, "causal", 9, seed=3).sample == pytest.approx(whole.sample, rel=1e-6)
    other = null_test(x, _mass_of_first_keys, null, "causal", 9, seed=4)
    assert not np.allclose(other.sample, whole.sample, rtol=1e-6)


def test_the_shape_of_the_batch_is_kept() -> None:
    x = family("independent", 6, 32).reshape(2, 3, 32, 32)
    test = null_test(x, "D1", support="causal", replicates=5)
    assert test.p.shape == (2, 3)
    assert test.sample.shape == (5, 2, 3)
    single = null_test(x[0, 0].numpy(), "D1", support="causal", replicates=5)
    assert single.p.shape == ()
    assert float(single.value) == pytest.approx(test.value[0, 0])


def test_named_statistics_are_the_functions_of_that_name() -> None:
    x = family("independent", 2, 64)
    dimensions = renyi_dimensions(x, (1.0, 2.0), "causal").effective
    assert null_test(x, "D0", support="causal", replicates=2).value == pytest.approx(
        box_dimension(x, "causal").effective
    )
    assert null_test(x, "D1", support="causal", replicates=2).value == pytest.approx(dimensions[:, 0])
    assert null_test(x, "D2", support="causal", replicates=2).value == pytest.approx(dimensions[:, 1])
    gliding = lacunarity(x, "causal", (LACUNARITY_SIDE,)).value[:, 0]
    assert null_test(x, "lacunarity", support="causal", replicates=2).value == pytest.approx(gliding)
    assert null_test(x[:, :6, :6], "lacunarity", support="causal", replicates=2).status.tolist() == ["no_rows"] * 2


def test_even_attention_differs_from_no_surrogate() -> None:
    for null in ("row_shuffle", "row_rotation", "logit_additive", "residual"):
        test = null_test(Support.causal(64).uniform(), "D1", null, "causal", 19)
        assert (str(test.status), float(test.p)) == ("degenerate", 1.0)
        assert np.isnan(test.z)


def test_a_null_that_never_varies_can_still_be_rejected() -> None:
    def aligned(x: torch.Tensor, support: Support) -> NDArray[np.floating]:
        return (x.argmax(-1) == x.argmax(-1)[:, :1]).all(-1).double().numpy()

    x = torch.full((1, 8, 64), 0.01)
    x[:, :, 10] = 0.37
    test = null_test(x, aligned, "row_rotation", replicates=39)
    assert test.value == 1
    assert not test.sample.any()
    assert test.p == pytest.approx(2 / 40)
    assert test.status == "degenerate"
    assert np.isnan(test.z)


@pytest.mark.parametrize("statistic", ["D0", "D1", "lacunarity"])
@pytest.mark.parametrize("null", ["row_shuffle", "row_rotation", "logit_additive", "residual"])
def test_p_is_that_of_the_definition_one_surrogate_after_the_other(statistic: str, null: module.Null) -> None:
    support, replicates, seed = Support.causal(64), 19, 2
    x = family("recency", 2, 64)

    def measured(weights: torch.Tensor) -> float:
        if statistic == "D0":
            return float(box_dimension(weights, support).effective)
        if statistic == "D1":
            return float(renyi_dimensions(weights, (1.0,), support).effective[0])
        return float(lacunarity(weights, support, (LACUNARITY_SIDE,)).value[0])

    test = null_test(x, statistic, null, support, replicates, seed)
    for head, weights in enumerate(x):
        fit = logit_additive(matrices_of(weights, support))
        field = fit.residual_field() if null == "residual" else weights[None]
        kind = (RowRotation if null == "row_rotation" else RowShuffle)(support)
        lower = upper = 1
        value = measured(field[0])
        assert test.value[head] == pytest.approx(value, rel=1e-8)
        for replicate in range(replicates):
            streams = Streams(seed, range(replicate, replicate + 1), range(head, head + 1), x.device)
            drawn = fit.surrogates(streams) if null == "logit_additive" else kind(field, streams)
            found = measured(drawn[0, 0])
            assert test.sample[replicate, head] == pytest.approx(found, rel=1e-8)
            lower += found <= value + module.TIE
            upper += found >= value - module.TIE
        assert test.p[head] == pytest.approx(min(1, 2 * min(lower, upper) / (replicates + 1)))


def test_threads_change_nothing_and_hold_few_surrogates_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    x = family("recency", 3, 64)
    alone = null_test(x, "D0", support="causal", replicates=40)
    told: list[int] = []
    monkeypatch.setattr(module, "_CELLS_IN_CACHE", 6 * 64 * 64)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        beside = null_test(x, "D0", support="causal", replicates=40, progress=lambda done, total: told.append(done))
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(beside.sample, alone.sample)
    np.testing.assert_array_equal(beside.p, alone.p)
    assert told == list(range(6, 121, 6))


def test_undefined_heads_are_nan_with_a_reason() -> None:
    x = family("independent", 4, 64)
    x[1, 40, 3] = torch.nan
    x[2, :, 1:] = 0
    test = null_test(x, "D1", "logit_additive", "causal", 5)
    assert test.status.tolist() == ["ok", "non_finite", "underflow", "ok"]
    for values in (test.p, test.z, test.mean, test.deviation, test.p_error):
        assert np.isnan(values).tolist() == [False, True, True, False]
    assert np.isfinite(test.value[2])


def test_a_statistic_that_is_undefined_on_the_head_gives_no_p() -> None:
    def nothing(x: torch.Tensor, support: Support) -> NDArray[np.floating]:
        return np.full(len(x), np.nan)

    test = null_test(family("independent", 2, 16), nothing, support="causal", replicates=5)
    assert test.status.tolist() == ["no_rows"] * 2
    assert np.isnan(test.p).all()


def test_surrogates_without_a_value_never_help_to_reject() -> None:
    x = family("sink", 1, 64)
    whole = null_test(x, _mass_of_first_keys, support="causal", replicates=39)
    threshold = float(np.quantile(whole.sample, 0.3))

    def heavy_ones(x: torch.Tensor, support: Support) -> NDArray[np.floating]:
        mass = _mass_of_first_keys(x, support)
        return np.where(mass >= threshold, mass, np.nan)

    test = null_test(x, heavy_ones, support="causal", replicates=39)
    lost = int(np.isnan(test.sample).sum())
    assert 0 < lost < 39
    assert whole.p[0] == pytest.approx(2 / 40)
    assert test.p[0] == pytest.approx(2 * (1 + lost) / 40)
    assert test.mean[0] == pytest.approx(np.nanmean(test.sample))


@pytest.mark.parametrize(("null", "figure"), [("diagonal_shuffle", "90 %"), ("ipf", "95 %")])
def test_nulls_that_reject_noise_are_refused(null: str, figure: str) -> None:
    with pytest.raises(ValueError, match=f'"{null}" is not offered: .*{figure}'):
        null_test(torch.rand(8, 8), "D0", null)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"statistic": "D7"}, '"D7"'),
        ({"null": "noise"}, '"noise"'),
        ({"replicates": 1}, "at least 2 replicates, not 1"),
        ({"statistic": lambda x, support: np.zeros((len(x), 2))}, "one number for each of 1 heads"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        null_test(**({"x": torch.rand(8, 8), "statistic": "D0"} | arguments))


def test_progress_counts_to_the_end_and_can_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CELLS_IN_CACHE", 3 * 16 * 16)
    told: list[tuple[int, int]] = []
    x = family("independent", 4, 16)
    null_test(x, _mass_of_first_keys, support="causal", replicates=6, progress=lambda *done: told.append(done))
    assert told[-1] == (24, 24)
    assert told == sorted(set(told))
    assert len(told) > 4

    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        null_test(x, _mass_of_first_keys, support="causal", replicates=6, progress=cancel)
