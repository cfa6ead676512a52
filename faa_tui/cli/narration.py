"""A worker for one command, with its progress told on standard error, and the console for its data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from faa_core.errors import LoginError
from faa_core.findings import RepeatProbe
from faa_core.records import Analysis
from faa_core.reference import ModelReference
from faa_core.worker import protocol
from faa_core.worker.session import Session, session
from faa_tui.hosts import Hosts, here
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
def narrated_session(texts: int = 1, host: str | None = None) -> Iterator[NarratedSession]:
    """A session with a worker of its own, and a progress bar on standard error if that is a terminal.

    Where the machine asks for a password, a passphrase or a look at its fingerprint, and there is a person to ask, the
    user's own ``ssh`` asks first.

    Args:
        texts: How many will be analysed; the bar counts them where there are several.
        host: Machine of the worker, as in a reference; ``None`` for this one.

    Raises:
        FaaError: The worker cannot be started, or a job failed; the class is the one that the worker named.
    """
    bar = progress_bar()
    task = bar.add_task(f"Starting the worker{f' on {visible(host)}' if host else ''}", total=None)

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

    with ExitStack() as stack:
        hosts = stack.enter_context(Hosts())
        stack.enter_context(bar)
        try:
            worker = stack.enter_context(session(hosts.launch(host), hear))
        except LoginError:
            if not host or not log_in(hosts, host, bar):
                raise
            worker = stack.enter_context(session(hosts.launch(host), hear))
        yield NarratedSession(worker, hosts)


class NarratedSession:
    """A session that takes references as a user writes them. Made by `narrated_session`.

    Attributes:
        worker: The session itself, for whatever needs no reference.
    """

    def __init__(self, worker: Session, hosts: Hosts) -> None:
        self.worker = worker
        self._hosts = hosts

    def analyse(self, model: ModelReference, text: str, options: protocol.RunOptions) -> Analysis:
        """Measure a model on one text, on the device of its machine; the result names it with the machine.

        Raises:
            FaaError: Of the class that the worker named.
        """
        analysis = self.worker.analyse(str(here(model)), text, self._hosts.options(model.host, options))
        if model.host is None:
            return analysis
        return msgspec.structs.replace(analysis, model=msgspec.structs.replace(analysis.model, reference=str(model)))

    def probe(self, model: ModelReference, options: protocol.RunOptions, seed: int) -> RepeatProbe:
        """Score every head of a model on random sequences said twice.

        Raises:
            FaaError: Of the class that the worker named.
        """
        return self.worker.probe(str(here(model)), self._hosts.options(model.host, options), seed)


def log_in(hosts: Hosts, host: str, bar: Progress | None = None) -> bool:
    """Let the user log in at the terminal, if there is one; whether it went well. A bar waits meanwhile."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    if bar is not None:
        bar.stop()
    entered = subprocess.run(hosts.login(host), check=False).returncode == 0
    if bar is not None:
        bar.start()
    return entered
