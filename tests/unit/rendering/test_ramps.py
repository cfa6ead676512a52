from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from faa_tui.rendering.ramps import (
    INK_DARK,
    INK_LIGHT,
    LEVELS,
    MASKED,
    MISSING,
    OUTSIDE,
    PALETTE,
    RAMPS,
    UNDEFINED,
    colour_system,
    luminance,
    nearest_xterm,
    xterm_rgb,
)

# Published tables, level to colour.
ANCHORS = {
    "viridis": {0: (68, 1, 84), 64: (59, 82, 139), 128: (33, 145, 140), 192: (94, 201, 98), 255: (253, 231, 37)},
    "cividis": {0: (0, 34, 78), 64: (67, 78, 108), 128: (125, 124, 120), 192: (188, 174, 108), 255: (254, 232, 56)},
    "magma": {0: (0, 0, 4), 64: (81, 18, 124), 128: (183, 55, 121), 192: (252, 137, 97), 255: (252, 253, 191)},
    "grey": {0: (0, 0, 0), 128: (128, 128, 128), 255: (255, 255, 255)},
}


@pytest.mark.parametrize("name", ANCHORS)
def test_ramps_are_the_published_ones(name: str) -> None:
    for level, colour in ANCHORS[name].items():
        assert np.abs(np.subtract(RAMPS[name].rgb[level], colour)).max() <= 1


@pytest.mark.parametrize("name", ANCHORS)
def test_lightness_only_ever_rises(name: str) -> None:
    light = [luminance(colour) for colour in RAMPS[name].rgb[:LEVELS]]
    assert all(b > a for a, b in pairwise(light[::3]))  # neighbours may be a rounding apart
    assert light[-1] > light[0] + 0.5


@pytest.mark.parametrize("name", ANCHORS)
def test_xterm_ramps_never_turn_back_and_never_repeat_a_colour(name: str) -> None:
    numbers = RAMPS[name].xterm[:LEVELS]
    steps = [number for index, number in enumerate(numbers) if index == 0 or numbers[index - 1] != number]
    assert len(steps) == len(set(steps)) >= 13
    light = [luminance(xterm_rgb(number)) for number in steps]
    assert all(b > a for a, b in pairwise(light))


def test_the_diverging_ramp_is_lightest_in_the_middle_and_blue_on_the_left() -> None:
    ramp = RAMPS["diverging"]
    for light in (
        [luminance(colour) for colour in ramp.rgb[:LEVELS]],
        [luminance(xterm_rgb(number)) for number in ramp.xterm[:LEVELS]],
    ):
        assert all(b >= a for a, b in pairwise(light[:129]))
        assert all(b <= a for a, b in pairwise(light[128:]))
    assert ramp.diverging
    assert ramp.rgb[0][2] > 2 * ramp.rgb[0][0]
    assert ramp.rgb[255][0] > 2 * ramp.rgb[255][2]


@pytest.mark.parametrize("name", RAMPS)
def test_cells_without_a_place_on_the_ramp_look_like_nothing_on_it(name: str) -> None:
    ramp = RAMPS[name]
    assert len(ramp.rgb) == len(ramp.xterm) == PALETTE
    if name != "grey":
        for special in (MASKED, UNDEFINED, MISSING):
            apart = np.abs(np.subtract(ramp.rgb[:LEVELS], ramp.rgb[special])).max(1)
            assert apart.min() > 12
    assert ramp.xterm[MASKED] not in ramp.xterm[:LEVELS]
    assert luminance(ramp.rgb[MASKED]) < 0.05


@pytest.mark.parametrize("name", RAMPS)
def test_the_cursor_stands_out_from_every_level(name: str) -> None:
    ramp = RAMPS[name]
    ink = ramp.ink
    assert set(ink.tolist()) == {INK_LIGHT, INK_DARK}
    for level in range(MASKED + 1):
        low, high = sorted((luminance(ramp.rgb[level]), luminance(ramp.rgb[ink[level]])))
        assert (high + 0.05) / (low + 0.05) >= 4.5


def test_half_cells_beyond_the_edge_take_the_background_of_the_pane() -> None:
    ramp = RAMPS["viridis"].over((30, 30, 30))
    assert ramp.rgb[OUTSIDE] == (30, 30, 30)
    assert xterm_rgb(ramp.xterm[OUTSIDE]) == (28, 28, 28)
    assert ramp.rgb[:LEVELS] == RAMPS["viridis"].rgb[:LEVELS]


@pytest.mark.parametrize("number", range(16, 256))
def test_each_xterm_colour_is_nearest_to_itself(number: int) -> None:
    assert xterm_rgb(nearest_xterm(xterm_rgb(number))) == xterm_rgb(number)


def test_sixteen_colours_count_as_none() -> None:
    assert [colour_system(name) for name in ("truecolor", "256", "standard", None)] == [
        "truecolor",
        "256",
        "none",
        "none",
    ]


@pytest.mark.parametrize("name", RAMPS)
def test_what_no_query_sees_stands_back_on_a_light_background_and_is_no_colour_of_the_ramp(name: str) -> None:
    ramp = RAMPS[name].over((216, 216, 216))
    for special in (MASKED, MISSING):
        assert ramp.xterm[special] not in ramp.xterm[:LEVELS]
        assert ramp.rgb[special] not in ramp.rgb[:LEVELS]
        assert luminance(ramp.rgb[special]) > 0.3
    assert RAMPS[name].over((18, 18, 18)).rgb[MASKED] == RAMPS[name].rgb[MASKED]
