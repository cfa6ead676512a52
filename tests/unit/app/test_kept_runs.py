"""The pane of kept runs: shown again without a worker, compared, noted, taken out, deleted; a file in trouble."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Input

from faa_core.store import Store, overview_of
from faa_tui import paths
from faa_tui.screens.choose_line import ChooseLine
from faa_tui.screens.compare import CompareScreen
from faa_tui.screens.examination import ExaminationScreen
from faa_tui.screens.message import MessageScreen
from faa_tui.screens.note_run import NoteRun
from faa_tui.widgets.row_grid import RowGrid
from faa_tui.widgets.runs_pane import RunsPane

WORDS = " ".join(f"word{number}" for number in range(100))


def listed(session):
    """Numbers in the pane, as they stand there."""
    return list(session.app.main.runs._runs)


async def kept(session, count):
    await session.until(lambda: len(listed(session)) == count)


async def little_maps(session, run, count):
    """Wait until so many maps in little of a run are kept."""

    def there():
        with Store(paths.runs()) as store:
            return store.entry(run).maps >= count

    await session.until(there)


async def two_runs(session):
    """Another run, of another model, after the first."""
    await little_maps(session, 1, 32)
    session.app.open_reference("demo@init")
    await kept(session, 2)
    await session.until(lambda: session.app.at_rest)


async def opened(session, run):
    """Put the cursor on a run, and open it."""
    await session.press("8")
    session.app.main.runs.select(run)
    await session.press("enter")
    await session.until(lambda: session.app.kept is not None and session.app.kept.id == run and session.app.shows_kept)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Reports and files go there."""
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")


def test_a_run_is_listed_when_it_is_kept_and_opened_again_without_a_worker(start, size):
    async def body():
        async with start(text=WORDS, size=size) as session:
            app = session.app
            await two_runs(session)
            assert listed(session) == [2, 1]
            live = app.main.results
            app.fleet.close()
            await opened(session, 1)
            assert isinstance(app.main.focused, RowGrid)
            shown = app.main.results
            assert (shown.model.reference, len(shown.layers), len(shown.tokens)) == ("demo", 4, 100)
            assert shown is not live
            assert app.order.text == WORDS
            assert "kept run 1" in session.text
            await session.press("4")
            assert app.main._map.address.run == shown.run
            assert "kept in cells of 2 tokens" in session.text
            assert "≤" in session.text
            before = session.text
            await session.press("greater_than_sign")
            await session.until(lambda: session.text != before)
            assert session.position == ("decoder", 0, 1)
            assert app.main._map.address.head == 1
            assert app.at_rest  # nobody is asked for anything
            # The same numbers are there as when it was measured.
            with Store(paths.runs()) as store:
                measured = store.analysis(1).layers[0].statistics.value
            assert np.array_equal(shown.layers["decoder", 0].statistics.value, measured, equal_nan=True)

    asyncio.run(body())


def test_r_runs_a_kept_run_again_and_the_whole_map_comes(start):
    async def body():
        async with start(text=WORDS) as session:
            app = session.app
            await two_runs(session)
            await session.press("]", ">")
            await opened(session, 1)
            number = app.run_number
            app.list_runs()
            app.list_runs()  # gives the one before up; that it was never begun is no error
            await session.press("r")
            await session.until(lambda: app.run_number > number and app.at_rest)
            await kept(session, 3)
            assert not app.shows_kept
            assert app.order.reference == "demo"
            assert session.position == ("decoder", 1, 1)
            assert "kept in cells" not in session.text
            assert f"run {app.run_number}  done" in session.text
            with Store(paths.runs()) as store:
                first, again = store.analysis(1), store.analysis(3)
            assert first.text == again.text
            assert np.array_equal(first.layers[0].statistics.value, again.layers[0].statistics.value, equal_nan=True)

    asyncio.run(body())


