"""A statistic of every head is tested on request, filtered by, and kept."""

import asyncio

from textual.widgets import Input

from faa_core.store import Store
from faa_tui import paths
from faa_tui.widgets.heads_table import HeadsTable


def said(session):
    return [toast.message for toast in session.app._notifications]


def test_heads_are_tested_filtered_by_q_and_the_test_is_kept(start, size):
    async def body():
        async with start(size=size) as session:
            await session.press("Q")
            await session.until(lambda: session.app.main.results.tests)
            assert any("4 of 32 heads differ in box-counting dimension" in message for message in said(session))
            await session.type_at_once("slash", *"q<.05", "enter")
            await session.until(lambda: "4 of 32 heads" in session.text)
            assert session.app.main.query_one(HeadsTable).query_one(Input).value == "q<.05"

            def there():
                with Store(paths.runs()) as store:
                    entries = store.entries(1)
                    return entries and (store.findings(entries[0].id) is not None)

            await session.until(there)
            with Store(paths.runs()) as store:
                (tests,) = store.findings(1).tests
            assert (tests.statistic, tests.layers[3].q.tolist()[:2]) == ("D0", [0.5, 0.01])

    asyncio.run(body())


def test_a_kept_run_brings_its_test_along(start):
    async def body():
        async with start() as session:
            await session.press("Q")
            await session.until(lambda: session.app.main.results.tests)
            await session.until(lambda: len(session.app.main.runs._runs) == 1)
            session.app.open_reference("demo@init")
            await session.until(lambda: len(session.app.main.runs._runs) == 2 and session.app.at_rest)
            assert not session.app.main.results.tests
            await session.press("8")
            session.app.main.runs.select(1)
            await session.press("enter")
            await session.until(lambda: session.app.shows_kept)
            assert session.app.main.results.tests[0].statistic == "D0"

    asyncio.run(body())


def test_what_cannot_be_tested_says_what_can_be(start):
    async def body():
        async with start() as session:
            session.app.main.statistic = "entropy"
            await session.press("Q")
            assert any("D0, D1, D2" in message for message in said(session))
            assert session.app._testing is None

    asyncio.run(body())


def test_a_test_that_fails_says_why(start):
    async def body():
        async with start(reference="./untested") as session:
            await session.press("Q")
            await session.until(lambda: "do not fit into memory" in session.text)
            assert session.app._testing is None

    asyncio.run(body())


def test_a_run_does_not_wait_for_the_end_of_a_test(start):
    async def body():
        async with start(reference="./patient") as session:
            await session.press("Q")
            await session.until(lambda: "testing D0" in session.text)
            await session.press("r")
            await session.until(lambda: session.app.run_number == 2 and session.app.at_rest)
            assert "run 2  done" in session.text
            assert session.app._testing is None
            assert "testing" not in session.text

    asyncio.run(body())


def test_esc_gives_a_test_up(start):
    async def body():
        async with start(reference="./patient") as session:
            await session.press("Q")
            await session.until(lambda: "testing D0" in session.text)
            await session.press("escape")
            await session.until(lambda: session.app._testing is None)
            assert not session.app.main.results.tests

    asyncio.run(body())
