"""Messages between a client and a worker.

The wire carries frames: ``>BII`` (frame kind, header length, payload length), a MessagePack header, raw payload.
The header is one of the tagged structs below. NumPy arrays inside a struct travel out of band: the header holds
their shape, dtype and offset, the payload their bytes. Tiles go as `Chunk` messages of at most `CHUNK_BYTES` instead.
A frame may come packed, see `faa_core.worker.wire`, where the client said that it takes that.

Rules: ids are chosen by the client; one job runs and the others queue; cancel is idempotent; every job ends with
exactly one `Done` or `Fail`; fields unknown to the reader are ignored; a bad frame ends the connection.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.findings import HeadExamination, HeadTests, RepeatProbe, RolloutToLast, Surrogate
from faa_core.inventory import FoundPath, Inventory, ModelDetails
from faa_core.records import LayerResult, LayerSketch, MapKind, ModelInfo, Tokens

VERSION = (1, 5)
"""Major and minor version of the protocol.

A different major version is refused, naming both. A client sends a worker of another minor version only what its
greeting says it can do.
"""

HELLO_PREFIX = b"FAA-HELLO "
"""The worker prints this, the nonce of its command line and a line feed before the first frame."""

BANNER_LIMIT = 64 * 1024
"""Bytes of foreign output (login banners) that a client skips while it waits for the hello line."""
HEADER_LIMIT = 1024 * 1024
PAYLOAD_LIMIT = 4 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
BEAT_SECONDS = 1.0
WINDOW_BYTES = 256 * 1024
"""Bytes of arrays that a worker on another machine may have on the way, so that answers do not queue behind them."""

CAPABILITIES = (
    "load",
    "run",
    "tile",
    "align",
    "sketch",
    "test",
    "probe",
    "examine",
    "rollout",
    "release",
    "unload",
    "residents",
    "models",
    "inspect",
    "paths",
    "environment",
    "boxes",
    "cancel",
    "tune",
    "without-first",
)
"""Tags of the jobs that this version can do, ``cancel``, ``tune``, and ``without-first``: that it heeds this field of
a `Tile`."""

ON_SCREEN, SOON, SOMEDAY = 0, 1, 2
"""Priorities of jobs: what somebody looks at, what may be looked at next, and all else. A smaller number goes first."""


# --- client to worker ---------------------------------------------------------------------------------------------


class RunOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to run.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        truncate: Cut a text that is longer than the context instead of refusing it.
        max_memory: Bytes of its device that the worker may take, of several that of each; 0 for as many as there are.
    """

    device: str = "auto"
    dtype: str = "auto"
    truncate: bool = False
    max_memory: int = 0


class Load(msgspec.Struct, frozen=True, tag="load", tag_field="type"):
    """Load a model and keep it. Answered by `Progress`, `Loaded`, and `Done` or `Fail`."""

    id: int
    reference: str
    options: RunOptions = RunOptions()


class Run(msgspec.Struct, frozen=True, tag="run", tag_field="type"):
    """Analyse one text with one model, loading it first if need be.

    Answered by `Progress`, `Loaded` if it was loaded for this job, `Started`, one `LayerReady` for each layer, and
    `Done` or `Fail`. Its maps can be asked for as soon as a layer is ready, until the run is released, its model is
    unloaded, or the worker needs the memory for another one; then they are answered with the kind ``gone``.
    """

    id: int
    reference: str
    text: str
    options: RunOptions = RunOptions()
    priority: int = ON_SCREEN


