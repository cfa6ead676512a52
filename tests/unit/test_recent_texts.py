"""Texts are remembered between two starts, for the user alone, and what is remembered can be estimated by."""

from __future__ import annotations

import stat
from importlib.resources import files

import pytest
from tokenizers import Tokenizer

from faa_tui import paths, recent, recent_texts
from faa_tui.recent_texts import RecentText
from faa_tui.samples import default_sample, samples
from faa_tui.token_estimate import TokenEstimate


def test_the_newest_twelve_are_kept_the_newest_first_and_each_once() -> None:
    for index in range(14):
        recent_texts.remember(f"text {index}", index)
    recent_texts.remember("text 5", 55)
    kept = recent_texts.load()
    assert [one.tokens for one in kept] == [55, 13, 12, 11, 10, 9, 8, 7, 6, 4, 3, 2]
    assert kept[0] == RecentText("text 5", 55)


def test_only_the_user_can_read_what_was_typed() -> None:
    recent_texts.remember("my secret", 2)
    recent.remember("gpt2")
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths.state().iterdir()} == {0o600}
    assert sorted(path.name for path in paths.state().iterdir()) == ["recent.json", "texts.json"]


def test_a_long_text_a_sample_a_blank_one_and_half_a_character_are_not_remembered() -> None:
    for text in ("x" * (256 * 1024 + 1), default_sample().text, " \n", "\ud800"):
        recent_texts.remember(text, 1)
    assert recent_texts.load() == ()
    recent_texts.remember("é" * (128 * 1024), 1)
    assert len(recent_texts.load()[0].text) == 128 * 1024


@pytest.mark.parametrize("content", [b"", b"{}", b'[{"text": 1}]', b"\xff", b'[{"text": "a", "tokens": -1}]'])
def test_a_file_that_means_nothing_is_no_fault(content: bytes) -> None:
    paths.state().mkdir(parents=True)
    recent_texts.file().write_bytes(content)
    assert recent_texts.load() == ()
    recent_texts.remember("new", 1)
    assert recent_texts.load() == (RecentText("new", 1),)


def test_the_first_line_is_the_first_that_is_not_blank() -> None:
    assert RecentText("\n  \n  def f(x):\n    return x", 9).first_line == "def f(x):"


def test_tokens_of_another_text_are_estimated_from_its_bytes() -> None:
    estimate = TokenEstimate("x" * 1000, 250, 2048)
    assert estimate.in_words("x" * 1000) == "250 of 2,048 tokens"
    assert estimate.in_words("x" * 7600) == "about 1,900 of 2,048 tokens"
    assert estimate.in_words("日" * 100) == "about 75 of 2,048 tokens"
    assert not estimate.too_long("x" * 8192)
    assert estimate.too_long("x" * 8200)
    assert TokenEstimate("ab", 1, None).in_words("") == "about 0 tokens"
    assert not TokenEstimate("ab", 1, None).too_long("x" * 10**6)


def test_each_sample_is_read_by_the_bundled_model_without_being_cut() -> None:
    tokenizer = Tokenizer.from_file(str(files("faa_core.models") / "demo" / "tokenizer.json"))
    assert len({sample.name for sample in samples()}) == len(samples()) == 8
    for sample in samples():
        assert 100 < len(tokenizer.encode(sample.text).ids) < 1280
