"""What every number is: title, unit, range, definition, null and source.

The engine fills `Statistics` columns by these keys; the screen, the command line and the reports read titles and
definitions here, so that a number is described in one place only.

Notation: ``A`` one head's attention, queries i on rows, keys j on columns; V(i) the keys row i may see, n_i their
number; lift = A_ij n_i, so that even attention has lift 1.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Group = Literal["geometry", "focus", "position", "content", "sink", "matrix"]


class Entry(msgspec.Struct, frozen=True):
    """One statistic.

    Attributes:
        key: Name in JSON and in code.
        title: Name on the screen.
        symbol: Short column head, at most seven cells.
        unit: For example ``nats``; "" for a pure number.
        group: Where it is listed.
        low: Smallest possible value; ``None`` for no bound.
        high: Largest possible value; ``None`` where it grows with the text.
        definition: What is computed, and over which rows.
        null: What its null is.
        source: Paper or package that it comes from.
        decimals: Digits after the point on the screen.
        dimension: Whether it is a dimension: fitted, with a curve and an error.
    """

    key: str
    title: str
    symbol: str
    unit: str
    group: Group
    low: float | None
    high: float | None
    definition: str
    null: str
    source: str
    decimals: int = 3
    dimension: bool = False


_UNIFORM = "The same number for attention that is even over the visible keys of each row."

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "D0",
        "Box-counting dimension",
        "D0",
        "",
        "geometry",
        0,
        2,
        "Slope of ln N(s) on ln ceil(n/s), where N(s) counts the boxes of side s tokens that hold a cell with lift "
        "above 1. Boxes are dyadic and zero-padded; the abscissa is the number of boxes along a side, which is exact "
        "for padded grids where ln s is not.",
        "The same slope for all visible cells: what the bare mask gives at this length.",
        "Falconer 2014, ch. 2",
        2,
        True,
    ),
    Entry(
        "entropy",
        "Row entropy",
        "H",
        "nats",
        "focus",
        0,
        None,
        "Mean over rows of -sum_j A_ij ln A_ij.",
        _UNIFORM,
        "Clark et al. 2019",
    ),
    Entry(
        "normalised_entropy",
        "Normalised entropy",
        "H/ln n",
        "",
        "focus",
        0,
        1,
        "Mean of row entropy over ln n_i, over rows that see at least two keys.",
        _UNIFORM,
        "Oh and Schuler 2022",
    ),
    Entry(
        "effective_keys",
        "Effective number of keys",
        "exp H",
        "keys",
        "focus",
        1,
        None,
        "Exponential of the mean row entropy.",
        _UNIFORM,
        "Clark et al. 2019",
        1,
    ),
    Entry(
        "confidence",
        "Confidence",
        "conf",
        "",
        "focus",
        0,
        1,
        "Mean over rows of the largest weight.",
        _UNIFORM,
        "Voita et al. 2019",
    ),
    Entry(
        "first_token",
        "First-token mass",
        "first",
        "",
        "sink",
        0,
        1,
        "Mean over rows of the weight on key 0.",
        _UNIFORM,
        "Xiao et al. 2023",
    ),
    Entry(
        "sink",
        "Sink importance",
        "sink",
        "",
        "sink",
        0,
        1,
        "Largest over keys k of the mean weight that the rows which can see k give to it; keys seen by fewer than a "
        "quarter of the rows are left out.",
        _UNIFORM,
        "Gu et al. 2024",
    ),
    Entry(
        "sink_position",
        "Sink position",
        "sink at",
        "token",
        "sink",
        0,
        None,
        "The key at which sink importance is reached.",
        _UNIFORM,
        "Gu et al. 2024",
        0,
    ),
    Entry(
        "learned_sink",
        "Learned-sink mass",
        "learned",
        "",
        "sink",
        0,
        1,
        "Mean over rows of one minus the row sum: mass that goes to a learned sink and to no key.",
        "0: every visible key gets an even share and nothing is left.",
        "Agarwal et al. 2025 (gpt-oss)",
    ),
    Entry(
        "previous_token",
        "Previous-token score",
        "prev",
        "",
        "position",
        0,
        1,
        "Mean over rows from the second of A_(i, i-1), over rows that see the key before theirs.",
        _UNIFORM,
        "Elhage et al. 2021; ARENA",
    ),
    Entry(
        "current_token",
        "Current-token score",
        "self",
        "",
        "position",
        0,
        1,
        "Mean of A_(i, i).",
        _UNIFORM,
        "Clark et al. 2019",
    ),
    Entry(
        "next_token",
        "Next-token score",
        "next",
        "",
        "position",
        0,
        1,
        "Mean of A_(i, i+1) over rows that see the key after theirs; undefined under a causal mask.",
        _UNIFORM,
        "Clark et al. 2019",
    ),
    Entry(
        "distance",
        "Mean attention distance",
        "dist",
        "tokens",
        "position",
        0,
        None,
        "sum_ij A_ij |i - j| / sum_ij A_ij.",
        _UNIFORM,
        "Vig and Belinkov 2019",
        1,
    ),
    Entry(
        "duplicate_token",
        "Duplicate-token score",
        "dup",
        "",
        "content",
        0,
        1,
        "Over rows that can see an earlier copy of their token: mean mass on those copies.",
        _UNIFORM,
        "Wang et al. 2022",
    ),
    Entry(
        "induction",
        "Induction score",
        "induct",
        "",
        "content",
        0,
        1,
        "Over rows that can see a token which followed an earlier copy of theirs: mean mass on such tokens.",
        _UNIFORM,
        "Olsson et al. 2022",
    ),
    Entry(
        "matrix_entropy",
        "Matrix entropy",
        "H all",
        "nats",
        "matrix",
        0,
        None,
        "Entropy of the whole map plus 1e-10, normalised to sum one.",
        _UNIFORM,
        "FAA 1.0.0",
    ),
    Entry(
        "sparsity",
        "Sparsity",
        "sparse",
        "",
        "matrix",
        0,
        1,
        "Share of all entries, masked ones included, below 0.01.",
        _UNIFORM,
        "FAA 1.0.0",
    ),
    Entry(
        "concentration",
        "Concentration",
        "conc",
        "",
        "matrix",
        0,
        1,
        "Share of the mass that the five heaviest columns hold.",
        _UNIFORM,
        "FAA 1.0.0",
    ),
    Entry(
        "uniformity",
        "Uniformity",
        "unif",
        "",
        "matrix",
        0,
        1,
        "exp(-KL) between the whole map plus 1e-10 and an even spread over all entries, masked ones included.",
        _UNIFORM,
        "FAA 1.0.0",
    ),
    Entry(
        "forward_flow",
        "Forward flow",
        "fwd",
        "",
        "matrix",
        0,
        1,
        "Share of the mass above the diagonal.",
        _UNIFORM,
        "FAA 1.0.0",
    ),
    Entry(
        "backward_flow",
        "Backward flow",
        "bwd",
        "",
        "matrix",
        0,
        1,
        "Share of the mass below the diagonal.",
        _UNIFORM,
        "FAA 1.0.0",
    ),
    Entry(
        "self_attention",
        "Diagonal share",
        "diag",
        "",
        "matrix",
        0,
        1,
        "Share of the mass on the diagonal.",
        _UNIFORM,
        "FAA 1.0.0",
    ),
    Entry(
        "interpretability",
        "Interpretability score",
        "interp",
        "",
        "matrix",
        0,
        1,
        "0.3 sparsity + 0.3 concentration + 0.2 (1 - uniformity) + 0.2 clip(1 - |D0 - 2|/2, 0, 1). A convention of "
        "the reference package, kept for comparison; undefined where D0 is.",
        _UNIFORM,
        "FAA 1.0.0",
    ),
)

BY_KEY: dict[str, Entry] = {entry.key: entry for entry in ENTRIES}
"""Entries by key."""
KEYS: tuple[str, ...] = tuple(BY_KEY)
"""Keys in display order."""