class Tile(msgspec.Struct, frozen=True, tag="tile", tag_field="type"):
    """Ask for a rectangle of one head's attention of the run ``run``.

    Cells are 2^level x 2^level tokens, reduced by their maximum; rows and columns count cells of that level.
    Answered by `Chunk` messages of one array named ``tile``, float16 [row_stop - row, column_stop - column], and
    `Done` or `Fail`. Cells past the edge of the map are left out by clipping the stops to it.

    Attributes:
        id: The job.
        run: The run.
        kind: Kind of the map.
        layer: Layer within the kind.
        head: Head within the layer.
        level: Cells are 2^level x 2^level tokens, or segments of ``grid``.
        row: First row of cells.
        row_stop: One past the last row of cells.
        column: First column of cells.
        column_stop: One past the last column of cells.
        grid: Id of an `Align` of the same run and kind, whose segments stand for tokens then; 0 for the tokens.
        priority: `ON_SCREEN`, `SOON` or `SOMEDAY`.
        without_first: Whether key 0 is left out and each row scaled up to one again. A cell is then the largest weight
            of the rows in it that have .05 or more left, and NaN where none has. Not of segments.
    """

    id: int
    run: int
    kind: MapKind
    layer: int
    head: int
    level: int
    row: int
    row_stop: int
    column: int
    column_stop: int
    grid: int = 0
    priority: int = ON_SCREEN
    without_first: bool = False


class Boxes(msgspec.Struct, frozen=True, tag="boxes", tag_field="type"):
    """Ask which boxes of one head of the run ``run`` are counted: hold a cell whose lift is above a threshold.

    Answered by `Boxed`, and `Done` or `Fail`.

    Attributes:
        id: The job.
        run: The run.
        kind: Kind of the map.
        layer: Layer within the kind.
        head: Head within the layer.
        level: Boxes are 2^level x 2^level tokens, from the first query and the first key.
        threshold: Index of the lift in `faa_core.records.BoxCounts.thresholds`.
    """

    id: int
    run: int
    kind: MapKind
    layer: int
    head: int
    level: int
    threshold: int


class Align(msgspec.Struct, frozen=True, tag="align", tag_field="type", eq=False):
    """Lay segments over the maps of one kind of a run, so that models with other tokens can be compared with it.

    From then on the weight of segment I to segment J is the mean over the queries in I of the mass on the keys in J;
    mass on keys that are set aside is in no segment. Answered by `Done` or `Fail`.

    Attributes:
        id: The job, and the ``grid`` of tiles and sketches.
        run: The run.
        kind: Kind of the maps.
        queries: int32 [queries]: segment of each query, from 0, ascending; -1 where it is set aside.
        keys: int32 [keys]: the same for keys.
    """

    id: int
    run: int
    kind: MapKind
    queries: NDArray[np.int32]
    keys: NDArray[np.int32]


class Sketch(msgspec.Struct, frozen=True, tag="sketch", tag_field="type"):
    """Ask for a few rows of every head of a run, in short, so that heads can be compared where no map may travel.

    Answered by `Progress`, one `Sketched` for each layer of the kind, and `Done` or `Fail`.

    Attributes:
        id: The job.
        run: The run.
        kind: Kind of the maps.
        rows: Queries, or segments of ``grid``, ascending.
        top: Keys of each row that are told one by one, the heaviest.
        grid: Id of an `Align`; 0 for the tokens.
        priority: `ON_SCREEN`, `SOON` or `SOMEDAY`.
    """

    id: int
    run: int
    kind: MapKind
    rows: tuple[int, ...]
    top: int = 8
    grid: int = 0
    priority: int = ON_SCREEN


class Test(msgspec.Struct, frozen=True, tag="test", tag_field="type"):
    """Test one statistic of every head of the run ``run`` against surrogates.

    Answered by `Progress`, `Tested`, and `Done` or `Fail`.

    Attributes:
        id: The job.
        run: The run, whose maps are computed again.
        statistic: One of `faa_core.findings.TESTED`.
        surrogate: What the heads are tested against.
        replicates: Surrogates for each head.
        seed: Where their random numbers begin.
    """

    id: int
    run: int
    statistic: str
    surrogate: Surrogate = "row_shuffle"
    replicates: int = 199
    seed: int = 0


