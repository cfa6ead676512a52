"""The comparison on the screen, with a scripted worker: what a user does, and what is then to be seen."""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Input

from faa_tui.screens.compare import CompareScreen
from faa_tui.screens.open_model import OpenModel
from faa_tui.screens.open_texts import OpenTexts
from faa_tui.session import Position

TEXT = "one two three four five six seven eight nine ten eleven twelve"


async def compare(session, *keys):
    """Open the comparison, wait for its numbers, press keys."""
    await session.press("c")
    await ready(session)
    for key in keys:
        await session.press(key)
    return session.app.desk.screen


async def ready(session):
    app = session.app
    await session.until(lambda: app.desk is not None and app.at_rest and len(app.desk.comparing.comparisons) > 0)
    await session.pilot.pause()


def sides(session):
    return [side.reference for side in session.app.desk.comparing.sides]


def test_one_key_compares_a_model_with_its_untrained_twin_and_one_goes_back(start, size):
    async def body():
        async with start(text=TEXT, size=size) as session:
            screen = await compare(session)
            assert isinstance(session.app.screen, CompareScreen)
            assert sides(session) == ["demo", "demo@init"]
            assert "demo@init" in session.text
            assert all(heat_map.addresses for heat_map in screen._maps[:2])
            assert screen._difference.addresses == tuple(m.address for m in screen._maps[:2])
            assert "\x1b" not in session.text
            await session.press("escape")
            assert session.app.screen is session.app.main
            await session.press("c")
            assert session.app.screen is screen
            assert len(session.app.desk.comparing.comparisons) == 1

    asyncio.run(body())


def test_the_run_on_the_main_screen_is_used_and_not_made_again(start):
    async def body():
        async with start(text=TEXT) as session:
            await compare(session)
            assert session.app.desk.comparing.shown(0).number == 1
            assert session.app.desk.comparing.shown(1).number == 2

    asyncio.run(body())


def test_cursor_zoom_and_place_are_those_of_all_maps(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session, "g", "home", "plus", "plus", "j", "j", "j", "l")
            one, other, difference = *screen._maps[:2], screen._difference
            assert one.cursor == other.cursor == difference.cursor
            assert one.cursor[0] == 3
            assert one.view_state.factor == other.view_state.factor == difference.view_state.factor
            await session.press("4", "k")
            assert difference.cursor == one.cursor == other.cursor
            assert one.cursor[0] == 2
            assert '"·three"' in session.text

    asyncio.run(body())


def test_one_key_colours_all_maps_by_another_scale(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session)
            maps = [*screen._maps[:2], screen._difference]
            seen = [screen._difference.scale]
            for _ in range(3):
                await session.press("C")
                assert len({heat_map.scale for heat_map in maps}) == 1
                seen.append(screen._difference.scale)
            assert len(set(seen)) == 4

    asyncio.run(body())


def test_d_leaves_the_first_key_out_on_both_sides_and_of_their_difference(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session, "g", "home", *"jjjjjjjjj", *"llll")
            maps = [*screen._maps[:2], screen._difference]
            await session.until(lambda: session.app.desk.at_rest and all(one.reading.exact for one in maps))
            rows = [one._map.pairs(9, 10, 0, 10)[0] for one in screen._maps[:2]]
            await session.press("d")
            await session.until(lambda: session.app.desk.at_rest and all(one.reading.exact for one in maps))
            assert all(address.without_first for one in maps for address in one.addresses)
            assert maps[0].cursor == (9, 4)
            a, b = (float(row[4]) / (1 - float(row[0])) for row in rows)
            assert [one.reading.weight for one in maps] == pytest.approx([a, b, b - a], abs=2e-3)
            panes = [*screen._map_panes[:2], screen._difference_pane]
            assert all("without key 0" in str(pane.border_title) for pane in panes)
            await session.press("home")
            line = next(line for line in session.text.splitlines() if "query 9" in line)
            assert "A ·   B ·   B-A ·   left out" in line
            await session.press("greater_than_sign")
            await session.until(lambda: session.app.desk.at_rest)
            assert screen._maps[1].address.without_first
            await session.press("d")
            assert "without key 0" not in session.text
            assert not any(address.without_first for one in maps for address in one.addresses)

    asyncio.run(body())