def test_what_needs_the_maps_of_a_kept_run_says_how_to_get_them(start):
    async def body():
        async with start(text=WORDS) as session:
            await session.press("x")
            await session.until(lambda: "1.23" in session.text)
            await session.press("escape")
            await two_runs(session)
            await opened(session, 1)
            await session.press("4", "x")
            assert isinstance(session.app.screen, ExaminationScreen)
            await session.until(lambda: "1.23" in session.text)  # it was kept
            await session.press("escape", ">", "x", "d", "b", "left_curly_bracket")
            assert session.app.screen is session.app.main
            said = [toast.message for toast in session.app._notifications]
            assert sum("r runs it again" in message for message in said) == 4
            assert not session.app.main.without_first

    asyncio.run(body())


def test_a_head_of_which_no_map_was_kept_says_so(start):
    async def body():
        async with start(text=WORDS) as session:
            with_one = session.app.main.results.analysis("demo", WORDS)
            with Store(paths.runs()) as store:
                run = store.save(with_one, overviews=[overview_of("decoder", 0, 0, np.eye(100))])
            await session.press("8")
            await session.until(lambda: run in listed(session))
            await opened(session, run)
            await session.press("4")
            assert "≤" in session.text
            await session.press("greater_than_sign")
            assert "No map of this head was kept: r runs again." in session.text
            assert session.app.main._map.address is None

    asyncio.run(body())


def test_the_run_on_the_screen_is_not_opened_over_itself(start):
    async def body():
        async with start(text=WORDS) as session:
            await kept(session, 1)
            await session.press("8", "enter")
            assert [toast.message for toast in session.app._notifications] == ["Run 1 is on the screen."]
            assert not session.app.shows_kept

    asyncio.run(body())


def test_a_run_under_way_is_given_up_for_a_kept_one(start, tmp_path):
    async def body():
        async with start(text=WORDS) as session:
            app, go = session.app, tmp_path / "go"
            await kept(session, 1)
            app.submit(app._order("demo", f"%wait {go}\nsome words", app.order.options))
            await session.until(lambda: Path(f"{go}.begun").exists())
            await opened(session, 1)
            await session.until(lambda: app.fleet.link("")._orders == {})
            assert app.main.results.seconds == 0.42
            assert app.phase.name == "KEPT"

    asyncio.run(body())


def test_a_note_is_written_beside_a_run_and_found_by_the_filter(start):
    async def body():
        async with start(text=WORDS) as session:
            await two_runs(session)
            await session.press("8", "n")
            assert isinstance(session.app.screen, NoteRun)
            session.app.screen.query_one(Input).value = "untrained [b]"
            await session.press("enter")
            await session.until(lambda: session.app.main.runs.row_of(2).note == "untrained [b]")
            await session.press("z")  # with room for the note beside the text
            await session.until(lambda: "untrained [b]" in session.text)
            await session.press("slash", *"untrained", "enter")
            assert session.app.main.runs._order.tolist() == [0]
            await session.press("escape", "slash", *"model=init", "enter", "escape")
            await session.press("n")
            line = session.app.screen.query_one(Input)
            assert line.value == "untrained [b]"
            line.value = ""
            await session.press("enter")
            await session.until(lambda: session.app.main.runs.row_of(2).note == "")
            with Store(paths.runs()) as store:
                assert store.entry(2).note == ""

    asyncio.run(body())


def test_deleting_asks_says_what_is_lost_and_keeps_by_default(start):
    async def body():
        async with start(text=WORDS) as session:
            await two_runs(session)
            await session.press("8")
            session.app.main.runs.select(1)
            await session.press("D")
            await session.until(lambda: isinstance(session.app.screen, ChooseLine))
            said = " ".join(session.text.split())
            for part in ("32 maps in little", "word0 word1", "Nothing brings them back"):
                assert part in said
            await session.press("enter")
            assert listed(session) == [2, 1]
            await session.press("D")
            await session.until(lambda: isinstance(session.app.screen, ChooseLine))
            await session.press("down", "enter")
            await session.until(lambda: listed(session) == [2])
            assert session.app.main.runs.selected == 2
            with Store(paths.runs()) as store:
                assert [entry.id for entry in store.entries()] == [2]

    asyncio.run(body())


