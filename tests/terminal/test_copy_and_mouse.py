"""What the terminal is told: a text for its clipboard, and whether the mouse is the application's."""

import base64
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

OSC_52 = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")


@pytest.fixture
def bare(environment):
    """No desktop and no tmux around the application."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "TMUX", "SSH_CONNECTION", "SSH_TTY"):
        environment.pop(name, None)
    return environment


def test_a_copied_reference_reaches_the_terminal_by_osc_52(bare, open_terminal):
    terminal = open_terminal()
    terminal.until_shows("done 0.42 s")
    terminal.type("1y")
    terminal.until_shows("by OSC 52")
    (encoded,) = OSC_52.findall(terminal.raw)
    assert base64.b64decode(encoded).decode() == "demo"


def test_a_text_beyond_ascii_reaches_it_whole(bare, open_terminal):
    terminal = open_terminal(text="naïve 雪 words")
    terminal.until_shows("done 0.42 s")
    terminal.type("6Y")
    terminal.until_shows("copy  text")
    terminal.type("j\r")
    terminal.until_shows("by OSC 52")
    (encoded,) = OSC_52.findall(terminal.raw)
    assert base64.b64decode(encoded).decode() == "naïve 雪 words"


def test_the_mouse_is_left_to_the_terminal_and_taken_back(bare, open_terminal):
    terminal = open_terminal()
    terminal.until_shows("done 0.42 s")
    assert not terminal.mouse_off
    terminal.type("%")
    terminal.until_shows("The mouse is the")
    assert terminal.mouse_off
    terminal.type("\x1a")  # suspended and continued, it is still the terminal's
    terminal.until_stopped()
    os.killpg(terminal.pid, 18)
    terminal.until(lambda: terminal.on_alternate_screen)
    terminal.type(">")
    terminal.until_shows("layer 0 head 1")
    assert terminal.mouse_off
    terminal.type("%")
    terminal.until(lambda: not terminal.mouse_off)
    terminal.type("q")
    assert terminal.until_ended() == 0
    terminal.assert_restored()


def test_a_configuration_without_the_mouse_does_not_take_it(bare, open_terminal, tmp_path):
    folder = tmp_path / ".config" / "faa"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[screen]\nmouse = false\n")
    terminal = open_terminal()
    terminal.until_shows("done 0.42 s")
    assert terminal.mouse_off
    terminal.type("%")
    terminal.until(lambda: not terminal.mouse_off)


def test_no_mouse_never_asks_for_it_and_a_first_start_shows_the_tour_once(bare, open_terminal, tmp_path):
    command = [sys.executable, "-m", "faa_tui", "--no-mouse"]
    terminal = open_terminal(command)
    terminal.until_shows("1 of 6")
    terminal.type("\x1b")
    terminal.until(lambda: not terminal.shows("1 of 6"))
    taken = tmp_path / ".local" / "state" / "faa" / "tour-taken"
    terminal.until(taken.exists)
    terminal.until_shows("done")
    terminal.type("q")
    assert terminal.until_ended() == 0
    assert b"\x1b[?1000h" not in terminal.raw
    second = open_terminal(command)
    second.until_shows("1 Models")
    second.until_shows("kept run 1")
    assert not second.shows("1 of 6")


def test_options_keep_the_tour_away(bare, open_terminal, tmp_path):
    terminal = open_terminal([sys.executable, "-m", "faa_tui", "demo", "--text", "words to look at, and words"])
    terminal.until_shows("done")
    assert not terminal.shows("1 of 6")
    assert not (tmp_path / ".local" / "state" / "faa" / "tour-taken").exists()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_inside_tmux_the_text_is_in_its_buffer(bare, launch, tmp_path):
    def tmux(*arguments):
        return subprocess.run(
            ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null", *arguments],
            env=bare,
            capture_output=True,
            text=True,
            timeout=20,
        )

    def until(condition):
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, tmux("capture-pane", "-p").stdout
            # A command that waits for the server to write something would wait for ever where it writes nothing.
            tmux("run-shell", "-d", "0.05", "")

    def shows(text):
        return text in tmux("capture-pane", "-p").stdout

    assert tmux("new-session", "-d", "-x", "120", "-y", "40", *launch()).returncode == 0
    try:
        until(lambda: shows("done 0.42 s"))
        tmux("send-keys", "1", "y")
        until(lambda: shows("by tmux"))
        assert tmux("save-buffer", "-").stdout == "demo"
    finally:
        tmux("kill-server")
