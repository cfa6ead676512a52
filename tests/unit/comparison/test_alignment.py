"""Tokens of two tokenizers on common segments."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faa_core.comparison.alignment import align, reduce_map, segment_support
from faa_core.errors import UsageError
from faa_core.records import Tokens


def tokens(*offsets: tuple[int, int], special: tuple[int, ...] = (), text: str = "", base: int = 0) -> Tokens:
    """Tokens at these places; those named in ``special`` were added by the tokenizer."""
    return Tokens(
        tuple(range(base, base + len(offsets))),
        tuple(text[start:stop] for start, stop in offsets),
        offsets,
        tuple(place in special for place in range(len(offsets))),
    )


def segments_of(sides: list[Tokens], text: str) -> list[list[int]]:
    return [side.tolist() for side in align(sides, text).segments]


def test_the_same_tokens_are_segments_of_their_own_added_ones_too() -> None:
    text = "to be"
    side = tokens((0, 0), (0, 2), (2, 5), special=(0,), text=text)
    found = align([side, side], text)
    assert found.same
    assert [segments.tolist() for segments in found.segments] == [[0, 1, 2]] * 2
    assert found.pieces == side.pieces


def test_blanks_on_either_side_of_a_cut_do_not_matter() -> None:
    # BERT drops the blank, GPT-2 keeps it with the word behind it, and a sentence piece has it alone.
    text = "to be or"
    bert = tokens((0, 0), (0, 2), (3, 5), (6, 8), (0, 0), special=(0, 4))
    gpt2 = tokens((0, 2), (2, 5), (5, 8))
    pieces = tokens((0, 2), (2, 3), (3, 5), (5, 8))
    found = align([bert, gpt2, pieces], text)
    assert [side.tolist() for side in found.segments] == [[-1, 0, 1, 2, -1], [0, 1, 2], [0, 1, 1, 2]]
    assert found.pieces == ("to", " be", " or")
    assert not found.same


def test_words_cut_at_different_places_are_joined_up_to_the_next_common_cut() -> None:
    text = "unhappiness"
    assert segments_of([tokens((0, 2), (2, 7), (7, 11)), tokens((0, 3), (3, 7), (7, 9), (9, 11))], text) == [
        [0, 0, 1],
        [0, 0, 1, 1],
    ]


def test_bytes_of_one_character_are_one_segment() -> None:
    text = "a🙂b"
    byte_level = tokens((0, 1), (1, 2), (1, 2), (1, 2), (1, 2), (2, 3))
    assert segments_of([byte_level, tokens((0, 1), (1, 2), (2, 3), base=9)], text) == [[0, 1, 1, 1, 1, 2], [0, 1, 2]]


def test_what_one_side_drops_goes_with_the_next_segment_and_at_the_end_with_the_last() -> None:
    text = "  a \n b\n"
    keeps = tokens((0, 2), (2, 3), (3, 4), (4, 5), (5, 7), (7, 8))
    drops = tokens((2, 3), (6, 7))
    found = align([keeps, drops], text)
    assert [side.tolist() for side in found.segments] == [[0, 0, 1, 1, 1, 1], [0, 1]]
    assert found.pieces == ("  a", " \n b\n")


def test_the_same_cuts_with_other_ids_are_the_finest_segments() -> None:
    text = "abc"
    places = ((0, 1), (1, 2), (2, 3))
    found = align([tokens(*places), tokens(*places, base=50)], text)
    assert not found.same
    assert [side.tolist() for side in found.segments] == [[0, 1, 2]] * 2


def test_a_text_that_one_side_had_to_cut_is_compared_as_far_as_both_go() -> None:
    text = "one two three four"
    whole = tokens((0, 3), (3, 7), (7, 13), (13, 18))
    cut = tokens((0, 3), (3, 7), base=9)
    found = align([whole, cut], text)
    assert [side.tolist() for side in found.segments] == [[0, 1, -1, -1], [0, 1]]
    assert found.pieces == ("one", " two")
    # The same from the left, and where the cut goes through a token of the other side.
    assert segments_of([whole, tokens((8, 13), (13, 18), base=9)], text) == [[-1, -1, 0, 1], [0, 1]]
    assert segments_of([whole, tokens((0, 3), (3, 5), base=9)], text) == [[0, 1, -1, -1], [0, 1]]


def test_tokens_that_stand_for_no_character_go_with_the_one_before() -> None:
    text = "ab"
    assert segments_of([tokens((0, 0), (0, 1), (1, 1), (1, 2)), tokens((0, 1), (1, 2))], text) == [[0, 0, 0, 1], [0, 1]]


def test_offsets_that_run_backwards_are_one_segment() -> None:
    text = "abcd"
    assert segments_of([tokens((0, 1), (2, 3), (1, 2), (3, 4)), tokens((0, 1), (1, 2), (2, 3), (3, 4))], text) == [
        [0, 1, 1, 2],
        [0, 1, 1, 2],
    ]


def test_offsets_past_the_end_are_cut_to_the_text() -> None:
    assert segments_of([tokens((0, 1), (1, 9)), tokens((0, 1), (1, 2))], "ab") == [[0, 1], [0, 1]]


def test_a_file_of_attention_goes_by_its_places() -> None:
    array = Tokens((), ("0", "1", "2"), ((0, 0),) * 3, (False,) * 3)
    model = tokens((0, 0), (0, 1), (1, 2), special=(0,), text="ab")
    found = align([array, model], "ab")
    assert found.same
    assert found.pieces == model.pieces
    with pytest.raises(UsageError, match="the sides have 3 and 2"):
        align([array, tokens((0, 1), (1, 2))], "ab")


def test_tokens_without_places_are_refused_and_named() -> None:
    with pytest.raises(UsageError, match="side 2 of 2"):
        align([tokens((0, 1), (1, 2)), tokens((0, 0), (0, 0), (0, 0))], "ab")
    with pytest.raises(UsageError, match="no tokens"):
        align([], "ab")
    with pytest.raises(UsageError, match="no part"):
        align([tokens((0, 2)), tokens((2, 4), base=9)], "abcd")


# --- properties ----------------------------------------------------------------------------------------------------


@st.composite
def tokenised(draw: st.DrawFn) -> tuple[str, list[Tokens]]:
    """A text, and two or three tokenizers' ways to cut it: with special tokens, bytes, and dropped blanks."""
    text = draw(st.text("ab \n🙂é", min_size=1, max_size=24).filter(str.strip))
    sides = []
    for side in range(draw(st.integers(2, 3))):
        cuts = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=12))})
        drops = draw(st.booleans())
        offsets: list[tuple[int, int]] = []
        special: list[bool] = []
        for start, stop in pairwise(cuts):
            blank = not text[start:stop].strip()
            if blank and drops:
                continue
            if drops:
                start += len(text[start:stop]) - len(text[start:stop].lstrip())
            for _ in range(draw(st.sampled_from((1, 1, 1, 3)))):
                offsets.append((start, stop))
                special.append(False)
        if draw(st.booleans()):
            offsets, special = [(0, 0), *offsets, (0, 0)], [True, *special, True]
        pieces = tuple(text[start:stop] for start, stop in offsets)
        ids = range(100 * side, 100 * side + len(offsets))
        sides.append(Tokens(tuple(ids), pieces, tuple(offsets), tuple(special)))
    return text, sides


