"""What is done with finished runs: they are kept in the file of runs, and nothing waits for that.

A file that cannot be written is told once, and is no reason to stop: the results stay where they are.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from faa_core.errors import DamagedStoreError, StoreError
from faa_core.origin import Origin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from faa_core.comparison.records import Comparison
    from faa_core.records import Analysis
    from faa_core.store import Overview, Store
    from faa_core.worker.protocol import RunOptions
    from faa_tui.rendering.attention_map import MapAddress


def kept(
    path: Path, save: Callable[[Store], object], tell: Callable[[StoreError], object], store: Store | None = None
) -> Store | None:
    """Have ``save`` write to the file of runs; returns the store for the next time, to be closed then.

    Args:
        path: The file.
        save: What writes.
        tell: Called with the fault where the file cannot be used; also where it was damaged, and has been moved aside
            for a new one.
        store: The file, where it is open already.

    Returns:
        ``None`` where nothing could be written.
    """
    from faa_core.store import Store  # SQLite is not needed before

    for _ in range(2):
        try:
            if store is None:
                store = Store(path)
            save(store)
            return store
        except StoreError as error:
            tell(error)
            if store is not None:
                store.close()
                store = None
            if not isinstance(error, DamagedStoreError):
                break
    return None


class History:
    """Keeps the runs of an application, on a thread of its own that begins with the first one.

    Runs go by the application's numbers here.

    Args:
        path: The file of runs.
        tell: Called, on that thread, with the first fault.
    """

    def __init__(self, path: Path, tell: Callable[[StoreError], object]) -> None:
        self._path = path
        self._tell = tell
        self._told = False
        self._wishes: queue.SimpleQueue[Callable[[Store], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._seen: set[int] = set()
        self._kept: dict[int, int] = {}
        self._waiting: dict[int, list[Overview]] = {}

    def keep(self, number: int, analysis: Analysis, host: str, options: RunOptions) -> None:
        """Keep a finished run."""
        if number in self._seen:
            return
        self._seen.add(number)
        origin = Origin(parameters_of(options), None, (), (host,))

        def save(store: Store) -> None:
            self._kept[number] = store.save(analysis, origin=origin, overviews=self._waiting.get(number, ()))
            self._waiting.pop(number, None)

        self._wish(save)

    def keep_overview(self, address: MapAddress, level: int, cells: NDArray[np.float16]) -> None:
        """Keep a whole map in little, as soon as its run is kept."""

        def save(store: Store) -> None:
            from faa_core.store import overview_of

            made = overview_of(address.kind, address.layer, address.head, cells, 1 << level)
            if address.run in self._kept:
                store.add_overviews(self._kept[address.run], (made,))
            else:
                self._waiting.setdefault(address.run, []).append(made)

        self._wish(save)

    def keep_comparison(
        self, comparison: Comparison, a: Sequence[int], b: Sequence[int], options: RunOptions, seed: int
    ) -> None:
        """Keep a comparison of finished runs, each side given by their numbers."""

        def save(store: Store) -> None:
            if all(number in self._kept for number in (*a, *b)):
                first, other = ([self._kept[number] for number in side] for side in (a, b))
                store.save_comparison(comparison, first, other, Origin(parameters_of(options), seed))

        self._wish(save)

    def close(self, seconds: float) -> None:
        """Write what waits, for so long at most."""
        if self._thread is not None:
            self._wishes.put(None)
            self._thread.join(seconds)

    def _wish(self, save: Callable[[Store], None]) -> None:
        self._wishes.put(save)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="history", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        store = None
        while (save := self._wishes.get()) is not None:
            store = kept(self._path, save, self._first, store)
        if store is not None:
            store.close()

    def _first(self, error: StoreError) -> None:
        if not self._told:
            self._told = True
            self._tell(error)


def parameters_of(options: RunOptions) -> dict[str, Any]:
    """How a run was asked for, by the names of the options."""
    return msgspec.structs.asdict(options)
