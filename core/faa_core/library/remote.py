"""Models on other machines, each behind a worker of its machine; nothing here imports torch."""

from __future__ import annotations

from contextlib import ExitStack

import msgspec

from faa_core import configuration
from faa_core.comparison.alignment import Alignment
from faa_core.comparison.sketch import TOP, sketch_rows
from faa_core.records import Analysis, LayerSketch, MapKind
from faa_core.reference import ModelReference
from faa_core.worker.protocol import RunOptions
from faa_core.worker.session import Session, session
from faa_core.worker.ssh import HostEntry, SshLaunch


class Machines:
    """The machines of one call: a worker on each, from when a model there is first asked for until the end.

    Workers are started as the command line starts them: by the user's own ``ssh``, and as the configuration says. They
    ask nobody anything.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._workers: dict[str, Session] = {}
        self._known: dict[str, HostEntry] | None = None

    def __enter__(self) -> Machines:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def model(self, reference: ModelReference, options: RunOptions) -> RemoteModel:
        """A model of the machine that ``reference`` names.

        Args:
            reference: With a host.
            options: How to run; where they leave the device open, that of the machine's configuration is meant.

        Raises:
            UsageError: The configuration has a mistake.
            HostError: The machine cannot be reached, or has no worker that fits; `LoginError` where it asks who comes.
        """
        host = reference.host
        assert host is not None
        if self._known is None:
            self._known = configuration.load().hosts
        entry = self._known.get(host) or HostEntry()
        if options.device == "auto":
            options = msgspec.structs.replace(options, device=entry.device)
        if host not in self._workers:
            self._workers[host] = self._stack.enter_context(session(SshLaunch(host, entry)))
        return RemoteModel(self._workers[host], reference, options)


class RemoteModel:
    """A model there; see `faa_core.library.sides.Side`."""

    def __init__(self, worker: Session, reference: ModelReference, options: RunOptions) -> None:
        self.machine = worker.hello.hostname
        self._worker = worker
        self._reference = reference
        self._options = options
        self._run = 0
        self.of_one_text = reference.source == "array"

    def measure(self, text: str) -> Analysis:
        """Measure all layers and heads there; the result names the model with its machine."""
        # What a worker is told of is local to it.
        there = str(msgspec.structs.replace(self._reference, host=None))
        analysis = self._worker.analyse(there, "" if self.of_one_text else text, self._options)
        self._run = self._worker.run
        return msgspec.structs.replace(
            analysis, model=msgspec.structs.replace(analysis.model, reference=str(self._reference))
        )

    def sketch(self, kind: MapKind, place: int, queries: Alignment, keys: Alignment) -> tuple[LayerSketch, ...]:
        """The heads of the last run in short, over common segments."""
        grid = 0
        if not (queries.same and keys.same):
            grid = self._worker.align(kind, queries.segments[place], keys.segments[place], self._run)
        return self._worker.sketch(kind, sketch_rows(len(queries)), TOP, grid, self._run)

    def forget(self) -> None:
        """Let go of the maps of the last run."""
        self._worker.release(self._run)
