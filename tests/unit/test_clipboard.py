"""Which way a text takes to a clipboard, with real programs in the place of those of a desktop."""

from __future__ import annotations

import asyncio
import base64
import stat
from pathlib import Path

import pytest

from faa_tui import clipboard

SSH = {"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}


def ways(environment: dict[str, str], *there: str) -> list[str]:
    found = clipboard.programs(environment, lambda name: f"/usr/bin/{name}" if name in there else None)
    return [program.name for program in found]


def test_a_desktop_is_asked_before_the_terminal_and_not_behind_ssh() -> None:
    everything = ("wl-copy", "xclip", "xsel", "tmux")
    assert ways({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, *everything) == ["wl-copy", "xclip", "xsel"]
    assert ways({"DISPLAY": ":0"}, "xsel") == ["xsel"]
    assert ways({"DISPLAY": ":0", "TMUX": "/tmp/t,1,0"}, *everything) == ["xclip", "xsel", "tmux"]
    assert ways({"DISPLAY": ":0", "TMUX": "/tmp/t,1,0"} | SSH, *everything) == ["tmux"]
    assert ways({"DISPLAY": ":0"} | SSH, *everything) == []
    assert ways({}, *everything) == []


def test_a_mac_has_pbcopy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert ways({}, "pbcopy") == ["pbcopy"]


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs in front of all others, and an X server that they would talk to."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    for name in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":7")
    return folder


def program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


class Terminal:
    def __init__(self) -> None:
        self.copied: list[str] = []
        self.raw: list[str] = []

    def copy(self, text: str) -> str:
        return asyncio.run(clipboard.copy(text, self.copied.append, self.raw.append))


def test_a_program_gets_the_text_on_its_standard_input(desktop: Path) -> None:
    program(desktop, "xclip", f'cat > "{desktop}/got"; echo "$@" > "{desktop}/arguments"')
    terminal, text = Terminal(), '0.31\tquery 245 "·ratio"\nµ ∑ 雪'
    assert terminal.copy(text) == "by xclip"
    assert (desktop / "got").read_text() == text
    assert "clipboard" in (desktop / "arguments").read_text()
    assert not terminal.copied


def test_a_program_that_stays_behind_is_not_waited_for(desktop: Path) -> None:
    program(desktop, "xclip", f'cat > "{desktop}/got"; sleep 5 &')
    assert Terminal().copy("text") == "by xclip"
    assert (desktop / "got").read_text() == "text"


def test_one_that_fails_or_hangs_leaves_the_text_to_the_next_way(desktop: Path) -> None:
    program(desktop, "xclip", "exit 1")
    program(desktop, "xsel", "exec sleep 30")
    terminal = Terminal()
    hung = clipboard.Program("xsel", ("xsel",))
    assert not asyncio.run(clipboard.hand_over(hung, "text", 0.2))
    program(desktop, "xsel", f'cat > "{desktop}/got"')
    assert terminal.copy("text") == "by xsel"
    assert (desktop / "got").read_text() == "text"


def test_without_a_program_the_terminal_is_asked(desktop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    terminal = Terminal()
    assert terminal.copy("text") == "by OSC 52"
    assert terminal.copied == ["text"]


def test_a_tmux_that_does_not_answer_hands_the_sequence_on(desktop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv("TMUX", f"{desktop}/no-such-socket,1,0")
    program(desktop, "tmux", "exit 1")
    terminal = Terminal()
    assert terminal.copy("text") == "by OSC 52 through tmux"
    (sequence,) = terminal.raw
    assert sequence.startswith("\x1bPtmux;")
    assert sequence.endswith("\x1b\\")
    inner = sequence.removeprefix("\x1bPtmux;").removesuffix("\x1b\\").replace("\x1b\x1b", "\x1b")
    assert inner == f"\x1b]52;c;{base64.b64encode(b'text').decode()}\x07"


def test_what_is_too_long_for_a_terminal_goes_into_a_file_of_the_user(
    desktop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY")
    most = clipboard.MOST_ENCODED // 4 * 3
    assert clipboard.fits_terminal("x" * most)
    assert not clipboard.fits_terminal("x" * (most + 1))
    terminal, text = Terminal(), "0.31\t\r\n" * 20_000
    said = terminal.copy(text)
    assert not terminal.copied
    assert str(clipboard.file()) in said
    assert clipboard.file().read_bytes().decode() == text
    assert stat.S_IMODE(clipboard.file().stat().st_mode) == 0o600
    terminal.copy(text + "!")  # the next one takes its place
    assert clipboard.file().read_bytes().decode() == text + "!"
