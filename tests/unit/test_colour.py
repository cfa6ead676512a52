from __future__ import annotations

import os
import subprocess
import sys

import pytest

from faa_tui.colour import CHOICES, Capabilities, cursor_moves, detect, own_display, terminal_database

ENTRIES = {
    "xterm-256color": Capabilities(256, False),
    "tmux-256color": Capabilities(256, False),
    "xterm": Capabilities(8, False),
    "linux": Capabilities(8, False),
    "st": Capabilities(256, True),
    "vt100": Capabilities(-1, False),
}


def shown(flag: str = "auto", configured: str = "auto", **environ: str) -> str:
    found = detect(environ, flag=flag, configured=configured, database=ENTRIES.get)
    assert found.colours_reason
    return found.colours


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({}, "none"),
        ({"TERM": "dumb"}, "none"),
        ({"TERM": "vt100"}, "none"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "linux"}, "16"),
        ({"TERM": "screen"}, "16"),  # not in this database
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "rxvt-unicode-256color"}, "256"),
        ({"TERM": "st"}, "truecolor"),  # by the database alone
        ({"TERM": "xterm-direct"}, "truecolor"),
        ({"TERM": "xterm-kitty"}, "truecolor"),
        ({"TERM": "who-knows"}, "none"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit"}, "truecolor"),
        ({"TERM": "xterm-256color", "COLORTERM": "yes"}, "256"),
        # Some set-ups export COLORTERM whatever the terminal is.
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "TERM_PROGRAM": "Apple_Terminal"}, "256"),
        (
            {
                "TERM": "tmux-256color",
                "COLORTERM": "truecolor",
                "TERM_PROGRAM": "tmux",
                "TMUX": "/tmp/tmux",
                "__CFBundleIdentifier": "com.apple.Terminal",
            },
            "256",
        ),
        (
            {"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal", "TEXTUAL_COLOR_SYSTEM": "truecolor"},
            "truecolor",
        ),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "standard"}, "16"),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "auto"}, "256"),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "truecolor", "NO_COLOR": "1"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256"),  # no-color.org: present and not empty
    ],
)
def test_the_environment_decides_in_this_order(environ: dict[str, str], colours: str) -> None:
    assert shown(**environ) == colours


def test_the_command_line_comes_before_the_configuration_and_that_before_the_environment() -> None:
    assert shown("truecolor", "16", NO_COLOR="1") == "truecolor"
    assert shown("auto", "16", NO_COLOR="1") == "16"
    assert shown("none", "auto", COLORTERM="truecolor") == "none"
    for choice in CHOICES[1:]:
        assert shown(choice) == choice


@pytest.mark.parametrize(
    ("environ", "plain"),
    [
        ({}, False),  # as in a container
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "de_DE.utf8"}, False),
        ({"LANG": "de_DE.UTF-8@euro"}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "POSIX"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, False),
        ({"LANG": "C", "LC_CTYPE": "UTF-8"}, False),
    ],
)
def test_the_locale_says_whether_only_ascii_is_shown(environ: dict[str, str], plain: bool) -> None:
    assert detect(environ).ascii is plain
    assert detect(environ, ascii_only=True).ascii


def test_the_database_is_asked_by_its_own_program() -> None:
    xterm = terminal_database("xterm-256color")
    if xterm is None:
        pytest.skip("there is no terminal database here")
    assert xterm.colours == 256
    assert terminal_database("no-such-terminal") is None
    assert terminal_database("-x") is None


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="needs to see the environment as it was given")
def test_a_locale_of_c_is_seen_although_python_changes_it() -> None:
    code = "from faa_tui.colour import detect, environment; print(detect(environment()).ascii_reason)"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    for extra, reason in (({"LANG": "C"}, "LANG=C"), ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "LC_CTYPE=C.UTF-8")):
        done = subprocess.run([sys.executable, "-c", code], env={**kept, **extra}, capture_output=True, text=True)
        assert done.stdout.strip() == reason


def test_the_configuration_stands_between_the_command_line_and_the_environment(tmp_path, monkeypatch):
    file = tmp_path / "config.toml"
    monkeypatch.setenv("FAA_CONFIG", str(file))
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    file.write_text('[screen]\ncolor = "256"\n')
    assert own_display().colours == "256"
    assert "configuration" in own_display().colours_reason
    assert own_display("16").colours == "16"
    file.write_text("[screen]\ncolour = 1\n")  # the mistake is told by those who can
    assert own_display().colours == "truecolor"


@pytest.mark.parametrize(("term", "moves"), [("dumb", False), ("dumb-emacs-ansi", False), ("vt100", True), ("", True)])
def test_only_a_terminal_that_says_so_cannot_move_its_cursor(term: str, moves: bool) -> None:
    assert cursor_moves({"TERM": term}) is moves
    assert cursor_moves({}) is True