@pytest.mark.parametrize(("steps", "ending"), [(0, ".html"), (1, ".json"), (2, ".csv"), (3, ".npz"), (4, ".parquet")])
def test_a_run_is_taken_out_as_a_report_or_a_file(start, steps, ending, tmp_path):
    async def body():
        async with start(text=WORDS) as session:
            await kept(session, 1)
            await session.press("8", "e")
            assert isinstance(session.app.screen, ChooseLine)
            await session.press(*["down"] * steps, "enter")
            place = tmp_path / "out" / f"faa-demo{ending}"
            await session.until(place.exists)
            await session.until(lambda: any(place.name in toast.message for toast in session.app._notifications))

    asyncio.run(body())


def test_e_on_a_kept_run_writes_its_report_without_a_worker(start, tmp_path):
    async def body():
        async with start(text=WORDS) as session:
            await two_runs(session)
            session.app.fleet.close()
            await opened(session, 1)
            await session.press("4", "e")
            place = tmp_path / "out" / "faa-demo.html"
            await session.until(place.exists)
            assert "data:image/png" in place.read_text() or "<svg" in place.read_text()

    asyncio.run(body())


def test_c_compares_the_marked_model_with_the_one_on_the_screen(start):
    async def body():
        async with start(text=WORDS) as session:
            app = session.app
            await two_runs(session)
            await session.press("8")
            app.main.runs.select(2)
            await session.press("c")
            assert app.screen is app.main  # it is the model on the screen
            app.main.runs.select(1)
            await session.press("c")
            await session.until(lambda: isinstance(app.screen, CompareScreen))
            assert [side.reference for side in app.desk.comparing.sides] == ["demo@init", "demo"]
            assert app.desk.comparing.texts == (WORDS,)
            await session.until(lambda: app.screen.comparison is not None)

    asyncio.run(body())


def comparison_of(session):
    return [run for run, row in session.app.main.runs._runs.items() if row.kind == "comparison"]


async def opened_comparison(session, run):
    """Put the cursor on a comparison, and open it; returns its screen, once it is drawn."""
    await session.press("8")
    session.app.main.runs.select(run)
    await session.press("enter")
    await session.until(lambda: isinstance(session.app.screen, CompareScreen) and session.app.desk.comparing.kept)
    screen = session.app.screen
    await session.until(lambda: screen.is_drawn)
    return screen


async def compared(session):
    """A comparison of the model with its untrained twin, which is kept, with the maps of both."""
    await little_maps(session, 1, 32)
    await session.press("c")
    await session.until(lambda: session.app.desk.screen.comparison is not None)
    await session.until(lambda: comparison_of(session))
    await little_maps(session, 2, 32)
    await session.until(lambda: session.app.at_rest)
    await session.press("escape")
    return comparison_of(session)[0]


@pytest.mark.parametrize("size", [(80, 24)])
def test_a_kept_comparison_is_shown_by_its_record_and_run_again_by_r(start, size, tmp_path):
    async def body():
        async with start(text=WORDS, size=size) as session:
            app = session.app
            run = await compared(session)
            numbers = app.desk.screen.comparison
            app.fleet.close()
            screen = await opened_comparison(session, run)
            assert [pair.a for pair in screen.comparison.matching.pairs] == [pair.a for pair in numbers.matching.pairs]
            assert np.array_equal(screen.comparison.divergence, numbers.divergence, equal_nan=True)
            assert f"Kept comparison {run}" in session.text
            assert [heat_map.address for heat_map in screen._maps[:2]].count(None) == 0
            assert screen._difference.addresses
            await session.press("n")
            assert screen.pair_index is not None
            await session.press("e")
            await session.until((tmp_path / "out" / "faa-demo-demo-init.html").exists)
            await session.press("w", "P")
            assert [side.reference for side in app.desk.comparing.sides] == ["demo", "demo@init"]
            assert app.desk.at_rest
            await session.press("r")
            assert not app.desk.comparing.kept

    asyncio.run(body())


