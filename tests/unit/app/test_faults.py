import asyncio
import os
import signal
from pathlib import Path

from textual.widgets import TextArea

from faa_tui.fleet import Fleet
from faa_tui.screens.message import MessageScreen
from faa_tui.screens.text_editor import TextEditor


def test_escape_cancels_the_run_and_r_runs_again(start, tmp_path):
    gate = tmp_path / "gate"

    async def body():
        async with start(text=f"%wait {gate}\nsome words", wait=False) as session:
            await session.until(lambda: Path(f"{gate}.begun").exists())
            await session.until(lambda: session.app.main.results is not None)
            await session.press("escape")
            await session.until_phase("CANCELLED")
            assert len(session.app.main.results.layers) == 2
            gate.touch()
            await session.press("r")
            await session.until_phase("DONE")
            assert len(session.app.main.results.layers) == 4
            assert session.app.run_number == 2

    asyncio.run(body())


def test_a_second_escape_ends_a_worker_that_does_not_listen(start, tmp_path):
    gate = tmp_path / "gate"

    async def body():
        async with start(text=f"%deaf {gate}\nsome words", wait=False) as session:
            await session.until(lambda: Path(f"{gate}.begun").exists())
            await session.press("escape")
            assert session.app.phase.under_way
            await session.press("escape")
            await session.until_phase("FAILED")
            gate.touch()
            await session.press("r")
            await session.until_phase("DONE")

    asyncio.run(body())


def test_a_worker_killed_in_the_middle_costs_a_message_and_r_goes_on(start, tmp_path):
    gate = tmp_path / "gate"

    async def body():
        async with start(text=f"%deaf {gate}\nsome words", wait=False) as session:
            await session.until(lambda: Path(f"{gate}.begun").exists())
            await session.until(lambda: len(session.app.main.results.layers) == 2)
            os.kill(session.app.fleet.link("").pid, signal.SIGKILL)
            await session.until_phase("FAILED")
            assert "SIGKILL" in session.text
            assert "layer 0 head 0" in session.text
            assert "none, r starts one" in session.text
            gate.touch()
            await session.press("r")
            await session.until_phase("DONE")
            assert "SIGKILL" not in session.text
            assert session.app.main.results.run == 2

    asyncio.run(body())


def test_a_worker_that_ends_itself_does_not_take_the_screen_along(start):
    async def body():
        async with start() as session:
            session.app.submit(session.app.order.__class__("demo", "%die\nsome words"))
            await session.until_phase("FAILED")
            assert "SIGKILL" in session.text

    asyncio.run(body())


def test_a_worker_that_cannot_be_started_is_a_message(start):
    async def body():
        async with start(wait=False) as session:
            app = session.app
            await session.until(lambda: not app.phase.under_way and app.run_number)
            app.fleet.close()
            app.fleet = Fleet(app.post_message, lambda host: ["/nowhere/python"])
            await session.press("r")
            await session.until_phase("FAILED")
            assert "/nowhere/python" in session.text

    asyncio.run(body())


def test_markup_and_escape_sequences_of_a_worker_are_shown_and_harmless(start):
    async def body():
        async with start(text="%fail [bold red]boo[/] [/nothing] \x1b[2J\x1b]0;title\x07 end") as session:
            assert session.app.phase.name == "FAILED"
            assert "[bold red]boo[/] [/nothing] ␛[2J␛]0;title␇ end" in session.text
            assert "\x1b" not in session.text
            await session.press("m")
            assert isinstance(session.app.screen, MessageScreen)
            assert "[bold red]boo[/]" in session.text
            assert "\x1b" not in session.text

    asyncio.run(body())


def test_tokens_with_markup_and_escape_sequences_are_harmless(start):
    async def body():
        async with start(text="a [b] [/] \x1b[31m c [INST] \u202e d e f", size=(200, 50)) as session:
            assert session.app.phase.name == "DONE"
            for key in ("4", "j", "j", "j", "2", "t"):
                await session.press(key)
                assert "\x1b" not in session.text
            assert "\u202e" not in session.text

    asyncio.run(body())


