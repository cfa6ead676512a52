"""What is done with finished runs: they are kept in the file of runs, and nothing waits for that.

A file that cannot be written is told once, and is no reason to stop: the results stay where they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from faa_core.errors import DamagedStoreError, StoreError, UsageError
from faa_core.origin import Origin
from faa_tui.kept_runs import KeptRun, file_of, open_run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from faa_core.comparison.records import Comparison
    from faa_core.findings import HeadExamination, HeadTests
    from faa_core.records import Analysis
    from faa_core.replication import Replication
    from faa_core.store import Entry, Overview, Store
    from faa_core.worker.protocol import RunOptions
    from faa_tui.little_maps import Over
    from faa_tui.rendering.attention_map import MapAddress

T = TypeVar("T")


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
    """Keeps the runs of an application, and reads what is kept, on a thread of its own that begins with the first wish.

    What is kept goes by the application's numbers of its runs, what is read by those of the file; `number_of` leads
    from one to the other. What is read is awaited on an event loop, comes after everything that was wished before, and
    raises `StoreError` where the file cannot be used and `UsageError` where there is no such run.

    Args:
        path: The file of runs.
        tell: Called, on that thread, with the first fault of what is to be kept, and with the first one after
            something could be kept again.
        heard: Called, on that thread, with the number in the file of each run or comparison that was kept.
    """

    def __init__(
        self,
        path: Path,
        tell: Callable[[StoreError], object],
        heard: Callable[[int], object] = lambda run: None,
    ) -> None:
        self._path = path
        self._tell = tell
        self._heard = heard
        self._told = False
        self._wishes: queue.SimpleQueue[Callable[[Store | None], Store | None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._seen: set[int] = set()
        self._kept: dict[int, int] = {}
        self._waiting: dict[int, list[Callable[[Store, int], object]]] = {}

    # --- what is kept, by the application's numbers ----------------------------------------------------------------

    def keep(self, number: int, analysis: Analysis, host: str, options: RunOptions) -> bool:
        """Keep a finished run; whether it was not wished before."""
        if number in self._seen:
            return False
        self._seen.add(number)
        origin = Origin(parameters_of(options), None, (), (host,))

        def save(store: Store) -> None:
            self._kept[number] = store.save(analysis, origin=origin)
            for add in self._waiting.pop(number, ()):
                add(store, self._kept[number])
            self._told = False
            self._heard(self._kept[number])

        self._save(save)
        return True

    def keep_texts(
        self,
        number: int,
        replication: Replication,
        numbers: Sequence[int],
        analyses: Sequence[Analysis],
        host: str,
        options: RunOptions,
        earlier: int = 0,
    ) -> None:
        """Keep means over texts, with the run of each; runs that are kept already become parts of it.

        Args:
            number: A number for them.
            replication: The means.
            numbers: Numbers of the runs.
            analyses: The runs.
            host: The machine that they ran on.
            options: How they were asked for.
            earlier: Number of the means over fewer of these texts that these take the place of; 0 for none.
        """
        self._seen.update(numbers)
        origin = Origin(parameters_of(options), None, (), (host,))

        def written(store: Store) -> int:
            runs = [self._kept.get(run, analysis) for run, analysis in zip(numbers, analyses, strict=True)]
            whole = self._kept.get(earlier)
            try:
                if whole is None:
                    return store.save_texts(replication, runs, origin)
                store.extend_texts(whole, replication, runs, origin)
            except UsageError:  # they, or a run, were deleted meanwhile
                return store.save_texts(replication, analyses, origin)
            return whole

        def save(store: Store) -> None:
            whole = self._kept[number] = written(store)
            for part in store.parts(whole):
                self._kept[numbers[part.place]] = part.run
                for add in self._waiting.pop(numbers[part.place], ()):
                    add(store, part.run)
            self._told = False
            self._heard(whole)

        self._save(save)

    def keep_overview(self, address: MapAddress, level: int, cells: NDArray[np.float16]) -> None:
        """Keep a whole map in little, as soon as its run is kept."""

        def add(store: Store, run: int) -> None:
            from faa_core.store import overview_of

            made = overview_of(address.kind, address.layer, address.head, cells, 1 << level)
            store.add_overviews(run, (made,))

        self._save_beside(address.run, add)

    def keep_overviews(self, number: int, overviews: Sequence[Overview]) -> None:
        """Keep maps in little, as soon as their run is kept."""
        self._save_beside(number, lambda store, run: store.add_overviews(run, overviews))

    def keep_examination(self, number: int, examination: HeadExamination) -> None:
        """Keep what was measured about one head, as soon as its run is kept."""
        self._save_beside(number, lambda store, run: store.add_examination(run, examination))

    def keep_tests(self, number: int, tests: HeadTests) -> None:
        """Keep a test of every head, as soon as its run is kept."""
        self._save_beside(number, lambda store, run: store.add_tests(run, tests))

    def keep_comparison(
        self, number: int, comparison: Comparison, a: Sequence[int], b: Sequence[int], options: RunOptions, seed: int
    ) -> None:
        """Keep a comparison of finished runs under a number of its own, each side given by the numbers of its runs."""

        def save(store: Store) -> None:
            if all(number in self._kept for number in (*a, *b)):
                first, other = ([self._kept[number] for number in side] for side in (a, b))
                with contextlib.suppress(UsageError):  # one of them was deleted meanwhile
                    origin = Origin(parameters_of(options), seed)
                    self._kept[number] = store.save_comparison(comparison, first, other, origin)
                    self._heard(self._kept[number])

        self._save(save)

    def keep_segments(self, number: int, place: int, over: Over, other: int) -> None:
        """Keep how the tokens were joined on a text of a comparison that was kept before.

        Args:
            number: The number of the comparison.
            place: Which of its texts.
            over: The segments of each kind of map.
            other: Which side of them the other model is.
        """

        def add(store: Store, run: int) -> None:
            from faa_core.store import Segments

            store.add_segments(run, place, [Segments.of(kind, found, other) for kind, found in over.items()])

        self._save_beside(number, add)

    def keep_segment_overviews(self, number: int, side: int, place: int, overviews: Sequence[Overview]) -> None:
        """Keep maps in little over segments, of one side of a comparison that was kept before, on one of its texts."""
        self._save_beside(number, lambda store, run: store.add_segment_overviews(run, side, place, overviews))

    def adopt(self, number: int, run: int) -> None:
        """A kept run is on the screen again, as run ``number`` of the application."""
        self._seen.add(number)
        self._kept[number] = run

    def number_of(self, number: int) -> int | None:
        """Under which number of the file the run ``number`` of the application is kept; ``None`` while it is not."""
        return self._kept.get(number)

    # --- what is read, by the numbers of the file ------------------------------------------------------------------

    async def entries(self, most: int | None = None, *, after: int = 0, before: int | None = None) -> list[Entry]:
        """What is kept, the newest first; parts of a comparison are listed with it only.

        Args:
            most: How many at most.
            after: Only runs of higher numbers.
            before: Only runs of lower numbers; ``None`` for all.
        """
        return await self._ask(lambda store: store.entries(most, after=after, before=before))

    async def entry(self, run: int) -> Entry:
        """What the list says of a run."""
        return await self._ask(lambda store: store.entry(run))

    async def parts(self, run: int) -> list[int]:
        """The runs that a run rests on."""
        return [part.run for part in await self._ask(lambda store: store.parts(run))]

    async def open(self, run: int) -> KeptRun:
        """A kept run as the very records that were shown."""
        return await self._ask(lambda store: open_run(store, run))

    async def delete(self, runs: Iterable[int]) -> tuple[int, ...]:
        """Forget runs, and the parts that were kept only for them; returns the numbers of all that are gone."""
        wanted = tuple(runs)
        return await self._ask(lambda store: store.delete(wanted))

    async def set_note(self, run: int, note: str) -> None:
        """Write something beside a run; nothing removes what is there."""
        await self._ask(lambda store: store.set_note(run, note))

    async def export(self, run: int, path: Path, force: bool = False) -> None:
        """Write a run to a file, in the form of its ending.

        Args:
            run: The run.
            path: The file.
            force: Whether a file that is there is replaced.

        Raises:
            UsageError: Also where the file is there already, or its ending says no form.
            FileError: The file cannot be written.
        """

        def work(store: Store) -> None:
            from faa_core.export import form_of
            from faa_core.export.files import check_target, write_whole

            check_target(path, force)
            write_whole(path, file_of(store, run, form_of(path)), force)

        await self._ask(work)

    async def take_out(self, run: int, folder: Path, ending: str) -> Path:
        """Write a run under a free name in a folder: a report of it, or a file in the form of its ending.

        Args:
            run: The run.
            folder: Where to.
            ending: ``.html`` for a report, else one of the forms of `faa_core.export`.

        Returns:
            The file.

        Raises:
            FileError: It cannot be written.
        """

        def work(store: Store) -> Path:
            from faa_core.export import form_of
            from faa_core.report import render
            from faa_tui import reports

            entry = store.entry(run)
            if ending == ".html":
                content = render(reports.kept_report(store, entry)).encode()
            else:
                content = file_of(store, run, form_of(Path(f"run{ending}")))
            return reports.write_numbered(folder, entry.models, content, ending)

        return await self._ask(work)

    # --- the thread --------------------------------------------------------------------------------------------------

    def close(self, seconds: float) -> None:
        """Write what waits, for so long at most."""
        if self._thread is not None:
            self._wishes.put(None)
            self._thread.join(seconds)

    def _save_beside(self, number: int, add: Callable[[Store, int], object]) -> None:
        """Have ``add`` write to a run of the application; before it is kept that waits."""

        def save(store: Store) -> None:
            if number not in self._kept:
                self._waiting.setdefault(number, []).append(add)
                return
            try:
                add(store, self._kept[number])
            except UsageError:  # it was deleted meanwhile, here or by another process
                del self._kept[number]

        self._save(save)

    def _save(self, save: Callable[[Store], object]) -> None:
        self._wish(lambda store: kept(self._path, save, self._first, store))

    def _ask(self, work: Callable[[Store], T]) -> Awaitable[T]:
        """What ``work`` returns or raises, on the thread, for whoever awaits it on this event loop."""
        answer: Future[T] = Future()

        def wish(store: Store | None) -> Store | None:
            from faa_core.store import Store

            if not answer.set_running_or_notify_cancel():
                return store
            try:
                store = store or Store(self._path)
                answer.set_result(work(store))
            except BaseException as error:  # whatever it is, it belongs to whoever waits
                answer.set_exception(error)
                if store is not None and isinstance(error, StoreError):
                    store.close()
                    return None
            return store

        self._wish(wish)
        return asyncio.wrap_future(answer)

    def _wish(self, wish: Callable[[Store | None], Store | None]) -> None:
        self._wishes.put(wish)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="history", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        store = None
        while (wish := self._wishes.get()) is not None:
            store = wish(store)
        if store is not None:
            store.close()

    def _first(self, error: StoreError) -> None:
        if isinstance(error, DamagedStoreError):  # the numbers were those of the file that is gone
            self._kept.clear()
        if not self._told:
            self._told = True
            self._tell(error)


def parameters_of(options: RunOptions) -> dict[str, Any]:
    """How a run was asked for, by the names of the options."""
    return msgspec.structs.asdict(options)
