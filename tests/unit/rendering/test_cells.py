from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rich.segment import Segment

from faa_tui.rendering.cells import DENSITY, SIGNED, Glyphs, HalfBlocks, Spaces, encoder
from faa_tui.rendering.ramps import (
    INK_LIGHT,
    LEVELS,
    MASKED,
    MISSING,
    PALETTE,
    RAMPS,
    UNDEFINED,
    ColourSystem,
    xterm_rgb,
)
from faa_tui.rendering.scales import SCALES, levels

Terminal = Callable[[Sequence[str], int], pyte.Screen]
Rows = list[int]

pairs = st.lists(
    # Few different levels, so that neighbours are often equal and every branch of the encoder is taken.
    st.tuples(st.sampled_from([0, 1, 128, 255, MASKED, INK_LIGHT]), st.sampled_from([0, 1, 128, 255, MASKED])),
    min_size=1,
    max_size=60,
)


def hexadecimal(rgb: tuple[int, int, int]) -> str:
    return "{:02x}{:02x}{:02x}".format(*rgb)


def pixels(character: pyte.screens.Char) -> tuple[str, str]:
    """Colours of the upper and the lower half of a cell."""
    return {
        "▀": (character.fg, character.bg),
        "▄": (character.bg, character.fg),
        "█": (character.fg, character.fg),
        " ": (character.bg, character.bg),
    }[character.data]


def shown(line: str, width: int) -> list[tuple[str, str]]:
    terminal = pyte.Screen(width, 1)
    pyte.Stream(terminal).feed(line)
    return [pixels(terminal.buffer[0][x]) for x in range(width)]


@given(pairs)
def test_every_pixel_reaches_the_terminal_in_its_colour(cells: list[tuple[int, int]]) -> None:
    ramp = RAMPS["viridis"]
    top, bottom = [upper for upper, _ in cells], [lower for _, lower in cells]
    expected = [(hexadecimal(ramp.rgb[upper]), hexadecimal(ramp.rgb[lower])) for upper, lower in cells]
    assert shown(HalfBlocks(ramp, "truecolor").line(top, bottom), len(cells)) == expected


@given(pairs, st.sampled_from(sorted(RAMPS)))
def test_the_same_in_256_colours(cells: list[tuple[int, int]], name: str) -> None:
    ramp = RAMPS[name]
    top, bottom = [upper for upper, _ in cells], [lower for _, lower in cells]
    expected = [tuple(hexadecimal(xterm_rgb(ramp.xterm[level])) for level in (upper, lower)) for upper, lower in cells]
    assert shown(HalfBlocks(ramp, "256").line(top, bottom), len(cells)) == expected


def test_a_whole_frame_and_every_level_survive_the_round_trip(screen: Terminal) -> None:
    ramp, width = RAMPS["magma"], 131
    rows = np.random.default_rng(1).integers(0, PALETTE, (40, width))
    rows[0], rows[1] = np.arange(width), np.arange(width, 2 * width)  # all 262 levels
    pen = HalfBlocks(ramp, "truecolor")
    lines = [pen.line(top, bottom) for top, bottom in zip(rows[0::2].tolist(), rows[1::2].tolist(), strict=True)]
    terminal = screen(lines, width)
    for y in range(20):
        for x in range(width):
            upper, lower = pixels(terminal.buffer[y][x])
            assert (upper, lower) == (
                hexadecimal(ramp.rgb[rows[2 * y, x]]),
                hexadecimal(ramp.rgb[rows[2 * y + 1, x]]),
            )


@given(pairs)
def test_segments_are_the_same_line(cells: list[tuple[int, int]]) -> None:
    ramp = RAMPS["cividis"]
    top, bottom = [upper for upper, _ in cells], [lower for _, lower in cells]
    drawn: list[tuple[object, object]] = []
    for segment in HalfBlocks(ramp, "truecolor").segments(top, bottom):
        assert isinstance(segment, Segment)
        assert segment.style is not None
        assert set(segment.text) == {"▀"}
        assert segment.style.color is not None
        assert segment.style.bgcolor is not None
        drawn += [(segment.style.color.triplet, segment.style.bgcolor.triplet)] * len(segment.text)
    assert drawn == [(ramp.rgb[upper], ramp.rgb[lower]) for upper, lower in cells]


