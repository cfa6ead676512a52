from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faa_tui.rendering.cells import encoder
from faa_tui.rendering.draft import FRAME_BYTES, REST_SECONDS, Motion, draft, estimated_bytes
from faa_tui.rendering.ramps import INK_LIGHT, MASKED, MISSING, RAMPS, UNDEFINED, Ramp
from faa_tui.rendering.scales import SCALES, levels

Picture = NDArray[np.uint16]


def sent(picture: Picture, ramp: Ramp) -> int:
    """Bytes in 256 colours."""
    pen = encoder(ramp, "256")
    rows = picture.tolist()
    return sum(len(pen.line(top, bottom).encode()) for top, bottom in zip(rows[0::2], rows[1::2], strict=True))


@pytest.fixture
def hard(causal: Callable[..., NDArray[np.float32]]) -> Picture:
    """200 x 50 cells of independent noise on a log scale: next to no two neighbours are equal."""
    return levels(causal(400)[300:400, :200], SCALES["log"])


@pytest.mark.parametrize("name", sorted(RAMPS))
def test_a_hard_picture_takes_no_more_than_it_may(hard: Picture, name: str) -> None:
    ramp = RAMPS[name]
    assert sent(hard, ramp) > 1.5 * FRAME_BYTES
    for budget in (FRAME_BYTES, FRAME_BYTES / 2):
        assert sent(draft(hard, ramp, budget), ramp) <= budget


@pytest.mark.parametrize("name", sorted(RAMPS))
def test_what_it_will_take_is_known_before(hard: Picture, name: str) -> None:
    ramp = RAMPS[name]
    slope = (np.add.outer(np.arange(100), np.arange(200)) * 255 // 298).astype(np.uint16)
    for picture in (hard, slope, np.full_like(hard, MASKED)):
        for budget in (1e9, FRAME_BYTES, 0):
            drawn = draft(picture, ramp, budget)
            assert sent(drawn, ramp) <= 1.05 * estimated_bytes(drawn, ramp)


def test_a_picture_that_is_easy_keeps_its_pixels_in_sixteen_levels() -> None:
    ramp = RAMPS["viridis"]
    easy = np.zeros((20, 40), np.uint16)
    easy[7, 11], easy[8, 12], easy[0] = 255, 100, MASKED
    drawn = draft(easy, ramp)
    assert drawn[7, 11] == 255
    assert abs(int(drawn[8, 12]) - 100) <= 8
    assert (drawn[0] == MASKED).all()
    assert len(np.unique(draft(np.arange(256, dtype=np.uint16).reshape(2, 128), ramp))) == 16


@given(st.integers(0, 99), st.integers(0, 199))
def test_a_strong_pixel_survives_in_its_square(row: int, column: int) -> None:
    noise = np.random.default_rng(0).integers(0, 120, (100, 200)).astype(np.uint16)
    noise[row, column] = 255
    drawn = draft(noise, RAMPS["viridis"])
    assert drawn[row, column] == 255
    assert np.count_nonzero(drawn == 255) <= 16


def test_of_a_diverging_ramp_what_is_far_from_the_middle_survives_on_both_sides() -> None:
    noise = np.random.default_rng(0).integers(100, 156, (100, 200)).astype(np.uint16)
    noise[20:22, 20:22], noise[20, 21] = 128, 3
    noise[40, 41] = 252
    drawn = draft(noise, RAMPS["diverging"])
    assert drawn[20, 21] < 20
    assert drawn[40, 41] > 235
    assert (draft(np.full((4, 4), 128, np.uint16), RAMPS["diverging"]) == 128).all()


def test_special_cells_show_where_a_square_holds_nothing_else() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, 200)).astype(np.uint16)
    for column, special in ((40, MASKED), (80, UNDEFINED), (120, MISSING), (160, INK_LIGHT)):
        noise[40:60, column : column + 20] = special
        assert draft(noise, RAMPS["grey"])[50, column + 10] == special


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_step_is_drawn_exactly_and_a_held_key_in_drafts() -> None:
    clock = Clock()
    motion = Motion(clock)
    motion.move(slow=False)
    assert not motion.drafting
    clock.now += 0.033
    motion.move(slow=False)
    assert motion.drafting
    assert motion.until_rest() == pytest.approx(REST_SECONDS)
    clock.now += REST_SECONDS
    assert motion.until_rest() == 0
    motion.rest()
    assert not motion.drafting


def test_where_the_link_is_slow_the_first_step_is_a_draft_already() -> None:
    motion = Motion(Clock())
    motion.move(slow=True)
    assert motion.drafting
