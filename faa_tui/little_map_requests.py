"""Maps in little of finished runs, fetched in the background of the application so that they can be kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faa_core.worker.protocol import SOMEDAY
from faa_tui.little_maps import Wish
from faa_tui.messages import TileKey
from faa_tui.widgets.heat_map import MapAddress

if TYPE_CHECKING:
    from faa_core.store import Overview


class LittleMapRequests:
    """Fetches maps of finished runs, one at a time and behind all else.

    Args:
        fetch: Sends one request; it has the priority `SOMEDAY`, which no other request for a tile has.
        keep: Called with the number of a run and maps of one of its layers.
    """

    def __init__(self, fetch: Callable[[TileKey], None], keep: Callable[[int, Sequence[Overview]], object]) -> None:
        self._fetch = fetch
        self._keep = keep
        self._wishes: deque[tuple[int, Wish]] = deque()
        self._asked: TileKey | None = None
        self._made: list[Overview] = []

    def want(self, run: int, wishes: Iterable[Wish]) -> None:
        """Fetch maps of a run, after those that are wanted already."""
        self._wishes.extend((run, wish) for wish in wishes)
        self._ask()

    def arrived(self, key: TileKey, cells: NDArray[np.floating]) -> None:
        """Take the map that was asked for, and go on."""
        if key == self._asked:
            run, wish = self._wishes.popleft()
            self._made.append(wish.overview(cells))
            following = self._wishes[0] if self._wishes else None
            if following is None or (following[0], *following[1][:2]) != (run, *wish[:2]):
                self._hand_over(run)
            self._asked = None
            self._ask()

    def failed(self, key: TileKey) -> None:
        """Give up the run: its worker is gone, or has let it go."""
        if key == self._asked:
            self._hand_over(key.run)
            self._wishes = deque(item for item in self._wishes if item[0] != key.run)
            self._asked = None
            self._ask()

    def _ask(self) -> None:
        if self._asked is None and self._wishes:
            run, wish = self._wishes[0]
            address = MapAddress(run, wish.kind, wish.layer, wish.head)
            self._asked = TileKey(address, wish.level, 0, wish.rows, 0, wish.columns, priority=SOMEDAY)
            self._fetch(self._asked)

    def _hand_over(self, run: int) -> None:
        if self._made:
            self._keep(run, tuple(self._made))
            self._made = []
