"""The clipboard of whoever sits at the terminal: which way leads to it from here, and the ways themselves.

A program on this machine's desktop is the surest. Where there is none, as behind ssh, the terminal itself is asked by
the escape sequence OSC 52, inside tmux through tmux. What is too long for a terminal goes into a file.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from faa_tui import paths

MOST_ENCODED: Final = 74_994
"""Characters of Base64 that terminals take in one sequence; several drop a longer one without a word."""
SECONDS: Final = 2.0
"""How long a program may take to accept a text."""


@dataclass(frozen=True)
class Program:
    """A program that takes a text on its standard input and puts it on a clipboard.

    Attributes:
        name: What the user is told.
        command: Its command line.
    """

    name: str
    command: tuple[str, ...]


_TMUX = Program("tmux", ("tmux", "load-buffer", "-w", "-"))


def programs(environment: Mapping[str, str], which: Callable[[str], str | None] = shutil.which) -> tuple[Program, ...]:
    """Programs to try in this order; none where only the terminal can help.

    Args:
        environment: Variables of the process. Behind ssh the desktop of this machine is not the user's.
        which: Finds a program by its name.
    """
    found: list[Program] = []
    if not any(environment.get(name) for name in ("SSH_CONNECTION", "SSH_TTY")):
        if sys.platform == "darwin":
            found.append(Program("pbcopy", ("pbcopy",)))
        if environment.get("WAYLAND_DISPLAY"):
            found.append(Program("wl-copy", ("wl-copy",)))
        if environment.get("DISPLAY"):
            found.append(Program("xclip", ("xclip", "-selection", "clipboard", "-in")))
            found.append(Program("xsel", ("xsel", "--clipboard", "--input")))
    if environment.get("TMUX"):
        found.append(_TMUX)
    return tuple(program for program in found if which(program.command[0]))


async def hand_over(program: Program, text: str, seconds: float = SECONDS) -> bool:
    """Give ``text`` to a program; whether it took it in time."""
    try:
        # Some stay behind to serve the clipboard, so nothing of theirs may be waited for but the first process.
        process = await asyncio.create_subprocess_exec(
            *program.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    assert process.stdin is not None
    try:
        async with asyncio.timeout(seconds):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write(text.encode())
                await process.stdin.drain()
                process.stdin.close()
            return await process.wait() == 0
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False


def fits_terminal(text: str) -> bool:
    """Whether terminals take ``text`` in one sequence."""
    return 4 * -(-len(text.encode()) // 3) <= MOST_ENCODED


def through_tmux(text: str) -> str:
    """The sequence OSC 52 with ``text``, wrapped so that tmux hands it to the terminal that it runs in."""
    encoded = base64.b64encode(text.encode()).decode()
    return f"\x1bPtmux;\x1b\x1b]52;c;{encoded}\x07\x1b\\"


def file() -> Path:
    """Where a text goes that is too long for a terminal; the next one takes its place."""
    return paths.state() / "copied.txt"


def write(text: str) -> Path:
    """Put ``text`` into the file of `file`, which only the user can read; returns it.

    Raises:
        OSError: It cannot be written.
    """
    path = file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
    return path


async def copy(text: str, to_terminal: Callable[[str], None], raw: Callable[[str], None]) -> str:
    """Put ``text`` where it can be pasted from, and return the way it went, for the user.

    Args:
        text: Any.
        to_terminal: Sends it to the terminal by OSC 52.
        raw: Writes a sequence to the terminal as it is.

    Raises:
        OSError: No other way was left than a file, and that cannot be written.
    """
    for program in programs(os.environ):
        if await hand_over(program, text):
            return f"by {program.name}"
    if not fits_terminal(text):
        path = await asyncio.to_thread(write, text)
        return f"into {path}: it is too long for a terminal's clipboard"
    if os.environ.get("TMUX"):
        raw(through_tmux(text))
        return "by OSC 52 through tmux"
    to_terminal(text)
    return "by OSC 52"
