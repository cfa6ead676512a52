from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from rich.cells import cell_len

from faa_core.records import LayerResult
from faa_tui.rendering.curves import PLAIN, CurveColours, curve_lines, curve_title

Layer = Callable[..., LayerResult]


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
