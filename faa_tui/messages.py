"""What the link tells the application: messages around frozen records, numbered by the application's own runs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from textual.message import Message

from faa_core.comparison.records import Comparison
from faa_core.errors import StoreError
from faa_core.findings import HeadExamination, HeadTests
from faa_core.records import MapKind
from faa_core.worker.protocol import (
    ON_SCREEN,
    Beat,
    Done,
    Fail,
    Hello,
    Inspect,
    Inspected,
    LayerReady,
    Loaded,
    Models,
    ModelsReport,
    Paths,
    PathsReport,
    Progress,
    ResidentReport,
    Residents,
    Sketched,
    Started,
    Unload,
)
from faa_tui.widgets.heat_map import MapAddress


@dataclass(frozen=True)
class TileKey:
    """A rectangle of one map: rows and columns count cells of ``level``, which are 2^level tokens wide.

    Attributes:
        address: Which map.
        level: Level of its max pyramid.
        row: First row of cells.
        row_stop: One past the last row.
        column: First column.
        column_stop: One past the last column.
        aligned: Whether the segments of the run's alignment stand for tokens.
        priority: Of `faa_core.worker.protocol`; two wishes for one tile are the same however urgent.
    """

    address: MapAddress
    level: int
    row: int
    row_stop: int
    column: int
    column_stop: int
    aligned: bool = False
    priority: int = field(default=ON_SCREEN, compare=False)

    @property
    def run(self) -> int:
        """The run."""
        return self.address.run


@dataclass(frozen=True)
class HeadKey:
    """The examination of one head."""

    address: MapAddress

    @property
    def run(self) -> int:
        """The run."""
        return self.address.run


@dataclass(frozen=True)
class BoxKey:
    """The boxes of one head that are counted.

    Attributes:
        address: Which map.
        level: Boxes are 2^level x 2^level tokens.
        threshold: Index of the lift in the thresholds of its box counts.
    """

    address: MapAddress
    level: int
    threshold: int

    @property
    def run(self) -> int:
        """The run."""
        return self.address.run


@dataclass(frozen=True)
class TestsKey:
    """A test of one statistic on every head of a run."""

    run: int
    statistic: str


@dataclass(frozen=True)
class AlignKey:
    """Segments laid over the maps of one kind of a run; without them, the name of what was laid before."""

    run: int
    kind: MapKind
    queries: NDArray[np.int32] | None = field(default=None, compare=False)
    keys: NDArray[np.int32] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SketchKey:
    """A few rows of every head of one kind of a run, in tokens, or in the segments of its alignment."""

    run: int
    kind: MapKind
    rows: tuple[int, ...]
    top: int
    aligned: bool


@dataclass(frozen=True)
class Inquiry:
    """A question to the worker of a machine that is about none of its runs.

    Attributes:
        host: The machine; "" for this one.
        job: What is asked. Its id is filled in when it is sent.
    """

    host: str
    job: Models | Inspect | Paths | Residents | Unload


class Replied(Message):
    """A worker has answered."""

    def __init__(self, inquiry: Inquiry, reply: ModelsReport | PathsReport | Inspected | ResidentReport | Done) -> None:
        super().__init__()
        self.inquiry = inquiry
        self.reply = reply


class InquiryFailed(Message):
    """A worker could not be asked, or has no answer."""

    def __init__(self, inquiry: Inquiry, fail: Fail) -> None:
        super().__init__()
        self.inquiry = inquiry
        self.fail = fail


class ModelsWanted(Message):
    """Somebody chooses a model, and wants those of a machine; "" is this one."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self.host = host


class PathsWanted(Message):
    """Somebody types a path to a model on another machine, and wants to know what continues it."""

    def __init__(self, host: str, typed: str) -> None:
        super().__init__()
        self.host = host
        self.typed = typed


class DetailsWanted(Message):
    """Somebody wants to know what a model is; ``ask_hub`` says whether the hub may be asked."""

    def __init__(self, reference: str, ask_hub: bool = False) -> None:
        super().__init__()
        self.reference = reference
        self.ask_hub = ask_hub


class NotKept(Message):
    """Runs of this application are not kept; told once."""

    def __init__(self, error: StoreError) -> None:
        super().__init__()
        self.error = error


class RunKept(Message):
    """A run or a comparison of this application is in the file of runs now, under the number ``run``."""

    def __init__(self, run: int) -> None:
        super().__init__()
        self.run = run


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


