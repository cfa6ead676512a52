"""What a user can choose between for the colours of a map, in the order in which a key goes through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from faa_tui.rendering.ramps import RampName
from faa_tui.rendering.scales import SCALES, ScaleName

SEQUENTIAL: Final[tuple[RampName, ...]] = ("cividis", "viridis", "magma", "grey")
"""Ramps of numbers that have no middle; differences have theirs."""


@dataclass
class MapColours:
    """How maps become colours: one choice, which every screen follows.

    Attributes:
        scale: How weights become levels; a difference has scales of the same names.
        ramp: How levels become colours, but for differences, whose ramp has a middle.
    """

    scale: ScaleName = "sqrt"
    ramp: RampName = "viridis"

    def next_scale(self, step: int) -> None:
        """Choose the scale ``step`` places on, which goes round."""
        names = list(SCALES)
        self.scale = names[(names.index(self.scale) + step) % len(names)]

    def next_ramp(self, step: int) -> None:
        """Choose the ramp ``step`` places on, which goes round."""
        self.ramp = SEQUENTIAL[(SEQUENTIAL.index(self.ramp) + step) % len(SEQUENTIAL)]
