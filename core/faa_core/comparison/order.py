"""Which differences to look at first, and how many there are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faa_core.comparison.records import Comparison

RATE = 0.05
"""False discovery rate below which a difference is called a discovery."""


def largest(comparison: Comparison, statistic: str) -> NDArray[np.intp]:
    """Pairs in the order in which one looks at them, where the statistic is defined.

    Over several texts a difference counts in units of its standard error, so that one which every text shows goes
    before one that a single text makes; on one text, as it is. Ties stay in the order of the heads.

    Args:
        comparison: Any.
        statistic: One of its statistics.

    Returns:
        intp [pairs that define it]: indices into ``comparison.matching.pairs``.

    Raises:
        ValueError: The statistic was not measured.
    """
    differences = comparison.differences
    row = differences.row(statistic)
    size = np.abs(differences.difference[row])
    if len(comparison.a.tokens) > 1:
        error = differences.error[row]
        # The same difference on every text has no error and is as sure as can be, unless it is none; one that a single
        # text defines comes last.
        certain = np.where(size > 0, np.inf, 0.0)
        size = np.where(np.isnan(error), -1.0, np.divide(size, error, out=certain, where=error > 0))
    order = np.argsort(-size, kind="stable")
    return np.asarray(order[np.isfinite(differences.difference[row][order])])


def discoveries(comparison: Comparison, rate: float = RATE) -> dict[str, int]:
    """Number of discoveries of each statistic: pairs whose q is at most ``rate``. All 0 for one text."""
    differences = comparison.differences
    with np.errstate(invalid="ignore"):
        counts = (differences.q <= rate).sum(1)
    return dict(zip(differences.names, counts.tolist(), strict=True))


__all__ = ["RATE", "discoveries", "largest"]