def cuttable(side: Tokens, place: int) -> bool:
    return not any(start < place < stop for start, stop in side.offsets)


@given(tokenised())
def test_segments_partition_the_tokens_of_every_side_and_no_partition_is_finer(case: tuple[str, list[Tokens]]) -> None:
    text, sides = case
    found = align(sides, text)
    assert "".join(found.pieces) == text
    bounds = np.cumsum([0, *map(len, found.pieces)]).tolist()
    for side, segments in zip(sides, found.segments, strict=True):
        special = np.array(side.special, bool)
        assert ((segments == -1) == special).all()
        inside = segments[~special]
        assert (np.diff(inside) >= 0).all()
        assert sorted(set(inside.tolist())) == list(range(len(found)))
        assert all(cuttable(side, place) for place in bounds)
        for (start, stop), segment in zip(side.offsets, segments.tolist(), strict=True):
            if segment >= 0:
                assert bounds[segment] <= start < stop <= bounds[segment + 1]
    # Wherever a segment could be cut once more, a side would be left without a token on one of the two parts.
    for start, stop in pairwise(bounds):
        for place in range(start + 1, stop):
            if all(cuttable(side, place) for side in sides):
                parts = [
                    all(
                        any(low <= first and last <= high and first < last for first, last in side.offsets)
                        for side in sides
                    )
                    for low, high in ((start, place), (place, stop))
                ]
                assert not all(parts)


@given(tokenised(), st.integers(0, 1000))
def test_a_reduced_map_keeps_the_mass_that_is_not_set_aside(case: tuple[str, list[Tokens]], seed: int) -> None:
    text, sides = case
    found = align(sides, text)
    for segments in found.segments:
        n = len(segments)
        weights = np.tril(np.random.default_rng(seed).random((2, n, n)) + 1e-3)
        weights /= weights.sum(-1, keepdims=True)
        reduced = reduce_map(weights, segments, segments)
        assert reduced.shape == (2, len(found), len(found))
        aside = weights[..., segments == -1].sum(-1)
        kept = np.stack([(1 - aside[:, segments == k]).mean(-1) for k in range(len(found))], axis=-1)
        np.testing.assert_allclose(reduced.sum(-1), kept, atol=1e-12)
        # What may be seen is what gets weight, for every weight is positive here.
        first, stop = segment_support(np.zeros(n, int), np.arange(1, n + 1), segments, segments)
        seen = (np.arange(len(found)) >= first[:, None]) & (np.arange(len(found)) < stop[:, None])
        assert ((reduced > 0) == seen).all()


def test_a_reduced_map_by_hand() -> None:
    weights = np.array([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.1, 0.2, 0.7, 0], [0.1, 0.3, 0.2, 0.4]])
    segments = np.array([-1, 0, 0, 1])
    # Segment 0 is the mean of rows 1 and 2: .5 and .9 on itself; segment 1 is row 3: .5 on segment 0, .4 on itself.
    assert reduce_map(weights, segments, segments) == pytest.approx(np.array([[0.7, 0.0], [0.5, 0.4]]))
    with pytest.raises(ValueError, match="4 queries and 3 keys"):
        reduce_map(weights, segments, segments[:3])


def test_a_window_sees_the_segments_of_its_keys() -> None:
    # Rows see two keys; keys 0 and 3 are set aside, so row 0 sees nothing and row 3 key 2 only.
    first, stop = np.array([0, 0, 1, 2, 3]), np.array([1, 2, 3, 4, 5])
    keys = np.array([-1, 0, 0, -1, 1])
    low, high = segment_support(first, stop, np.arange(5), keys)
    assert low.tolist() == [0, 0, 0, 0, 1]
    assert high.tolist() == [0, 1, 1, 1, 2]
    assert (low.dtype, high.dtype) == (np.int32, np.int32)


def test_a_row_that_sees_only_a_token_set_aside_inside_a_segment_sees_no_segment() -> None:
    keys = np.array([0, 0, -1, 0, 1], np.int32)
    first, stop = segment_support(np.array([2, 2]), np.array([3, 4]), np.array([0, 1]), keys)
    assert first.tolist() == [0, 0]
    assert stop.tolist() == [0, 1]
