"""The dialog of the text: typed, from a file, from those that were analysed lately, or from the samples."""

import asyncio

import pytest
from textual.widgets import Input, OptionList, TextArea

from faa_tui import recent_texts
from faa_tui.samples import samples
from faa_tui.screens.choose_path import ChoosePath
from faa_tui.screens.open_file import OpenFile
from faa_tui.screens.text_editor import TextEditor


def editor(session):
    return session.app.screen.query_one("#editor", TextArea)


async def list_is_there(session):
    await session.until(lambda: session.app.screen.query_one("#editor-texts", OptionList).option_count > 0)


async def type_path(session, path):
    """Type a path as a paste would, and wait until what continues it is listed."""
    screen = session.app.screen
    await session.until(lambda: screen.query_one("#path-names", OptionList).option_count > 0)
    screen.query_one("#path-line", Input).value = str(path)
    await session.until(lambda: screen._listed_for == str(path))


def test_a_sample_is_chosen_and_run_by_keyboard(start, size):
    async def body():
        async with start(size=size) as session:
            await session.press("t")
            await list_is_there(session)
            assert "Read a file" in session.text
            assert "chat, its markers as text" in session.text
            await session.press("tab", "G", "enter")
            assert editor(session).text == samples()[-1].text
            await session.press("ctrl+r")
            await session.until(lambda: session.app.run_number == 2 and session.app.phase.name == "DONE")
            assert session.app.main.results.text == samples()[-1].text

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24)])
def test_a_file_is_found_by_its_name_and_its_text_is_run(start, size, tmp_path, monkeypatch):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "prose of mine.txt").write_text("eins zwei drei vier")
    (tmp_path / "texts" / "prices.txt").write_text("1 2 3")
    monkeypatch.chdir(tmp_path)

    async def body():
        async with start(size=size) as session:
            await session.press("t", "ctrl+o")
            screen = session.app.screen
            assert isinstance(screen, OpenFile)
            await session.until(lambda: "texts/" in session.text)
            await session.press("t", "e")
            await session.until(lambda: screen._listed_for == "te")
            await session.press("tab")
            await session.until(lambda: screen._listed_for == "texts/")
            assert "19 B" in session.text
            await session.press(*"pro")
            await session.until(lambda: screen._listed_for == "texts/pro")
            await session.press("tab", "enter")
            await session.until(lambda: isinstance(session.app.screen, TextEditor))
            assert editor(session).text == "eins zwei drei vier"
            await session.press("ctrl+r")
            await session.until(lambda: session.app.run_number == 2 and session.app.phase.name == "DONE")
            assert len(session.app.main.results.tokens) == 4

    asyncio.run(body())


def test_a_file_is_chosen_with_the_arrow_keys_through_folders(start, tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.txt").write_text("found by arrows")
    monkeypatch.chdir(tmp_path)

    async def body():
        async with start(size=(80, 24)) as session:
            await session.press("t", "ctrl+o")
            screen = session.app.screen
            await session.until(lambda: "inner/" in session.text)
            await session.press("down", "down", "enter")
            await session.until(lambda: screen._listed_for == "inner/")
            await session.press("down", "enter")  # the folder above
            await session.until(lambda: screen._listed_for == "")
            await session.press("down", "down", "enter")
            await session.until(lambda: screen._listed_for == "inner/")
            await session.press("down", "down", "down", "up", "down", "enter")
            await session.until(lambda: isinstance(session.app.screen, TextEditor))
            assert editor(session).text == "found by arrows"

    asyncio.run(body())


@pytest.mark.parametrize(
    ("content", "said"), [(b"\x7fELF\x00\x00", "null bytes"), (b"\xff\xfe\xfd", "UTF-8"), (b"x" * 300_000, "293.0 KiB")]
)
def test_a_file_that_is_no_text_is_a_message_in_place(start, tmp_path, content, said):
    (tmp_path / "strange").write_bytes(content)

    async def body():
        async with start(size=(80, 24)) as session:
            await session.press("t", "ctrl+o")
            await type_path(session, tmp_path / "strange")
            await session.press("enter")
            await session.until(lambda: said in session.text)
            assert isinstance(session.app.screen, OpenFile)
            await session.press("x")
            await session.until(lambda: said not in session.text)  # it was about another path
            await session.press("escape")
            assert isinstance(session.app.screen, TextEditor)

    asyncio.run(body())


def test_a_path_that_leads_nowhere_is_a_message_in_place(start, tmp_path):
    async def body():
        async with start(size=(80, 24)) as session:
            await session.press("t", "ctrl+o", "enter")
            assert "Type a path" in session.text
            await type_path(session, tmp_path / "nothing.txt")
            await session.press("enter")
            await session.until(lambda: "No such file" in session.text)
            await type_path(session, tmp_path / "nowhere" / "x")
            assert "cannot be read" in session.text
            assert isinstance(session.app.screen, ChoosePath)

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24)])
def test_texts_that_were_analysed_come_back_with_their_tokens(start, size):
    async def body():
        async with start("one two three", size=size) as session:
            await session.press("t", "tab", "tab", "tab")
            editor(session).text = "[bold]four\x1b[2J five"
            await session.press("ctrl+r")
            await session.until(lambda: session.app.run_number == 2 and session.app.phase.name == "DONE")
            assert [one.tokens for one in recent_texts.load()] == [2, 3]
            await session.press("t")
            await list_is_there(session)
            await session.pilot.pause()
            assert "Recent texts" in session.text
            assert "[bold]four" in session.text
            assert "13 characters, 3 tokens" in session.text
            await session.press("tab", "j", "j", "enter")  # past the heading and the newer one
            assert editor(session).text == "one two three"
            editor(session).undo()
            assert editor(session).text == "[bold]four\x1b[2J five"

    asyncio.run(body())


def test_the_dialog_says_how_many_tokens_of_the_context_a_text_will_take(start, size):
    async def body():
        async with start("one two three four", size=size) as session:
            await session.press("t")
            assert "4 of 512 tokens" in session.text
            assert "about" not in session.text
            editor(session).text = "one two three four " * 100
            await session.pilot.pause()
            assert "about 420 of 512 tokens" in session.text
            editor(session).text = "one two three four " * 130
            await session.pilot.pause()
            assert "too long for the model" in session.text

    asyncio.run(body())


def test_a_file_of_attention_takes_no_text_and_no_set_and_says_what_opens_a_model(start):
    async def body():
        async with start(reference="maps.npz", size=(120, 40), wait=False) as session:
            for key in ("t", "F"):
                await session.press(key)
                assert session.app.screen is session.app.main
                said = [note.message for note in session.app._notifications]
                assert said[-1] == "A file of attention has no text; o opens a model."
                session.app.clear_notifications()

    asyncio.run(body())
