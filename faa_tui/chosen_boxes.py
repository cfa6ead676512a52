"""The boxes that are counted: of which size and above which lift they are wanted, and those that are here."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from faa_core.records import LayerResult
from faa_core.worker.protocol import Fail
from faa_tui.messages import BoxKey
from faa_tui.rendering.attention_map import MapAddress
from faa_tui.rendering.boxes import CountedBoxes
from faa_tui.rendering.legend import short_number

KEPT_BYTES = 64 * 1024 * 1024
"""Bytes of boxes that are kept, a byte for each; those used longest ago go first."""


class ChosenBoxes:
    """One choice for all heads. A size that a map is too small for stays chosen for a longer text."""

    def __init__(self) -> None:
        self._level: int | None = None
        self._threshold = 1.0
        self._here: OrderedDict[BoxKey, NDArray[np.bool_]] = OrderedDict()

    def step(self, result: LayerResult, step: int) -> None:
        """Choose larger boxes (``step`` 1) or smaller ones (-1); beyond the largest and the smallest of a map, none."""
        levels = len(result.boxes.sizes)
        none = -1 if step > 0 else levels
        level = step + (none if self._level is None else min(self._level, levels - 1))
        self._level = level if 0 <= level < levels else None

    def step_threshold(self, result: LayerResult, step: int) -> bool:
        """Count cells above the next higher lift (``step`` 1) or the next lower one (-1), as far as there are any.

        Returns:
            Whether boxes are drawn; where none are, nothing changes.
        """
        if self._level is not None:
            thresholds = result.boxes.thresholds
            index = max(0, min(self._threshold_index(result) + step, len(thresholds) - 1))
            self._threshold = float(thresholds[index])
        return self._level is not None

    def choose_none(self) -> None:
        """Draw none."""
        self._level = None

    def key(self, address: MapAddress, result: LayerResult) -> BoxKey | None:
        """The boxes of a head that are to be drawn; ``None`` for none. They count key 0, wherever it is left out."""
        if self._level is None:
            return None
        level = min(self._level, len(result.boxes.sizes) - 1)
        return BoxKey(address._replace(without_first=False), level, self._threshold_index(result))

    def put(self, key: BoxKey, occupied: NDArray[np.bool_]) -> None:
        """The boxes of one head, size and threshold are here."""
        self._here[key] = occupied
        while len(self._here) > 1 and sum(boxes.nbytes for boxes in self._here.values()) > KEPT_BYTES:
            self._here.popitem(last=False)

    def get(self, key: BoxKey, result: LayerResult) -> CountedBoxes | Fail | None:
        """Boxes to be drawn; ``None`` where they are not here, a fault where a stranger sent some that do not fit."""
        occupied = self._here.get(key)
        if occupied is None:
            return None
        self._here.move_to_end(key)
        size = int(result.boxes.sizes[key.level])
        cells = (-(-result.queries // size), -(-result.keys // size))
        if occupied.shape != cells:
            return Fail(0, "worker", f"The worker sent {occupied.shape} boxes, not {cells}.")
        return CountedBoxes(size, occupied)

    def forget(self) -> None:
        """Other runs are looked at, of which these are none."""
        self._here.clear()

    def _threshold_index(self, result: LayerResult) -> int:
        return int(np.abs(np.log(result.boxes.thresholds) - np.log(self._threshold)).argmin())


def in_words(boxes: CountedBoxes | None, key: BoxKey, result: LayerResult, without_first: bool) -> str:
    """How many boxes are counted, above which lift, and that key 0 is among them where the map is ``without_first``."""
    if boxes is None:
        return f"boxes of {int(result.boxes.sizes[key.level])}: counting"
    counted = "  key 0 counted" if without_first else ""
    lift = short_number(float(result.boxes.thresholds[key.threshold]))
    return f"N({boxes.size}) = {boxes.count:,}  lift > {lift}{counted}"
