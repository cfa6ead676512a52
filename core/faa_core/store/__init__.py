"""Runs that are kept: every analysis and comparison in one SQLite file, to be shown again without the model."""

from faa_core.store.overview import Overview, overview_of, side_for
from faa_core.store.records import Entry, Part, RunKind
from faa_core.store.segments import Segments
from faa_core.store.store import Store

__all__ = ["Entry", "Overview", "Part", "RunKind", "Segments", "Store", "overview_of", "side_for"]
