"""Runs of the application are kept beside it, and a file that cannot be written is one toast."""

from __future__ import annotations

import asyncio
from pathlib import Path

from faa_core.store import Store
from faa_tui import paths


def kept(path: Path, parts: bool = True) -> list:
    if not path.exists():
        return []
    with Store(path) as store:
        return store.entries(parts=parts)


def test_a_finished_run_is_kept_with_the_maps_that_were_looked_at(start):
    async def body():
        async with start(text="one two three four") as session:
            await session.until(lambda: kept(paths.runs()))
            results = session.app.main.results
            (entry,) = kept(paths.runs())
            assert entry.models == ("demo",)
            with Store(paths.runs()) as store:
                analysis = store.analysis(entry.id)
                await session.until(lambda: store.overviews(entry.id))
                looked_at = {(item.kind, item.layer, item.head) for item in store.overviews(entry.id)}
            assert session.position in looked_at
            assert analysis.text == "one two three four"
            assert len(analysis.layers) == len(results.layers) == 4
            await session.press("r")
            await session.until(lambda: len(kept(paths.runs())) == 2)

    asyncio.run(body())


def test_a_comparison_is_kept_with_its_runs(start):
    async def body():
        async with start() as session:
            await session.press("c")
            await session.until(lambda: any(entry.kind == "comparison" for entry in kept(paths.runs())))
            (comparison,) = [entry for entry in kept(paths.runs()) if entry.kind == "comparison"]
            with Store(paths.runs()) as store:
                parts = store.parts(comparison.id)
                assert len(store.comparison(comparison.id).matching.pairs) == 32
            assert [part.side for part in parts] == [0, 1]
            assert {part.run for part in parts} == {entry.id for entry in kept(paths.runs())} - {comparison.id}

    asyncio.run(body())


def test_a_file_that_cannot_be_written_is_one_toast_and_the_results_stay(start):
    async def body():
        paths.state().parent.mkdir(parents=True, exist_ok=True)
        paths.state().write_text("a file where the folder should be")
        async with start() as session:
            toasts = session.app._notifications
            await session.until(lambda: len(toasts) == 1)
            assert str(paths.runs()) in next(iter(toasts)).message
            run = session.app.run_number
            await session.press("r")
            await session.until(lambda: session.app.run_number > run and session.app.at_rest)
            session.app.history.close(10)  # the second has been tried as well
            await session.press("up")
            assert len(toasts) == 1
            assert len(session.app.main.results.layers) == 4

    asyncio.run(body())
