"""The application with models on other machines: opened, compared, cut off and logged in to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faa_tui.application import FaaApp
from faa_tui.screens.open_model import OpenModel
from faa_tui.session import Phase

SCRIPTED = Path(__file__).parents[1] / "unit" / "app" / "scripted_worker.py"


async def until(pilot: Any, condition: Callable[[], object], seconds: float = 60.0) -> None:
    for _ in range(int(seconds / 0.02)):
        if condition():
            await pilot.pause()
            return
        await pilot.pause(0.02)
    raise AssertionError(f"never came true; {screen(pilot.app)}")


def screen(app: FaaApp) -> str:
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


@pytest.fixture
def scripted(configured: Any) -> None:
    """gpu7 runs a worker whose texts say what it does."""
    configured(f'[hosts.gpu7]\ncommand = "{sys.executable} -P {SCRIPTED}"\n')


def test_a_trained_model_here_beside_its_untrained_twin_on_another_machine() -> None:
    async def body() -> None:
        app = FaaApp(
            "demo", "def mean(values):\n    return sum(values) / len(values)\n" * 4, others=("gpu7:demo@init",)
        )
        async with app.run_test(size=(200, 50)) as pilot:
            await until(pilot, lambda: app.desk is not None and app.desk.comparing.comparisons and app.at_rest)
            assert app.desk is not None
            comparison = app.desk.comparing.comparisons[1]
            assert (comparison.a.reference, comparison.b.reference) == ("demo", "gpu7:demo@init")
            assert comparison.b.host
            assert comparison.aligned == "tokens"
            row = comparison.differences.row("D1")
            assert comparison.differences.b[row] == pytest.approx(2.0, abs=0.02)
            assert comparison.differences.difference[row].max() > 0.5
            assert comparison.divergence.max() > 0.3
            shown = screen(app)
            assert "gpu7:demo@init" in shown
            assert "one text" in shown
            assert all(heat_map.addresses for heat_map in app.desk.screen._maps[:2])

    asyncio.run(body())


def test_the_same_model_on_another_machine_differs_in_nothing() -> None:
    async def body() -> None:
        app = FaaApp("demo", "for number in range(10):\n    print(number)\n" * 6, others=("gpu7:demo",))
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.desk is not None and app.desk.comparing.comparisons and app.at_rest)
            assert app.desk is not None
            comparison = app.desk.comparing.comparisons[1]
            assert np.nanmax(abs(comparison.differences.difference)) < 1e-4
            assert comparison.divergence.max() < 1e-3

    asyncio.run(body())


def test_a_lost_connection_is_made_anew_and_its_run_begins_again(scripted: None, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    async def body() -> None:
        app = FaaApp("gpu7:demo", f"%wait {gate}\nsome words")
        async with app.run_test(size=(120, 40)) as pilot:
            begun = Path(f"{gate}.begun")
            await until(pilot, lambda: begun.exists() and app.main.results is not None)
            begun.unlink()
            link = app.fleet.link("gpu7")
            before = link.pid
            assert before is not None
            os.kill(before, signal.SIGKILL)
            await until(pilot, lambda: app.worker("gpu7").reconnecting)
            assert app.phase.under_way
            await until(pilot, begun.exists)
            assert link.pid != before
            gate.touch()
            await until(pilot, lambda: app.phase is Phase.DONE)
            assert "begins again from the start" in "".join(str(note.message) for note in app._notifications)

    asyncio.run(body())


def test_a_machine_that_stays_away_fails_the_run_and_r_tries_again(scripted: None, tmp_path: Path, lab: Any) -> None:
    gate = tmp_path / "gate"

    async def body() -> None:
        app = FaaApp("gpu7:demo", f"%wait {gate}\nsome words")
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: Path(f"{gate}.begun").exists() and app.main.results is not None)
            reachable = lab.config.read_text()
            lab.alias("gpu7", "Port 1")
            pid = app.fleet.link("gpu7").pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await until(pilot, lambda: app.phase is Phase.FAILED)
            assert "gpu7" in screen(app)
            assert app.main.results is not None
            lab.config.write_text(reachable)
            gate.touch()
            await pilot.press("escape", "r")
            await until(pilot, lambda: app.phase is Phase.DONE)

    asyncio.run(body())


def test_a_run_that_is_cut_off_can_be_given_up_at_once(scripted: None, tmp_path: Path, lab: Any) -> None:
    gate = tmp_path / "gate"

    async def body() -> None:
        app = FaaApp("gpu7:demo", f"%wait {gate}\nsome words")
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: Path(f"{gate}.begun").exists() and app.main.results is not None)
            lab.alias("gpu7", "Port 1")
            pid = app.fleet.link("gpu7").pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await until(pilot, lambda: app.worker("gpu7").reconnecting)
            await pilot.press("escape")
            await until(pilot, lambda: app.phase is Phase.CANCELLED)
            await until(pilot, lambda: not app.worker("gpu7").reconnecting)

    asyncio.run(body())


def test_killing_the_worker_here_is_no_lost_connection(scripted: None, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    async def body() -> None:
        app = FaaApp("gpu7:demo", f"%deaf {gate}\nsome words")
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: Path(f"{gate}.begun").exists() and app.main.results is not None)
            await pilot.press("escape")
            await pilot.press("escape")
            await until(pilot, lambda: app.phase is Phase.FAILED)
            assert not app.worker("gpu7").reconnecting
            gate.touch()

    asyncio.run(body())


def test_a_machine_can_be_named_from_the_model_pane(configured: Any) -> None:
    file = configured("")

    async def body() -> None:
        app = FaaApp("demo", "a few words", command=[sys.executable, "-P", str(SCRIPTED)])
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.run_number and app.at_rest)
            await pilot.press("1", "end", "enter")
            await pilot.press(*"gpu7", "tab", "tab")
            await pilot.press(*f"{sys.executable} -P {SCRIPTED}")
            await pilot.press("enter")
            await pilot.press(*"tiny", "enter")
            await until(pilot, lambda: app.order.reference == "gpu7:tiny" and app.phase is Phase.DONE)
            assert app.main.results is not None
            await pilot.press("1")
            assert "gpu7:…" in screen(app)
        assert "[hosts.gpu7]" in file.read_text()

    asyncio.run(body())


OLDER = """
import runpy
from faa_core.worker import protocol
protocol.CAPABILITIES = tuple(name for name in protocol.CAPABILITIES if name != "paths")
runpy.run_path({worker!r}, run_name="__main__")
"""


def test_models_and_paths_of_another_machine_are_chosen_from(configured: Any, tmp_path: Path) -> None:
    older = tmp_path / "older.py"
    older.write_text(OLDER.format(worker=str(SCRIPTED)))
    hosts = {"gpu7": SCRIPTED, "gpu8": older}
    configured("".join(f'[hosts.{name}]\ncommand = "{sys.executable} -P {file}"\n' for name, file in hosts.items()))
    there = tmp_path / "there"
    for name in ("checkpoint-1", "checkpoint-2", "chapters"):
        (there / name).mkdir(parents=True)
    (there / "checkpoint-1" / "config.json").write_text("{}")
    (there / "checkpoint-2" / "inner").mkdir()
    (there / "maps.npz").write_bytes(bytes(2048))

    async def body() -> None:
        app = FaaApp("demo", "a few words", command=[sys.executable, "-P", str(SCRIPTED)])
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.run_number and app.at_rest)
            await pilot.press("o")
            dialog = app.screen
            assert isinstance(dialog, OpenModel)
            dialog.write(f"gpu7:{there}/che")
            await until(pilot, lambda: "gpu7 is not connected" in screen(app))  # nobody there to complete it, yet
            assert not dialog._places
            dialog.write("gpu7:")
            await pilot.pause()
            await pilot.press(*["down"] * 9, "enter")  # the last line: list the models
            await until(pilot, lambda: "gpu7" in dialog._inventories)
            dialog.write(f"gpu7:{there}/che")
            await until(pilot, lambda: len(dialog._places) == 2)
            assert [line.kind for line in dialog._places] == ["model", "folder"]
            await pilot.press("tab")
            assert dialog.line.value == f"gpu7:{there}/checkpoint-"
            await pilot.press("2", "tab")
            await until(pilot, lambda: [line.title for line in dialog._places] == ["checkpoint-2/"])
            await pilot.press("tab")
            await until(pilot, lambda: [line.title for line in dialog._places] == ["inner/"])
            dialog.write(f"gpu7:{there}/nowhere/x")
            await until(pilot, lambda: "nowhere cannot be read" in screen(app).replace("\n", ""))
            dialog.write("gpu8:")
            await pilot.pause()
            await pilot.press(*["down"] * 9, "enter")
            await until(pilot, lambda: "gpu8" in dialog._inventories)
            dialog.write(f"gpu8:{there}/che")
            await until(pilot, lambda: dialog._whole == dialog.line.value)  # an older worker is not asked
            assert (dialog._places, dialog.completed()) == ((), dialog.line.value)
            dialog.write(f"gpu7:{there}/checkpoint-1")
            await until(pilot, lambda: len(dialog._places) == 1)
            await pilot.press("enter")
            await until(pilot, lambda: app.phase is Phase.DONE and app.order.reference == f"gpu7:{there}/checkpoint-1")

    asyncio.run(body())


def test_a_login_lends_the_terminal_to_ssh_and_comes_back_connected(configured: Any, at_terminal: Any) -> None:
    configured(f'[hosts.gpu7-locked]\ncommand = "{sys.executable} -P {SCRIPTED}"\n')
    command = (sys.executable, "-m", "faa_tui", "gpu7-locked:demo", "--text", "some words to look at")
    folder = tempfile.mkdtemp()  # a socket's path is short
    typist = at_terminal(command, TERM="xterm-256color", COLUMNS="120", LINES="40", XDG_RUNTIME_DIR=folder)
    typist.until("log in")
    typist.press("I")
    typist.until("passphrase for key .*locked_key")
    typist.type("open sesame")
    typist.until("done")
    assert os.listdir(folder)
    typist.press("q")
    assert typist.ended() == 0
    # Nothing of the login is left: the connection is closed, and its folder gone.
    os.rmdir(folder)
