"""The attention pane of the main screen: colours, the map without key 0, and the boxes that are counted."""

import asyncio

import numpy as np

from faa_core.worker.protocol import Fail
from faa_tui.rendering.ramps import INK_DARK, INK_LIGHT
from faa_tui.widgets.heat_map import HeatMap, MapAddress

TEXT = " ".join(f"w{index}" for index in range(24))


def the_map(session):
    return session.app.main.query_one(HeatMap)


def drawn(heat_map):
    heat_map.render_lines(heat_map.size.region)
    return heat_map._marked


def foot(session):
    return str(session.app.main.query_one("#attention").border_subtitle)


def notes(session):
    return " ".join(note.message for note in session.app._notifications)


async def has_overview(session, **of):
    address = MapAddress(1, "decoder", 0, 0)._replace(**of)
    await session.until(lambda: the_map(session).has_overview(address))


def test_c_and_r_go_through_scales_and_ramps_and_stay(start):
    async def body():
        async with start(text=TEXT) as session:
            heat_map, matrix = the_map(session), session.app.main._matrix
            scales = [heat_map.scale]
            for _ in range(4):
                await session.press("C")
                scales.append(heat_map.scale)
            assert scales == ["sqrt", "log", "lift", "linear", "sqrt"]
            ramps = []
            for _ in range(4):
                await session.press("R")
                ramps.append(heat_map.ramp)
                assert matrix.ramp == heat_map.ramp
                assert heat_map.ramp in session.text
            assert ramps == ["magma", "grey", "cividis", "viridis"]
            await session.press("C", "R", "]", ">")
            assert (heat_map.scale, heat_map.ramp) == ("log", "magma")
            await session.press("r")
            await session.until(lambda: session.app.run_number == 2 and session.app.at_rest)
            assert (heat_map.scale, heat_map.ramp) == ("log", "magma")
            assert "weight, log" in session.text

    asyncio.run(body())


def test_r_colours_all_maps_of_a_comparison_but_differences(start):
    async def body():
        async with start(text=TEXT) as session:
            await session.press("c", "R")
            screen = session.app.desk.screen
            assert [heat_map.ramp for heat_map in screen._maps] == ["magma"] * 4
            assert screen._difference.ramp == "diverging"
            await session.press("C")
            assert {heat_map.scale for heat_map in (*screen._maps, screen._difference)} == {"log"}

    asyncio.run(body())


