"""What a screen does with kept runs: listed, opened, noted, exported and deleted, on the thread of the history."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import numpy as np
import pandas
import pytest

from faa_core.comparison.records import Comparison
from faa_core.errors import StoreError, UsageError
from faa_core.records import Analysis
from faa_core.replication import replicate
from faa_core.store import Store, overview_of
from faa_core.worker.protocol import RunOptions
from faa_tui.history import History
from faa_tui.kept_runs import KeptAnalysis, KeptComparison, KeptTexts
from tests.unit.store.conftest import examination, same

Runs = dict[str, tuple[Analysis, ...]]


@pytest.fixture
def faults() -> list[StoreError]:
    """What a history told of."""
    return []


@pytest.fixture
def history(path: Path, faults: list[StoreError]):
    made = History(path, faults.append)
    yield made
    made.close(10)


def test_a_run_is_listed_and_opened_as_it_was_shown(history: History, run: Analysis) -> None:
    async def body() -> None:
        assert await history.entries() == []
        history.keep_examination(7, examination(1, 2))  # asked for before the run was done
        history.keep_overviews(7, [overview_of("decoder", 0, 1, np.eye(9))])
        assert history.number_of(7) is None
        assert history.keep(7, run, "here", RunOptions())
        assert not history.keep(7, run, "here", RunOptions())
        history.keep_overviews(7, [overview_of("decoder", 3, 4, np.eye(9))])
        (entry,) = await history.entries()
        assert history.number_of(7) == entry.id
        assert (entry.models, entry.hosts, entry.title) == (("demo",), ("here",), run.text.splitlines()[0])
        assert (entry.maps, entry.examined, entry.note) == (2, 1, "")
        opened = await history.open(entry.id)
        assert isinstance(opened, KeptAnalysis)
        assert same(opened.analysis, run)
        assert same(opened.findings.examinations, (examination(1, 2),))
        assert np.array_equal(opened.overview("decoder", 3, 4).weights, np.eye(9))
        assert opened.overview("decoder", 3, 5) is None

    asyncio.run(body())


def test_runs_of_several_models_and_texts_are_opened_with_their_parts(
    history: History, path: Path, runs: Runs, comparison: Comparison
) -> None:
    with Store(path) as store:
        texts = store.save_texts(replicate(runs["demo"]), runs["demo"])
        pair = store.save_comparison(comparison, runs["demo"], runs["demo@init"])

    async def body() -> None:
        assert [entry.id for entry in await history.entries(1)] == [pair]
        opened = await history.open(texts)
        assert isinstance(opened, KeptTexts)
        assert same(opened.replication, replicate(runs["demo"]))
        assert same(tuple(one.analysis for one in opened.runs), runs["demo"])
        compared = await history.open(pair)
        assert isinstance(compared, KeptComparison)
        assert same(compared.comparison, comparison)
        for side, name in ((compared.a, "demo"), (compared.b, "demo@init")):
            assert same(tuple(one.analysis for one in side), runs[name])

    asyncio.run(body())


def test_notes_exports_and_deletions(history: History, path: Path, run: Analysis, tmp_path: Path) -> None:
    async def body() -> None:
        history.keep(1, run, "", RunOptions())
        (entry,) = await history.entries()
        await history.set_note(entry.id, "the good one")
        assert (await history.entries())[0].note == "the good one"
        target = tmp_path / "heads.csv"
        await history.export(entry.id, target)
        assert set(pandas.read_csv(target).model) == {"demo"}
        with pytest.raises(UsageError, match="exists already"):
            await history.export(entry.id, target)
        with pytest.raises(UsageError, match="says no form"):
            await history.export(entry.id, tmp_path / "heads.docx")
        assert await history.delete([entry.id]) == (entry.id,)
        with pytest.raises(UsageError, match="There is no run 1"):
            await history.open(entry.id)
        assert await history.entries() == []

    asyncio.run(body())


def test_what_comes_late_for_a_deleted_run_is_dropped(
    history: History, path: Path, run: Analysis, faults: list[StoreError], comparison: Comparison
) -> None:
    async def body() -> None:
        history.keep(1, run, "", RunOptions())
        history.keep(2, run, "", RunOptions())
        await history.entries()
        with Store(path) as other:  # as faa runs delete does in another terminal
            other.delete([1])
        history.keep_comparison(3, comparison, [2], [1], RunOptions(), 0)
        history.keep_overviews(1, [overview_of("decoder", 0, 0, np.eye(4))])
        history.keep_overviews(1, [overview_of("decoder", 0, 1, np.eye(4))])
        history.keep_overviews(2, [overview_of("decoder", 0, 0, np.eye(4))])
        assert [(entry.id, entry.maps) for entry in await history.entries()] == [(2, 1)]
        assert history.number_of(1) is None
        assert not faults

    asyncio.run(body())


def test_a_fault_is_told_to_whoever_asked_and_the_next_wish_is_heard(path: Path, run: Analysis) -> None:
    told: list[StoreError] = []
    path.parent.mkdir()
    path.mkdir()
    history = History(path, told.append)

    async def body() -> None:
        with pytest.raises(StoreError, match="cannot be used"):
            await history.entries()
        assert not told
        path.rmdir()
        history.keep(1, run, "", RunOptions())
        assert len(await history.entries()) == 1

    asyncio.run(body())
    history.close(10)


def test_the_event_loop_goes_on_while_another_process_holds_the_file(history: History, path: Path) -> None:
    """The answer waits for the file; the loop does not, and a wish that is given up harms no later one."""

    async def body() -> None:
        await history.entries()
        holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        holder.execute("begin immediate")
        given_up = asyncio.ensure_future(history.delete([]))
        asked = asyncio.ensure_future(history.set_note(12, "late"))
        ticks = 0
        while ticks < 20:
            await asyncio.sleep(0)
            ticks += 1
        assert not given_up.done()
        assert not asked.done()
        given_up.cancel()
        holder.execute("rollback")
        with pytest.raises(UsageError, match="no run 12"):
            await asked
        holder.close()

    asyncio.run(body())


def test_closing_waits_no_longer_than_it_was_told(path: Path, run: Analysis) -> None:
    history = History(path, lambda error: None)

    async def body() -> None:
        await history.entries()

    asyncio.run(body())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("begin immediate")
    history.keep(1, run, "", RunOptions())
    history.close(0.0)
    assert history._thread.is_alive()  # it is a daemon, and keeps no process from ending
    assert history._thread.daemon
    holder.execute("rollback")
    holder.close()
    history._thread.join()
    with Store(path) as store:
        assert len(store.entries()) == 1


def test_the_list_comes_in_pages_and_the_news_alone(history: History, run: Analysis) -> None:
    async def body() -> None:
        for number in range(1, 8):
            history.keep(number, run, "", RunOptions())
        pages, before = [], None
        while page := await history.entries(3, before=before):
            pages.append([entry.id for entry in page])
            before = page[-1].id
        assert pages == [[7, 6, 5], [4, 3, 2], [1]]
        assert [entry.id for entry in await history.entries(after=5)] == [7, 6]
        assert await history.entries(after=7) == []
        assert (await history.entry(4)).id == 4

    asyncio.run(body())


def test_whoever_lists_runs_hears_of_each_that_is_kept(path: Path, run: Analysis, comparison: Comparison) -> None:
    heard: list[int] = []
    history = History(path, lambda error: None, heard.append)
    history.keep(8, run, "", RunOptions())
    history.keep(9, run, "", RunOptions())
    history.keep(9, run, "", RunOptions())
    history.keep_comparison(11, comparison, [8], [9], RunOptions(), 0)
    history.adopt(10, 1)  # opened again: it is kept already
    history.keep(10, run, "", RunOptions())
    assert history.number_of(10) == 1
    history.close(10)
    assert heard == [1, 2, 3]


def test_a_run_is_taken_out_under_a_free_name_in_every_form(history: History, run: Analysis, tmp_path: Path) -> None:
    async def body() -> None:
        history.keep(1, run, "", RunOptions())
        endings = (".html", ".json", ".csv", ".npz", ".parquet")
        written = [await history.take_out(1, tmp_path, ending) for ending in endings]
        assert [path.name for path in written] == [f"faa-demo{ending}" for ending in endings]
        assert all(path.stat().st_size > 1000 for path in written)
        assert "Attention of demo" in written[0].read_text()
        again = await history.take_out(1, tmp_path, ".csv")
        assert again.name == "faa-demo-2.csv"
        assert again.read_bytes() == written[2].read_bytes()
        with pytest.raises(UsageError, match="no run 5"):
            await history.take_out(5, tmp_path, ".csv")

    asyncio.run(body())
