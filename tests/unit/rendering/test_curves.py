from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from rich.cells import cell_len
from rich.text import Text

from faa_core.records import LayerResult
from faa_tui.rendering.curves import box_counting, curve_title, local_slopes, over_thresholds
from faa_tui.rendering.page import COLOURED, PLAIN, CurveColours, Page

Layer = Callable[..., LayerResult]


def curve_lines(layer: LayerResult, head: int, width: int, height: int, colours: CurveColours = COLOURED) -> list[Text]:
    return box_counting(layer, head, colours).lines(width, height)


def points(page: Page, symbol: str) -> dict[float, float]:
    """What is plotted with a symbol: ordinate by abscissa, both rounded."""
    return {
        round(float(x), 6): round(float(y), 6)
        for series in page.series
        if series.symbol == symbol
        for x, y in zip(series.x, series.y, strict=True)
        if np.isfinite(y)
    }


@pytest.mark.parametrize(
    ("width", "height"), [(120, 40), (60, 20), (40, 12), (20, 6), (19, 5), (8, 2), (30, 1), (5, 0)]
)
def test_the_plot_has_exactly_the_size_asked_for(layer_of: Layer, width: int, height: int) -> None:
    lines = curve_lines(layer_of(), 0, width, height)
    assert len(lines) == height
    assert {cell_len(line.plain) for line in lines} <= {width}


def test_growing_beyond_the_terminal_and_back(layer_of: Layer) -> None:
    first = [line.plain for line in curve_lines(layer_of(), 0, 50, 18)]
    assert len(curve_lines(layer_of(), 0, 300, 90)) == 90
    assert [line.plain for line in curve_lines(layer_of(), 0, 50, 18)] == first


def test_points_in_and_out_of_the_accepted_range_differ(layer_of: Layer) -> None:
    text = "\n".join(line.plain for line in curve_lines(layer_of(), 0, 70, 24)[2:])
    assert text.count("●") == 5  # sizes 4 to 64
    assert text.count("○") == 4  # 1, 2, 128, 256
    assert any(0x2800 < ord(character) < 0x2900 for character in text)  # the fitted line, in braille
    assert text.count("┊") > 8  # two marks at the ends of the range


def test_the_curve_falls_from_left_to_right_on_straight_axes(layer_of: Layer) -> None:
    lines = [line.plain for line in curve_lines(layer_of(), 0, 70, 24)]
    dots = sorted((x, y) for y, line in enumerate(lines[2:]) for x, character in enumerate(line) if character in "●○")
    columns, rows = np.array(dots).T
    assert len(dots) == 9
    assert (np.diff(rows) >= 0).all()
    gaps = np.diff(columns)
    assert gaps.max() - gaps.min() <= 1  # powers of two are evenly spaced
    slopes = np.polyfit(columns, rows, 1)
    assert np.abs(np.polyval(slopes, columns) - rows).max() < 1  # a power law is a straight line


def test_ticks_are_powers_of_two_and_decades(layer_of: Layer) -> None:
    lines = [line.plain for line in curve_lines(layer_of(), 0, 80, 24)]
    assert lines[-1].split() == ["1", "2", "4", "8", "16", "32", "64", "128", "256"]
    labels = [line.split("┤")[0].strip() for line in lines if "┤" in line]
    assert labels == ["10k", "1k", "100", "10", "1"]


def test_the_title_gives_value_error_null_and_difference(layer_of: Layer) -> None:
    assert curve_title(layer_of(), 0) == ["D0 1.50 ± 0.04", "null 1.93", "Δ −0.43"]


def test_a_dimension_that_is_undefined_says_why(layer_of: Layer) -> None:
    layer = layer_of(value=np.nan, status="no_scaling")
    assert curve_title(layer, 0) == ["D0 undefined", "no scaling", "slope 1.50", "null 1.93"]


def test_without_a_fit_every_point_is_open(layer_of: Layer) -> None:
    layer = layer_of(value=np.nan, status="too_few_scales", fitted=False)
    lines = curve_lines(layer, 0, 60, 20)
    text = "\n".join(line.plain for line in lines[2:])
    assert "●" not in text
    assert text.count("○") == 9
    assert "too few scales" in lines[0].plain