def test_a_kept_comparison_of_other_tokens_shows_its_maps_over_common_segments(start, tmp_path):
    async def body():
        async with start(text=WORDS, others=("halves",), wait=False) as session:
            app = session.app
            await session.until(lambda: comparison_of(session) and app.desk.comparing.comparisons)
            (run,) = comparison_of(session)
            await little_maps(session, run, 64)
            await session.until(lambda: app.desk.at_rest)
            live = app.desk.screen._maps[1]
            await session.press("escape")
            await session.until(lambda: app.at_rest)
            screen = await opened_comparison(session, run)
            assert screen._maps[1] is not live
            assert app.desk.comparing.is_aligned("decoder")
            assert [heat_map.address for heat_map in screen._maps[:2]].count(None) == 0
            assert screen._difference.addresses
            await session.press("2", "g", "home", "j")
            assert '"·word4"' in session.text  # a pixel is of four words
            readings = [heat_map.reading.weight for heat_map in screen._maps[:2]]
            with Store(paths.runs()) as store:
                first = [store.segment_overviews(run, side, 0)[0] for side in (0, 1)]
            assert [one.weights.shape for one in first] == [(50, 50), (50, 50)]  # 100 words in cells of two
            assert readings == pytest.approx([one.weights[2:4, :2].max() for one in first], abs=0.01)
            await session.press("e")
            report = tmp_path / "out" / "faa-demo-halves.html"
            await session.until(report.exists)
            assert "over the common segments of the text" in report.read_text()
            assert app.desk.at_rest  # nobody is asked for anything
            await session.press("r")
            await session.until(lambda: not app.desk.comparing.kept and app.desk.at_rest)
            assert app.desk.comparing.is_aligned("decoder")

    asyncio.run(body())


def test_of_each_further_text_the_telling_maps_over_segments_are_kept_however_the_sides_change(start):
    async def body():
        async with start(text=WORDS, others=("halves", "small"), wait=False) as session:
            app, texts = session.app, ("one two three four five six", "seven eight nine ten eleven")
            await session.until(lambda: app.desk is not None and len(app.desk.comparing.comparisons) == 2)
            app.desk.comparing.with_texts(texts)
            app.screen._changed()
            kept = []

            def whole():
                with Store(paths.runs()) as store:
                    kept[:] = [
                        entry for entry in store.entries() if entry.kind == "comparison" and len(entry.texts) == 2
                    ]
                    return len(kept) == 2 and all(store.segment_overviews(entry.id, 1, 1) for entry in kept)

            await session.until(whole)
            await session.press("w")  # the sides change places; their segments are the same
            await session.until(lambda: app.desk.at_rest)
        with Store(paths.runs()) as store:
            for entry in kept:
                # Segments of all three, also where the two have the same tokens.
                (segments,) = store.segments(entry.id, 1)
                assert segments.queries.pieces == ("seven", " eight", " nine", " ten", " eleven")
                assert {one.weights.shape for one in store.segment_overviews(entry.id, 1, 1)} == {(5, 5)}
                assert 0 < len(store.segment_overviews(entry.id, 0, 1)) <= 6
                assert len(store.segment_overviews(entry.id, 0, 0)) == 32

    asyncio.run(body())


def test_a_kept_comparison_that_is_run_again_has_new_numbers_and_whole_maps(start):
    async def body():
        async with start(text=WORDS) as session:
            app = session.app
            run = await compared(session)
            await opened_comparison(session, run)
            before = app.screen.comparison
            await session.press("r")
            await session.until(lambda: app.screen.comparison is not before and app.desk.at_rest)
            assert np.allclose(app.screen.comparison.divergence, before.divergence, equal_nan=True)
            await session.until(lambda: len(comparison_of(session)) == 2)

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24)])
def test_a_kept_set_of_texts_is_gone_through_like_one_that_was_just_measured(start, size):
    async def body():
        async with start(text=WORDS, size=size) as session:
            app = session.app
            texts = ("one two three four five six seven", "eight nine ten eleven twelve", WORDS)
            app.begin_texts("demo", texts)
            await session.until(lambda: any(row.kind == "texts" for row in app.main.runs._runs.values()))
            await session.until(lambda: app.at_rest and app.main.results.means is not None)
            means = app.main.results.means
            run = app.main.runs.newest
            app.fleet.close()
            await opened(session, 1)
            await opened(session, run)
            assert np.array_equal(app.main.results.means.layers[0].mean, means.layers[0].mean, equal_nan=True)
            assert f"kept run {run}" in session.text
            await session.press("4", "right_parenthesis")
            assert (app.order.text, app.main.results.little is not None) == (texts[0], True)
            assert app.main._map.address.run == app.run_number
            await session.press("left_parenthesis", "left_parenthesis")
            assert app.order.text == WORDS

    asyncio.run(body())


