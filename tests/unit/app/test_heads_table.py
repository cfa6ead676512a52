"""The table of all heads on the main screen."""

import asyncio

import pytest

from faa_core.catalogue import BY_KEY
from faa_tui.screens.choose_columns import ChooseColumns
from faa_tui.session import Position
from faa_tui.widgets.heads_table import HeadsTable
from faa_tui.widgets.row_grid import RowGrid


def table(session):
    return session.app.main.query_one(HeadsTable)


def lines(session):
    """Head and rows of the table."""
    grid = table(session).query_one(RowGrid)
    return [text for strip in grid.render_lines(grid.size.region) if (text := strip.text.rstrip())]


def test_the_table_takes_the_place_of_the_map_and_gives_it_back(start, size):
    async def body():
        async with start(size=size) as session:
            await session.press("7")
            assert isinstance(session.app.focused, RowGrid)
            assert not session.app.main.query_one("#heat-map").region
            assert "32 heads" in session.text
            assert lines(session)[0].startswith("L.H")
            assert lines(session)[1].startswith("0.0    previous token")
            assert "columns: h l" in session.text  # there are more than fit, also where the terminal is large
            if size[0] == 80:
                assert lines(session)[0].split() == ["L.H", "label", "score", "D0", "*ΔD0"]
                assert "4 Attention" in session.text
            await session.press("4")
            assert session.app.focused.id == "heat-map"
            assert session.app.focused.region
            if size[0] == 80:
                assert "7 All heads" in session.text

    asyncio.run(body())


def test_moving_selects_the_head_everywhere_and_enter_leads_to_its_map(start, size):
    async def body():
        async with start(size=size) as session:
            await session.press("7", "j", "down")
            assert session.position == ("decoder", 0, 2)
            assert session.app.main.query_one("#head-matrix").selected == (0, 2)
            await session.press("G", "k")
            assert session.position == ("decoder", 3, 6)
            await session.press("enter")
            assert session.app.focused.id == "heat-map"
            assert "layer 3 head 6" in session.text

    asyncio.run(body())


def test_a_head_that_is_chosen_elsewhere_is_marked_in_the_table(start):
    async def body():
        async with start() as session:
            await session.press("7", "]", "]", ">")
            assert table(session).selected == Position("decoder", 2, 1)
            assert table(session).query_one(RowGrid).row == 17

    asyncio.run(body())


def test_s_sorts_in_the_table_and_the_mark_follows_the_matrix(start):
    async def body():
        async with start(size=(200, 50)) as session:
            await session.press("7")
            assert "*ΔD0" in lines(session)[0]
            session.app.main.statistic = "induction"
            await session.pilot.pause()
            table(session).sort_by("induction")
            await session.pilot.pause()
            assert "*induct▼" in lines(session)[0]
            results = session.app.main.results
            scores = {
                Position("decoder", layer, head): values.statistics.value[values.statistics.row("induction"), head]
                for (_, layer), values in results.layers.items()
                for head in range(8)
            }
            best = max(scores, key=scores.get)
            assert lines(session)[1].startswith(f"{best.layer}.{best.head} ")
            await session.press("S")
            worst = min(scores, key=scores.get)
            assert lines(session)[1].startswith(f"{worst.layer}.{worst.head} ")

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24)])
def test_a_filter_leaves_the_heads_that_it_asks_for_and_explains_what_it_does_not_know(start, size):
    async def body():
        async with start(size=size) as session:
            await session.press("slash", *"label=induction layer>=2")
            await session.until(lambda: "4 of 32 heads" in session.text)
            await session.press("space", *"inducton>2")
            await session.until(lambda: "did you mean" in session.text)
            assert len(lines(session)) == 5  # by the words before it
            for _ in "inducton>2":
                await session.press("backspace")
            await session.press(*"q<.05")
            await session.until(lambda: "'q<.05': the heads" in session.text)
            await session.press("escape")
            await session.until(lambda: "32 heads" in session.text)
            assert isinstance(session.app.focused, RowGrid)

    asyncio.run(body())


def test_layers_that_arrive_leave_cursor_order_and_filter(start, tmp_path):
    async def body():
        gate = tmp_path / "gate"
        async with start(text=f"%wait {gate}\nsome words to look at", wait=False) as session:
            await session.until(lambda: session.app.main.results is not None)
            await session.until(lambda: len(session.app.main.results.layers) == 2 and session.app.main.is_drawn)
            await session.press("7", "j")
            table(session).sort_by("label")
            await session.press("slash", *"!mixed", "enter")
            assert "12 of 16 heads" in session.text
            assert session.position == ("decoder", 0, 1)
            gate.touch()
            await session.until(lambda: len(session.app.main.results.layers) == 4 and session.app.main.is_drawn)
            await session.until(lambda: "24 of 32 heads" in session.text)
            assert session.position == ("decoder", 0, 1)
            found = lines(session)
            assert "label▲" in found[0]
            assert found[table(session).query_one(RowGrid).row + 1].startswith("0.1 ")

    asyncio.run(body())


def test_columns_are_scrolled_chosen_and_remembered(start):
    async def body():
        async with start() as session:
            await session.press("7", "l", "l")
            assert lines(session)[0].split()[:2] == ["L.H", "label"]
            assert "score" not in lines(session)[0]
            assert "◂2" in session.text
            await session.press("h", "h", "h")
            assert "score" in lines(session)[0]
            await session.press("C")
            assert isinstance(session.app.screen, ChooseColumns)
            await session.press("a", "space", "end", "k", "space", "enter")
            await session.until(lambda: session.app.screen is session.app.main)
            assert lines(session)[0].split() == ["L.H", "label", "score", BY_KEY["interpretability"].symbol]
            assert "columns: h l" not in session.text
        async with start() as session:
            await session.press("7")
            assert lines(session)[0].split() == ["L.H", "label", "score", BY_KEY["interpretability"].symbol]

    asyncio.run(body())


@pytest.mark.parametrize("written", ["2.3", "L2H3"])
def test_a_head_is_gone_to_by_its_number(start, written):
    async def body():
        async with start() as session:
            await session.press("#", *written, "enter")
            assert session.position == ("decoder", 2, 3)

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24)])
def test_a_number_that_is_no_head_is_refused_in_place(start, size):
    async def body():
        async with start(size=size) as session:
            await session.press("#", *"9.9", "enter")
            assert "no decoder layer 9" in session.text
            assert "Layers: 0 to 3" in session.text
            await session.press("backspace", "backspace", "backspace", *"x0.2", "enter")
            assert "no cross maps" in session.text
            await session.press("escape")
            assert session.position == ("decoder", 0, 0)

    asyncio.run(body())
