from __future__ import annotations

import numpy as np
import pytest
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from faa_tui.rendering.line_filters import OwnColours, ReadableText, XtermColours, nearest_by_eye, oklab
from faa_tui.rendering.ramps import RGB, luminance, xterm_rgb

THEMES = [theme for theme in BUILTIN_THEMES.values() if not theme.ansi]
DARK, LIGHT = Color(18, 18, 18), Color(240, 240, 240)


def colours(theme: Theme) -> dict[str, RGB]:
    variables = theme.to_color_system().generate()
    found = {}
    for name in ("background", "surface", "panel", "foreground", "primary", "accent", "warning", "error", "success"):
        colour = Color.parse(variables[name])
        found[name] = (colour.r, colour.g, colour.b)
    return found


def contrast(one: RGB, other: RGB) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def chroma(colour: RGB) -> float:
    return float(np.hypot(*oklab(np.array(colour))[1:]))


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_no_theme_turns_blue_or_loses_its_contrast_in_256_colours(theme: Theme) -> None:
    asked = colours(theme)
    shown = {name: xterm_rgb(nearest_by_eye(colour)) for name, colour in asked.items()}
    for name, colour in shown.items():
        assert chroma(colour) <= chroma(asked[name]) + 0.035, name
        assert abs(oklab(np.array(colour))[0] - oklab(np.array(asked[name]))[0]) <= 0.11, name
    for behind in ("background", "surface", "panel"):
        before = contrast(asked["foreground"], asked[behind])
        assert contrast(shown["foreground"], shown[behind]) >= min(before * 2 / 3, 4.5), behind


def test_the_surfaces_that_rich_makes_navy_stay_grey() -> None:
    # Rich: #242F38 becomes 17, navy.
    number = nearest_by_eye((0x24, 0x2F, 0x38))
    assert 232 <= number <= 255


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_text_in_any_colour_of_a_theme_stands_out_from_any_of_its_surfaces(theme: Theme) -> None:
    asked = colours(theme)
    for behind in ("background", "surface", "panel", "primary", "accent"):
        for name, ink in asked.items():
            line = [Segment("word", Style(color=RichColor.from_rgb(*ink), bgcolor=RichColor.from_rgb(*asked[behind])))]
            (exact,) = ReadableText().apply(line, DARK)
            assert exact.style is not None
            assert exact.style.color is not None
            assert exact.style.color.triplet is not None
            assert contrast(tuple(exact.style.color.triplet), asked[behind]) >= 4.5, (name, behind)
            if contrast(ink, asked[behind]) >= 4.5:
                assert exact.style == line[0].style
            (few,) = XtermColours().apply(ReadableText(in_256=True).apply(line, DARK), DARK)
            assert few.style is not None
            numbers = [colour.number for colour in (few.style.color, few.style.bgcolor) if colour is not None]
            front, back = (xterm_rgb(number) for number in numbers if number is not None)
            assert contrast(front, back) >= 4.5, (name, behind)


def test_a_row_in_reverse_video_is_readable_too_and_keeps_the_colour_behind_it() -> None:
    (row,) = ReadableText().apply([Segment("row", Style.parse("reverse #a86d1c on #d8d8d8"))], LIGHT)
    assert row.style is not None
    assert row.style.color == RichColor.parse("#a86d1c")
    assert row.style.bgcolor is not None
    assert row.style.bgcolor.triplet is not None
    assert contrast(tuple(row.style.bgcolor.triplet), (0xA8, 0x6D, 0x1C)) >= 4.5


def test_frames_blocks_and_the_terminals_own_colours_stay_as_they_are() -> None:
    faint = Style.parse("#ffffff on #d8d8d8")
    line = [Segment("─│╭▀█ ", faint), Segment("word", Style.parse("yellow on white")), Segment("word")]
    assert ReadableText().apply(line, LIGHT) == line


def test_a_curve_can_be_seen_and_need_not_be_as_strong_as_text() -> None:
    (curve,) = ReadableText().apply([Segment("⠤⣀ ", Style.parse("#8e8f24 on #e0e0e0"))], LIGHT)
    assert curve.style is not None
    assert curve.style.color is not None
    assert curve.style.color.triplet is not None
    assert 3.0 <= contrast(tuple(curve.style.color.triplet), (0xE0, 0xE0, 0xE0)) < 4.0


def filtered(style: str, background: Color, hues: bool = False) -> Style:
    (segment,) = OwnColours(hues).apply([Segment("x", Style.parse(style))], background)
    assert segment.style is not None
    return segment.style


def test_without_colour_there_is_reverse_video_bold_and_underline_only() -> None:
    for style in ("#e0e0e0 on #121212", "bold #808080 on #121212", "dim #ff0000 on #121212", "underline #0178d4"):
        shown = filtered(style, DARK)
        assert shown.color is None
        assert shown.bgcolor is None
        assert not shown.dim
        assert not shown.reverse
    assert filtered("bold #808080 on #121212", DARK).bold
    assert filtered("underline #0178d4", DARK).underline


@pytest.mark.parametrize("background", [DARK, LIGHT], ids=["dark", "light"])
def test_what_stands_out_by_its_background_does_by_reverse_video(background: Color) -> None:
    assert filtered("#ffffff on #0178d4", background).reverse
    plain = f"#808080 on {background.hex6}"
    assert not filtered(plain, background).reverse
    assert filtered(f"reverse {plain}", background).reverse


@pytest.mark.parametrize(
    ("colour", "number"),
    [("#ff0000", 1), ("#ba3c5b", 1), ("#ffa62b", 3), ("#4ebf71", 2), ("#00ffff", 6), ("#0178d4", 6), ("#b000ff", 5)],
)
def test_sixteen_colours_keep_the_hue_of_text(colour: str, number: int) -> None:
    shown = filtered(colour, DARK, hues=True)
    assert shown.color is not None
    assert shown.color.number == number


@pytest.mark.parametrize(("colour", "number"), [("#ba3c5b", 1), ("#0178d4", 4), ("#b000ff", 5)])
def test_on_a_light_terminal_sixteen_colours_keep_the_hues_that_can_be_read(colour: str, number: int) -> None:
    shown = filtered(colour, LIGHT, hues=True)
    assert shown.color is not None
    assert shown.color.number == number


@pytest.mark.parametrize("colour", ["#ffa62b", "#4ebf71"])
def test_on_a_light_terminal_yellow_and_green_text_has_the_terminals_own_colour(colour: str) -> None:
    assert filtered(colour, LIGHT, hues=True).color is None


def test_grey_text_has_the_terminals_own_colour_in_sixteen() -> None:
    # Bright black is the background of some palettes.
    assert filtered("#808080 on #121212", DARK, hues=True).color is None


def test_a_line_keeps_its_text_and_what_has_no_style() -> None:
    line = [Segment("a", Style.parse("red")), Segment("b"), Segment("c", Style.parse("#123456 on #abcdef"))]
    for line_filter in (XtermColours(), OwnColours(True), OwnColours(False)):
        assert [segment.text for segment in line_filter.apply(line, DARK)] == ["a", "b", "c"]
    styles = [segment.style for segment in XtermColours().apply(line, DARK)]
    assert styles[2] is not None
    assert styles[2].color is not None
    assert styles[2].color.number == nearest_by_eye((0x12, 0x34, 0x56))
