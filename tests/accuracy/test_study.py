"""The accuracy study itself: its rows are what the page shows."""

from __future__ import annotations

import math

from faa_core.study import accuracy
from faa_core.study.accuracy import AccuracyRow


def test_a_goal_is_met_or_missed() -> None:
    assert AccuracyRow("D", "64", 0.01, 0.01, "RMS").verdict == "ok"
    assert AccuracyRow("D", "64", 0.011, 0.01, "RMS").verdict == "MISSED"
    assert AccuracyRow("D", "64", math.nan, 0.01, "RMS").verdict == "MISSED"


def test_exact_rows_are_exact() -> None:
    found = [*accuracy.exact_sets(), *accuracy.even_attention(), *accuracy.textures()]
    assert len(found) == 7
    assert [row.what for row in found if row.verdict != "ok"] == []
