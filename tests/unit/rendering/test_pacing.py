from __future__ import annotations

import pytest

from faa_tui.rendering.pacing import FRAME_SECONDS, PATIENCE_SECONDS, RETRY_SECONDS, WORTH_ASKING, Pacing


class Line:
    """A terminal behind a line of a rate, with the way there and back."""

    def __init__(self, rate: float = 500_000.0, round_trip: float = 0.02) -> None:
        self.now = 0.0
        self.free = 0.0
        self.rate, self.round_trip = rate, round_trip
        self.pacing = Pacing(lambda: self.now)
        self.due: list[float] = []

    def frame(self, nbytes: int) -> bool:
        self.pacing.wrote(nbytes)
        self.free = max(self.free, self.now) + nbytes / self.rate
        asked = self.pacing.ask()
        if asked:
            self.due.append(self.free + self.round_trip)
        return asked

    def answer(self) -> None:
        self.now = max(self.now, self.due[0])
        self.pacing.answered(self.due.pop(0))


def test_a_terminal_that_never_answers_is_never_waited_for() -> None:
    line = Line()
    for _ in range(100):
        line.frame(300_000)
        line.now += 0.016
        assert not line.pacing.held
    assert line.pacing.unanswered == 0
    assert line.pacing.frame_bytes(60_000) == 60_000
    assert not line.pacing.slow_for(1e9)


def test_it_is_asked_seldom_where_it_does_not_answer() -> None:
    line = Line()
    asked = 0
    while line.now < 2 * RETRY_SECONDS:
        asked += line.frame(300_000)
        line.now += 0.1
    assert asked <= 10


def test_small_changes_are_not_asked_about_until_they_add_up() -> None:
    line = Line()
    assert not line.frame(WORTH_ASKING // 2)
    assert line.frame(WORTH_ASKING // 2)


def test_the_rate_is_found_whatever_the_way_there_and_back_takes() -> None:
    for rate in (125_000.0, 500_000.0, 10e6):
        for round_trip in (0.001, 0.1):
            line = Line(rate, round_trip)
            line.frame(3_000)
            line.answer()
            for _ in range(10):
                line.frame(50_000)
                line.answer()
            assert line.pacing.rate is not None
            assert 0.8 * rate < line.pacing.rate < 1.3 * rate


def test_a_slow_line_holds_one_frame_and_gets_smaller_ones() -> None:
    line = Line(500_000.0)
    line.frame(3_000)
    line.answer()
    line.frame(60_000)
    line.answer()
    assert not line.pacing.held
    line.frame(40_000)
    assert line.pacing.held
    line.answer()
    assert not line.pacing.held
    assert line.pacing.frame_bytes(60_000) == pytest.approx(500_000 * FRAME_SECONDS, rel=0.3)
    assert line.pacing.slow_for(300_000)


def test_a_long_way_does_not_slow_a_fast_line_down_to_one_frame_a_round_trip() -> None:
    line = Line(10e6, 0.1)
    line.frame(3_000)
    line.answer()
    line.frame(60_000)
    line.answer()
    line.frame(60_000)
    assert not line.pacing.held
    line.frame(60_000)
    assert line.pacing.held
    assert line.pacing.frame_bytes(60_000) == 60_000


def test_one_that_stops_answering_is_given_up_and_one_that_answers_late_is_not_confused() -> None:
    line = Line()
    line.frame(60_000)
    line.answer()
    line.frame(60_000)
    line.frame(60_000)
    line.now += PATIENCE_SECONDS
    assert line.pacing.held
    line.pacing.give_up()
    assert not line.pacing.held
    assert not line.frame(60_000)
    line.answer()
    assert line.pacing.unanswered == 1  # the second of the two is still expected
    line.answer()
    assert not line.pacing.held
    assert line.frame(60_000)


def test_a_key_that_looks_like_an_answer_changes_nothing() -> None:
    pacing = Pacing()
    pacing.answered(1.0)
    assert not pacing.held
    assert pacing.rate is None
