from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from faa_tui.rendering.ramps import MASKED, UNDEFINED
from faa_tui.rendering.scales import SCALES, levels, levels_of_halves, pooled_support, row_lengths


@pytest.mark.parametrize(
    ("scale", "values", "expected"),
    [
        ("linear", [0, 0.5, 1], [0, 128, 255]),
        ("sqrt", [0, 0.25, 1], [0, 128, 255]),
        ("log", [1e-4, 1e-2, 1], [0, 128, 255]),
        ("lift", [1 / 64, 1, 64], [0, 128, 255]),
    ],
)
def test_the_ends_and_the_middle_of_every_scale(scale: str, values: list[float], expected: list[int]) -> None:
    assert np.abs(levels(np.array(values), SCALES[scale]).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("scale", SCALES)
def test_values_beyond_the_range_take_its_ends(scale: str) -> None:
    assert levels(np.array([0.0, 1e-9, 1e9, np.inf, -1.0]), SCALES[scale]).tolist() == [0, 0, 255, 255, 0]


@pytest.mark.parametrize("scale", SCALES)
def test_ticks_lie_on_the_scale(scale: str) -> None:
    shown = SCALES[scale]
    assert shown.ticks[0] == shown.low
    assert shown.ticks[-1] == shown.high
    at = levels(np.array(shown.ticks), shown).tolist()
    assert at[0] == 0
    assert at[-1] == 255
    assert at == sorted(set(at))


def test_masked_cells_and_nan_are_no_part_of_the_ramp() -> None:
    values = np.array([[0.0, np.nan], [np.nan, 1.0]])
    masked = np.array([[False, False], [True, True]])
    assert levels(values, SCALES["sqrt"], masked).tolist() == [[0, UNDEFINED], [MASKED, MASKED]]


@pytest.mark.parametrize("scale", SCALES)
@given(npst.arrays(np.float16, 50, elements=st.floats(0, 1, width=16) | st.just(np.nan)))
def test_the_lookup_of_half_floats_changes_nothing(scale: str, values: np.ndarray) -> None:
    assert (levels_of_halves(values, SCALES[scale]) == levels(values, SCALES[scale])).all()


@given(st.data())
def test_pooled_support_holds_a_cell_exactly_if_some_pair_in_it_is_visible(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20))
    size = data.draw(st.integers(1, 7))
    kind = data.draw(st.sampled_from(["causal", "sliding", "full"]))
    i = np.arange(rows)
    stop = np.minimum(i + 1, columns) if kind != "full" else np.full(rows, columns)
    first = np.minimum(np.maximum(stop - 3, 0) if kind == "sliding" else np.zeros(rows, int), stop)
    mask = (np.arange(columns) >= first[:, None]) & (np.arange(columns) < stop[:, None])
    low, high = pooled_support(first, stop, size)
    for row in range(-(-rows // size)):
        for column in range(-(-columns // size)):
            inside = mask[row * size : (row + 1) * size, column * size : (column + 1) * size].any()
            assert (low[row] <= column < high[row]) == inside


def test_rows_that_see_nothing_have_no_cells() -> None:
    first, stop = np.array([3, 0, 2]), np.array([3, 0, 4])
    low, high = pooled_support(first, stop, 1)
    assert high.tolist() == [0, 0, 4]
    assert low[2] == 2
    assert pooled_support(first[:2], stop[:2], 2)[1].tolist() == [0]


def test_lengths_of_pooled_rows_are_means() -> None:
    first, stop = np.zeros(5, int), np.arange(1, 6)
    assert row_lengths(first, stop, 2).tolist() == [1.5, 3.5, 5.0]