class BoxesArrived(Message):
    """Which boxes of a head are counted is here: bool [rows, columns]."""

    def __init__(self, key: BoxKey, occupied: NDArray[np.bool_]) -> None:
        super().__init__()
        self.key = key
        self.occupied = occupied


class BoxesFailed(Message):
    """Which boxes of a head are counted will not come."""

    def __init__(self, key: BoxKey, fail: Fail) -> None:
        super().__init__()
        self.key = key
        self.fail = fail


class TestsProgressed(Message):
    """A test of every head goes on; only the newest of several waiting ones is handled."""

    def __init__(self, key: TestsKey, progress: Progress) -> None:
        super().__init__()
        self.key = key
        self.progress = progress

    def can_replace(self, message: Message) -> bool:
        """Whether this one makes an older one that still waits superfluous."""
        return isinstance(message, TestsProgressed) and message.key == self.key


class TestsArrived(Message):
    """The p-values of every head are here."""

    def __init__(self, key: TestsKey, tests: HeadTests) -> None:
        super().__init__()
        self.key = key
        self.tests = tests


class TestsFailed(Message):
    """The p-values will not come."""

    def __init__(self, key: TestsKey, fail: Fail) -> None:
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


class SketchArrived(Message):
    """The sketch of one layer is here; `Answered` follows the last one."""

    def __init__(self, key: SketchKey, sketched: Sketched) -> None:
        super().__init__()
        self.key = key
        self.sketched = sketched


class Answered(Message):
    """An alignment is laid, or a sketch complete."""

    def __init__(self, key: AlignKey | SketchKey) -> None:
        super().__init__()
        self.key = key


class AnswerFailed(Message):
    """An alignment cannot be laid, or a sketch will not come."""

    def __init__(self, key: AlignKey | SketchKey, fail: Fail) -> None:
        super().__init__()
        self.key = key
        self.fail = fail


def failed(key: TileKey | HeadKey | BoxKey | TestsKey | AlignKey | SketchKey | Inquiry, fail: Fail) -> Message:
    """The message that says that what was asked for will not come."""
    match key:
        case TileKey():
            return TileFailed(key, fail)
        case HeadKey():
            return ExaminationFailed(key, fail)
        case BoxKey():
            return BoxesFailed(key, fail)
        case TestsKey():
            return TestsFailed(key, fail)
        case Inquiry():
            return InquiryFailed(key, fail)
        case _:
            return AnswerFailed(key, fail)


class Compared(Message):
    """The numbers of a comparison are worked out anew.

    Attributes:
        comparison: They.
        other: Index of the side that the first one is compared with.
        edition: Which state of the comparison they belong to; older ones are worth nothing.
    """

    def __init__(self, comparison: Comparison, other: int, edition: int) -> None:
        super().__init__()
        self.comparison = comparison
        self.other = other
        self.edition = edition


class WorkedOut(Message):
    """The thread that works numbers out has come to its end.

    Attributes:
        fail: Why it has not brought all numbers; ``None`` where it has.
    """

    def __init__(self, fail: Fail | None) -> None:
        super().__init__()
        self.fail = fail


class HostMessage(Message):
    """Something about the worker on ``host``; "" is this machine."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self.host = host


class WorkerReady(HostMessage):
    """A worker has said hello."""

    def __init__(self, host: str, hello: Hello) -> None:
        super().__init__(host)
        self.hello = hello


class WorkerBeat(HostMessage):
    """A sign of life of the worker."""

    def __init__(self, host: str, beat: Beat) -> None:
        super().__init__(host)
        self.beat = beat

    def can_replace(self, message: Message) -> bool:
        """Whether this one makes an older one that still waits superfluous."""
        return isinstance(message, WorkerBeat) and message.host == self.host


class WorkerLost(HostMessage):
    """The worker could not be started, or is gone; ``kind`` is that of the error."""

    def __init__(self, host: str, kind: str, text: str, hint: str) -> None:
        super().__init__(host)
        self.kind = kind
        self.text = text
        self.hint = hint


class Reconnecting(HostMessage):
    """The connection is lost, and attempt ``attempt`` of ``of`` to make it anew is coming."""

    def __init__(self, host: str, text: str, attempt: int, of: int) -> None:
        super().__init__(host)
        self.text = text
        self.attempt = attempt
        self.of = of


class Reconnected(HostMessage):
    """The connection is there again, and ``runs`` begin from the start."""

    def __init__(self, host: str, runs: tuple[int, ...]) -> None:
        super().__init__(host)
        self.runs = runs