def test_b_draws_the_boxes_that_are_counted_on_both_sides(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session)

            async def counted(size, lift):
                feet = [f"N({size}) = ", f"lift > {lift}"]
                panes = screen._map_panes[:2]
                await session.until(lambda: all(word in str(pane.border_subtitle) for pane in panes for word in feet))
                for heat_map in screen._maps[:2]:
                    weights = heat_map._map.pairs(0, 12, 0, 12).astype(float)
                    above = weights * np.arange(1, 13)[:, None] > lift
                    by_hand = np.add.reduceat(np.add.reduceat(above, range(0, 12, size)), range(0, 12, size), 1) > 0
                    assert (heat_map._boxes.occupied != by_hand).mean() < 0.05  # weights travel in half precision

            await session.press("right_curly_bracket")
            assert any("b draws the boxes" in note.message for note in session.app._notifications)
            await session.press("b", "b")
            await counted(2, 1)
            assert screen._difference._boxes is None
            await session.press("right_curly_bracket")
            await counted(2, 2)
            await session.press("greater_than_sign", "left_curly_bracket")
            await counted(2, 1)
            await session.press("B", "B")
            await session.until(lambda: session.app.desk.at_rest)
            assert [one._boxes for one in screen._maps] == [None] * 4
            assert not any("N(" in str(pane.border_subtitle) for pane in screen._map_panes)

    asyncio.run(body())


def test_a_side_that_has_no_maps_without_the_first_key_says_so_in_their_place(start):
    async def body():
        async with start(text=TEXT, size=(200, 50), others=("older",), wait=False) as session:
            await ready(session)
            screen = session.app.desk.screen
            await session.press("d")
            await session.until(lambda: screen._maps[1].address is None and session.app.desk.at_rest)
            assert screen._maps[0].address.without_first
            assert "No map without key 0. The faa there cannot do 'without-first'" in session.text
            assert "No difference: B has no map without key 0." in session.text
            assert not screen._notice.display
            await session.press("d")
            await session.until(lambda: session.app.desk.at_rest and bool(screen._difference.addresses))
            assert "No map" not in session.text
            assert "No difference" not in session.text

    asyncio.run(body())


def test_scale_and_ramp_are_one_choice_of_both_screens(start):
    async def body():
        async with start(text=TEXT) as session:
            main = session.app.main
            await session.press("C", "R")
            screen = await compare(session)
            assert {one.scale for one in (*screen._maps, screen._difference)} == {main._map.scale} == {"log"}
            assert {one.ramp for one in screen._maps} == {main._map.ramp} == {"magma"}
            await session.press("C", "R")
            assert (screen._difference.scale, screen._maps[0].ramp) == ("lift", "grey")
            await session.press("escape")
            await session.pilot.pause()
            assert (main._map.scale, main._map.ramp, main._matrix.ramp) == ("lift", "grey", "grey")

    asyncio.run(body())


def test_the_readout_says_what_both_sides_give_and_how_far_apart_they_are(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session, "G", "home")
            a, b = (heat_map.reading.weight for heat_map in screen._maps[:2])
            line = next(line for line in session.text.splitlines() if "query" in line)
            assert f"A {a:.3f}" in line
            assert f"B {b:.3f}" in line
            assert f"B-A {b - a:z.3f}" in line

    asyncio.run(body())


def test_heads_move_together_unless_they_are_unlocked(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session, "greater_than_sign", "right_square_bracket")
            assert screen.position == Position("decoder", 1, 1)
            assert screen.head_of(1) == Position("decoder", 1, 1)
            await session.press("u", "3", "greater_than_sign", "greater_than_sign")
            assert screen.position == Position("decoder", 1, 1)
            assert screen.head_of(1) == Position("decoder", 1, 3)
            assert "unlocked" in session.text
            await session.press("u")
            assert screen.head_of(1) == Position("decoder", 1, 1)

    asyncio.run(body())


def test_two_heads_can_be_paired_by_hand_and_stay_so(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session, "u", "3", "greater_than_sign", "p")
            await ready(session)
            pairs = session.app.desk.comparing.comparisons[1].matching.pairs
            by_hand = [pair for pair in pairs if pair.method == "hand"]
            assert {(pair.a.head, pair.b.head) for pair in by_hand} == {(0, 1), (1, 0)}
            assert all(np.isfinite(pair.cost) for pair in by_hand)
            assert screen.head_of(1) == Position("decoder", 0, 1)
            assert "by hand" in session.text

    asyncio.run(body())


