"""Text that can be read on whole screens, in a dark theme and in light ones.

Every theme is tried where colours are chosen, in ``tests/unit/rendering/test_line_filters.py``.
"""

import asyncio
import sys

import pytest

from faa_core.colours import luminance
from faa_tui.application import FaaApp
from faa_tui.colour import Display
from faa_tui.rendering.ramps import xterm_rgb
from faa_tui.screens.help import HelpScreen

from .conftest import WORKER, Session

LEAST = 4.5
"""WCAG 2.2, 1.4.3."""
THEMES = ("textual-dark", "textual-light", "solarized-light")
TEXT = "one two three four five six seven one two three four five"


def shown(colour):
    """Red, green and blue; ``None`` for a colour that is the terminal's own."""
    if colour is None or colour.is_default or (colour.number is not None and colour.number < 16):
        return None
    return xterm_rgb(colour.number) if colour.number is not None else tuple(colour.triplet)


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def words_that_cannot_be_read(screen, region):
    """Text with letters or digits in a part of the screen, as ``(contrast, text)``; and how much text there is."""
    bad, count = [], 0
    for strip in screen._compositor.render_strips()[region.y : region.bottom]:
        for segment in strip.crop(region.x, region.right):
            if not any(character.isalnum() for character in segment.text):
                continue
            style = segment.style
            ink, paper = shown(style.color), shown(style.bgcolor)
            if ink is not None and paper is not None:
                count += 1
                if (found := contrast(ink, paper)) < LEAST:
                    bad.append((round(found, 2), segment.text))
    return bad, count


@pytest.mark.parametrize("colours", ["truecolor", "256"])
def test_the_text_of_a_theme_stands_out(colours):
    async def body():
        command = [sys.executable, "-P", str(WORKER)]
        app = FaaApp("demo", TEXT, command=command, display=Display(colours), others=("tiny",))
        app.restores = False
        async with app.run_test(size=(120, 40)) as pilot:
            session = Session(app, pilot)
            await session.until(lambda: app.desk and app.desk.comparing.comparisons and app.at_rest)
            await session.press("question_mark")
            main, comparison, help_screen = app.screen_stack
            assert isinstance(help_screen, HelpScreen)
            parts = {
                main: main.region,
                comparison: comparison.region,
                help_screen: help_screen.query_one("#help-box").region,
            }
            papers = set()
            for name in THEMES:
                app.theme = name
                await pilot.pause()
                papers.add(help_screen.query_one("#help-box").background_colors[1].hex)
                for screen, region in parts.items():
                    bad, count = words_that_cannot_be_read(screen, region)
                    assert not bad, (name, type(screen).__name__, bad)
                    assert count > 20
            assert len(papers) == len(THEMES)  # they were drawn indeed

    asyncio.run(body())
