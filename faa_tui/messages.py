"""What the link tells the application: messages around frozen records, numbered by the application's own runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from textual.message import Message

from faa_core.findings import HeadExamination
from faa_core.worker.protocol import Beat, Done, Fail, Hello, LayerReady, Loaded, Progress, Started
from faa_tui.widgets.heat_map import MapAddress


@dataclass(frozen=True)
class TileKey:
    """A rectangle of one map: rows and columns count cells of ``level``, which are 2^level tokens wide."""

    address: MapAddress
    level: int
    row: int
    row_stop: int
    column: int
    column_stop: int


@dataclass(frozen=True)
class HeadKey:
    """The examination of one head."""

    address: MapAddress


class RunMessage(Message):
    """Something about the run ``run``."""

    def __init__(self, run: int) -> None:
        super().__init__()
        self.run = run


class RunProgressed(RunMessage):
    """The worker says what it is doing; only the newest of several waiting ones is handled."""

    def __init__(self, run: int, progress: Progress) -> None:
        super().__init__(run)
        self.progress = progress

    def can_replace(self, message: Message) -> bool:
        """Whether this one makes an older one that still waits superfluous."""
        return isinstance(message, RunProgressed)


class ModelLoaded(RunMessage):
    """The model is in the worker's memory."""

    def __init__(self, run: int, loaded: Loaded) -> None:
        super().__init__(run)
        self.loaded = loaded


class RunStarted(RunMessage):
    """The text is tokenised and the forward pass begins."""

    def __init__(self, run: int, started: Started) -> None:
        super().__init__(run)
        self.started = started


class LayerArrived(RunMessage):
    """All statistics of one layer are here."""

    def __init__(self, run: int, ready: LayerReady) -> None:
        super().__init__(run)
        self.ready = ready


class RunDone(RunMessage):
    """The run ended well."""

    def __init__(self, run: int, done: Done) -> None:
        super().__init__(run)
        self.done = done


class RunFailed(RunMessage):
    """The run ended without a complete result."""

    def __init__(self, run: int, fail: Fail) -> None:
        super().__init__(run)
        self.fail = fail


class TileArrived(Message):
    """A rectangle of a map is here."""

    def __init__(self, key: TileKey, block: NDArray[np.floating]) -> None:
        super().__init__()
        self.key = key
        self.block = block


class TileFailed(Message):
    """A rectangle of a map will not come."""

    def __init__(self, key: TileKey, fail: Fail) -> None:
        super().__init__()
        self.key = key
        self.fail = fail


class HeadExamined(Message):
    """All that needs the whole map of one head is measured."""

    def __init__(self, key: HeadKey, examination: HeadExamination) -> None:
        super().__init__()
        self.key = key
        self.examination = examination


class ExaminationFailed(Message):
    """A head will not be examined."""

    def __init__(self, key: HeadKey, fail: Fail) -> None:
        super().__init__()
        self.key = key
        self.fail = fail


class WorkerReady(Message):
    """A worker has said hello."""

    def __init__(self, hello: Hello) -> None:
        super().__init__()
        self.hello = hello


class WorkerBeat(Message):
    """A sign of life of the worker."""

    def __init__(self, beat: Beat) -> None:
        super().__init__()
        self.beat = beat

    def can_replace(self, message: Message) -> bool:
        """Whether this one makes an older one that still waits superfluous."""
        return isinstance(message, WorkerBeat)


class WorkerLost(Message):
    """The worker could not be started, or is gone."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__()
        self.text = text
        self.hint = hint