def test_n_steps_through_the_differences_from_the_largest_down(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session)
            comparison = session.app.desk.comparing.comparisons[1]
            row = comparison.differences.row("D1")
            size = np.abs(comparison.differences.difference[row])
            order = np.argsort(-size, kind="stable")
            head = comparison.matching.pairs[order[0]].a
            screen.position = Position(head.kind, head.layer, head.head)
            seen = []
            for _ in range(3):
                await session.press("n")
                seen.append(screen.pair_index)
            assert seen == order[1:4].tolist()
            await session.press("N")
            assert screen.pair_index == seen[1]

    asyncio.run(body())


def test_swapping_turns_every_difference_round(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session, "greater_than_sign")
            before = session.app.desk.comparing.comparisons[1].differences.difference.copy()
            await session.press("w")
            await ready(session)
            assert sides(session) == ["demo@init", "demo"]
            after = session.app.desk.comparing.comparisons[1].differences.difference
            assert np.allclose(after, -before, equal_nan=True)
            assert screen.position.head == 1
            assert session.app.desk.comparing.shown(1).number == 1

    asyncio.run(body())


def test_another_model_is_swapped_in_and_a_third_added(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session, "o")
            assert isinstance(session.app.screen, OpenModel)
            await session.press(*"small", "enter")
            await ready(session)
            assert sides(session) == ["demo", "small"]
            pairs = session.app.desk.comparing.comparisons[1].matching
            assert {(a, b) for _, a, b in pairs.layers} == {(0, 0), (1, 0), (2, 1), (3, 1)}
            assert len(pairs.alone_a) == 16
            await session.press("a", *"tiny", "enter")
            await session.until(lambda: len(session.app.desk.comparing.comparisons) == 2 and session.app.at_rest)
            assert sides(session) == ["demo", "small", "tiny"]
            assert screen.other == 2
            assert sum(pane.display for pane in screen._map_panes) == 3
            await session.press("W")
            assert screen.other == 1
            await session.press("D")
            await ready(session)
            assert sides(session) == ["demo", "tiny"]

    asyncio.run(body())


def test_a_head_without_a_partner_says_so(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session, "o", *"small", "enter")
            await ready(session)
            alone = session.app.desk.comparing.comparisons[1].matching.alone_a[0]
            screen.position = Position(alone.kind, alone.layer, alone.head)
            await session.pilot.pause()
            assert "no partner" in session.text
            assert screen._maps[1].address is None
            assert screen._difference.addresses == ()

    asyncio.run(body())


def test_other_tokens_are_compared_by_common_segments(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session, "o", *"halves", "enter")
            await ready(session)
            comparison = session.app.desk.comparing.comparisons[1]
            assert comparison.aligned == "segments"
            assert comparison.segments == (12,)
            assert session.app.desk.comparing.is_aligned("decoder")
            await session.until(lambda: screen._maps[1].reading is not None)
            await session.press("2", "g", "home")
            await session.until(lambda: np.isfinite(screen._maps[1].reading.weight))
            assert screen._maps[0].reading.weight == pytest.approx(1.0)
            assert screen._maps[1].reading.weight == pytest.approx(1.0)
            assert np.isfinite(comparison.divergence).any()
            await session.press("d")
            assert any("have no view without key 0" in note.message for note in session.app._notifications)
            assert not screen._maps[0].address.without_first

    asyncio.run(body())


def test_a_set_of_texts_brings_intervals_tests_and_a_way_through_the_texts(start, tmp_path):
    file = tmp_path / "texts.txt"
    words = TEXT.split()
    file.write_text("\n".join(" ".join(words[: 5 + k] * 2) for k in range(7)))

    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session, "f")
            assert isinstance(session.app.screen, OpenTexts)
            session.app.screen.query_one(Input).value = str(file)
            await session.press("enter")
            await session.until(
                lambda: (
                    session.app.at_rest
                    and 1 in session.app.desk.comparing.comparisons
                    and len(session.app.desk.comparing.comparisons[1].segments) == 7
                )
            )
            comparison = session.app.desk.comparing.comparisons[1]
            row = comparison.differences.row("D1")
            assert np.isfinite(comparison.differences.low[row]).all()
            assert np.isfinite(comparison.differences.q[row]).all()
            assert "text 1 of 7" in session.text
            assert "q ≤ .05" in session.text
            before = screen._maps[0].address
            await session.press("right_parenthesis")
            await session.until(lambda: session.app.at_rest)
            assert "text 2 of 7" in session.text
            assert screen._maps[0].address.run != before.run

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24)])
def test_a_slash_filters_the_pairs_from_wherever_the_focus_is(start, size):
    async def body():
        async with start(text=TEXT, size=size) as session:
            screen = await compare(session, "2", "slash", *"layer=1", "enter")
            assert "8 of 32 pairs" in session.text
            assert isinstance(session.app.screen, CompareScreen)
            await session.press("down")
            assert screen.position.layer == 1

    asyncio.run(body())


