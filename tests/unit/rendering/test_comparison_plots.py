from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from rich.cells import cell_len
from rich.text import Text

from faa_core.records import LayerResult, RenyiSpectrum, status_code
from faa_tui.rendering.comparison_plots import (
    HeadCurve,
    Profile,
    box_counting_lines,
    distribution_lines,
    profile_lines,
    scatter,
    spectrum_lines,
)
from faa_tui.rendering.plot import round_ticks, spanning
from faa_tui.rendering.sides import ON_DARK, PLAIN

SIZES = [(120, 40), (60, 20), (40, 12), (20, 8), (20, 6), (19, 5), (8, 2), (30, 1), (5, 0), (1, 1)]
NAMES = ("demo", "demo@init")
Q = np.array([0, 0.5, 1, 2, 5, np.inf])


def values(count: int = 32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    a = random.gamma(3, 0.5, count)
    b = a * random.uniform(0.6, 1.5, count)
    return a, b, np.abs(b - a) > 0.4


def profiles(sides: int = 2) -> list[Profile]:
    random = np.random.default_rng(1)
    found = []
    for side in range(sides):
        mean = random.uniform(0.5, 2, 4 + 3 * side)
        found.append(Profile(f"model {side}", np.linspace(0, 1, len(mean)), mean, mean - 0.3, mean + 0.3))
    return found


@pytest.fixture
def head(layer_of: Callable[..., LayerResult]) -> Callable[..., HeadCurve]:
    def make(name: str = "demo", slope: float = 1.5, last_status: str = "non_monotone") -> HeadCurve:
        status = np.zeros((1, len(Q)), np.uint8)
        status[0, -1] = status_code(last_status)
        effective = 2 - (2 - slope) * np.minimum(Q, 4)[None] / 4
        spectrum = RenyiSpectrum(Q, np.array([8, 4, 2]), np.zeros((1, len(Q), 3)), effective, effective * 0, status)
        return HeadCurve(name, msgspec.structs.replace(layer_of(slope, slope), spectrum=spectrum), 0)

    return make


def drawings(head: Callable[..., HeadCurve]) -> list[Callable[[int, int], list[Text]]]:
    a, b, found = values()
    sides = [head("demo"), head("other", 1.2)]
    return [
        lambda w, h: scatter(a, b, 3, found, "Entropy", NAMES, w, h).lines,
        lambda w, h: distribution_lines(a, b, "Entropy", NAMES, w, h),
        lambda w, h: profile_lines(profiles(), "Entropy", w, h, bars="quartiles"),
        lambda w, h: box_counting_lines(sides, w, h),
        lambda w, h: spectrum_lines(sides, w, h),
    ]


def text(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_plot_has_exactly_the_size_asked_for(head: Callable[..., HeadCurve], width: int, height: int) -> None:
    for drawing in drawings(head):
        lines = drawing(width, height)
        assert len(lines) == height
        assert {cell_len(line.plain) for line in lines} <= {width}


@pytest.mark.parametrize(("width", "height"), [(60, 20), (20, 6), (9, 3)])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([np.nan] * 3, [1.0, 2.0, 3.0]),
        ([1.0], [2.0]),
        ([1.0], [1.0]),
        ([0.0] * 4, [0.0] * 4),
        ([1e-9, 2e-9], [1e-9, 3e-9]),
        ([1e9, -3e9], [5e8, np.inf]),
        ([], []),
    ],
)
def test_any_numbers_are_drawn_or_said_not_to_be_there(a: list, b: list, width: int, height: int) -> None:
    first, other, none = np.array(a, float), np.array(b, float), np.zeros(len(a), bool)
    side = Profile("x", np.linspace(0, 1, len(a)), first, first, other)
    for lines in (
        scatter(first, other, 0 if len(a) else None, none, "t", NAMES, width, height, reason="white").lines,
        distribution_lines(first, other, "t", NAMES, width, height, reason="white"),
        profile_lines([side], "t", width, height, reason="white"),
    ):
        assert len(lines) == height
        assert {cell_len(line.plain) for line in lines} == {width}
    if not np.isfinite(first + other).any() and width == 60:
        assert "white" in text(scatter(first, other, None, none, "t", NAMES, 60, 20, reason="white").lines)