def test_out_of_memory_is_a_message_that_stays(start):
    async def body():
        async with start(text="%oom\nsome words") as session:
            assert "Out of memory" in session.text
            assert "3.2 GiB" in session.text
            await session.press("tab", "s")
            assert "3.2 GiB" in session.text
            await session.press("escape")
            assert "3.2 GiB" not in session.text
            await session.press("m")
            assert "3.2 GiB" in session.text

    asyncio.run(body())


def test_a_text_that_is_too_long_can_be_cut_from_the_message(start):
    async def body():
        async with start(text="%long\nsome words") as session:
            assert isinstance(session.app.screen, MessageScreen)
            assert "600 tokens" in session.text
            await session.press("x")
            await session.until_phase("DONE")
            assert "of 600 tok" in session.text

    asyncio.run(body())


def test_an_empty_text_is_a_message_without_an_offer_to_cut(start):
    async def body():
        async with start(text="") as session:
            assert session.app.phase.name == "FAILED"
            assert "The text is empty" in session.text
            assert not isinstance(session.app.screen, MessageScreen)

    asyncio.run(body())


def test_results_survive_a_failed_run(start):
    async def body():
        async with start() as session:
            await session.press("]")
            session.app.submit(session.app.order.__class__("demo", "%fail no"))
            await session.until_phase("FAILED")
            assert "layer 1 head 0" in session.text
            assert session.app.main.results.run == 1

    asyncio.run(body())


def test_the_editor_gives_back_what_was_typed_and_runs_it(start):
    async def body():
        async with start(text="one two three four") as session:
            await session.press("t")
            assert isinstance(session.app.screen, TextEditor)
            editor = session.app.screen.query_one(TextArea)
            assert editor.text == "one two three four"
            await session.press("ctrl+l")
            await session.press(*"five six", "enter", *"q r")
            await session.press("ctrl+r")
            await session.until(lambda: session.app.run_number == 2 and session.app.phase.name == "DONE")
            assert session.app.order.text == "five six\nq r"
            assert session.app.main.results.tokens.pieces == ("five", " six", " q", " r")

    asyncio.run(body())


def test_the_editor_refuses_an_empty_text_in_place_and_esc_changes_nothing(start):
    async def body():
        async with start(text="one two three") as session:
            await session.press("t", "ctrl+l", "ctrl+r")
            assert isinstance(session.app.screen, TextEditor)
            assert "The text is empty" in session.text
            await session.press("escape")
            assert session.app.order.text == "one two three"
            assert session.app.run_number == 1

    asyncio.run(body())


def test_control_characters_survive_the_editor(start):
    async def body():
        async with start(text="a \x1b[31m b\tc") as session:
            await session.press("t")
            assert "\x1b" not in session.text
            await session.press("ctrl+r")
            await session.until(lambda: session.app.run_number == 2)
            assert session.app.order.text == "a \x1b[31m b\tc"

    asyncio.run(body())


def test_a_reference_that_cannot_be_parsed_is_refused_where_it_was_typed(start):
    async def body():
        async with start() as session:
            await session.press("o", *"gpt2@", "enter")
            assert "is not a model reference" in session.text
            await session.press("backspace", "enter")
            await session.until(lambda: session.app.run_number == 2 and session.app.phase.name == "DONE")
            assert session.app.order.reference == "gpt2"
            await session.press("1")
            assert "gpt2" in session.text

    asyncio.run(body())


def test_a_model_that_does_not_exist_is_a_message_and_is_not_remembered(start):
    async def body():
        async with start(reference="missing-model") as session:
            assert "There is no model" in session.text
        async with start() as session:
            assert "missing-model" not in session.text

    asyncio.run(body())


def test_models_that_worked_are_listed_the_next_time(start):
    async def body():
        async with start(reference="tiny-model"):
            pass
        async with start() as session:
            assert "tiny-model" in session.text
            await session.press("1", "down", "down", "enter")
            await session.until(lambda: session.app.run_number == 2 and session.app.phase.name == "DONE")
            assert session.app.order.reference == "tiny-model"

    asyncio.run(body())
