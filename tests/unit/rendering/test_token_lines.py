"""Text is found in tokens wherever it begins, however the tokenizer has cut it."""

from __future__ import annotations

from faa_core.records import Tokens
from faa_tui.rendering.token_lines import beside, found, line_of, token_lines


def cut(text: str, *spans: tuple[int, int]) -> Tokens:
    """Tokens by their spans; (0, 0) is a special one."""
    special = tuple(span == (0, 0) for span in spans)
    pieces = tuple("<s>" if start == stop else text[start:stop] for start, stop in spans)
    return Tokens(tuple(range(len(spans))), pieces, spans, special)


def test_a_word_that_goes_over_several_tokens_is_found_where_it_begins() -> None:
    tokens = cut("the golden ratio", (0, 0), (0, 3), (3, 6), (6, 10), (10, 16))
    assert found(tokens, "golden ratio") == (2,)
    assert found(tokens, "o") == (2, 4)
    assert found(tokens, "<s>") == (0,)
    assert found(tokens, "") == found(tokens, "silver") == ()


def test_a_character_that_several_tokens_share_is_there_once() -> None:
    tokens = cut("風が", (0, 1), (0, 1), (0, 1), (1, 2), (1, 2), (1, 2))
    assert found(tokens, "風が") == (0,)
    assert found(tokens, "が") == (3,)


def test_only_the_first_of_the_tokens_of_a_character_shows_it() -> None:
    tokens = cut("a風が.", (0, 1), (1, 2), (1, 2), (1, 2), (2, 3), (2, 3), (3, 4))
    assert "".join(placed.text for placed in token_lines(tokens, 80)[0]) == "a風‥‥が‥."


def test_white_space_that_no_token_holds_is_found_as_a_space() -> None:
    tokens = cut("golden ratio", (0, 6), (7, 12))
    assert found(tokens, "golden ratio") == (0,)
    assert found(tokens, "ratio") == (1,)


def test_small_letters_find_large_ones_also_where_these_are_longer() -> None:
    tokens = cut("İstanbul Gold", (0, 8), (8, 13))
    assert found(tokens, "gold") == (1,)
    assert found(tokens, "GOLD") == ()


def test_a_token_has_a_line_and_a_line_the_nearest_token() -> None:
    tokens = cut("ab\ncdefgh", (0, 3), (3, 5), (5, 9))
    lines = token_lines(tokens, 4)
    assert [[placed.text for placed in line] for line in lines] == [["ab⏎"], ["cd"], ["efgh"]]
    assert [line_of(lines, token) for token in (0, 1, 2, 7)] == [0, 1, 2, 0]
    assert beside(token_lines(tokens, 80)[1], 5) == 2
