"""Which rectangles of which maps are asked for, and in what order.

What the user looks at goes first; overviews of the other heads of the layer follow while nothing else is waiting, so
that moving from head to head finds its map already here. Only a few requests are under way at once, so that the next
urgent one is never far back in the queue of the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from faa_core.worker.protocol import SOON
from faa_tui.messages import TileKey
from faa_tui.widgets.heat_map import MapAddress

IN_FLIGHT = 4
"""Requests that may be under way at once."""
PREFETCHES = 2
"""How many of them may be tiles that nobody looks at yet."""


class TileRequests:
    """Orders requests for tiles.

    Args:
        fetch: Sends one request.
        cancel: Gives one up.
    """

    def __init__(self, fetch: Callable[[TileKey], None], cancel: Callable[[TileKey], None]) -> None:
        self._fetch = fetch
        self._cancel = cancel
        self._urgent: dict[TileKey, None] = {}
        self._later: dict[TileKey, None] = {}
        self._in_flight: set[TileKey] = set()

    @property
    def waiting(self) -> int:
        """Requests that are under way or will be."""
        return len(self._urgent) + len(self._later) + len(self._in_flight)

    def want(self, key: TileKey, beside: Collection[MapAddress] = ()) -> None:
        """Ask for a tile that is to be seen now; urgent wishes for maps that nobody looks at any more are dropped.

        Args:
            key: The tile.
            beside: Maps that are on the screen at the same time.
        """
        self._urgent = {
            other: None for other in self._urgent if other.address == key.address or other.address in beside
        }
        if key not in self._in_flight:
            self._later.pop(key, None)
            self._urgent[key] = None
        self._pump()

    def prefetch(self, keys: Iterable[TileKey]) -> None:
        """Replace the tiles that may be wanted soon, the likeliest first."""
        later = (replace(key, priority=SOON) for key in keys)
        self._later = {key: None for key in later if key not in self._in_flight and key not in self._urgent}
        self._pump()

    def ended(self, key: TileKey) -> None:
        """A request was answered, in whatever way."""
        self._in_flight.discard(key)
        self._pump()

    def clear(self) -> None:
        """Give up everything, because another run begins."""
        self._urgent.clear()
        self._later.clear()
        for key in self._in_flight:
            self._cancel(key)
        self._in_flight.clear()

    def _pump(self) -> None:
        while len(self._in_flight) < (IN_FLIGHT if self._urgent else PREFETCHES) and (self._urgent or self._later):
            queue = self._urgent or self._later
            key = next(iter(queue))
            del queue[key]
            self._in_flight.add(key)
            self._fetch(key)