def test_d_leaves_the_first_key_out_and_scales_the_rows_up(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            await has_overview(session)
            heat_map = the_map(session)
            heat_map.move_cursor(12, 5)
            await session.pilot.pause()
            weights = session.app.main._blocks.row(MapAddress(1, "decoder", 0, 0), 12, 24)
            await session.press("d")
            await has_overview(session, without_first=True)
            await session.pilot.pause()
            assert "without key 0" in session.text
            expected = weights[5] / (1 - weights[0])
            assert abs(heat_map.reading.weight - expected) < 1e-3
            assert abs(heat_map.reading.lift - 12 * expected) < 2e-2
            assert f"lift {heat_map.reading.lift:.1f}" in session.text
            assert heat_map.cursor == (12, 5)
            row = session.app.main._blocks.row(MapAddress(1, "decoder", 0, 0, True), 12, 24)
            assert abs(row[1:].sum() - 1) < 1e-2
            heat_map.move_cursor(12, 0)
            await session.pilot.pause()
            assert "left out" in session.text
            await session.press("]", ">")
            assert "without key 0" in session.text
            await session.press("d")
            assert "without key 0" not in session.text
            assert heat_map.address == MapAddress(1, "decoder", 1, 1)

    asyncio.run(body())


def test_a_row_that_is_all_on_the_first_key_says_why_it_has_no_numbers(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            await session.press(">")  # head 1 rests on the first key
            await has_overview(session, head=1)
            rows = [session.app.main._blocks.row(MapAddress(1, "decoder", 0, 1), query, 24) for query in range(24)]
            most = int(np.argmax([row[0] for row in rows[1:]])) + 1
            assert rows[most][0] > 0.95
            await session.press("d")
            await has_overview(session, head=1, without_first=True)
            the_map(session).move_cursor(most, 1)
            await session.pilot.pause()
            assert np.isnan(the_map(session).reading.weight)
            assert "key 0 has over .95 of this row" in session.text

    asyncio.run(body())


def test_a_worker_that_cannot_is_believed_and_the_whole_map_comes_back(start):
    async def body():
        async with start(text=" ".join("abcdefghijklm"), size=(200, 50)) as session:
            await has_overview(session)
            await session.press("d")
            await session.until(lambda: "did not fit in memory" in notes(session))
            assert not session.app.main.without_first
            assert the_map(session).address == MapAddress(1, "decoder", 0, 0)

    asyncio.run(body())


def boxes_by_hand(session, size, threshold=1.0):
    """Rows and columns of the boxes that hold a cell with a lift above the threshold."""
    blocks = session.app.main._blocks
    rows = [blocks.row(session.app.main.address, query, 24) for query in range(24)]
    lift = np.array(rows) * np.arange(1, 25)[:, None]
    return {(row // size, column // size) for row, column in np.argwhere(lift > threshold)}


def test_b_draws_the_boxes_that_are_counted_larger_and_larger_and_none_at_last(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            await has_overview(session)
            heat_map, main = the_map(session), session.app.main
            counts = []
            for size in (1, 2, 4, 8):
                await session.press("b")
                await session.until(lambda size=size: f"N({size}) = " in foot(session))
                boxes = heat_map._boxes
                assert boxes.size == size
                found = {tuple(place) for place in np.argwhere(boxes.occupied).tolist()}
                assert len(found) == boxes.count
                near = boxes_by_hand(session, size, 1.01) <= found <= boxes_by_hand(session, size, 0.99)
                assert near  # weights travel in half precision
                assert f"N({size}) = {boxes.count}  lift > 1" in foot(session)
                assert main._curve._lit == size
                assert np.isin(drawn(heat_map), (INK_LIGHT, INK_DARK)).sum() > 20
                counts.append(boxes.count)
            assert counts == sorted(counts, reverse=True)
            await session.press("b")
            assert heat_map._boxes is None
            assert foot(session) in ("", "None")
            assert main._curve._lit is None
            await session.press("B")
            await session.until(lambda: "N(8) = " in foot(session))
            await session.press("B", "B", "B", "B")
            assert heat_map._boxes is None

    asyncio.run(body())


def test_braces_step_through_the_thresholds_and_stop_at_the_ends(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            await has_overview(session)
            heat_map, main = the_map(session), session.app.main
            await session.press("}")
            assert heat_map._boxes is None
            assert "b draws the boxes" in notes(session)
            await session.press("b", "b")
            await session.until(lambda: "N(2) = " in foot(session))
            most = heat_map._boxes.count
            await session.press("}")
            await session.until(lambda: "lift > 2" in foot(session))
            assert heat_map._boxes.count < most
            assert main._curve._lit is None  # the curve is that of lift 1
            await session.press("}", "}", "}")
            await session.until(lambda: "lift > 4" in foot(session))
            await session.press("{", "{", "{")
            await session.until(lambda: "lift > 1" in foot(session))
            assert heat_map._boxes.count == most

    asyncio.run(body())


def test_boxes_follow_the_head_and_the_run(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            await has_overview(session)
            await session.press("b", "b", "b")
            await session.until(lambda: "N(4) = " in foot(session))
            first = the_map(session)._boxes
            await session.press(">")
            await session.until(lambda: the_map(session)._boxes not in (None, first))
            assert "N(4) = " in foot(session)
            await session.press("<")
            assert (the_map(session)._boxes.occupied == first.occupied).all()  # they were kept
            await session.press("r")
            await session.until(lambda: session.app.run_number == 2 and session.app.at_rest)
            await session.until(lambda: "N(4) = " in foot(session))
            assert the_map(session)._boxes.count == first.count
            await session.press("d")
            assert "key 0 counted" in foot(session)

    asyncio.run(body())


def test_boxes_that_do_not_come_or_do_not_fit_are_said_and_drawn_no_more(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            await has_overview(session)
            main = session.app.main
            await session.press("b")
            await session.until(lambda: "N(1) = " in foot(session))
            key = main._box_key()
            main.put_boxes(key, np.ones((3, 5), bool))
            await session.pilot.pause()
            assert the_map(session)._boxes is None
            assert "sent (3, 5) boxes" in notes(session)
            main.refuse_boxes(key, Fail(0, "usage", "The worker cannot do 'boxes'.", "Install it again."))
            await session.pilot.pause()
            assert "cannot do 'boxes'" in notes(session)

    asyncio.run(body())


def test_the_title_says_that_the_first_key_is_left_out_also_where_it_is_narrow(start):
    async def body():
        async with start(text=TEXT, size=(80, 24)) as session:
            await session.press("d")
            assert "without key 0" in session.text

    asyncio.run(body())
