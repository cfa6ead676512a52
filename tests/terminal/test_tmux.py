"""In tmux: leaving and coming back, windows that change their size, and a server that is gone."""

import os
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from faa_tui.rendering.ramps import LEVELS, RAMPS

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A server of its own, and one session in it."""

    def __init__(self, socket, environment, command, size, configuration="/dev/null"):
        self._socket, self._environment, self._configuration = socket, environment, configuration
        made = self("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), *command)
        assert made.returncode == 0, made.stderr
        self.pid = int(self("display-message", "-p", "#{pane_pid}").stdout)

    def __call__(self, *arguments):
        return subprocess.run(
            ["tmux", "-S", str(self._socket), "-f", str(self._configuration), *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=20,
        )

    def attach(self):
        return ["tmux", "-S", str(self._socket), "attach"]

    @property
    def screen(self):
        return self("capture-pane", "-p").stdout

    @property
    def size(self):
        return self("display-message", "-p", "#{window_width}x#{window_height}").stdout.strip()

    def until(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, self.screen
            self("run-shell", "-d", "0.05", "")

    def until_shows(self, text):
        self.until(lambda: text in self.screen)


@pytest.fixture
def tmux(environment, launch, tmp_path):
    environment.pop("TMUX", None)
    server = Tmux(tmp_path / "socket", environment, launch(), (120, 40))
    yield server
    server("kill-server")


def test_left_and_come_back_to_in_a_terminal_of_another_size(tmux, open_terminal):
    tmux.until_shows("done 0.42 s")
    tmux("send-keys", "]", ">")
    tmux.until_shows("layer 1 head 1")
    for size in ((120, 41), (80, 24), (200, 50)):  # a row more: tmux takes one for its own line
        terminal = open_terminal(arguments=tmux.attach(), size=size)
        terminal.until_shows("layer 1 head 1")
        terminal.until_shows("q quit")
        terminal.until(lambda terminal=terminal, narrow=size[0] == 80: terminal.shows("hidden:") is narrow)
        terminal.until(lambda size=size: f"{size[0]}x{size[1] - 1}" == tmux.size)
        tmux("detach-client")
        assert terminal.until_ended() == 0
        terminal.assert_restored()
    tmux("send-keys", ">")
    tmux.until_shows("layer 1 head 2")


def test_without_rgb_the_map_is_drawn_in_256_colours_and_the_focus_is_no_key(
    environment, launch, tmp_path, open_terminal
):
    environment.pop("TMUX", None)
    configuration = tmp_path / "tmux.conf"
    configuration.write_text("set -g default-terminal tmux-256color\nset -g focus-events on\nset -g status off\n")
    text = "one two three four five six seven one two three four five"
    tmux = Tmux(tmp_path / "socket", environment, launch(text), (200, 50), configuration)
    try:
        terminal = open_terminal(arguments=tmux.attach(), size=(200, 50))
        terminal.until_shows("query 9 ")
        terminal.type("4g")
        terminal.until_shows("query 0 ")
        tmux("split-window", "sleep 60")  # the focus goes there
        terminal.until(lambda: "1 Models" in tmux("capture-pane", "-p", "-t", "0").stdout)
        tmux("kill-pane")  # and comes back
        terminal.type("j")
        terminal.until_shows("query 1 ")
        tmux.until_shows("query 1 ")
        shown = tmux("capture-pane", "-p", "-e").stdout
        numbers = {int(number) for number in re.findall(r"[34]8;5;(\d+)", shown)}
        assert "8;2;" not in shown
        assert len(numbers & set(RAMPS["viridis"].xterm[:LEVELS])) >= 5, numbers
        assert "▀" in shown
        assert not numbers & set(range(16))  # what a palette of the user's would change
    finally:
        tmux("kill-server")


def test_a_storm_of_sizes(tmux):
    tmux.until_shows("done 0.42 s")
    for step in range(30):
        tmux("resize-window", "-x", str(40 + 37 * step % 200), "-y", str(10 + 13 * step % 60))
    tmux("resize-window", "-x", "120", "-y", "40")
    tmux.until(lambda: "q quit" in tmux.screen and "1 Models" in tmux.screen)
    tmux("send-keys", "]")
    tmux.until_shows("layer 1 head 0")
    lines = tmux.screen.splitlines()
    assert lines[0].startswith(" faa  demo")
    assert len(lines) == 40
    assert "q quit" in lines[-1]


def test_a_server_that_is_gone_takes_all_with_it(tmux):
    tmux.until_shows("done 0.42 s")
    below = processes(tmux.pid)
    assert len(below) == 3  # the supervisor, the application, the worker
    opened = [os.pidfd_open(pid) for pid in below]
    tmux("kill-server")
    for descriptor in opened:
        assert select.select([descriptor], [], [], 20)[0], "a process outlived its terminal"
        os.close(descriptor)


def processes(pid):
    """The process and all below it."""
    children = [
        child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [pid, *(below for child in children for below in processes(int(child)))]
