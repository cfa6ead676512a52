"""Box dimensions: the goals of the accuracy study, with sizes and seeds of their own."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support, box_dimension
from faa_core.known.sets import SETS, KnownSet, known_set, percolation, random_generator, self_similar

EXACT = 1e-12
METHODS = ("pyramid", "offsets")


def _errors(sets: list[KnownSet], method: str = "offsets") -> np.ndarray:
    return np.array([float(box_dimension(one.image, method=method).effective) - one.dimension for one in sets])


def _rms(errors: np.ndarray) -> float:
    return float(np.sqrt((errors**2).mean()))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [193, 243, 256, 311, 512, 729, 1024])
def test_a_square_and_a_line_are_exact_at_any_side(n: int, method: str) -> None:
    assert np.abs(_errors([known_set(name, n) for name in ("square", "line")], method)).max() <= EXACT


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [243, 256, 512, 729, 1024])
def test_a_causal_triangle_is_exact_beside_its_support(n: int, method: str) -> None:
    result = box_dimension(np.tril(np.ones((n, n), bool)), "causal", method=method)
    assert float(result.difference) == 0.0
    assert str(result.status) == "ok"


@st.composite
def _supports(draw: st.DrawFn) -> Support:
    queries, keys = draw(st.integers(1, 260)), draw(st.integers(1, 260))
    seed = draw(st.integers(0, 999))
    bounds = np.sort(np.random.default_rng(seed).integers(0, keys + 1, (queries, 2)), axis=1)
    return Support(torch.from_numpy(bounds[:, 0].copy()), torch.from_numpy(bounds[:, 1].copy()), keys)


@settings(max_examples=40, deadline=None)
@given(_supports(), st.sampled_from(METHODS))
def test_any_support_that_is_full_differs_by_nothing_or_has_a_reason(support: Support, method: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sets = box_dimension(support.mask(), support, method=method)
        attention = box_dimension(support.uniform().double(), support, threshold=0.5, method=method)
    assert sets.counts.tolist() == attention.counts.tolist()
    if str(sets.status) in ("too_few_scales", "empty"):
        assert np.isnan(sets.value)
        assert np.isnan(sets.difference)
    else:
        # 2 + difference is the dimension relative to the support.
        assert abs(float(sets.difference)) <= EXACT
        assert np.isnan(sets.value) == (str(sets.status) == "no_scaling")


@pytest.mark.parametrize(
    ("name", "n"),
    [
        *((name, n) for name in ("sierpinski", "diagonal") for n in (256, 512, 1024)),
        *((name, n) for name in ("cantor", "carpet", "vicsek", "diagonal") for n in (243, 729)),
    ],
)
def test_a_self_similar_set_is_exact_on_its_own_grid(name: str, n: int) -> None:
    result = box_dimension(known_set(name, n).image, method="offsets")
    assert abs(float(result.value) - known_set(name, n).dimension) <= EXACT


@pytest.mark.parametrize("seed", [17, 18])
def test_a_random_generator_of_base_three_is_exact_on_its_own_grid(seed: int) -> None:
    random = np.random.default_rng(seed)
    one = self_similar(random_generator(3, int(random.integers(3, 9)), random), 243)
    assert abs(float(box_dimension(one.image, method="offsets").value) - one.dimension) <= EXACT


def test_nine_sets_at_five_sizes() -> None:
    errors = np.concatenate([_errors([known_set(name, n) for name in SETS]) for n in (243, 256, 512, 729, 1024)])
    assert np.abs(errors).mean() <= 0.025
    assert _rms(errors) <= 0.032
    assert np.abs(errors).max() <= 0.09


def test_sizes_that_no_method_was_chosen_on() -> None:
    errors = np.concatenate([_errors([known_set(name, n) for name in SETS]) for n in (270, 337, 400, 600)])
    assert np.abs(errors).mean() <= 0.03  # goal at the sizes above: 0.025
    assert _rms(errors) <= 0.037  # 0.032: these sizes are on no grid
    assert np.abs(errors).max() <= 0.09


def test_random_generators() -> None:
    random = np.random.default_rng(2025)
    errors = {n: [] for n in (210, 350, 512, 620)}
    for n, found in errors.items():
        for base in (3, 4, 5) * 4:
            one = self_similar(random_generator(base, int(random.integers(base, base**2 - 2)), random), n)
            found.extend(_errors([one]))
    assert _rms(np.concatenate(list(errors.values()))) <= 0.04
    assert _rms(np.concatenate([errors[512], errors[620]])) <= 0.035  # goal: 0.025; the errors are mostly of one sign


@pytest.mark.parametrize("method", METHODS)
def test_percolation(method: str) -> None:
    random = np.random.default_rng(77)
    sets = [percolation(n, p, random) for n in (256, 300, 512, 729) for p in (0.6, 0.7, 0.8, 0.9) * 2]
    # The root of a mean over few draws is itself uncertain: by one over the root of twice their number.
    assert _rms(_errors(sets, method)) <= 0.05 * (1 + 1 / np.sqrt(2 * len(sets)))


# --- what must not matter -----------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(n=st.integers(64, 230), seed=st.integers(0, 999), density=st.floats(0.001, 0.9), method=st.sampled_from(METHODS))
def test_transposing_changes_nothing(n: int, seed: int, density: float, method: str) -> None:
    image = np.random.default_rng(seed).random((n, n)) < density
    one, other = box_dimension(image, method=method), box_dimension(image.T.copy(), method=method)
    assert one.counts.tolist() == other.counts.tolist()
    assert str(one.status) == str(other.status)
    np.testing.assert_array_equal(one.effective, other.effective)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), method=st.sampled_from(METHODS))
def test_heads_are_measured_each_for_itself(seed: int, method: str) -> None:
    generator = torch.Generator().manual_seed(seed)
    deviation = torch.tensor([0.5, 1.0, 2.0, 4.0])[:, None, None]
    logits = torch.randn(4, 200, 200, generator=generator) * deviation
    attention = torch.softmax(logits.masked_fill(~Support.causal(200).mask(), -torch.inf), -1)
    order = torch.randperm(4, generator=generator)
    one = box_dimension(attention, "causal", method=method)
    other = box_dimension(attention[order], "causal", method=method)
    for name in ("value", "error", "effective", "difference", "status", "counts", "curve"):
        np.testing.assert_array_equal(getattr(one, name)[order.numpy()], getattr(other, name), err_msg=name)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 220),
    m=st.integers(1, 220),
    cells=st.lists(st.tuples(st.integers(0, 219), st.integers(0, 219)), max_size=4),
    method=st.sampled_from(METHODS),
)
def test_few_cells_have_a_dimension_of_zero_or_a_reason(
    n: int, m: int, cells: list[tuple[int, int]], method: str
) -> None:
    image = np.zeros((n, m), bool)
    for row, column in cells:
        image[row % n, column % m] = True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = box_dimension(image, method=method)
    status = str(result.status)
    enough = min(n, m) >= (64 if method == "pyramid" else 192)
    if not enough:
        assert status == "too_few_scales"
    elif not image.any():
        assert status == "empty"
    elif image.sum() == 1:
        assert status == "degenerate"
        assert float(result.value) == pytest.approx(0, abs=1e-12)
    assert np.isnan(result.value) == (status not in ("ok", "degenerate"))
