from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from faa_core.records import DistanceProfile, LayerInfo, LayerResult
from faa_tui.rendering.page import Page
from faa_tui.rendering.plot import Series
from faa_tui.rendering.profiles import (
    CursorLines,
    LayerValues,
    along_column,
    along_row,
    by_distance,
    heaviest,
    over_layers,
)

Layer = Callable[..., LayerResult]


def series(page: Page, symbol: str) -> Series:
    (found,) = (part for part in page.series if part.symbol == symbol)
    return found


def test_mean_weight_by_distance_is_logarithmic_beside_even_attention(layer_of: Layer) -> None:
    profile = DistanceProfile(
        np.array([0, 1, 2, 4], np.int32),
        np.array([[0.1, 0.01, 0.0, 0.001]], np.float32),
        np.array([0.01, 0.01, 0.01, 0.01], np.float32),
    )
    page = by_distance(replace(layer_of(), distance=profile), 0)
    assert series(page, "●").x.tolist() == [0, 1, 2, 3]
    assert series(page, "●").y == pytest.approx([-1, -2, np.nan, -3], nan_ok=True, abs=1e-6)
    assert series(page, "·").y == pytest.approx([-2] * 4, abs=1e-6)
    assert [label for _, label in page.across(60).ticks] == ["0", "1", "2", "4"]
    assert [label for _, label in page.up(20).ticks] == [".1", ".01", ".001"]
    assert page.title == ["mean weight by distance", "most over even at 0: x10.0", "0 in 1 bins"]


def test_what_has_no_distances_says_why(layer_of: Layer) -> None:
    assert by_distance(layer_of(), 0).nothing.endswith("{run} measures it again")
    cross = replace(layer_of(), info=LayerInfo("cross", 0, 1, "cross"))
    assert "cross-attention" in by_distance(cross, 0).nothing
    invalid = DistanceProfile(np.array([0], np.int32), np.array([[np.nan]], np.float32), np.ones(1, np.float32))
    assert by_distance(replace(layer_of(), distance=invalid), 0).nothing.startswith("no data: the attention")


def test_all_heads_of_each_layer_their_mean_and_the_head_looked_at() -> None:
    nan = float("nan")
    values = LayerValues(
        "entropy",
        ("0", "1", "2"),
        np.array([[1.0, 3.0], [2.0, nan], [nan, nan]]),
        np.array([[True, False], [True, False], [False, False]]),
        np.array([4.0, 4.0, nan]),
        0,
        1,
    )
    page = over_layers(values)
    assert (series(page, "●").x.tolist(), series(page, "●").y.tolist()) == ([0, 1], [1.0, 2.0])
    assert (series(page, "○").x.tolist(), series(page, "○").y.tolist()) == ([0], [3.0])
    (mean,) = (part for part in page.series if part.joined)
    assert mean.y == pytest.approx([2.0, 2.0, nan], nan_ok=True)
    assert series(page, "·").y == pytest.approx([4.0, 4.0, nan], nan_ok=True)
    assert (series(page, "◆").x.tolist(), series(page, "◆").y.tolist()) == ([0], [3.0])
    assert page.title == ["entropy", "0.1: 3"]
    empty = LayerValues(*("x", ("0",)), np.full((1, 1), nan), np.zeros((1, 1), bool), np.full(1, nan), 0, 0)
    assert (
        over_layers(empty).nothing
        == "no data: no head of these layers has this number; {statistic} takes the next statistic"
    )


def test_a_row_shows_what_its_query_may_see_with_the_cursor_marked(layer_of: Layer) -> None:
    row = np.full(256, np.nan, np.float32)
    row[:4] = [0.5, 0.25, 0.125, 0.125]
    page = along_row(layer_of(), CursorLines(3, 1, (" the\x1b", "cat"), row))
    (line,) = (part for part in page.series if part.joined)
    assert (line.x.tolist(), line.y.tolist()) == ([0, 1, 2, 3], [0.5, 0.25, 0.125, 0.125])
    assert series(page, "·").y.tolist() == [0.25] * 4
    assert (series(page, "◆").x.tolist(), series(page, "◆").y.tolist()) == ([1], [0.25])
    assert page.rules[0].at == 1
    assert "\x1b" not in page.title[0]
    assert page.title[1] == "key 1: 0.250"
    beyond = along_row(layer_of(), CursorLines(3, 9, ("a", "b"), row))
    assert beyond.title[1] == "key 9 is hidden"
    assert not len(series(beyond, "◆").x)


def test_without_the_first_key_even_attention_is_that_over_the_others(layer_of: Layer) -> None:
    row = np.array([np.nan, 0.5, 0.25, 0.25] + [np.nan] * 252, np.float32)
    page = along_row(layer_of(), CursorLines(3, 1, ("a", "b"), row, first=1))
    (line,) = (part for part in page.series if part.joined)
    assert line.x.tolist() == [1, 2, 3]
    assert series(page, "·").y == pytest.approx([1 / 3] * 3)
    column = np.full(256, 0.25, np.float32)
    page = along_column(layer_of(), CursorLines(9, 254, ("a", "b"), column=column, first=1))
    assert series(page, "·").y == pytest.approx([1 / 254, 1 / 255])
    assert along_column(layer_of(), CursorLines(9, 0, ("a", "b"), column=column, first=1)).nothing


def test_a_column_shows_the_queries_that_may_see_its_key(layer_of: Layer) -> None:
    column = np.linspace(0, 1, 256).astype(np.float32)
    page = along_column(layer_of(), CursorLines(255, 253, ("a", "b"), column=column))
    (line,) = (part for part in page.series if part.joined)
    assert line.x.tolist() == [253, 254, 255]
    assert line.y == pytest.approx(column[253:])
    assert series(page, "·").y == pytest.approx([1 / 254, 1 / 255, 1 / 256])
    assert series(page, "◆").x.tolist() == [255]


def test_lines_that_are_not_here_say_what_brings_them(layer_of: Layer) -> None:
    nowhere = CursorLines(3, 1, ("a", "b"))
    assert "once the cursor rests" in along_row(layer_of(), nowhere).nothing
    assert "once the cursor rests" in along_column(layer_of(), nowhere).nothing
    assert along_row(layer_of(), None).nothing.startswith("no data: the map is not here yet")


def test_no_single_heavy_key_of_a_long_row_is_lost() -> None:
    weights = np.full(10_001, 1e-5)
    weights[[17, 4321, 10_000]] = [0.5, 0.2, 0.1]
    kept = heaviest(weights, 240)
    assert len(kept) <= 240
    assert {17, 4321, 10_000} <= set(kept.tolist())
    assert heaviest(np.arange(5.0), 240).tolist() == [0, 1, 2, 3, 4]