def test_pairs_that_one_side_does_not_define_are_left_out_and_counted() -> None:
    a, b, found = values()
    a[:2], b[4] = np.nan, np.nan
    for drawn in (scatter(a, b, 3, found, "t", NAMES, 90, 20).lines, distribution_lines(a, b, "t", NAMES, 90, 20)):
        assert "29 of 32 pairs" in text(drawn)
    assert "32 pairs" in text(scatter(*values()[:2], 3, found, "t", NAMES, 90, 20).lines)


def test_discoveries_are_filled_and_the_chosen_pair_is_crossed() -> None:
    a, b = np.array([0.0, 1.0, 2.0, 3.0]), np.array([3.0, 0.0, 1.0, 2.5])
    drawn = text(scatter(a, b, 2, np.array([True, False, False, True]), "t", NAMES, 60, 20, PLAIN).lines)
    plot = drawn.split("\n", 2)[2]
    assert (plot.count("●"), plot.count("○"), plot.count("◆")) == (2, 1, 1)
    assert plot.count("┊") > 8
    assert plot.count("┈") > 20
    assert "chosen" in drawn


def test_equal_values_lie_on_the_diagonal() -> None:
    a = np.linspace(0, 1, 9)
    lines = scatter(a, a, None, np.zeros(9, bool), "t", NAMES, 60, 21, PLAIN).lines[2:]
    places = [(x, y) for y, line in enumerate(lines) for x, symbol in enumerate(line.plain) if symbol == "○"]
    columns, rows = np.array(places).T
    assert np.corrcoef(columns, rows)[0, 1] < -0.995


def test_places_are_where_the_points_are_drawn() -> None:
    a, b, found = values()
    a[5] = np.nan
    for width, height in ((60, 20), (33, 9), (20, 6), (121, 41)):
        drawn = scatter(a, b, None, found, "t", NAMES, width, height)
        assert drawn.places[5].tolist() == [-1, -1]
        for index, (x, y) in enumerate(drawn.places):
            if index != 5:
                assert drawn.lines[y].plain[x] in "●○"


def test_a_page_without_a_plot_has_no_places() -> None:
    a, b, found = values()
    assert (scatter(a, b, None, found, "t", NAMES, 10, 4).places == -1).all()


def test_a_distribution_rises_from_nothing_to_all_and_names_the_medians() -> None:
    a = np.arange(1.0, 6)
    lines = distribution_lines(a, a + 2, "t", NAMES, 70, 20, PLAIN)
    drawn = text(lines)
    assert "demo median 3" in drawn
    assert "demo@init median 5" in drawn
    plot = drawn.split("\n", 2)[2]
    assert plot.count("●") == plot.count("▲") == 5
    rows = [y for y, line in enumerate(lines[2:]) for symbol in line.plain if symbol == "●"]
    assert rows == sorted(rows)
    assert rows[0] <= 1  # the largest value stands at the top


def test_a_thousand_pairs_are_drawn_as_the_few_cells_that_they_fill() -> None:
    a, b, found = values(1152)
    lines = distribution_lines(a, b, "t", NAMES, 60, 20)
    assert text(lines).count("●") <= 9
    assert scatter(a, b, 3, found, "t", NAMES, 60, 20).places.shape == (1152, 2)


@pytest.mark.parametrize("sides", [1, 2, 3, 4])
def test_profiles_of_up_to_four_sides_have_a_symbol_each(sides: int) -> None:
    drawn = text(profile_lines(profiles(sides), "Entropy", 100, 24, PLAIN, bars="quartiles"))
    plot = drawn.split("\n", 2)[2]
    for symbol in "●▲■◆"[:sides]:
        assert plot.count(symbol) >= 3
        assert symbol in drawn.split("\n")[1]
    assert ("quartiles" in drawn) == (sides <= 2)