def test_colours_are_those_asked_for_and_no_ground_is_painted(layer_of: Layer) -> None:
    colours = CurveColours((1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12), (13, 14, 15))
    used = set()
    for line in curve_lines(layer_of(), 0, 70, 24, colours)[2:]:
        for span in line.spans:
            assert span.style.bgcolor is None
            if span.style.color is not None:
                used.add(tuple(span.style.color.get_truecolor()))
    assert used == {(1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12), (13, 14, 15)}


def test_plain_plots_have_no_colour(layer_of: Layer) -> None:
    for line in curve_lines(layer_of(), 0, 70, 24, PLAIN):
        for span in line.spans:
            assert not span.style or span.style.color is None


def test_the_boxes_that_are_looked_at_stand_out_without_colour(layer_of: Layer) -> None:
    page = box_counting(layer_of(), 0, PLAIN, lit=16)
    assert points(page, "◆") == {round(-np.log(16), 6): round(float(np.log(64)), 6)}  # 16 boxes a side, 16^1.5 in all
    assert page.title[0] == "s 16 N 64"
    assert sum(line.plain.count("◆") for line in page.lines(34, 10)) == 1
    for other in (None, 3, 1024):  # no such boxes were counted
        assert not points(box_counting(layer_of(), 0, PLAIN, lit=other), "◆")


def test_slopes_of_a_power_law_are_all_its_exponent(layer_of: Layer) -> None:
    page = local_slopes(layer_of(), 0)
    used, outside, null = (points(page, symbol) for symbol in "●○·")
    # Between sizes 2^k and 2^(k + 1) of 256 tokens; the fit uses 4 to 64.
    middles = [round((k + 0.5) * np.log(2) - np.log(256), 6) for k in range(8)]
    assert list(used) == middles[2:6]
    assert list(outside) == middles[:2] + middles[6:]
    assert list(used.values()) == pytest.approx([1.5] * 4, abs=0.06)  # counts are whole numbers
    # g (g + 1) / 2 boxes of a triangle: from 2 a side to 1, three to one.
    assert null[middles[-1]] == pytest.approx(np.log2(3), abs=1e-6)
    assert null[middles[0]] == pytest.approx(np.log2(256 * 257 / (128 * 129)), abs=1e-6)
    fit = next(series for series in page.series if series.joined)
    assert fit.y.tolist() == [1.5, 1.5]
    assert fit.x.tolist() == pytest.approx([-np.log(64), -np.log(4)])
    assert [rule.at for rule in page.rules] == pytest.approx([-np.log(64), -np.log(4)])
    assert page.status == "ok"


def test_slopes_of_an_empty_set_are_no_data_with_the_reason(layer_of: Layer) -> None:
    layer = layer_of(value=np.nan, status="empty", fitted=False)
    layer = msgspec.structs.replace(
        layer, boxes=msgspec.structs.replace(layer.boxes, counts=np.zeros_like(layer.boxes.counts))
    )
    page = local_slopes(layer, 0)
    assert page.nothing.startswith("no data: no entry is above the threshold.")
    assert page.status == "empty"


def test_dimensions_over_thresholds_with_lift_1_marked(layer_of: Layer) -> None:
    layer = layer_of()
    boxes = msgspec.structs.replace(
        layer.boxes,
        thresholds=np.array([0.25, 0.5, 1.0, 2.0, 4.0]),
        dimensions=np.array([[1.9, 1.8, 1.5, 1.1, np.nan]]),
    )
    page = over_thresholds(msgspec.structs.replace(layer, boxes=boxes), 0)
    assert points(page, "●") == {-2.0: 1.9, -1.0: 1.8, 0.0: 1.5, 1.0: 1.1}
    assert points(page, "◆") == {0.0: 1.5}
    assert [(rule.direction, rule.at) for rule in page.rules] == [("vertical", 0.0), ("horizontal", 1.93)]
    assert page.title == ["lift 1: 1.50", "D0 over lift", "4 of 5 thresholds"]
    assert [label for _, label in page.across(60).ticks] == ["0.25", "0.5", "1", "2", "4"]
    empty = msgspec.structs.replace(boxes, dimensions=np.full((1, 5), np.nan))
    assert over_thresholds(msgspec.structs.replace(layer, boxes=empty), 0).nothing.startswith("no data: no threshold")
