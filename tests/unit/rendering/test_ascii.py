from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from faa_tui.rendering.ascii import to_ascii


@given(st.text())
def test_nothing_but_ascii_is_left(text: str) -> None:
    assert to_ascii(text).isascii()


@given(st.characters(categories=["L", "N", "P", "S", "M"]))
def test_every_character_keeps_its_width(character: str) -> None:
    assert cell_len(to_ascii(character)) == cell_len(character)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("╭─ 1 Models ─╮", "+- 1 Models -+"),
        ("│▸ demo   open another…", "|> demo   open another."),
        ("pixel: max of 4×4", "pixel: max of 4x4"),
        ("Gödel’s naïve café", "Godel's naive cafe"),
        ("漢字", "????"),
        ("⠀⠁⠃⠇⣿", " ..:#"),
        ("query → key", "query > key"),
        ("\x1b[38;5;17m▀\x1b[0m", "\x1b[38;5;17m^\x1b[0m"),
    ],
)
def test_what_is_drawn_keeps_its_look(text: str, plain: str) -> None:
    assert to_ascii(text) == plain


def test_marks_without_width_go_away() -> None:
    assert to_ascii("e" + unicodedata.lookup("COMBINING ACUTE ACCENT")) == "e"
