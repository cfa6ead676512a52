import asyncio

from faa_tui.screens.examination import ExaminationScreen


def test_x_measures_the_head_that_is_looked_at_and_esc_goes_back(start, size):
    async def body():
        async with start(size=size) as session:
            await session.press("]", ">", "x")
            await session.until(lambda: "1.235" in session.text or "1.23" in session.text)
            assert isinstance(session.app.screen, ExaminationScreen)
            assert "layer 1 head 1" in session.text
            # No power law: the slope in parentheses, and the reason.
            assert "(1.11)" in session.text
            assert "no scaling" in session.text
            assert "[8]" in session.text
            await session.press("escape")
            assert session.app.screen is session.app.main
            assert session.position == ("decoder", 1, 1)

    asyncio.run(body())


def test_a_head_that_cannot_be_examined_says_why(start):
    async def body():
        async with start() as session:
            await session.press(*[">"] * 7, "x")
            await session.until(lambda: "are gone" in session.text)
            assert "Run again." in session.text
            await session.press("escape")
            assert session.app.screen is session.app.main

    asyncio.run(body())


def test_a_result_that_comes_after_the_dialog_was_closed_changes_nothing(start):
    async def body():
        async with start() as session:
            await session.press("x", "escape")
            assert session.app.screen is session.app.main
            await session.press(">", "x")
            await session.until(lambda: "1.23" in session.text)
            assert "head 1" in session.text

    asyncio.run(body())
