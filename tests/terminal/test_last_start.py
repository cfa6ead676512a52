"""A second start shows what the first one showed, in a real terminal."""

import os
import signal
import sys

from tests.terminal.conftest import WORKER

BEGIN = (
    "import sys; from faa_core.worker.protocol import RunOptions; from faa_tui import app; "
    "sys.exit(app.run('demo', None, RunOptions(), [sys.executable, '-P', sys.argv[1]], restore=True))"
)
COMMAND = [sys.executable, "-c", BEGIN, str(WORKER)]


def test_a_second_start_shows_what_the_first_one_showed(open_terminal):
    first = open_terminal(COMMAND)
    first.until_shows("done 0.42 s")
    first.type("]]>")
    first.until_shows("layer 2 head 1")
    first.until_shows("▸1")  # it is kept
    first.type("q")
    assert first.until_ended() == 0
    first.assert_restored()

    second = open_terminal(COMMAND)
    second.until_shows("kept run 1")
    second.until_shows("layer 2 head 1")
    assert len(second.children()) == 1  # no worker was started
    second.type("r")
    second.until_shows("done 0.42 s")
    second.until_shows("layer 2 head 1")
    second.type("q")
    assert second.until_ended() == 0
    second.assert_restored()


def test_what_was_on_the_screen_survives_the_death_of_the_application(open_terminal, tmp_path):
    state = tmp_path / ".local" / "state" / "faa" / "last.json"

    def written():
        return state.exists() and '"run":1,"kind":"decoder","layer":1,' in state.read_text()

    first = open_terminal(COMMAND)
    first.until_shows("done 0.42 s")
    first.type("]")
    first.until(written)
    os.kill(first.children()[0], signal.SIGKILL)
    first.until_ended()
    second = open_terminal(COMMAND)
    second.until_shows("kept run 1")
    second.until_shows("layer 1 head 0")


def test_two_applications_at_once_see_each_others_runs(open_terminal):
    one = open_terminal(COMMAND)
    one.until_shows("done 0.42 s")
    one.until_shows("▸1")
    other = open_terminal()
    other.until_shows("▸2")
    one.type("8")
    one.until_shows("2 runs")
    one.type("g\r")
    one.until_shows("kept run 2")
    for terminal in (one, other):
        terminal.type("q")
        assert terminal.until_ended() == 0