def test_box_counts_of_heads_of_other_lengths_share_the_axis(head: Callable[..., HeadCurve]) -> None:
    side, other = head("demo"), head("other", 1.2)
    boxes = other.result.boxes
    half = msgspec.structs.replace(
        boxes,
        sizes=boxes.sizes[:-1],
        regressor=boxes.regressor[1:],
        counts=boxes.counts[:, 1:],
        null_counts=boxes.null_counts[1:],
    )
    short = other._replace(result=msgspec.structs.replace(other.result, boxes=half))
    lines = box_counting_lines([side, short], 80, 24, PLAIN)
    plot = "\n".join(line.plain for line in lines[2:])
    assert plot.count("●") + plot.count("▲") >= 9
    assert {"○", "△"} <= set(plot)
    assert lines[-1].plain.split() == ["256", "128", "64", "32", "16", "8", "4", "2", "1"]
    assert "demo D0 1.50" in lines[1].plain
    assert "other D0 1.20" in lines[1].plain


def test_orders_without_a_dimension_are_open_and_infinity_is_at_the_right_edge(head: Callable[..., HeadCurve]) -> None:
    lines = spectrum_lines([head("demo"), head("other", 1.2, "ok")], 80, 24, PLAIN)
    plot = "\n".join(line.plain for line in lines[2:])
    assert plot.count("○") == 1
    assert plot.count("△") == 0
    assert lines[-1].plain.split()[-1] == "∞"
    assert "┈" * 10 in plot  # 2, at every order


def test_heads_without_a_spectrum_are_left_out(
    head: Callable[..., HeadCurve], layer_of: Callable[..., LayerResult]
) -> None:
    bare = HeadCurve("bare", layer_of(), 0)
    assert "no head has a spectrum" in text(spectrum_lines([bare], 60, 20))
    drawn = text(spectrum_lines([bare, head("demo")], 60, 20))
    assert "bare" not in drawn
    assert "▲ demo" in drawn  # it keeps the symbol of its side


def test_a_side_keeps_its_symbol_where_another_one_is_missing(head: Callable[..., HeadCurve]) -> None:
    third = head("third")._replace(side=2)
    for lines in (box_counting_lines([third], 80, 20), spectrum_lines([third], 80, 20)):
        assert "■ third" in lines[1].plain
    assert "■ c" in profile_lines([profiles()[0]._replace(name="c", side=2)], "t", 80, 20)[1].plain
    a, b, _ = values()
    assert "■ demo@init" in distribution_lines(a, b, "t", NAMES, 80, 20, other=2)[1].plain


def test_names_of_sides_are_cut_before_one_is_left_out(head: Callable[..., HeadCurve]) -> None:
    sides = [head(f"organisation/model-{letter}") for letter in "abcd"]
    legend = box_counting_lines(sides, 40, 14)[1].plain
    assert all(symbol in legend for symbol in "●▲■◆")


def test_colours_are_those_asked_for(head: Callable[..., HeadCurve]) -> None:
    allowed = {*ON_DARK.sides, ON_DARK.chosen, ON_DARK.null, ON_DARK.frame}
    for drawing in drawings(head):
        used = {
            tuple(span.style.color.get_truecolor())
            for line in drawing(70, 24)[2:]
            for span in line.spans
            if span.style.color is not None
        }
        assert len(used) >= 3
        assert used <= allowed


def test_hostile_names_are_harmless() -> None:
    a, b, found = values()
    drawn = text(scatter(a, b, 3, found, "t", ("\x1b[2J", "[bold]x"), 80, 20).lines)
    assert "\x1b" not in drawn
    assert "[bold]x over" in drawn


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, ["0", ".2", ".4", ".6", ".8", "1.0"]),
        (-1.3, 1.3, ["−1.0", "−.5", "0", ".5", "1.0"]),
        (0, 40, ["0", "10", "20", "30", "40"]),
        (0, 50000, ["0", "10k", "20k", "30k", "40k", "50k"]),
    ],
)
def test_ticks_are_round_and_short(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in round_ticks(low, high, 6)] == labels


def test_an_axis_of_one_value_has_it_in_the_middle() -> None:
    axis = spanning(np.array([2.0, np.nan, 2.0]), most=4)
    assert axis.low < 2 < axis.high
    assert axis.ticks
    assert replace(axis, ticks=()).ticks == ()
