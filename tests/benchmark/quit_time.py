"""How long quitting takes, whatever the worker does: from the key to the end of the process, on a pseudo-terminal.

python tests/benchmark/quit_time.py [--json]
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5


def _terminals() -> Any:
    """The terminals of the tests."""
    spec = importlib.util.spec_from_file_location("terminals", ROOT / "tests" / "terminal" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def quit_once(folder: Path, busy: bool, stopped: bool) -> tuple[float, float]:
    """Seconds until the terminal is restored, and until the process has ended."""
    terminals, mark = _terminals(), folder / f"{time.monotonic_ns()}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEXTUAL", "XDG", "COL", "LC_"))}
    environment = kept | {
        "TERM": "xterm-256color",
        "HOME": str(folder),
        "TEXTUAL_ANIMATIONS": "none",
        "PYTHONPATH": f"{ROOT / 'core'}:{ROOT}",
    }
    text = f"%deaf {mark}\nsome words" if busy else "some words"
    command = [sys.executable, "-c", terminals.LAUNCH, str(terminals.WORKER), text]
    terminal = terminals.Terminal(command, environment, (200, 50))
    try:
        begun = Path(f"{mark}.begun").exists if busy else lambda: terminal.shows("done 0.42 s")
        terminal.until(begun)
        if stopped:
            os.kill(terminal.children()[-1], signal.SIGSTOP)
        start = time.perf_counter()
        terminal.type("q")
        while terminal.on_alternate_screen:
            terminal.pump(0.005)
        restored = time.perf_counter() - start
        while terminal.poll() is None:
            terminal.pump(0.005)
        return restored, time.perf_counter() - start
    finally:
        terminal.close()


def main() -> None:
    """Measure every state of the worker."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for state, busy, stopped in (("idle", False, False), ("busy", True, False), ("stopped", True, True)):
            times = [quit_once(Path(name), busy, stopped) for _ in range(ROUNDS)]
            found[state] = [statistics.median(column) for column in zip(*times, strict=True)]
    if "--json" in sys.argv:
        print(json.dumps(found))
    else:
        for state, (restored, ended) in found.items():
            print(f"worker {state:8} terminal restored after {restored:.3f} s, ended after {ended:.3f} s")


if __name__ == "__main__":
    main()