class Probe(msgspec.Struct, frozen=True, tag="probe", tag_field="type"):
    """Score every head of a model on random sequences said twice, loading the model first if need be.

    It becomes no run: the maps of the last one stay. Answered by `Progress`, `Probed`, and `Done` or `Fail`.

    Attributes:
        id: The job.
        reference: The model.
        options: How to load it.
        length: Tokens of the sequence that is said twice.
        draws: Sequences.
        seed: Where their random numbers begin.
    """

    id: int
    reference: str
    options: RunOptions = RunOptions()
    length: int = 50
    draws: int = 4
    seed: int = 0


class Examine(msgspec.Struct, frozen=True, tag="examine", tag_field="type"):
    """Measure all that needs the whole map of one head of the run ``run``.

    Answered by `Progress`, `Examined`, and `Done` or `Fail`.
    """

    id: int
    run: int
    kind: MapKind
    layer: int
    head: int


class Rollout(msgspec.Struct, frozen=True, tag="rollout", tag_field="type"):
    """Ask for the attention rollout of the run ``run``. Answered by `Progress`, `Rolled`, and `Done` or `Fail`."""

    id: int
    run: int


class Release(msgspec.Struct, frozen=True, tag="release", tag_field="type"):
    """Forget the maps of the run ``run``; harmless where they are gone. Answered by `Done`."""

    id: int
    run: int


class Unload(msgspec.Struct, frozen=True, tag="unload", tag_field="type"):
    """Give back the memory of a model and of its runs; harmless where it is not loaded. Answered by `Done`."""

    id: int
    reference: str


class Residents(msgspec.Struct, frozen=True, tag="residents", tag_field="type"):
    """Ask which models are in memory. Answered by `ResidentReport` and `Done`."""

    id: int


class Models(msgspec.Struct, frozen=True, tag="models", tag_field="type"):
    """Ask which models lie on the worker's machine. Answered by `ModelsReport` and `Done`; torch is not needed for it.

    Attributes:
        id: The job.
        folders: Paths in and below which folders with models are looked for, ``~`` allowed; the first models of the
            answer are those of the cache of the hub in any case.
    """

    id: int
    folders: tuple[str, ...] = (".",)


class Inspect(msgspec.Struct, frozen=True, tag="inspect", tag_field="type"):
    """Ask what a model is and takes, from its settings, without loading it.

    Answered by `Inspected`, and `Done` or `Fail`.

    Attributes:
        id: The job.
        reference: The model.
        options: Where it would go.
        tokens: Length of the text that it would read; 0 for none.
        ask_hub: Whether the hub may be asked of a model that is not here, and its ``config.json`` fetched.
    """

    id: int
    reference: str
    options: RunOptions = RunOptions()
    tokens: int = 0
    ask_hub: bool = False


class Paths(msgspec.Struct, frozen=True, tag="paths", tag_field="type"):
    """Ask what continues a path to a model that is being typed.

    Answered by `PathsReport`, and `Done` or `Fail`; torch is not needed for it.

    Attributes:
        id: The job.
        typed: The path, or the beginning of one, ``~`` allowed.
    """

    id: int
    typed: str


class Environment(msgspec.Struct, frozen=True, tag="environment", tag_field="type"):
    """Ask what the worker's machine has. Answered by `EnvironmentReport` and `Done` or `Fail`."""

    id: int


class Tune(msgspec.Struct, frozen=True, tag="tune", tag_field="type"):
    """What the client takes; the first request, where the greeting lists ``tune``, and without an answer.

    Attributes:
        protocol: Version that the client speaks.
        deflate: Whether it takes frames that are packed: worth it wherever bytes are dearer than processors.
        window: Bytes of `Chunk` payloads that may be on the way without an `Ack`; more where more do not wait on the
            way; 0 for any number.
    """

    protocol: tuple[int, int]
    deflate: bool = False
    window: int = 0


class Ack(msgspec.Struct, frozen=True, tag="ack", tag_field="type"):
    """Bytes of `Chunk` payloads, before packing, that have come in since the greeting; where a window was asked for."""

    received: int


