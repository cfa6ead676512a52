"""What the terminal can show, found out from its environment, and why that is believed.

The order is that of how much a source can be trusted: what the user says comes before what the terminal says, and that
before what its name promises. ``ssh`` and ``sudo`` keep ``TERM`` and drop ``COLORTERM``, so the terminal database is
asked too. Nothing here reads a terminal or draws on one.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

Colours = Literal["truecolor", "256", "16", "none"]
"""How many colours a terminal shows."""
CHOICES: Final = ("auto", *get_args(Colours))
"""What a user can ask for."""

_TEXTUAL: Final[Mapping[str, Colours]] = {"truecolor": "truecolor", "256": "256", "standard": "16", "windows": "16"}
_DIRECT: Final = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour")
"""Terminals that always show every colour, and whose entry the database of a machine elsewhere may lack."""
_DUMB: Final = ("dumb", "dumb-emacs-ansi")
"""Terminals that print what they get and cannot move their cursor, as inside Emacs."""
_SIXTEEN: Final = ("xterm", "screen", "tmux", "rxvt", "linux", "cygwin", "ansi", "konsole", "putty", "vt220-color")
_DATABASE_SECONDS: Final = 1.0
_COERCED: Final = ("C.UTF-8", "C.utf8", "UTF-8")
"""What Python writes into ``LC_CTYPE`` where the locale is C (PEP 538)."""


@dataclass(frozen=True)
class Capabilities:
    """What the terminal database says.

    Attributes:
        colours: Number of colours; -1 where it says nothing.
        direct: Whether it has the extension ``RGB`` or ``Tc``: every colour.
    """

    colours: int
    direct: bool


@dataclass(frozen=True)
class Display:
    """What a terminal can show, and why that is believed.

    Attributes:
        colours: How many colours.
        colours_reason: What said so.
        ascii: Whether only ASCII may be written.
        ascii_reason: What said so.
    """

    colours: Colours = "truecolor"
    colours_reason: str = "nothing was asked"
    ascii: bool = False
    ascii_reason: str = "nothing was asked"


def cursor_moves(environ: Mapping[str, str]) -> bool:
    """Whether the terminal of ``environ`` can be drawn on; one that says nothing of itself is believed to."""
    return environ.get("TERM") not in _DUMB


def terminal_database(name: str) -> Capabilities | None:
    """The entry of a terminal in the terminal database, by ``infocmp``; ``None`` where there is none of either."""
    try:
        # Not curses: it answers for the first terminal that a process asks about, whatever is asked later.
        done = subprocess.run(["infocmp", "-x", "-1", "--", name], capture_output=True, timeout=_DATABASE_SECONDS)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    entry = done.stdout.decode("ascii", "replace")
    colours = re.search(r"^\tcolors#(0x[0-9a-f]+|\d+),", entry, re.MULTILINE | re.IGNORECASE)
    direct = re.search(r"^\t(Tc|RGB)\b", entry, re.MULTILINE)
    return Capabilities(int(colours[1], 0) if colours else -1, direct is not None)


def environment() -> dict[str, str]:
    """The environment as the user left it: without the ``LC_CTYPE`` that Python adds where the locale is C."""
    found = dict(os.environ)
    if found.get("LC_CTYPE") in _COERCED:
        try:
            given = Path("/proc/self/environ").read_bytes().split(b"\0")
        except OSError:  # not Linux: it may have been the user
            return found
        if not any(entry.startswith(b"LC_CTYPE=") for entry in given):
            del found["LC_CTYPE"]
    return found


def own_display(flag: str = "auto", ascii_only: bool = False) -> Display:
    """What the terminal of this process can show, by its environment and the configuration of the user.

    A configuration with a mistake says nothing here; the application and ``faa doctor`` tell the mistake.

    Args:
        flag: What the command line asks for; one of `CHOICES`.
        ascii_only: Whether the command line asks for nothing but ASCII.
    """
    from faa_core.configuration import load
    from faa_core.errors import UsageError

    configured = "auto"
    with suppress(UsageError):
        configured = load().screen.color
    return detect(environment(), flag=flag, configured=configured, ascii_only=ascii_only)


def detect(
    environ: Mapping[str, str],
    *,
    flag: str = "auto",
    configured: str = "auto",
    ascii_only: bool = False,
    database: Callable[[str], Capabilities | None] = terminal_database,
) -> Display:
    """What the terminal of ``environ`` can show.

    Args:
        environ: Environment variables.
        flag: What the command line asks for; one of `CHOICES`.
        configured: What the configuration asks for; one of `CHOICES`.
        ascii_only: Whether the command line asks for nothing but ASCII.
        database: Looks a terminal up by its name.
    """
    colours, reason = _colours(environ, flag, configured, database)
    plain, plain_reason = _ascii(environ, ascii_only)
    return Display(colours, reason, plain, plain_reason)


def _colours(
    environ: Mapping[str, str], flag: str, configured: str, database: Callable[[str], Capabilities | None]
) -> tuple[Colours, str]:
    if flag != "auto":
        return cast(Colours, flag), f"--color {flag}"
    if configured != "auto":
        return cast(Colours, configured), f"color = {configured!r} in the configuration"
    if environ.get("NO_COLOR"):
        return "none", "NO_COLOR is set"
    asked = environ.get("TEXTUAL_COLOR_SYSTEM", "")
    if asked in _TEXTUAL:
        return _TEXTUAL[asked], f"TEXTUAL_COLOR_SYSTEM={asked}"
    if environ.get("TERM_PROGRAM") == "Apple_Terminal":
        return "256", "TERM_PROGRAM=Apple_Terminal"
    if environ.get("TMUX") and environ.get("__CFBundleIdentifier") == "com.apple.Terminal":
        return "256", "tmux in Apple's Terminal"
    deep = environ.get("COLORTERM", "").lower()
    if deep in ("truecolor", "24bit"):
        return "truecolor", f"COLORTERM={deep}"
    return _by_name(environ.get("TERM", ""), database)


def _by_name(term: str, database: Callable[[str], Capabilities | None]) -> tuple[Colours, str]:
    """What the name of a terminal promises, or the database knows of it."""
    said = f"TERM={term}" if term else "TERM is not set"
    if term in ("", *_DUMB, "unknown"):
        return "none", said
    if term.endswith("-direct") or "truecolor" in term or term.startswith(_DIRECT):
        return "truecolor", said
    entry = database(term)
    if entry is not None and entry.direct:
        return "truecolor", f"{said}, RGB in the terminal database"
    if "256color" in term:
        return "256", said
    if entry is not None and entry.colours >= 0:
        known: Colours = "256" if entry.colours >= 256 else "16" if entry.colours >= 8 else "none"
        return known, f"{said}, {entry.colours} colours in the terminal database"
    if entry is None and (term.startswith(_SIXTEEN) or "color" in term):
        return "16", f"{said}, which is not in the terminal database"
    return "none", f"{said}, no colours in the terminal database" if entry else f"{said}, which nothing is known of"


def _ascii(environ: Mapping[str, str], asked: bool) -> tuple[bool, str]:
    """Whether only ASCII may be written. Where no locale is set, as in a container, UTF-8 is taken for granted."""
    if asked:
        return True, "--ascii"
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        locale = environ.get(name, "")
        if locale:
            encoding = locale.rpartition(".")[2].lower().replace("-", "").partition("@")[0]
            return encoding != "utf8", f"{name}={locale}"
    return False, "no locale is set"
