"""A start without arguments begins where one left: the kept run at once, and the model only when it is asked for."""

from __future__ import annotations

import asyncio
import threading

import msgspec
import pytest

from faa_core.store import Store
from faa_tui import last_state, paths
from faa_tui.last_state import LastState

WORDS = " ".join(f"word{number}" for number in range(100))


async def left(start, *keys, reference="demo", size=(120, 40)):
    """A first session, in which keys are pressed; returns what it looked at."""
    async with start(text=WORDS, reference=reference, size=size) as session:
        await session.until(lambda: session.app.history.number_of(1) is not None)
        await session.press(*keys)
        await session.until(lambda: session.app.at_rest)
        return session.app.main.look


async def kept_run(session):
    await session.until(lambda: session.app.kept is not None)
    await session.until(lambda: session.app.main.is_drawn)


@pytest.mark.parametrize("size", [(80, 24)])
def test_what_was_left_comes_back_without_a_worker(start, size):
    async def body():
        look = await left(start, "]", "]", "greater_than_sign", "s", "C", "v", "2", size=size)
        assert (look.position, look.pane) == (("decoder", 2, 1), "layers")
        async with start(size=size, restore=True, wait=False) as session:
            await kept_run(session)
            assert session.app.main.look == look
            assert session.app.order.text == WORDS
            assert session.app.main.results.seconds == 0.42
            assert "kept run 1" in session.text
            await session.press("j")  # the keys go to the same pane
            assert session.position == ("decoder", 3, 1)
            assert not session.app.fleet._links  # no worker was started
            await session.press("r")
            await session.until(lambda: session.app.phase.name == "DONE")
            assert session.app.order.text == WORDS

    asyncio.run(body())


def test_a_text_that_was_being_run_comes_back_as_it_is_and_r_runs_it(start, tmp_path):
    gate = tmp_path / "gate"
    text = f"%wait {gate}\nwords that nobody has measured [b] yet"

    async def body():
        async with start(text=WORDS) as session:
            await session.press("]", "greater_than_sign", "2")
            session.app.open_reference("demo@init")
            await session.until(lambda: session.app.at_rest)
            session.app.submit(session.app._order("demo@init", text, session.app.order.options))
            await session.until((tmp_path / "gate.begun").exists)
        state, _ = last_state.load()
        assert (state.reference, state.text, state.run) == ("demo@init", text, None)
        assert last_state.file().stat().st_mode & 0o777 == 0o600  # it holds a text
        async with start(restore=True, wait=False) as session:
            app = session.app
            await session.until(lambda: app.phase.name == "LEFT")
            assert [toast.message for toast in app._notifications] == [
                "The text was not measured when faa was left. r runs it."
            ]
            await session.until(lambda: "r runs it" in session.text)
            await session.press("6")
            await session.until(lambda: "words that nobody has measured [b] yet" in session.text)
            assert not app.fleet._links  # nothing is run by itself
            await session.press("t")
            assert "words that nobody has measured [b] yet" in session.text
            await session.press("escape")
            gate.touch()
            await session.press("r")
            await session.until(lambda: app.phase.name == "DONE" and app.main.is_drawn)
            assert (app.order.reference, app.order.text) == ("demo@init", text)
            assert session.position == ("decoder", 1, 1)
            assert "nobody" in session.text

    asyncio.run(body())


def test_a_text_that_could_not_be_measured_is_there_again_and_one_that_was_is_not_written_down(start):
    async def body():
        async with start(text="%long 9\nmuch too long", wait=False) as session:
            await session.until_phase("FAILED")
        async with start(restore=True, wait=False) as session:
            await session.until_phase("LEFT")
            assert session.app.order.text == "%long 9\nmuch too long"
        await left(start)
        state, _ = last_state.load()
        assert (state.text, state.run) == (None, 1)

    asyncio.run(body())


def test_a_model_that_is_named_wins_and_is_what_comes_back_then(start):
    async def body():
        await left(start, "]")
        await left(start, reference="demo@init")
        async with start(restore=True, wait=False) as session:
            await kept_run(session)
            assert session.app.order.reference == "demo@init"
            assert session.app.kept.id == 2
            assert session.position == ("decoder", 0, 0)

    asyncio.run(body())


def test_the_first_start_of_all_opens_the_bundled_model(start):
    async def body():
        async with start(restore=True) as session:
            assert session.app.order.reference == "demo"
            assert session.app.phase.name == "DONE"
            assert not session.app._notifications

    asyncio.run(body())


def test_a_file_that_cannot_be_read_is_a_remark(start):
    async def body():
        paths.state().mkdir(parents=True)
        last_state.file().write_bytes(b"\x00 not json")
        async with start(restore=True) as session:
            assert session.app.phase.name == "DONE"
            assert any("last.json" in toast.message for toast in session.app._notifications)
        assert last_state.load()[0].reference == "demo"

    asyncio.run(body())


def test_a_run_that_was_deleted_is_run_again(start):
    async def body():
        await left(start, "]", reference="demo@init")
        with Store(paths.runs()) as store:
            store.delete([1])
        async with start(restore=True) as session:
            assert session.app.order.reference == "demo@init"
            assert session.app.phase.name == "DONE"
            assert session.position == ("decoder", 1, 0)

    asyncio.run(body())


def test_a_number_that_is_another_run_by_now_is_not_shown_for_it(start):
    async def body():
        await left(start)
        state, _ = last_state.load()
        last_state.save(msgspec.structs.replace(state, reference="demo@init"))
        async with start(restore=True) as session:
            assert session.app.kept is None
            assert session.app.order.reference == "demo@init"
            assert session.app.phase.name == "DONE"

    asyncio.run(body())


@pytest.mark.parametrize("strange", [{"page": "tea leaves"}, {"pane": "window"}, {"layer": 99, "head": 99}])
def test_what_this_version_does_not_have_changes_nothing(start, strange):
    async def body():
        await left(start)
        state, _ = last_state.load()
        last_state.save(msgspec.structs.replace(state, **strange))
        async with start(restore=True, wait=False) as session:
            await kept_run(session)
            assert session.position == (("decoder", 3, 7) if "layer" in strange else ("decoder", 0, 0))

    asyncio.run(body())


def test_the_keys_of_the_pane_of_runs_are_told_once_there_are_runs(start):
    async def body():
        look = await left(start, "8")
        assert look.pane == "runs"
        async with start(restore=True, wait=False, size=(120, 40)) as session:
            await kept_run(session)
            await session.until(lambda: "n note  e take out  D delete" in session.text)

    asyncio.run(body())


def test_it_is_written_while_the_application_runs(start):
    async def body():
        async with start(text=WORDS) as session:
            await session.press("]")
            await session.until(lambda: (found := last_state.load()[0]) is not None and found.layer == 1)
            await session.until(lambda: last_state.load()[0].run == 1)

    asyncio.run(body())


def test_the_end_does_not_wait_for_a_disk_that_never_answers(start, monkeypatch):
    stuck = threading.Event()

    def save(state: LastState) -> None:
        stuck.wait()

    async def body():
        async with start(text=WORDS):
            monkeypatch.setattr(last_state, "save", save)

    asyncio.run(body())  # and ends
    stuck.set()
