"""Terminals of every size, and ones whose size changes while something is going on."""

import asyncio
import itertools
import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from faa_tui.screens.paned import MIN_SIZE
from faa_tui.widgets.heat_map import HeatMap

WIDE, TINY = (300, 100), (30, 8)
TEXT = "one two three four five six seven one two three four five"
NAMES = {
    "models": "Models",
    "layers": "Layers",
    "numbers": "Curves",
    "text": "Text",
    "runs": "Runs",
}


def storm(count=10, seed=0):
    """Sizes as a window that is dragged about has them."""
    at = random.Random(seed)
    sizes = [(at.randint(TINY[0], WIDE[0]), at.randint(TINY[1], WIDE[1])) for _ in range(count - 4)]
    return [*sizes, WIDE, (80, 24), TINY, (120, 40)]


async def resize(session, sizes):
    """The sizes one after another, as fast as the application takes them; what is said at each is not looked at."""
    for width, height in sizes:
        await session.pilot.resize_terminal(width, height)
    await session.pilot.pause()
    await session.pilot.pause()


def looked_at(session):
    """Where one is: the head, the cell of the map, the pane that has the keys."""
    return session.position, session.app.main.query_one(HeatMap).cursor, session.app.main.pane_id


def assert_usable(session):
    """What has the keys can be seen, and what is not there is named."""
    screen = session.app.screen
    width, height = session.app.size
    if width < MIN_SIZE[0] or height < MIN_SIZE[1]:
        assert "at least 60 columns and 18 rows" in " ".join(session.text.split())
        return
    assert "at least 60 columns" not in session.text
    focused = screen.focused
    assert focused is not None
    assert focused.region.area > 0
    assert focused.region.overlaps(screen.region)
    if screen is session.app.main and screen.maximized is None:
        (hidden,) = [line for line in session.text.splitlines() if line.startswith(" hidden:")] or [""]
        for pane, name in NAMES.items():
            shown = screen.query_one(f"#{pane}").region.area > 0
            assert shown or name in hidden, (pane, session.app.size)


def test_a_storm_of_sizes_leaves_one_where_one_was(start):
    async def body():
        async with start(text=TEXT) as session:
            await session.press("right_square_bracket", "greater_than_sign", "4", "g", "home", "j", "j", "j", "l")
            before = looked_at(session)
            assert before[1] == (3, 1)
            await resize(session, storm(count=50))
            assert looked_at(session) == before
            assert_usable(session)
            assert "layer 1 head 1" in session.text

    asyncio.run(body())


def test_a_storm_while_a_run_comes_in(start, tmp_path):
    async def body():
        gate = tmp_path / "gate"
        async with start(text=f"%wait {gate}\n{TEXT}", wait=False) as session:
            await session.until((tmp_path / "gate.begun").exists)
            for number, size in enumerate(storm(count=30, seed=1)):
                if number == 15:
                    gate.touch()
                await session.pilot.resize_terminal(*size)
            await session.until(lambda: session.app.run_number == 1 and session.app.at_rest)
            await session.until(lambda: session.app.main.is_drawn)
            assert "done 0.42 s" in session.text
            assert_usable(session)

    asyncio.run(body())


@pytest.mark.parametrize("keys", [("t",), ("o",), ("question_mark",)])
def test_a_storm_around_a_dialog(start, keys):
    async def body():
        async with start(text=TEXT, layers=2, heads=2) as session:
            await session.press(*keys)
            dialog = session.app.screen
            assert dialog is not session.app.main
            focused = dialog.focused
            await resize(session, storm(seed=2))
            assert session.app.screen is dialog
            assert dialog.focused is focused
            assert focused is None or focused.region.area > 0
            await session.press("escape")
            await session.until(lambda: session.app.screen is session.app.main)
            assert_usable(session)

    asyncio.run(body())


@pytest.mark.parametrize("pane", "68")
def test_a_storm_around_a_pane_that_fills_the_screen(start, pane):
    async def body():
        async with start(text=TEXT, layers=2, heads=2) as session:
            await session.press(pane, "z")
            filled = session.app.main.maximized
            assert filled is not None
            await resize(session, storm(seed=3))
            assert session.app.main.maximized is filled
            for size in ((80, 24), (200, 50)):
                await resize(session, [size])
                assert filled.size.width >= size[0] - 4
                assert filled.size.height >= size[1] - 6
            await session.press("z")
            assert session.app.main.maximized is None
            assert_usable(session)

    asyncio.run(body())


def test_a_storm_around_a_comparison(start):
    async def body():
        async with start(text=TEXT, wait=False, others=("tiny",)) as session:
            await session.until(lambda: session.app.desk and session.app.desk.comparing.comparisons)
            await session.until(lambda: session.app.at_rest)
            await resize(session, storm(seed=4))
            screen = session.app.desk.screen
            assert session.app.screen is screen
            assert screen.focused.region.area > 0
            await resize(session, [(80, 24)])
            assert screen.focused.region.area > 0

    asyncio.run(body())


def test_every_size_can_be_used(start):
    """Hypothesis chooses the sizes, one application meets them all."""
    sizes = []

    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(st.integers(20, 300), st.integers(5, 100)), st.sampled_from("12345678"))
    def collect(size, pane):
        sizes.append((size, pane))

    collect()

    async def body():
        async with start(text=TEXT) as session:
            edges = itertools.product((59, 60, 109, 110), (17, 18, 32))
            for size, pane in [*sizes, *((edge, "4") for edge in edges)]:
                await session.pilot.resize_terminal(*size)
                await session.press(pane)
                await session.pilot.pause()
                assert_usable(session)

    asyncio.run(body())
