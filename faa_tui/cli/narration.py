"""A worker for one command, with its progress told on standard error, and the console for its data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from faa_core.worker import protocol
from faa_core.worker.session import Session, session
from faa_tui.rendering.text import visible

_WIDTH_OF_A_FILE = 120
"""Cells of a line where the output is no terminal."""


def printing_console() -> Console:
    """The console on standard output, with a fixed width where that is no terminal and COLUMNS does not say."""
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_OF_A_FILE
    return console


def progress_bar() -> Progress:
    """A bar on standard error that leaves nothing behind; it stays silent where that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@contextmanager
def narrated_session(texts: int = 1) -> Iterator[Session]:
    """A session with a worker of its own, and a progress bar on standard error if that is a terminal.

    Args:
        texts: How many will be analysed; the bar counts them where there are several.

    Raises:
        FaaError: A job failed; the class is the one that the worker named.
    """
    bar = progress_bar()
    task = bar.add_task("Starting the worker", total=None)

    started = 0

    def measuring() -> str:
        return f"Text {started} of {texts}" if texts > 1 else "Measuring layers"

    def hear(event: object) -> None:
        nonlocal started
        started += isinstance(event, protocol.Started)
        if isinstance(event, protocol.Progress):
            bar.update(task, description=visible(event.text), completed=event.done, total=event.total or None)
        elif isinstance(event, protocol.LayerReady):
            bar.update(task, description=measuring(), completed=event.index + 1, total=event.total)

    with bar, session(on_event=hear) as worker:
        yield worker
