"""Reports: runs and comparisons as one HTML file that opens offline. NumPy only, no torch and no screen."""

from faa_core.report.choice import MOST_MAPS, Chosen, chosen_heads, map_level
from faa_core.report.page import render
from faa_core.report.records import ComparedPart, HeadMap, MeasuredPart, Report
from faa_core.report.sentences import comparison_sentences, run_sentences

__all__ = [
    "MOST_MAPS",
    "Chosen",
    "ComparedPart",
    "HeadMap",
    "MeasuredPart",
    "Report",
    "chosen_heads",
    "comparison_sentences",
    "map_level",
    "render",
    "run_sentences",
]
