"""What a comparison has of each model: its runs, one for each text, and what a map needs beside its weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faa_core.findings import Findings
from faa_core.records import Analysis, LayerSketch, MapKind
from faa_core.worker.protocol import Fail
from faa_tui.messages import AlignKey, SketchKey
from faa_tui.session import Position, Results

if TYPE_CHECKING:
    from faa_core.store import Overview


@dataclass(frozen=True)
class MapFrame:
    """What a heat map must know of a map beside its weights: its size in tokens or segments, and what may be seen.

    Attributes:
        queries: Rows.
        keys: Columns.
        first_key: int32 [queries]: first key that each row may see.
        stop_key: int32 [queries]: one past the last.
    """

    queries: int
    keys: int
    first_key: NDArray[np.int32]
    stop_key: NDArray[np.int32]


@dataclass
class TextRun:
    """One text on one side.

    Attributes:
        number: Number of the run.
        results: What has arrived; ``None`` before it started.
        done: Whether all layers are here.
        fail: Why there will be no more.
        sketches: By kind and layer.
        asked: Kinds of maps for which segments or sketches were asked for.
        pending: What of that has not been answered.
        activity: What its worker is doing.
        borrowed: Whether it is the main screen's, too, which will let it go.
    """

    number: int
    results: Results | None = None
    done: bool = False
    fail: Fail | None = None
    sketches: dict[tuple[MapKind, int], LayerSketch] = field(default_factory=dict)
    asked: set[MapKind] = field(default_factory=set)
    pending: set[AlignKey | SketchKey] = field(default_factory=set)
    activity: str = ""
    borrowed: bool = False

    @classmethod
    def kept(cls, number: int, analysis: Analysis, overviews: Iterable[Overview]) -> TextRun:
        """A run as it was kept: complete, and with nobody to ask about it."""
        results = Results.as_kept(number, analysis, overviews, Findings())
        return cls(number, results, done=True, asked={info.kind for info in results.rows})

    @property
    def little(self) -> Mapping[Position, Overview] | None:
        """Its maps in little, where it is shown as it was kept and no worker holds it; ``None`` for others."""
        return None if self.results is None else self.results.little

    @property
    def ended(self) -> bool:
        """Whether nothing of it is under way."""
        return (self.done or self.fail is not None) and not self.pending


@dataclass
class SideState:
    """One of the models.

    Attributes:
        reference: As it was asked for.
        runs: One for each text.
    """

    reference: str
    runs: list[TextRun] = field(default_factory=list)