def test_with_two_models_named_at_the_start_the_main_screen_waits_for_its_turn(start):
    async def body():
        async with start(text=TEXT, size=(120, 40), wait=False, others=("tiny",)) as session:
            await ready(session)
            assert sides(session) == ["demo", "tiny"]
            assert session.app.run_number == 0
            await session.press("escape")
            await session.until_phase("DONE")
            assert session.app.main.results.model.reference == "demo"

    asyncio.run(body())


def test_a_folder_that_is_none_is_said_in_place(start):
    async def body():
        async with start(text=TEXT) as session:
            await compare(session, "f", *"/nowhere", "enter")
            await session.until(lambda: "/nowhere cannot be read" in session.text)
            assert isinstance(session.app.screen, OpenTexts)

    asyncio.run(body())


def test_a_model_that_does_not_exist_is_a_message_and_r_tries_again(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            await compare(session, "o", *"missing", "enter")
            await session.until(lambda: "There is no model" in session.text)
            assert "missing: There is no model" in session.text
            assert "1 failed" in session.text
            await session.press("o", *"tiny", "enter")
            await ready(session)
            assert "There is no model" not in session.text

    asyncio.run(body())


def test_escape_first_gives_up_what_runs(start, tmp_path):
    gate = tmp_path / "gate"

    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session)
            session.app.desk.comparing.with_texts((f"%wait {gate}\nsome words",))
            screen.begin()
            await session.until(lambda: Path(f"{gate}.begun").exists())
            await session.press("escape")
            await session.until(lambda: all(run.fail for run in session.app.desk.comparing.runs(0)))
            assert session.app.screen is screen
            gate.touch()
            await session.press("escape", "r")
            await ready(session)

    asyncio.run(body())


def test_maps_that_the_worker_let_go_are_measured_again(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session)
            old = session.app.desk.comparing.shown(1).number
            session.app.fleet.link("").release(old)
            screen._cache.clear()
            for heat_map in (*screen._maps, screen._difference):
                heat_map.clear()
            screen.draw()
            await session.until(lambda: session.app.desk.comparing.shown(1).number != old)
            await ready(session)
            assert screen._maps[1].address.run == session.app.desk.comparing.shown(1).number

    asyncio.run(body())


def test_a_worker_that_dies_costs_a_message_and_r_goes_on(start, tmp_path):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            screen = await compare(session)
            os.kill(session.app.fleet.link("").pid, signal.SIGKILL)
            await session.until(lambda: not session.app.worker("").ready)
            assert "demo@init" in session.text
            await session.press("r")
            await ready(session)
            await session.until(lambda: screen._maps[0].address is not None)

    asyncio.run(body())


def test_hostile_references_and_labels_are_harmless(start):
    async def body():
        async with start(text="a [b] [/] \x1b[31m c [INST] \u202e d e f", size=(200, 50)) as session:
            await compare(session)
            for key in ("4", "j", "5", "v", "v", "6", "j", "n"):
                await session.press(key)
                assert "\x1b" not in session.text
                assert "\u202e" not in session.text

    asyncio.run(body())


def test_every_pane_can_be_reached_and_filled_at_every_size(start, size):
    async def body():
        async with start(text=TEXT, size=size) as session:
            screen = await compare(session)
            for key in "123456":
                await session.press(key)
                focused = screen.focused
                assert focused is not None
                assert focused.region.area > 0
                name = screen.pane_name
                assert name == dict(enumerate(screen.PANES, 1))[int(key)][1]
                await session.press("z")
                assert screen.maximized is not None
                await session.press("z")
                assert screen.maximized is None
                assert screen.pane_name == name

    asyncio.run(body())


def test_remarks_say_why_there_is_no_p_value(start):
    async def body():
        async with start(text=TEXT, size=(120, 40)) as session:
            await compare(session, "m")
            assert "no p-value" in session.text
            await session.press("escape")
            assert isinstance(session.app.screen, CompareScreen)

    asyncio.run(body())


def test_the_help_is_about_the_comparison(start):
    async def body():
        async with start(text=TEXT, size=(120, 40)) as session:
            await compare(session, "question_mark")
            assert "Go to the next largest difference" in session.text
            await session.press("escape")
            assert isinstance(session.app.screen, CompareScreen)

    asyncio.run(body())
