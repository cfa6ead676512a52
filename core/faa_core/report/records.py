"""What a report is made of: finished results, and the maps of a few heads."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.comparison.records import Comparison, HeadPair
from faa_core.findings import Findings
from faa_core.records import Analysis, MapKind
from faa_core.replication import Replication


class HeadMap(msgspec.Struct, frozen=True, eq=False):
    """The attention map of one head, as fine as a report shows it.

    Attributes:
        kind: Kind of the map.
        layer: Layer within the kind.
        head: Head within the layer.
        weights: float [rows, columns]: the largest weight in each cell.
        size: Tokens along a side of a cell; 1 where every weight is there.
    """

    kind: MapKind
    layer: int
    head: int
    weights: NDArray[np.floating]
    size: int = 1


class PairMaps(msgspec.Struct, frozen=True, eq=False):
    """The maps of two heads that are compared, cell by cell over what both models have in common.

    Attributes:
        pair: The two heads.
        a: float [rows, columns]: the largest weight of the first head in each cell.
        b: float [rows, columns]: the same of the other head.
        masked_a: bool [rows, columns]: cells in which no row of the first map may see a key.
        masked_b: The same of the other map.
        rows: Text of each query: a token, or a common segment.
        columns: The same of each key.
        segments: Whether they are segments.
        size: Tokens or segments along a side of a cell; 1 where every weight is there.
    """

    pair: HeadPair
    a: NDArray[np.floating]
    b: NDArray[np.floating]
    masked_a: NDArray[np.bool_]
    masked_b: NDArray[np.bool_]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    segments: bool
    size: int = 1


class MeasuredPart(msgspec.Struct, frozen=True, eq=False):
    """One run in a report.

    Attributes:
        analysis: The run.
        findings: What else was asked about it.
        maps: Maps of the heads that `faa_core.report.choice.chosen_heads` names; those that are missing are not shown.
    """

    analysis: Analysis
    findings: Findings = msgspec.field(default_factory=Findings)
    maps: tuple[HeadMap, ...] = ()


class ReplicatedPart(msgspec.Struct, frozen=True, eq=False):
    """One model over several texts in a report.

    Attributes:
        replication: Means over the texts.
        first: The run of the first text, whose curves are shown.
        maps: Maps of the heads on the first text that `faa_core.report.choice.chosen_over_texts` names; those that are
            missing are not shown.
    """

    replication: Replication
    first: Analysis
    maps: tuple[HeadMap, ...] = ()


class ComparedPart(msgspec.Struct, frozen=True, eq=False):
    """One comparison in a report.

    Attributes:
        comparison: The numbers.
        runs: A run of each side on the same text, whose curves are laid over each other; ``None`` for no curves.
        maps: Maps, on the text of ``runs``, of the pairs that `faa_core.report.choice.chosen_pairs` names; those that
            are missing are not shown.
        text: Which of the texts that of ``runs`` is, the first being 0.
        statistics: Keys of the statistics whose differences are shown; by default the first that says something.
        count: How many pairs of heads each table lists, the largest difference first; ``None`` for all.
    """

    comparison: Comparison
    runs: tuple[Analysis, Analysis] | None = None
    maps: tuple[PairMaps, ...] = ()
    text: int = 0
    statistics: tuple[str, ...] = ()
    count: int | None = None


class Report(msgspec.Struct, frozen=True, eq=False):
    """Everything that one file says.

    Attributes:
        title: Its heading.
        made: When it was made, in words.
        measured: Runs.
        compared: Comparisons.
        replicated: Models over several texts.
    """

    title: str
    made: str = ""
    measured: tuple[MeasuredPart, ...] = ()
    compared: tuple[ComparedPart, ...] = ()
    replicated: tuple[ReplicatedPart, ...] = ()
