"""A worker for one command, with its progress told on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from faa_core.worker import protocol
from faa_core.worker.client import Session, session
from faa_tui.rendering.text import visible


@contextmanager
def narrated_session() -> Iterator[Session]:
    """A session with a worker of its own, and a progress bar on standard error if that is a terminal.

    Raises:
        FaaError: A job failed; the class is the one that the worker named.
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("Starting the worker", total=None)

    def hear(event: object) -> None:
        if isinstance(event, protocol.Progress):
            bar.update(task, description=visible(event.text), completed=event.done, total=event.total or None)
        elif isinstance(event, protocol.LayerReady):
            bar.update(task, description="Measuring layers", completed=event.index + 1, total=event.total)

    with bar, session(on_event=hear) as worker:
        yield worker
