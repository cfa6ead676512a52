"""Programs that need the terminal for themselves while the application is suspended."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence


def in_foreground(command: Sequence[str]) -> int:
    """Run a program at the terminal and wait for its end; a Ctrl-C is meant for it, and not for this process.

    Call it on the main thread, while the terminal is in its ordinary modes.

    Returns:
        Exit code as `subprocess` gives it.
    """
    # A handler and not SIG_IGN, which the program would inherit.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
