"""Choosing a model: what is at hand, what is typed, and what each would be, on a scripted worker."""

import asyncio
import os
import re
import shutil
import sys

import pytest
from textual.widgets import Input

from faa_core.models.loading import DEMO_FOLDER
from faa_tui import recent
from faa_tui.application import FaaApp
from faa_tui.screens.model_details import ModelDetailsScreen
from faa_tui.screens.open_model import OpenModel

from .conftest import WORKER, Session

TEXT = "a few words to look at"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine with a model in the cache, a folder with one below the current folder, and one elsewhere."""
    snapshot = tmp_path / "home" / "hub" / "models--org--cached" / "snapshots" / COMMIT
    (snapshot.parent.parent / "refs").mkdir(parents=True)
    (snapshot.parent.parent / "refs" / "main").write_text(COMMIT)
    shutil.copytree(DEMO_FOLDER, snapshot)
    here = tmp_path / "here"
    shutil.copytree(DEMO_FOLDER, here / "runs" / "mine")
    shutil.copytree(DEMO_FOLDER, tmp_path / "elsewhere" / "first")
    shutil.copytree(DEMO_FOLDER, tmp_path / "elsewhere" / "second")
    (here / "maps.npz").write_bytes(b"")
    monkeypatch.chdir(here)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    recent.remember(str(tmp_path / "elsewhere" / "first"))
    recent.remember("gpt2")
    return tmp_path


async def choose(session, *keys):
    """Open the dialog, wait for the models, and press keys."""
    await session.press("o")
    dialog = session.app.screen
    assert isinstance(dialog, OpenModel)
    await session.until(lambda: "" in dialog._inventories, 10)
    await session.press(*keys)
    return dialog


def told(session):
    """Everything that the user was notified of."""
    return "\n".join(str(one.message) for one in session.app._notifications)


def marked(dialog):
    line = dialog._marked
    return None if line is None else line.reference


def test_all_that_is_at_hand_is_listed(start, machine, size):
    async def body():
        async with start(text=TEXT, size=size) as session:
            dialog = await choose(session)
            titles = [line.title for line in dialog._lines]
            references = [line.reference for line in dialog._lines if line.kind == "model"]
            assert [title for title in titles if title[0].isupper()] == [
                *("Bundled", "Opened before", "Folders", "Cache of the hub"),
            ]
            assert references[:4] == ["demo", "demo@init", "gpt2", str(machine / "elsewhere" / "first")]
            assert set(references[4:6]) == {"./runs/mine", str(machine / "elsewhere" / "second")}
            assert references[6:] == ["org/cached"]
            assert re.search(r"\d MiB +today", session.text)
            assert "loaded" in session.text
            assert dialog._marked is None

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24)])
def test_typing_narrows_the_list_and_arrows_choose(start, size):
    async def body():
        async with start(text=TEXT, size=size) as session:
            dialog = await choose(session, *"cach")
            assert [line.reference for line in dialog._lines if line.kind == "model"] == ["org/cached"]
            await session.press("down")
            assert marked(dialog) == "org/cached"
            await session.until(lambda: "ScriptedLM" in session.text, 6)
            await session.press("up")
            assert marked(dialog) is None
            await session.press("down", "enter")
            await session.until(lambda: session.app.order.reference == "org/cached" and session.app.at_rest, 6)

    asyncio.run(body())


def test_enter_takes_what_is_typed_also_where_it_is_part_of_another_name(start):
    async def body():
        async with start(text=TEXT) as session:
            await choose(session, *"gpt", "enter")
            await session.until(lambda: session.app.order.reference == "gpt" and session.app.at_rest, 6)

    asyncio.run(body())


def test_what_cannot_be_a_reference_is_said_in_place(start):
    async def body():
        async with start(text=TEXT) as session:
            dialog = await choose(session, *"a/b/c", "enter")
            assert session.app.screen is dialog
            assert "neither an existing folder nor a possible name" in session.text
            await session.press("backspace")
            assert "neither an existing folder" not in session.text
            await session.press(*["backspace"] * 5, "enter")
            assert "No model was named" in session.text
            await session.press("escape")
            assert session.app.order.reference == "demo"

    asyncio.run(body())


def test_a_path_is_completed_folder_by_folder(start):
    async def body():
        async with start(text=TEXT) as session:
            dialog = await choose(session, *"./r")
            await session.until(lambda: [line.title for line in dialog._places] == ["runs/"], 6)
            await session.press("tab")
            assert dialog.query_one(Input).value == "./runs/"
            await session.until(lambda: [line.title for line in dialog._places] == ["mine/"], 6)
            await session.press("tab")
            assert dialog.query_one(Input).value == "./runs/mine"
            await session.until(lambda: "ScriptedLM" in session.text, 6)
            await session.press("enter")
            await session.until(lambda: session.app.order.reference == "./runs/mine" and session.app.at_rest, 6)

    asyncio.run(body())


def test_a_folder_is_gone_into_and_a_file_of_attention_offered(start):
    async def body():
        async with start(text=TEXT) as session:
            dialog = await choose(session, *"./")
            await session.until(lambda: {line.title for line in dialog._places} == {"runs/", "maps.npz"}, 6)
            assert {line.kind for line in dialog._places} == {"folder", "model"}
            await session.press("down", "enter")
            assert dialog.query_one(Input).value == "./runs/"
            await session.press(*["backspace"] * 5, *"maps.npz")
            await session.until(lambda: "A file of attention:" in session.text, 6)
            await session.press("slash")
            await session.until(lambda: "cannot be read" in session.text, 6)

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24)])
def test_what_a_model_is_stands_beside_it_before_it_is_loaded(start, size):
    async def body():
        async with start(text=TEXT, size=size) as session:
            await choose(session, "down")
            await session.until(lambda: "ScriptedLM" in session.text, 6)
            for words in (
                "4 x 8 heads (2 of keys and values)",
                "causal in 4 layers",
                "512 tokens",
                "1,377,408",
                "1.0 GiB in float32",
                "2.0 MiB more for 6 tokens",
            ):
                assert words in session.text, words
            assert "fits: needs 1.0 GiB" in session.text
            await session.press("up", *"org/mamba")
            await session.until(lambda: "no attention" in session.text, 6)
            await session.press(*["backspace"] * 5, *"giant")
            await session.until(lambda: "does not fit: needs 1000.0 GiB" in session.text, 6)
            await session.press(*["backspace"] * 5, *"missing")
            await session.until(lambda: "There is no folder org/missing" in session.text, 6)

    asyncio.run(body())


def test_the_hub_is_asked_only_by_a_key(start):
    async def body():
        async with start(text=TEXT) as session:
            await choose(session, *"org/elsewhere")
            await session.until(lambda: "is not on this machine" in session.text, 6)
            assert "ScriptedLM" not in session.text
            await session.press("ctrl+l")
            await session.until(lambda: "3.0 GiB to fetch first" in session.text, 6)

    asyncio.run(body())


def older(*lacking):
    """Command line of a scripted worker whose greeting lacks some capabilities."""
    code = (
        "import runpy, sys; from faa_core.worker import protocol; "
        f"protocol.CAPABILITIES = tuple(set(protocol.CAPABILITIES) - set({lacking!r})); "
        f"runpy.run_path({str(WORKER)!r}, run_name='__main__')"
    )
    return [sys.executable, "-c", code]


def test_of_an_older_worker_names_are_typed(machine):
    async def body():
        app = FaaApp("demo", TEXT, command=older("models", "inspect", "residents"))
        async with app.run_test(size=(120, 40)) as pilot:
            session = Session(app, pilot)
            await session.until(lambda: app.run_number > 0 and app.at_rest and app.main.is_drawn, 6)
            await session.press("o")
            await session.until(lambda: "cannot do 'models'" in session.text, 6)
            await session.press("down")
            await session.until(lambda: "cannot do 'inspect'" in session.text, 6)
            await session.press("up", *"gpt2", "enter")
            await session.until(lambda: app.order.reference == "gpt2" and app.at_rest, 6)

    asyncio.run(body())


def test_names_of_files_are_never_markup(start, machine):
    (machine / "here" / "[red]models").mkdir()
    os.rename(machine / "here" / "runs" / "mine", machine / "here" / "[red]models" / "[b]x[i]")

    async def body():
        async with start(text=TEXT) as session:
            dialog = await choose(session)
            assert "[red]models/[b]x[i]" in session.text
            await session.press(*"[b]", "down")
            assert marked(dialog) == "./[red]models/[b]x[i]"

    asyncio.run(body())


def test_models_in_memory_carry_their_bytes_and_can_be_unloaded(start):
    async def body():
        async with start(text=TEXT) as session:
            await session.until(lambda: session.app.loaded_models == {"demo": 6 * 1024**2}, 6)
            assert "demo" in session.text
            assert "6.0 MiB" in session.text
            await session.press("1", "down", "u")
            await session.until(lambda: "demo@init is not in memory" in told(session), 6)
            await session.press("up", "u")
            await session.until(lambda: session.app.loaded_models == {}, 6)
            await session.until(lambda: "demo is unloaded, and 6.0 MiB are given back" in told(session), 6)
            await session.press("r")
            await session.until(lambda: session.app.loaded_models == {"demo": 6 * 1024**2} and session.app.at_rest, 6)

    asyncio.run(body())


def test_a_model_at_work_is_not_unloaded(start, tmp_path):
    async def body():
        gate = tmp_path / "gate"
        async with start(text=f"%wait {gate}\n{TEXT}", wait=False) as session:
            await session.until(lambda: (tmp_path / "gate.begun").exists(), 6)
            await session.until(lambda: "demo" in session.app.loaded_models, 6)
            await session.press("1", "home", "u")
            await session.until(lambda: "demo is at work" in told(session), 6)
            assert "demo" in session.app.loaded_models
            gate.touch()
            await session.until(lambda: session.app.at_rest, 6)

    asyncio.run(body())


def test_a_worker_that_is_gone_holds_nothing(start):
    async def body():
        async with start(text=TEXT) as session:
            await session.until(lambda: session.app.loaded_models == {"demo": 6 * 1024**2}, 6)
            session.app.fleet.link("").kill()
            await session.until(lambda: session.app.loaded_models == {}, 6)
            assert "6.0 MiB" not in session.text

    asyncio.run(body())


def test_a_key_in_the_pane_says_what_a_model_is_and_opens_it(start, size):
    async def body():
        async with start(text=TEXT, size=size) as session:
            await session.press("1", "home", "down", "i")
            assert isinstance(session.app.screen, ModelDetailsScreen)
            await session.until(lambda: "ScriptedLM" in session.text, 6)
            assert "demo@init" in session.text
            await session.press("enter")
            await session.until(lambda: session.app.order.reference == "demo@init" and session.app.at_rest, 6)

    asyncio.run(body())
