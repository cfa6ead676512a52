from __future__ import annotations

import unicodedata

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from faa_tui.rendering.text import fit, joined, pad, token_label, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\nb\tc\rd", "a⏎b␉c␍d"),
        ("\x00\x7f\x9b", "␀␡\\u{9b}"),
        ("a\u202eb", "a\\u{202e}b"),
        ("a\u200bb\ufeff", "a\\u{200b}b\\u{feff}"),
        ("\u2028", "\\u{2028}"),
        ("\ud800", "\\u{d800}"),
        ("[bold]x[/]", "[bold]x[/]"),
        ("e\u0301", "e\u0301"),
        ("\u0301e", "◌\u0301e"),
        ("e" + "\u0301" * 4, "e\u0301\u0301\\u{301}\\u{301}"),
        ("日本", "日本"),
        ("", ""),
    ],
)
def test_hostile_characters_become_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(alphabet=st.characters(), max_size=40))
def test_nothing_that_comes_out_can_command_a_terminal(text: str) -> None:
    for spaces in (False, True):
        result = visible(text, spaces=spaces)
        assert not any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs") for character in result)
        terminal = pyte.Screen(200, 2)
        pyte.Stream(terminal).feed(result[:80])
        assert not terminal.display[1].strip()
        assert Text(result).plain == result


def test_spaces_are_dots_where_asked() -> None:
    assert visible(" the cat", spaces=True) == "·the·cat"
    assert visible("\u00a0x", spaces=True) == "\\u{a0}x"
    assert visible("\u00a0x") == " x"


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("attention", 9, "attention"),
        ("attention", 5, "atte…"),
        ("attention", 1, "…"),
        ("attention", 0, ""),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("日", 1, "…"),
    ],
)
def test_cutting_to_a_width(text: str, width: int, cut: str) -> None:
    assert fit(text, width) == cut


@given(st.text(max_size=30), st.integers(0, 20), st.booleans())
def test_padding_fills_the_width_exactly(text: str, width: int, right: bool) -> None:
    shown = visible(text)
    assert cell_len(pad(shown, width, right=right)) == width
    assert cell_len(fit(shown, width)) <= width


def test_labels_of_tokens() -> None:
    assert token_label(" golden") == "·golden"
    assert token_label("\n") == "⏎"
    assert token_label("") == "∅"
    assert token_label(" interpretability", 8) == "·interp…"


def test_parts_are_joined_while_there_is_room() -> None:
    parts = ["D0 1.71", "null 1.93", "Δ −0.22"]
    assert joined(parts, 80) == "D0 1.71  null 1.93  Δ −0.22"
    assert joined(parts, 26) == "D0 1.71  null 1.93"
    assert joined(parts, 5) == "D0 1…"
