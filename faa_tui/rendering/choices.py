"""What a user can choose between for the colours of a map, in the order in which a key goes through it."""

from __future__ import annotations

from typing import Final

from faa_tui.rendering.ramps import RampName
from faa_tui.rendering.scales import SCALES, ScaleName

SEQUENTIAL: Final[tuple[RampName, ...]] = ("cividis", "viridis", "magma", "grey")
"""Ramps of numbers that have no middle; differences have theirs."""


def next_scale(scale: ScaleName, step: int) -> ScaleName:
    """The scale ``step`` places after ``scale``, which goes round."""
    names = list(SCALES)
    return names[(names.index(scale) + step) % len(names)]


def next_ramp(ramp: RampName, step: int) -> RampName:
    """The ramp ``step`` places after ``ramp``, which goes round."""
    return SEQUENTIAL[(SEQUENTIAL.index(ramp) + step) % len(SEQUENTIAL)]