class Cancel(msgspec.Struct, frozen=True, tag="cancel", tag_field="type"):
    """Give up the job ``id``, running or queued; unknown or ended jobs are ignored."""

    id: int


class Ping(msgspec.Struct, frozen=True, tag="ping", tag_field="type"):
    """Answered by `Pong` at once, also while a job runs."""

    token: int


class Bye(msgspec.Struct, frozen=True, tag="bye", tag_field="type"):
    """Leave now."""


Job = (
    Load
    | Run
    | Tile
    | Boxes
    | Align
    | Sketch
    | Test
    | Probe
    | Examine
    | Rollout
    | Release
    | Unload
    | Residents
    | Models
    | Inspect
    | Paths
    | Environment
)
Request = Job | Tune | Ack | Cancel | Ping | Bye


# --- worker to client ---------------------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="type"):
    """First frame, sent before torch is imported."""

    protocol: tuple[int, int]
    pid: int
    hostname: str
    versions: dict[str, str]
    capabilities: tuple[str, ...]


class Progress(msgspec.Struct, frozen=True, tag="progress", tag_field="type"):
    """What the job is doing.

    Attributes:
        id: The job.
        stage: ``import``, ``download``, ``resume`` (a download that was gone on with), ``load``, ``tokenize``,
            ``capture``, ``test``, ``probe``, ``examine``, ``rollout``, ``sketch``.
        text: A line for the user.
        done: Amount done, in ``unit``.
        total: Amount to do; 0 where it is not known.
        unit: ``layers``, ``heads``, ``draws``, ``bytes``, or "".
    """

    id: int
    stage: str
    text: str
    done: int = 0
    total: int = 0
    unit: str = ""


class Loaded(msgspec.Struct, frozen=True, tag="loaded", tag_field="type"):
    """The model is in memory."""

    id: int
    model: ModelInfo


class Started(msgspec.Struct, frozen=True, tag="started", tag_field="type"):
    """The text is tokenised and the forward pass begins."""

    id: int
    model: ModelInfo
    tokens: Tokens
    decoder_tokens: Tokens | None = None
    truncated_from: int | None = None


class LayerReady(msgspec.Struct, frozen=True, tag="layer", tag_field="type", eq=False):
    """All statistics of one layer; ``index`` of ``total`` layers with maps."""

    id: int
    index: int
    total: int
    result: LayerResult


class Tested(msgspec.Struct, frozen=True, tag="tested", tag_field="type", eq=False):
    """The answer to `Test`."""

    id: int
    result: HeadTests


class Probed(msgspec.Struct, frozen=True, tag="probed", tag_field="type", eq=False):
    """The answer to `Probe`."""

    id: int
    result: RepeatProbe


class Examined(msgspec.Struct, frozen=True, tag="examined", tag_field="type", eq=False):
    """The answer to `Examine`."""

    id: int
    result: HeadExamination


class Rolled(msgspec.Struct, frozen=True, tag="rolled", tag_field="type", eq=False):
    """The answer to `Rollout`."""

    id: int
    result: tuple[RolloutToLast, ...]


class Sketched(msgspec.Struct, frozen=True, tag="sketched", tag_field="type", eq=False):
    """The sketch of one layer; ``index`` of ``total`` layers of the kind."""

    id: int
    index: int
    total: int
    sketch: LayerSketch


class Boxed(msgspec.Struct, frozen=True, tag="boxed", tag_field="type", eq=False):
    """The answer to `Boxes`.

    Attributes:
        id: The job.
        columns: Columns of boxes.
        bits: uint8 [rows of boxes, ceil(columns / 8)]: a bit for each box, the first one the highest of its byte.
    """

    id: int
    columns: int
    bits: NDArray[np.uint8]


class Resident(msgspec.Struct, frozen=True):
    """A model in memory.

    Attributes:
        reference: As it was asked for.
        device: Where it is.
        dtype: Number format of its weights.
        weights: Bytes of its weights.
        maps: Bytes that its runs keep, so that their maps can be looked at.
        runs: Those runs.
    """

    reference: str
    device: str
    dtype: str
    weights: int
    maps: int
    runs: tuple[int, ...]


