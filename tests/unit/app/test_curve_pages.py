"""The pages of the curve pane on the main screen, by key."""

import asyncio

import numpy as np

from faa_core.catalogue import BY_KEY
from faa_core.records import LayerResult
from faa_tui.rendering.page import PLAIN
from faa_tui.widgets.curve import CurveView
from faa_tui.widgets.curve_pane import CurvePane
from faa_tui.widgets.heat_map import HeatMap, MapAddress

TEXT = "a b c d e f g h i j k l m n o p"


def curve(session):
    return session.app.main.query_one(CurveView)


def foot(session):
    return session.app.main.query_one("#curve-pane", CurvePane)._foot.plain


async def go_to(session, page):
    while curve(session).page != page:
        await session.press("v")


def test_v_names_every_page_and_is_back_at_the_first(start, size):
    async def body():
        async with start(size=size) as session:
            seen = []
            for number in range(1, len(CurveView.PAGES) + 1):
                assert f"{curve(session).title}  {number}/9" in session.text
                seen.append(curve(session).title)
                assert curve(session).region.height >= 6  # where it was hidden, v has shown it
                await session.press("v")
            assert seen == list(CurveView.PAGES.values())
            assert curve(session).page == "boxes"
            await session.press("V", "V")
            assert curve(session).page == "row"

    asyncio.run(body())


def test_the_page_stays_while_heads_and_layers_change(start):
    async def body():
        async with start() as session:
            await session.press("v", "v")
            await session.press(">", "]")
            assert session.position == ("decoder", 1, 1)
            assert curve(session).page == "thresholds"
            assert "lift 1: 1.70" in session.text

    asyncio.run(body())


def test_the_foot_says_whether_the_fit_of_the_page_can_be_trusted(start):
    async def body():
        async with start(text="%nan\nsome words to look at") as session:
            await session.until(lambda: foot(session) == "too few scales")
            await session.press("v", "v", "v")
            assert foot(session) == ""
            assert curve(session).current(PLAIN).nothing == "no data: this run has no spectra; r measures it again"

    asyncio.run(body())


def test_f_of_alpha_comes_with_the_examination_and_stays_with_its_head(start):
    async def body():
        async with start(size=(200, 50)) as session:
            await go_to(session, "strengths")
            assert curve(session).current(PLAIN).nothing.endswith("x measures it for this head")
            await session.press("x")
            await session.until(lambda: "1.23" in session.text)
            await session.press("escape")
            await session.until(lambda: session.app.screen is session.app.main)
            examined = curve(session)._examination
            assert "alpha 1.25 to 1.25" in session.text
            await session.press(">")
            assert curve(session).current(PLAIN).nothing.endswith("x measures it for this head")
            await session.press("<")
            assert "alpha 1.25 to 1.25" in session.text
            await session.press("r")
            await session.until(lambda: session.app.run_number == 2 and session.app.at_rest)
            assert curve(session).current(PLAIN).nothing.endswith("x measures it for this head")
            session.app.main.put_examination(1, examined)
            assert curve(session).current(PLAIN).nothing  # the examination of a run that has left the screen

    asyncio.run(body())


def test_the_page_of_layers_follows_the_statistic_and_the_head(start):
    async def body():
        async with start(size=(200, 50)) as session:
            await go_to(session, "layers")
            await session.press("s", "]", ">")
            main = session.app.main
            page = curve(session).current(PLAIN)
            assert page.title[0] == BY_KEY[main.statistic].title.lower()
            marked = next(series for series in page.series if series.symbol == "◆")
            layer: LayerResult = main.results.layers["decoder", 1]
            assert marked.x.tolist() == [1]
            assert marked.y.tolist() == [layer.statistics.value[layer.statistics.row(main.statistic), 1]]

    asyncio.run(body())


def test_row_and_column_follow_the_cursor_of_the_map(start):
    async def body():
        async with start(text=TEXT, size=(200, 50)) as session:
            main, heat_map = session.app.main, session.app.main.query_one(HeatMap)
            address = MapAddress(1, "decoder", 0, 0)
            await session.until(lambda: heat_map.has_overview(address))
            for page, query, key in (("row", 9, 4), ("row", 5, 2), ("column", 9, 4), ("column", 12, 3)):
                await go_to(session, page)
                heat_map.move_cursor(query, key)
                await session.until(lambda: not curve(session).current(PLAIN).nothing and session.app.at_rest)
                weights = np.array([main._blocks.row(address, at, 16) for at in (query,)])[0]
                shown = curve(session).current(PLAIN)
                (line,) = (series for series in shown.series if series.joined)
                marked = next(series for series in shown.series if series.symbol == "◆")
                if page == "row":
                    assert shown.title[0].startswith(f"query {query} ")
                    assert line.y.tolist() == weights[: query + 1].tolist()
                    assert marked.x.tolist() == [key]
                else:
                    assert shown.title[0].startswith(f"key {key} ")
                    assert line.x.tolist() == list(range(key, 16))
                    assert marked.x.tolist() == [query]
                assert marked.y.tolist() == [weights[key]]

    asyncio.run(body())
