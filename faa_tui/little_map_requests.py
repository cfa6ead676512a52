"""Maps in little of finished runs, fetched in the background of the application so that they can be kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faa_core.worker.protocol import SOMEDAY
from faa_tui.little_maps import Wish
from faa_tui.messages import TileKey
from faa_tui.widgets.heat_map import MapAddress

if TYPE_CHECKING:
    from faa_core.store import Overview


@dataclass(frozen=True, eq=False)
class _Errand:
    """Maps of one run that are wanted together.

    Attributes:
        run: Number of the run.
        keep: Called with maps of one of its layers.
        valid: Whether they still can be asked for.
    """

    run: int
    keep: Callable[[Sequence[Overview]], object]
    valid: Callable[[], bool]


class LittleMapRequests:
    """Fetches maps of finished runs, one at a time and behind all else.

    Args:
        fetch: Sends one request; it has the priority `SOMEDAY`, which no other request for a tile has.
    """

    def __init__(self, fetch: Callable[[TileKey], None]) -> None:
        self._fetch = fetch
        self._wishes: deque[tuple[_Errand, Wish]] = deque()
        self._asked: TileKey | None = None
        self._made: list[Overview] = []

    def want(
        self,
        run: int,
        wishes: Iterable[Wish],
        keep: Callable[[Sequence[Overview]], object],
        valid: Callable[[], bool] = lambda: True,
    ) -> None:
        """Fetch maps of a run, after those that are wanted already.

        Args:
            run: Number of the run.
            wishes: Its maps, layer by layer.
            keep: Called with the maps of each layer.
            valid: Asked before each map; where it says no, what is left of ``wishes`` is given up.
        """
        errand = _Errand(run, keep, valid)
        self._wishes.extend((errand, wish) for wish in wishes)
        self._ask()

    def arrived(self, key: TileKey, cells: NDArray[np.floating]) -> None:
        """Take the map that was asked for, and go on."""
        if key == self._asked:
            errand, wish = self._wishes.popleft()
            self._made.append(wish.overview(cells))
            following = self._wishes[0] if self._wishes else None
            if following is None or following[0] is not errand or following[1][:2] != wish[:2]:
                self._hand_over(errand)
            self._asked = None
            self._ask()

    def failed(self, key: TileKey) -> None:
        """Give up the run: its worker is gone, or has let it go."""
        if key == self._asked:
            self._hand_over(self._wishes[0][0])
            self._wishes = deque(item for item in self._wishes if item[0].run != key.run)
            self._asked = None
            self._ask()

    def _ask(self) -> None:
        while self._asked is None and self._wishes:
            errand, wish = self._wishes[0]
            if not errand.valid():
                self._hand_over(errand)
                self._wishes = deque(item for item in self._wishes if item[0] is not errand)
                continue
            address = MapAddress(errand.run, wish.kind, wish.layer, wish.head)
            rectangle = (0, wish.rows, 0, wish.columns)
            self._asked = TileKey(address, wish.level, *rectangle, aligned=wish.aligned, priority=SOMEDAY)
            self._fetch(self._asked)

    def _hand_over(self, errand: _Errand) -> None:
        if self._made:
            errand.keep(tuple(self._made))
            self._made = []
