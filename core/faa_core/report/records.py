"""What a report is made of: finished results, and the maps of a few heads."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.comparison.records import Comparison
from faa_core.findings import Findings
from faa_core.records import Analysis, MapKind


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


class ComparedPart(msgspec.Struct, frozen=True, eq=False):
    """One comparison in a report.

    Attributes:
        comparison: The numbers.
        runs: A run of each side on the same text, whose curves are laid over each other; ``None`` for no curves.
        statistics: Keys of the statistics whose differences are shown; by default the first that says something.
        count: How many pairs of heads each table lists, the largest difference first; ``None`` for all.
    """

    comparison: Comparison
    runs: tuple[Analysis, Analysis] | None = None
    statistics: tuple[str, ...] = ()
    count: int | None = None


class Report(msgspec.Struct, frozen=True, eq=False):
    """Everything that one file says.

    Attributes:
        title: Its heading.
        made: When it was made, in words.
        measured: Runs.
        compared: Comparisons.
    """

    title: str
    made: str = ""
    measured: tuple[MeasuredPart, ...] = ()
    compared: tuple[ComparedPart, ...] = ()
