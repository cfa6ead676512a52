"""Tokens in scripts that the font of matplotlib lacks, with a font that has them and without one."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import fontManager

from faa_core import AttentionVisualizer
from faa_core.figures.fonts import BASE, CJK, families
from faa_core.figures.labels import label_of

HAN = "日本"


@pytest.fixture
def no_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a font for Chinese, Japanese or Korean."""
    monkeypatch.setattr(fontManager, "ttflist", [one for one in fontManager.ttflist if one.name not in CJK])


@pytest.fixture
def a_font(no_font: None, tmp_path: Path) -> str:
    """A machine with one such font, which has two characters, each a square."""
    square = TTGlyphPen(None)
    square.moveTo((100, 0))
    for corner in ((100, 800), (900, 800), (900, 0)):
        square.lineTo(corner)
    square.closePath()
    builder = FontBuilder(1000, isTTF=True)
    named = {ord(character): f"uni{ord(character):04X}" for character in HAN}
    names = [".notdef", *named.values()]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(named)
    builder.setupGlyf(dict.fromkeys(names, square.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": CJK[-1], "styleName": "Regular", "psName": "Han"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "han.ttf")
    fontManager.addfont(tmp_path / "han.ttf")
    return CJK[-1]


def test_tokens_are_drawn_by_a_font_that_has_them(a_font: str, tmp_path: Path) -> None:
    assert families() == [BASE, a_font]
    assert label_of(f" {HAN}x한") == f"␣{HAN}x\\ud55c"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of every character that it cannot draw
        figure = AttentionVisualizer("ggplot").plot_attention_matrix(np.eye(2), [HAN, "ratio"], f"of {HAN}")
        # Outside of the style of the figures, too, where a program writes them itself.
        for ending in ("png", "pdf", "svg"):
            figure.savefig(tmp_path / f"figure.{ending}")
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [HAN, "ratio"]


def test_without_one_they_are_drawn_as_their_codes(no_font: None) -> None:
    assert families() == [BASE]
    assert label_of("日") == "\\u65e5"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AttentionVisualizer().plot_attention_matrix(np.eye(2), ["日", "한"]).draw_without_rendering()


def test_missing_fonts_are_told_once() -> None:
    code = (
        "from faa_core import AttentionVisualizer\n"
        "for _ in range(2): AttentionVisualizer().plot_token_importance([1, 2], ['\\U00012000', '\\U00012001'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.count("\n") == done.stderr.count("Noto Sans CJK") == 1
