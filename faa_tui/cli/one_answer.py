"""A process that may import torch, asked for one line of JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from faa_core.errors import WorkerError, by_kind
from faa_core.worker.process import WorkerProcess
from faa_tui.cli.narration import progress_bar

_END_SECONDS = 5.0


def ask(module: str, arguments: Sequence[str], text: str, doing: str, quiet: bool = False) -> dict[str, Any]:
    """Run a module of the engine with a text on its standard input, and return its answer.

    Args:
        module: Its name.
        arguments: Its command line.
        text: The text.
        doing: What it does meanwhile, for the progress bar.
        quiet: Whether there is no progress bar.

    Raises:
        FaaError: Of the class that the process named, or `WorkerError` where it died.
    """
    process = WorkerProcess([sys.executable, "-P", "-m", module, *arguments])
    bar = progress_bar()
    bar.add_task(doing, total=None, visible=not quiet)
    try:
        with bar:
            process.send(text.encode(errors="replace"))
            process.hang_up()
            line = process.output.readline()
        if not line:
            end = process.reap(_END_SECONDS)
            raise WorkerError(end.text.replace("The worker", f"The process {module}"), end.hint)
        answer: dict[str, Any] = msgspec.json.decode(line)
        if answer["type"].lower() == "failure":
            raise by_kind(answer["kind"])(answer["message"], answer["hint"])
        return answer
    finally:
        process.kill()
        process.reap(_END_SECONDS)
