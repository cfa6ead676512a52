from __future__ import annotations

import math

import pytest

from faa_tui.rendering.legend import bar_levels, ruler, short_number, tick_step


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (0.25, "0.25"), (1e-4, "1e-4"), (1 / 64, "1/64"), (-0.5, "-0.5"), (64, "64"), (math.nan, "·")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short_number(value) == text


@pytest.mark.parametrize(("least", "step"), [(0.3, 1), (1, 1), (1.5, 2), (3, 5), (8, 10), (56, 100), (101, 200)])
def test_steps_are_round(least: float, step: int) -> None:
    assert tick_step(least) == step


def test_a_ruler_leaves_out_labels_that_would_touch() -> None:
    assert ruler(12, [(0, "0"), (1, "1"), (4, "100"), (7, "200"), (10, "300")]) == "0   100     "


def test_a_ruler_cuts_no_label_beside_what_stands_in_it() -> None:
    ticks = [(0, "0"), (4, "100"), (9, "200"), (14, "300"), (19, "400")]
    assert ruler(24, ticks, range(16, 19)) == "0   100  200            "
    assert ruler(24, ticks, range(17, 18)) == "0   100  200       400  "
    assert ruler(24, ticks, range(0, 3)) == "    100  200  300  400  "
    assert ruler(24, ticks) == "0   100  200  300  400  "


def test_a_bar_runs_from_end_to_end() -> None:
    assert bar_levels(2) == [0, 255]
    assert bar_levels(256) == list(range(256))
    assert bar_levels(1) == [0]