class ResidentReport(msgspec.Struct, frozen=True, tag="resident-report", tag_field="type"):
    """The answer to `Residents`: the models in memory, the one used longest ago first."""

    id: int
    models: tuple[Resident, ...]


class ModelsReport(msgspec.Struct, frozen=True, tag="models-report", tag_field="type"):
    """The answer to `Models`."""

    id: int
    inventory: Inventory


class PathsReport(msgspec.Struct, frozen=True, tag="paths-report", tag_field="type"):
    """The answer to `Paths`.

    Attributes:
        id: The job.
        paths: What lies in its folder and begins with its last part.
        model: Whether the path as it is typed is that of a model.
    """

    id: int
    paths: tuple[FoundPath, ...]
    model: bool


class Inspected(msgspec.Struct, frozen=True, tag="inspected", tag_field="type"):
    """The answer to `Inspect`.

    Attributes:
        id: The job.
        details: ``None`` for a model of the hub of which nothing is here, where the hub was not to be asked.
    """

    id: int
    details: ModelDetails | None


class Chunk(msgspec.Struct, frozen=True, tag="chunk", tag_field="type"):
    """Bytes ``offset`` and on, in the frame's payload, of an array of ``total`` bytes."""

    id: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    total: int


class EnvironmentReport(msgspec.Struct, frozen=True, tag="environment-report", tag_field="type"):
    """What the worker's machine has.

    Attributes:
        id: The job.
        versions: Package name to version.
        devices: One line for each device that torch can use, the default first.
        memory: Name to bytes: ``host_total``, ``host_free``, and ``cuda:0_total`` ... where there is one.
        checks: Name, whether it passed, and a line for the user: for example that streamed maps equal the model's own.
    """

    id: int
    versions: dict[str, str]
    devices: tuple[str, ...]
    memory: dict[str, int]
    checks: tuple[tuple[str, bool, str], ...]


class Done(msgspec.Struct, frozen=True, tag="done", tag_field="type"):
    """The job ended well.

    Attributes:
        id: The job.
        seconds: Wall time of the job; for a run, without loading.
        notes: What the reader should know about the result.
    """

    id: int
    seconds: float
    notes: tuple[str, ...] = ()


class Fail(msgspec.Struct, frozen=True, tag="fail", tag_field="type"):
    """The job ended without a result.

    Attributes:
        id: The job; 0 where the fault belongs to no job.
        kind: ``kind`` of a class in `faa_core.errors`.
        text: What happened and where.
        hint: What to do next.
        retry: Whether the same request may succeed again.
        detail: Traceback for ``--verbose``; may be empty.
    """

    id: int
    kind: str
    text: str
    hint: str = ""
    retry: bool = False
    detail: str = ""


class Log(msgspec.Struct, frozen=True, tag="log", tag_field="type"):
    """A line of the worker's own log; never part of a result."""

    level: str
    text: str


class Beat(msgspec.Struct, frozen=True, tag="beat", tag_field="type"):
    """Sign of life, every `BEAT_SECONDS`.

    Attributes:
        seconds: Since the worker started.
        resident: Resident memory in bytes.
        device_memory: Memory in use on the accelerator in bytes; 0 without one.
        busy: Id of the running job; 0 when idle.
    """

    seconds: float
    resident: int
    device_memory: int
    busy: int


class Pong(msgspec.Struct, frozen=True, tag="pong", tag_field="type"):
    """Answer to `Ping`."""

    token: int


Event = (
    Hello
    | Progress
    | Loaded
    | Started
    | LayerReady
    | Tested
    | Probed
    | Examined
    | Rolled
    | Sketched
    | Boxed
    | ResidentReport
    | ModelsReport
    | PathsReport
    | Inspected
    | Chunk
    | EnvironmentReport
    | Done
    | Fail
    | Log
    | Beat
    | Pong
)
