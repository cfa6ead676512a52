"""Reports: runs and comparisons as one HTML file that opens offline. NumPy only, no torch and no screen."""

from faa_core.report.choice import (
    MOST_MAPS,
    Chosen,
    ChosenPair,
    chosen_heads,
    chosen_over_texts,
    chosen_pairs,
    map_level,
)
from faa_core.report.pairs import PairFrame
from faa_core.report.records import ComparedPart, HeadMap, MeasuredPart, PairMaps, ReplicatedPart, Report


def render(report: Report) -> str:
    """The whole HTML document."""
    # Read when a page is made: the screen chooses heads by this package, and SciPy and templates take a while.
    from faa_core.report import page

    return page.render(report)


__all__ = [
    "MOST_MAPS",
    "Chosen",
    "ChosenPair",
    "ComparedPart",
    "HeadMap",
    "MeasuredPart",
    "PairFrame",
    "PairMaps",
    "ReplicatedPart",
    "Report",
    "chosen_heads",
    "chosen_over_texts",
    "chosen_pairs",
    "map_level",
    "render",
]