def test_what_another_instance_keeps_is_listed_when_one_looks_and_what_it_deletes_is_said(start):
    async def body():
        async with start(text=WORDS) as session:
            await kept(session, 1)
            analysis = session.app.main.results.analysis("gpt2", WORDS)
            with Store(paths.runs()) as other:
                run = other.save(analysis)
            await session.press("8")
            await session.until(lambda: listed(session) == [run, 1])
            with Store(paths.runs()) as other:
                other.delete([run])
            session.app.main.runs.select(run)
            await session.press("enter")
            await session.until(lambda: listed(session) == [1])
            assert any(f"no run {run}" in toast.message for toast in session.app._notifications)

    asyncio.run(body())


def test_a_file_that_is_damaged_is_said_in_the_pane_and_the_next_run_is_kept(start):
    async def body():
        paths.state().mkdir(parents=True)
        paths.runs().write_bytes(b"no database at all" * 500)
        async with start(text=WORDS) as session:
            await kept(session, 1)
            await session.press("8")
            assert "damaged" in session.text
            await session.press("m")
            assert isinstance(session.app.screen, MessageScreen)
            assert "runs.sqlite.damaged-1" in session.text
            assert ".recover" in session.text

    asyncio.run(body())


def test_a_file_that_cannot_be_used_is_said_in_the_pane_until_it_can(start):
    async def body():
        paths.runs().mkdir(parents=True)
        async with start(text=WORDS) as session:
            await session.press("8")
            await session.until(lambda: session.app.main.runs._trouble.display)
            await session.until(lambda: "The file of runs" in session.text)
            await session.press("m")
            assert isinstance(session.app.screen, MessageScreen)
            assert str(paths.runs()) in session.app.screen._fail.text
            assert "XDG_STATE_HOME" in session.text  # what to do
            await session.press("escape", "4")
            assert len(session.app.main.results.layers) == 4
            paths.runs().rmdir()
            await session.press("8")
            await session.until(lambda: not session.app.main.runs._trouble.display)
            await session.press("4", "r")
            await kept(session, 1)

    asyncio.run(body())


def test_a_file_that_another_process_holds_holds_up_nothing_but_its_writes(start):
    async def body():
        async with start(text=WORDS) as session:
            await kept(session, 1)
            await session.until(lambda: session.app.at_rest)
            holder = sqlite3.connect(paths.runs(), isolation_level=None)
            holder.execute("begin immediate")
            await session.press("r")
            await session.until(lambda: session.app.run_number == 2 and session.app.phase.name == "DONE")
            await session.press("8", "j", "k")
            assert listed(session) == [1]
            holder.execute("rollback")
            holder.close()
            await kept(session, 2)

    asyncio.run(body())


def test_ten_thousand_runs_are_listed_and_only_those_on_screen_are_put_into_words(start, monkeypatch):
    async def body():
        async with start(text=WORDS) as session:
            await kept(session, 1)
        with sqlite3.connect(paths.runs()) as file:
            names = [row[1] for row in file.execute("pragma table_info(run)") if row[1] != "id"]
            file.execute(
                f"insert into run ({', '.join(names)}) select {', '.join(names)} from run, "
                "(with recursive n(i) as (select 1 union all select i + 1 from n where i < 9999) select i from n)"
            )
        async with start(text=WORDS, size=(120, 40)) as session:
            await kept(session, 10_001)
            pane = session.app.main.runs
            await session.press("8", "end", "pageup", "home")
            assert len(pane._texts) < 100
            await session.press("slash", *"9999")
            await session.until(lambda: len(pane._order) == 1)

    asyncio.run(body())


def test_every_key_of_the_pane_is_explained():
    assert {binding.key for binding in RunsPane.BINDINGS} == {"c", "n", "e", "D", "m"}
    assert all(binding.id and binding.tooltip for binding in RunsPane.BINDINGS)