@given(pairs)
def test_a_line_leaves_nothing_behind(cells: list[tuple[int, int]]) -> None:
    top, bottom = [upper for upper, _ in cells], [lower for _, lower in cells]
    for system in ("truecolor", "256", "none"):
        terminal = pyte.Screen(len(cells) + 1, 1)
        stream = pyte.Stream(terminal)
        stream.feed(encoder(RAMPS["viridis"], system).line(top, bottom))
        stream.feed("x")
        after = terminal.buffer[0][len(cells)]
        assert (after.data, after.fg, after.bg, after.reverse) == ("x", "default", "default", False)


def test_uniform_stretches_cost_a_byte_a_cell() -> None:
    pen = HalfBlocks(RAMPS["viridis"], "truecolor")
    empty = [MASKED] * 200
    assert len(pen.line(empty, empty).encode()) <= 200 + 30
    # The same after a cell that left the colour of the stretch in the foreground.
    assert len(pen.line([MASKED, *empty], [0, *empty]).encode()) <= 200 + 30 + 60


@pytest.mark.parametrize(("system", "budget"), [("truecolor", 35), ("256", 12)])
def test_bytes_of_a_hard_frame(causal: Callable[..., NDArray[np.float32]], system: str, budget: int) -> None:
    # Independent noise on a log scale: next to no two neighbours are equal. Textual's own way takes 40 bytes a cell.
    pen = encoder(RAMPS["viridis"], system)
    picture = levels(causal(400)[300:400, :200], SCALES["log"]).tolist()
    size = sum(len(pen.line(picture[y], picture[y + 1]).encode()) for y in range(0, 100, 2))
    assert size <= budget * 200 * 50


def test_without_colour_there_are_glyphs_and_reverse_video_only(screen: Terminal) -> None:
    pen = encoder(RAMPS["viridis"], "none")
    line = pen.line([0, 128, 255, MASKED, MISSING, UNDEFINED, INK_LIGHT], [0, 0, 0, MASKED, MISSING, MASKED, 255])
    assert "38;" not in line
    assert "48;" not in line
    terminal = screen([line], 7)
    assert terminal.display == [".+@ ~?@"]
    assert [terminal.buffer[0][x].reverse for x in range(7)] == [False] * 6 + [True]


def test_glyphs_grow_heavier_with_the_weight() -> None:
    line = Glyphs().line(range(256), range(256))
    order = [glyph for index, glyph in enumerate(line) if index == 0 or line[index - 1] != glyph]
    assert "".join(order) == DENSITY


def test_the_heavier_pixel_of_a_cell_decides() -> None:
    assert Glyphs().line([0, 255, MASKED], [255, 0, 255]) == "@@@"


@given(pairs, st.sampled_from(sorted(RAMPS)), st.sampled_from(["truecolor", "256"]))
def test_without_half_blocks_a_cell_has_the_colour_that_stands_out(
    cells: list[tuple[int, int]], name: str, system: ColourSystem
) -> None:
    ramp = RAMPS[name]
    top, bottom = [upper for upper, _ in cells], [lower for _, lower in cells]

    def rank(level: int) -> int:
        if level >= LEVELS:
            return 1000 if level == INK_LIGHT else -1
        return abs(2 * level - 255) if ramp.diverging else level

    levels_shown = [upper if rank(upper) >= rank(lower) else lower for upper, lower in cells]
    colours = [ramp.rgb[at] if system == "truecolor" else xterm_rgb(ramp.xterm[at]) for at in levels_shown]
    pen = Spaces(ramp, system)
    line = pen.line(top, bottom)
    assert line.isascii()
    assert shown(line, len(cells)) == [(hexadecimal(colour), hexadecimal(colour)) for colour in colours]
    assert "".join(segment.text for segment in pen.segments(top, bottom)) == " " * len(cells)


@given(pairs, st.booleans())
def test_glyphs_reach_the_terminal_as_they_are(cells: list[tuple[int, int]], diverging: bool) -> None:
    top, bottom = [upper for upper, _ in cells], [lower for _, lower in cells]
    pen = Glyphs(diverging=diverging)
    terminal = pyte.Screen(len(cells), 1)
    pyte.Stream(terminal).feed(pen.line(top, bottom))
    row = [terminal.buffer[0][x] for x in range(len(cells))]
    drawn = [
        (text, bool(segment.style and segment.style.reverse))
        for segment in pen.segments(top, bottom)
        for text in segment.text
    ]
    assert [(cell.data, cell.reverse) for cell in row] == drawn
    assert {cell.data for cell in row} <= {*DENSITY, *SIGNED, " "}
    assert {(cell.fg, cell.bg) for cell in row} == {("default", "default")}
