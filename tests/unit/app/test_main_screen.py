import asyncio

import numpy as np

from faa_core.catalogue import BY_KEY, RUN_KEYS
from faa_tui.widgets.heat_map import HeatMap, MapAddress
from faa_tui.widgets.statistics_table import StatisticsTable


def test_a_run_fills_every_pane(start, size):
    async def body():
        async with start(size=size) as session:
            assert session.app.phase.name == "DONE"
            await session.until(
                lambda: session.app.main.query_one(HeatMap).has_overview(MapAddress(1, "decoder", 0, 0))
            )
            assert "layer 0 head 0" in session.text
            assert "0.42 s" in session.text
            assert "run 1" in session.text
            assert "minus null" in session.text
            assert len(session.app.main.results.layers) == 4

    asyncio.run(body())


def test_brackets_move_by_layer_and_angles_by_head_and_stop_at_the_edges(start):
    async def body():
        async with start() as session:
            await session.press("]", "]", ">", "full_stop")
            assert session.position == ("decoder", 2, 2)
            assert "layer 2 head 2" in session.text
            await session.press("[", "<", "comma", "<")
            assert session.position == ("decoder", 1, 0)
            await session.press("]", "]", "]", "]", "]")
            assert session.position == ("decoder", 3, 0)

    asyncio.run(body())


def test_the_read_out_is_the_weight_of_the_cell(start):
    async def body():
        async with start(text="a b c d e f g h i j k l", size=(200, 50)) as session:
            heat_map = session.app.main.query_one(HeatMap)
            await session.until(lambda: heat_map.has_overview(MapAddress(1, "decoder", 0, 0)))
            heat_map.move_cursor(3, 2)
            await session.pilot.pause()
            row = session.app.main._blocks.row(MapAddress(1, "decoder", 0, 0), 3, 12)
            assert np.isclose(row[:4].sum(), 1, atol=1e-2)
            assert f"weight {row[2]:.3f}" in session.text
            assert f"lift {float(row[2]) * 4:.1f}" in session.text
            assert 'query 3 "·d"' in session.text
            assert 'key 2 "·c"' in session.text

    asyncio.run(body())


def test_neighbours_are_fetched_before_they_are_looked_at(start):
    async def body():
        async with start() as session:
            heat_map = session.app.main.query_one(HeatMap)
            wanted = [("decoder", 0, head) for head in range(8)] + [("decoder", 1, 0)]
            await session.until(lambda: all(heat_map.has_overview(MapAddress(1, *place)) for place in wanted))
            # The worker cannot help any more: what shows now was here already.
            session.app.fleet.close()
            await session.press(">")
            assert heat_map.address == MapAddress(1, "decoder", 0, 1)
            assert "layer 0 head 1" in session.text

    asyncio.run(body())


def test_s_goes_through_the_catalogue_and_the_panes_follow(start):
    async def body():
        async with start() as session:
            assert "box-counting dimension minus null" in session.text
            await session.press("s")
            assert session.app.main.statistic == RUN_KEYS[1]
            assert f"Heads: {BY_KEY[RUN_KEYS[1]].title.lower()}" in session.text

    asyncio.run(body())


def test_where_the_dimension_is_undefined_another_statistic_is_shown_and_it_is_said(start):
    async def body():
        async with start(text="%nan\nsome words to look at") as session:
            await session.until(lambda: "D0 is undefined here" in session.text)
            await session.until(lambda: "D0 undefined" in session.text)
            assert "too few scales" in session.text

    asyncio.run(body())


def test_the_arrows_of_the_layer_pane_move_through_layers(start):
    async def body():
        async with start() as session:
            await session.press("2", "j", "down")
            assert session.position == ("decoder", 2, 0)
            await session.press("l")
            assert session.position == ("decoder", 2, 1)

    asyncio.run(body())


def test_digits_reach_every_pane_also_where_it_was_hidden(start, size):
    async def body():
        async with start(size=size) as session:
            seen = []
            for digit in "123456":
                await session.press(digit)
                await session.pilot.pause()
                focused = session.app.focused
                assert focused is not None
                assert focused.region.width > 5
                seen.append(focused.id)
            assert seen == ["model-list", "layer-list", "head-matrix", "heat-map", "statistics-lines", "token-strip"]

    asyncio.run(body())


def test_keys_that_come_with_the_digit_of_a_pane_are_meant_for_that_pane(start, size):
    async def body():
        async with start(size=size) as session:
            await session.type_at_once("3", "right", "down")
            assert session.position == ("decoder", 1, 1)
            await session.type_at_once("2", "j")
            assert session.position == ("decoder", 2, 1)
            assert session.app.focused.region

    asyncio.run(body())


def test_tab_goes_round_and_comes_back(start):
    async def body():
        async with start() as session:
            first = session.app.focused
            seen = set()
            for _ in range(7):
                await session.press("tab")
                seen.add(session.app.focused)
            assert session.app.focused is first
            assert len(seen) == 7

    asyncio.run(body())


def test_a_narrow_terminal_says_what_is_hidden_and_where(start):
    async def body():
        async with start(size=(80, 24)) as session:
            assert "hidden: 1 Models" in session.text
            assert "Layers" not in session.text.split("hidden:")[0]
            await session.press("2")
            await session.pilot.pause()
            assert "hidden: 5 Curves   6 Text" in session.text

    asyncio.run(body())


def test_a_tiny_terminal_says_so_and_recovers(start):
    async def body():
        async with start(size=(50, 12)) as session:
            assert "at least 60 columns and 18 rows" in session.text
            await session.pilot.resize_terminal(120, 40)
            await session.pilot.pause()
            assert "layer 0 head 0" in session.text

    asyncio.run(body())


def test_z_fills_the_screen_with_the_pane_and_puts_it_back(start):
    async def body():
        async with start() as session:
            heat_map = session.app.main.query_one(HeatMap)
            before = heat_map.size
            await session.press("z")
            await session.pilot.pause()
            assert heat_map.size.width > before.width
            await session.press("escape")
            await session.pilot.pause()
            assert heat_map.size == before

    asyncio.run(body())


def test_many_layers_and_heads_fit_by_scrolling(start):
    async def body():
        async with start(layers=32, heads=32, text="a few words only") as session:
            await session.press("3", "G", "end")
            await session.until(lambda: session.position == ("decoder", 31, 31))
            assert session.app.main.query_one(HeatMap).size.height > 5
            assert "layer 31 head 31" in session.text

    asyncio.run(body())


def test_the_table_names_a_status_that_is_not_ok(start):
    async def body():
        async with start(text="%nan\nsome words to look at", size=(200, 50)) as session:
            table = session.app.main.query_one(StatisticsTable)
            await session.press("5")
            assert "too few scales" in session.text
            assert table.region.height > 10

    asyncio.run(body())
