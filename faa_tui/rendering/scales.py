"""From attention weights to levels of a ramp.

Every scale has a fixed range, so that one colour means one value in every head, layer and model. The square root
is the default: it keeps the weak weights of a long text visible and still shows which of two strong ones is stronger.
Differences of two maps have the same scales, mirrored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from faa_tui.rendering.ramps import LEVELS, MASKED, UNDEFINED

ScaleName = Literal["linear", "sqrt", "log", "lift"]

Values = NDArray[np.floating]

LOG_FLOOR: Final = 1e-4
"""Weight at the bottom of the log scale."""
LIFT_OCTAVES: Final = 6.0
"""The lift scale runs from 2^-6 to 2^6 times an even share."""


@dataclass(frozen=True)
class Scale:
    """A fixed map from values to the unit interval.

    Attributes:
        name: Its name.
        title: What the colour bar says.
        of_lift: Whether it shows lift, weight times the number of visible keys, and not the weight itself.
        low: Value at the bottom.
        high: Value at the top.
        ticks: Values that the colour bar names.
        unit: Values within ``low`` and ``high`` to positions; rounding may leave the unit interval.
    """

    name: ScaleName
    title: str
    of_lift: bool
    low: float
    high: float
    ticks: tuple[float, ...]
    unit: Callable[[Values], Values]


def _log(values: Values) -> Values:
    position: Values = 1 - np.log10(np.maximum(values, LOG_FLOOR)) / np.log10(LOG_FLOOR)
    return position


def _lift(values: Values) -> Values:
    position: Values = 0.5 + np.log2(np.maximum(values, 2.0 ** -(LIFT_OCTAVES + 1))) / (2 * LIFT_OCTAVES)
    return position


SCALES: Final[Mapping[ScaleName, Scale]] = {
    "linear": Scale("linear", "weight", False, 0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), lambda values: values),
    "sqrt": Scale("sqrt", "weight, sqrt", False, 0.0, 1.0, (0.0, 0.05, 0.25, 0.5, 1.0), lambda values: np.sqrt(values)),
    "log": Scale("log", "weight, log", False, LOG_FLOOR, 1.0, (1e-4, 1e-3, 1e-2, 0.1, 1.0), _log),
    "lift": Scale(
        "lift", "lift, log", True, 2.0**-LIFT_OCTAVES, 2.0**LIFT_OCTAVES, (1 / 64, 1 / 8, 1.0, 8.0, 64.0), _lift
    ),
}
"""Every scale by its name."""


def _signed(unit: Callable[[Values], Values]) -> Callable[[Values], Values]:
    """The scale of a weight, once in each direction from the middle."""
    return lambda values: 0.5 + np.sign(values) * np.maximum(unit(np.abs(values)), 0) / 2


DIFFERENCE_SCALES: Final[Mapping[ScaleName, Scale]] = {
    **{
        name: Scale(
            name,
            "difference" if name == "linear" else f"difference, signed {name}",
            False,
            -1.0,
            1.0,
            (*(-tick for tick in reversed(SCALES[name].ticks[1:])), 0.0, *SCALES[name].ticks[1:]),
            _signed(SCALES[name].unit),
        )
        for name in ("linear", "sqrt", "log")
    },
    "lift": replace(SCALES["lift"], title="ratio of lifts, log"),
}
"""Scales of the difference of two weights, or of the ratio of two lifts, by the names of those of weights."""


def levels(values: Values, scale: Scale, masked: NDArray[np.bool_] | None = None) -> NDArray[np.uint16]:
    """Levels of a ramp for ``values``.

    Args:
        values: Weights, or lifts where ``scale.of_lift``, or differences or ratios of them; any shape, any float type.
        scale: Values out of its range take the nearest end of it.
        masked: Cells outside the support, the same shape; they become `MASKED` whatever they hold.

    Returns:
        uint16, the same shape: 0 to 255, `MASKED`, or `UNDEFINED` where a visible weight is NaN.
    """
    exact = np.asarray(values, dtype=np.float32)
    undefined = np.isnan(exact)
    unit = scale.unit(np.clip(np.where(undefined, 0, exact), scale.low, scale.high))
    result: NDArray[np.uint16] = np.clip(np.rint(unit * (LEVELS - 1)), 0, LEVELS - 1).astype(np.uint16)
    result[undefined] = UNDEFINED
    if masked is not None:
        result[masked] = MASKED
    return result


def levels_of_halves(weights: NDArray[np.float16], scale: Scale) -> NDArray[np.uint16]:
    """The same as `levels`, by looking up every half float there is: some ten times faster."""
    return _every_half(scale.name)[weights.view(np.uint16)]


@cache
def _every_half(name: ScaleName) -> NDArray[np.uint16]:
    with np.errstate(invalid="ignore"):  # some of the NaNs signal
        return levels(np.arange(1 << 16, dtype=np.uint16).view(np.float16), SCALES[name])


def pooled_support(
    first: NDArray[np.integer], stop: NDArray[np.integer], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which cells of ``size`` tokens hold a visible key, row of cells by row of cells.

    Args:
        first: [rows] first key that each row may see.
        stop: [rows] one past the last key that it may see; equal to ``first`` where it sees none.
        size: Cells are ``size`` x ``size`` tokens.

    Returns:
        int64 [ceil(rows / size)] first cell and one past the last cell; both 0 where nothing is visible.
    """
    starts = np.arange(0, len(first), size)
    seen = stop > first
    low = np.minimum.reduceat(np.where(seen, first, np.iinfo(np.int64).max), starts)
    high = np.maximum.reduceat(np.where(seen, stop, 0), starts)
    empty = high == 0
    return (
        np.where(empty, 0, low // size).astype(np.int64),
        np.where(empty, 0, (high - 1) // size + 1).astype(np.int64),
    )


def row_lengths(first: NDArray[np.integer], stop: NDArray[np.integer], size: int) -> NDArray[np.float32]:
    """float32 [ceil(rows / size)]: mean number of visible keys of the rows in each row of cells."""
    starts = np.arange(0, len(first), size)
    total = np.add.reduceat((stop - first).astype(np.float64), starts)
    lengths: NDArray[np.float32] = (total / np.diff(np.append(starts, len(first)))).astype(np.float32)
    return lengths
