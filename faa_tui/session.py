"""What the application knows: the run on the screen, the run under way, and where the user is in it.

Plain data, without Textual, so that it can be tested without a screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.catalogue import BY_KEY, Entry
from faa_core.findings import Findings, HeadExamination, HeadTests
from faa_core.records import STATUSES, Analysis, LayerInfo, LayerResult, MapKind, ModelInfo, Tokens
from faa_core.replication import LayerReplication, Replication
from faa_core.worker.protocol import RunOptions

if TYPE_CHECKING:
    from faa_core.store import Overview

LayerKey = tuple[MapKind, int]


class Phase(Enum):
    """State of the newest run, in the words of the status line."""

    IDLE = "no run yet"
    STARTING = "starting the worker"
    LOADING = "loading"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    KEPT = "as it was kept"
    LEFT = "not measured when faa was left"

    @property
    def under_way(self) -> bool:
        """Whether a job is being worked on."""
        return self in (Phase.STARTING, Phase.LOADING, Phase.RUNNING)


class Position(NamedTuple):
    """One head."""

    kind: MapKind
    layer: int
    head: int


@dataclass(frozen=True)
class Order:
    """What the user asked to be analysed."""

    reference: str
    text: str
    options: RunOptions = field(default_factory=RunOptions)

    def truncated(self) -> Order:
        """The same, but a text that is too long is cut."""
        return replace(self, options=RunOptions(device=self.options.device, dtype=self.options.dtype, truncate=True))


@dataclass
class Results:
    """What is on the screen: one run, as far as it has arrived.

    Attributes:
        run: Its number, from 1; unique while the application lives.
        model: The model.
        tokens: Tokens of the text.
        decoder_tokens: Tokens of the decoder, in an encoder-decoder.
        truncated_from: Tokens before truncation, where the text was cut.
        layers: Results by kind and layer, in the order of arrival.
        seconds: Wall time in the worker; ``None`` until the run is done.
        notes: Remarks of the worker.
        tests: Tests of all heads, where there are any.
        text: What was tokenised; "" for a file of attention, and where nobody needs it.
        little: Maps in little of a run that is shown as it was kept; ``None`` where a worker has its maps.
        examinations: Heads of such a run that were examined.
        means: Means over several texts, which have no maps, in place of one run; ``None`` for a run.
    """

    run: int
    model: ModelInfo
    tokens: Tokens
    decoder_tokens: Tokens | None = None
    truncated_from: int | None = None
    layers: dict[LayerKey, LayerResult] = field(default_factory=dict)
    seconds: float | None = None
    notes: tuple[str, ...] = ()
    tests: tuple[HeadTests, ...] = ()
    text: str = ""
    means: Replication | None = None
    little: Mapping[Position, Overview] | None = None
    examinations: tuple[HeadExamination, ...] = ()

    @property
    def rows(self) -> tuple[LayerInfo, ...]:
        """Layers that have maps, in the order of the forward pass: the rows of the matrix of heads."""
        return tuple(info for info in self.model.layers if info.heads)

    def row_of(self, position: Position) -> int:
        """Row of ``position`` in the matrix of heads.

        Raises:
            ValueError: The model has no such layer.
        """
        return [(info.kind, info.layer) for info in self.rows].index((position.kind, position.layer))

    def at(self, position: Position | None) -> LayerResult | None:
        """The result that ``position`` is in; ``None`` while it has not arrived."""
        return None if position is None else self.layers.get((position.kind, position.layer))

    def means_at(self, kind: MapKind, layer: int) -> LayerReplication | None:
        """Means over texts of one layer; ``None`` where this is one run."""
        layers = () if self.means is None else self.means.layers
        return next((one for one in layers if (one.info.kind, one.info.layer) == (kind, layer)), None)

    def queries_of(self, kind: MapKind) -> Tokens:
        """Tokens on the rows of maps of ``kind``."""
        return self.tokens if kind == "encoder" or self.decoder_tokens is None else self.decoder_tokens

    def keys_of(self, kind: MapKind) -> Tokens:
        """Tokens on the columns of maps of ``kind``."""
        return self.tokens if kind != "decoder" or self.decoder_tokens is None else self.decoder_tokens

    @classmethod
    def of_means(cls, run: int, means: Replication, seconds: float) -> Results:
        """Means over texts, as run ``run`` of the application."""
        return cls(run, means.model, Tokens((), (), (), ()), seconds=seconds, notes=means.notes, means=means)

    @classmethod
    def of(cls, run: int, analysis: Analysis) -> Results:
        """A complete run from its record, as run ``run`` of the application."""
        return cls(
            run,
            analysis.model,
            analysis.tokens,
            analysis.decoder_tokens,
            analysis.truncated_from,
            {(layer.info.kind, layer.info.layer): layer for layer in analysis.layers},
            analysis.seconds,
            analysis.notes,
            text=analysis.text,
        )

    @classmethod
    def as_kept(cls, run: int, analysis: Analysis, overviews: Iterable[Overview], findings: Findings) -> Results:
        """A run as it was kept: complete, and with nobody to ask about it."""
        results = cls.of(run, analysis)
        results.little = {Position(one.kind, one.layer, one.head): one for one in overviews}
        results.examinations, results.tests = findings.examinations, findings.tests
        return results

    def analysis(self, reference: str, text: str) -> Analysis:
        """What has arrived as a record, its layers in the order of the forward pass.

        Args:
            reference: The model, with its machine, as it was asked for.
            text: The text.
        """
        return Analysis(
            msgspec.structs.replace(self.model, reference=reference),
            text,
            self.tokens,
            self.decoder_tokens,
            self.truncated_from,
            tuple(self.layers[info.kind, info.layer] for info in self.rows if (info.kind, info.layer) in self.layers),
            self.seconds or 0.0,
            self.notes,
        )

    def clamp(self, position: Position | None) -> Position | None:
        """The nearest head that this model has; ``None`` where it has none at all."""
        rows = self.rows
        if not rows:
            return None
        if position is None:
            return Position(rows[0].kind, rows[0].layer, 0)
        of_kind = [info for info in rows if info.kind == position.kind] or list(rows)
        info = min(of_kind, key=lambda row: abs(row.layer - position.layer))
        return Position(info.kind, info.layer, min(position.head, info.heads - 1))

    def moved(self, position: Position, layers: int = 0, heads: int = 0) -> Position:
        """The head ``layers`` rows and ``heads`` columns away, stopping at the edges."""
        rows = self.rows
        row = min(max(self.row_of(position) + layers, 0), len(rows) - 1)
        info = rows[row]
        return Position(info.kind, info.layer, min(max(position.head + heads, 0), info.heads - 1))


@dataclass(frozen=True)
class HeadTable:
    """One statistic over all heads, as the matrix of heads shows it.

    Attributes:
        entry: The statistic.
        title: What is shown, in words.
        short_title: The same by its symbol.
        names: Names of the rows.
        values: float64 [rows, most heads]; NaN where undefined or not here yet.
        doubtful: bool [rows, most heads]: the status is not ok; a value that is there all the same is a slope.
        counts: Heads of each row.
        arrived: Rows that are here.
        low: Lower end of the colour scale.
        high: Upper end of the colour scale.
        diverging: Whether 0 is the middle of the scale.
        instead_of: The statistic that was chosen, where it is undefined in every head.
    """

    entry: Entry
    title: str
    short_title: str
    names: tuple[str, ...]
    values: NDArray[np.float64]
    doubtful: NDArray[np.bool_]
    counts: tuple[int, ...]
    arrived: tuple[bool, ...]
    low: float
    high: float
    diverging: bool
    instead_of: Entry | None = None

    @property
    def undefined(self) -> bool:
        """Whether rows are here, but no number in any of them."""
        return any(self.arrived) and bool(np.isnan(self.values).all())

    def row_means(self) -> list[float]:
        """Mean over the defined heads of each row; NaN where there is none."""
        return [float(np.nanmean(row)) if np.isfinite(row).any() else float("nan") for row in self.values]


def head_table(results: Results, statistic: str) -> HeadTable:
    """Collect ``statistic`` over all heads; dimensions are shown as their distance from the null."""
    entry = BY_KEY[statistic]
    rows = results.rows
    width = max((info.heads for info in rows), default=0)
    values = np.full((len(rows), width), np.nan)
    doubtful = np.zeros((len(rows), width), dtype=bool)
    arrived = []
    ok = STATUSES.index("ok")
    for index, info in enumerate(rows):
        layer = results.layers.get((info.kind, info.layer))
        means = results.means_at(info.kind, info.layer)
        arrived.append(layer is not None or means is not None)
        if means is not None and statistic in means.names:
            at = means.names.index(statistic)
            values[index, : info.heads] = means.excess[at] if entry.dimension else means.mean[at]
            doubtful[index, : info.heads] = means.used[at] < len(results.means.tokens if results.means else ())
        if layer is None or statistic not in layer.statistics.names:
            continue
        row = layer.statistics.row(statistic)
        status = layer.statistics.status[row]
        shown = layer.statistics.excess[row] if entry.dimension else layer.statistics.value[row]
        if entry.dimension:
            # Where no one power law holds, the slope over the sizes is no dimension, but it still tells heads apart:
            # it is shown, and shown as doubtful.
            slope = layer.effective[row] - layer.statistics.null[row]
            shown = np.where(status == STATUSES.index("no_scaling"), slope, shown)
        values[index, : info.heads] = shown
        doubtful[index, : info.heads] = status != ok
    low, high = _range(entry, values)
    return HeadTable(
        entry=entry,
        title=f"{entry.title.lower()} minus null" if entry.dimension else entry.title.lower(),
        short_title=f"{entry.symbol} minus null" if entry.dimension else entry.symbol,
        names=tuple(info.name for info in rows),
        values=values,
        doubtful=doubtful,
        counts=tuple(info.heads for info in rows),
        arrived=tuple(arrived),
        low=low,
        high=high,
        diverging=entry.dimension,
    )


def _range(entry: Entry, values: NDArray[np.float64]) -> tuple[float, float]:
    defined = values[np.isfinite(values)]
    if entry.dimension:
        reach = max(float(np.abs(defined).max(initial=0.0)), 0.1)
        return -reach, reach
    low = 0.0 if entry.low is None else float(entry.low)
    high = float(entry.high) if entry.high is not None else float(defined.max(initial=low + 1e-9))
    return low, max(high, low + 1e-9)
