"""Several texts as a set: run one after another, gone through, and their mean beside its interval."""

import asyncio
import contextlib

import msgspec
import numpy as np

from faa_core.catalogue import RUN_KEYS
from faa_core.store import Store
from faa_tui import messages, paths
from faa_tui.screens.open_texts import OpenTexts
from faa_tui.text_set import MEAN
from faa_tui.widgets.heat_map import MapAddress

TEXTS = ("one two three four five", "six seven eight nine", "a b c d e f g")


@contextlib.asynccontextmanager
async def of_set(start, tmp_path, size=(120, 40), texts=TEXTS, wait=True, **options):
    """The application on a set of texts, typed as a person would."""
    folder = tmp_path / "set"
    folder.mkdir(exist_ok=True)
    for index, text in enumerate(texts):
        (folder / f"{index}.txt").write_text(text)
    async with start("first of all", size=size, **options) as session:
        await session.press("F")
        screen = session.app.screen
        await session.until(lambda: "sample texts that come with faa" in session.text)
        screen.query_one("#path-line").value = str(folder)
        await session.until(lambda: screen._listed_for == str(folder))
        await session.press("enter")
        await session.until(lambda: session.app.texts is not None)
        if wait:
            await session.until(lambda: session.app.texts.means is not None and session.app.main.is_drawn)
        yield session


def said(session):
    """What the user was told."""
    return "\n".join(toast.message for toast in session.app._notifications)


def kept_runs():
    with Store(paths.runs()) as store:
        return [(entry.kind, entry.texts and len(entry.texts)) for entry in store.entries()]


def test_all_texts_are_run_and_their_mean_shows_with_its_interval(start, size, tmp_path):
    async def body():
        async with of_set(start, tmp_path, size) as session:
            app = session.app
            assert app.texts.at == MEAN
            assert "mean of 3 texts" in session.text
            means = app.main.results.means
            assert means.tokens == (5, 4, 7)
            row = means.layers[0].names.index("entropy")
            values = [member.results.layers["decoder", 0].statistics.value for member in app.texts.members]
            at = RUN_KEYS.index("entropy")
            assert np.allclose(means.layers[0].mean[row], np.mean([value[at] for value in values], 0))
            assert "Maps and curves belong to single" in session.text
            if size[1] > 24:
                assert "Mean of 3 texts" in session.text
                await session.press("5", *"jjjj")
                assert "95% over" in session.text

    asyncio.run(body())


def test_the_matrix_of_heads_shows_the_means(start, tmp_path):
    async def body():
        async with of_set(start, tmp_path, (200, 50)) as session:
            session.app.main.statistic = "entropy"
            await session.pilot.pause()
            means = session.app.main.results.means.layers
            row = means[0].names.index("entropy")
            assert np.allclose(session.app.main._matrix._values, [layer.mean[row] for layer in means], equal_nan=True)
            await session.press("7", "end")
            await session.until(lambda: "32 heads" in session.text)
            shown = f"{means[-1].mean[row][-1]:.3f}".removeprefix("0")
            assert any("│3.7 " in line and f" {shown} " in line for line in session.text.splitlines())

    asyncio.run(body())


def test_parentheses_go_through_texts_and_mean_and_a_result_that_is_here_shows_at_once(start, tmp_path):
    async def body():
        async with of_set(start, tmp_path) as session:
            app, before = session.app, session.app.run_number
            await session.press(")")
            assert app.main.results is app.texts.members[0].results
            assert app.order.text == TEXTS[0]
            await session.until(lambda: app.main._map.has_overview(MapAddress(app.main.results.run, "decoder", 0, 0)))
            await session.press(")", ")")
            assert app.main.results.text == TEXTS[2]
            await session.press(")")
            assert app.main.results.means is not None
            await session.press("(")
            assert app.main.results.text == TEXTS[2]
            assert "text 3 of 3" in session.text
            assert app.run_number < before  # nothing was run again

    asyncio.run(body())


def test_the_set_is_kept_as_the_command_keeps_it(start, tmp_path):
    async def body():
        async with of_set(start, tmp_path) as session:
            number = session.app.texts.members[1].number
            await session.until(lambda: session.app.history.number_of(number) is not None)

    asyncio.run(body())
    assert kept_runs() == [("texts", 3), ("analysis", 1)]
    with Store(paths.runs()) as store:
        whole = store.entries()[0]
        assert [part.place for part in store.parts(whole.id)] == [0, 1, 2]
        assert store.analysis(store.parts(whole.id)[2].run).text == TEXTS[2]


def test_esc_stops_the_set_with_means_over_what_is_measured_and_r_goes_on(start, tmp_path):
    gate = tmp_path / "gate"
    texts = (*TEXTS[:2], f"%wait {gate}\nsome words here", TEXTS[2])

    async def body():
        async with of_set(start, tmp_path, texts=texts, wait=False) as session:
            app = session.app
            await session.until(lambda: (tmp_path / "gate.begun").exists())
            await session.press("(")
            assert app.main.results.text == TEXTS[1]  # while another one runs
            assert "text 3:" in session.text
            await session.press(")")
            await session.press("escape")
            await session.until(lambda: app.texts.means is not None)
            assert app.phase.name in ("CANCELLED", "DONE")
            assert len(app.main.results.means.tokens) == 2
            gate.touch()
            await session.press("r", "(")
            await session.until(lambda: app.texts.means is not None and len(app.texts.means.means.tokens) == 4)
            assert len(app.texts.done) == 4
            assert app.main.results is not app.texts.means  # the user had left for another text
            assert (app.run_number, app.order.text) == (app.main.results.run, app.main.results.text)

    asyncio.run(body())


def test_a_set_that_is_gone_on_with_stays_one_entry_that_grows(start, tmp_path):
    gate = tmp_path / "gate"
    texts = (TEXTS[0], f"%wait {gate}\nsome words here", TEXTS[1], f"%wait {gate}.2\nother words", TEXTS[2])

    async def body():
        async with of_set(start, tmp_path, texts=texts, wait=False) as session:
            app = session.app

            def listed():
                return [(row.id, row.kind, row.texts) for row in app.main.runs._runs.values()]

            await session.until((tmp_path / "gate.begun").exists)
            await session.press("escape")  # one text is measured: no mean of it
            await session.until(lambda: listed()[:1] == [(2, "analysis", 1)])
            gate.touch()
            await session.press("r")
            await session.until((tmp_path / "gate.2.begun").exists)
            await session.press("escape")
            await session.until(lambda: listed() == [(3, "texts", 3), (1, "analysis", 1)])
            await session.until(lambda: app.main.results is app.texts.means and app.main.runs._shown == 3)
            (tmp_path / "gate.2").touch()
            await session.press("r")
            await session.until(lambda: listed() == [(3, "texts", 5), (1, "analysis", 1)])
            # What is on the screen is what the next start brings back.
            await session.until(lambda: app.main.results is app.texts.means and len(app.texts.means.means.tokens) == 5)
            assert app._state.run == 3

    asyncio.run(body())
    assert kept_runs() == [("texts", 5), ("analysis", 1)]
    with Store(paths.runs()) as store:
        assert store.replication(3).tokens == (5, 5, 4, 4, 7)
        assert store.entry(3).tokens == (5, 5, 4, 4, 7)
        assert [store.analysis(part.run).text for part in store.parts(3)] == list(texts)
        assert {entry.part_of for entry in store.entries(parts=True)} == {None, 3}
        assert set(store.delete([3])) == {2, 3, 4, 5, 6, 7}


def test_c_compares_two_models_over_the_set_with_the_runs_that_are_there(start, tmp_path):
    async def body():
        async with of_set(start, tmp_path) as session:
            app = session.app
            await session.press("c")  # over the one text of before the set, were it not shown
            assert "compared over the 3 texts of the set" in said(session)
            comparing = app.desk.comparing
            assert comparing.texts == TEXTS
            numbers = [member.number for member in app.texts.members]
            assert [run.number for run in comparing.sides[0].runs] == numbers
            await session.until(lambda: 1 in comparing.comparisons and len(comparing.comparisons[1].segments) == 3)
            assert np.isfinite(comparing.comparisons[1].differences.low).any()
            await session.until(lambda: any(kind == "comparison" for kind, _ in kept_runs()))
            fewer = msgspec.structs.replace(
                comparing.comparisons[1], segments=(5,)
            )  # worked out while a text was missing
            app.on_compared(messages.Compared(fewer, 1, comparing.edition))
            await app.history.entries()
            assert [kind for kind, _ in kept_runs()].count("comparison") == 1
            await session.press("escape", "c")
            assert app.desk.comparing is comparing  # the one there was
            await session.press("escape")
            for number in numbers:  # as a worker does that needs the room
                app.fleet.link("").release(number)
            app.desk = None
            await session.press("c")
            comparing = app.desk.comparing
            await session.until(lambda: 1 in comparing.comparisons and len(comparing.comparisons[1].segments) == 3)
            assert np.isfinite(comparing.comparisons[1].divergence).all()
            assert not set(numbers) & {run.number for run in comparing.sides[0].runs}

    asyncio.run(body())


def test_a_set_is_bounded_by_the_memory_that_its_numbers_take():
    texts = tuple("a few words" for _ in range(500))
    assert [OpenTexts(heads)._most(texts) for heads in (0, 32, 144, 1024)] == [50, 500, 355, 50]
    assert OpenTexts(32)._most(("x" * 20_000,) * 500) == 157


def test_a_worker_that_dies_stops_the_set_and_loses_nothing_that_is_measured(start, tmp_path):
    async def body():
        async with of_set(start, tmp_path, texts=(*TEXTS[:2], "%die\nhere", TEXTS[2])) as session:
            app = session.app
            assert "mean of 2 of 4" in session.text
            await session.until(lambda: not app.worker("").ready)
            await session.press(")", "2")
            assert app.main.results.text == TEXTS[0]
            assert "[r] run again" in session.text

    asyncio.run(body())


def test_a_text_that_is_too_long_does_not_stop_the_others(start, tmp_path):
    async def body():
        async with of_set(start, tmp_path, texts=(TEXTS[0], "%long\nmuch too long", TEXTS[1])) as session:
            app = session.app
            assert app.texts.failed == [1]
            assert len(app.main.results.means.tokens) == 2
            assert "Text 2: The text has 600 tokens" in said(session)
            await session.press(")", ")")
            assert app.main.results.text == TEXTS[1]  # past the one that has nothing to show

    asyncio.run(body())


def test_a_run_that_the_worker_let_go_is_run_again_when_it_is_looked_at(start, tmp_path):
    async def body():
        async with of_set(start, tmp_path) as session:
            app, member = session.app, session.app.texts.members[1]
            former = member.number
            await session.until(lambda: app.at_rest)
            app.fleet.link("").release(former)  # as a worker does that needs the room
            await session.press(")", ")")
            await session.until(lambda: member.number != former and member.done)
            await session.until(lambda: app.main._map.has_overview(MapAddress(member.number, "decoder", 0, 0)))
            assert app.main.results.text == TEXTS[1]

    asyncio.run(body())


def test_another_text_ends_the_set_and_another_model_takes_it_over(start, tmp_path):
    async def body():
        async with of_set(start, tmp_path) as session:
            app = session.app
            numbers = [member.number for member in app.texts.members]
            app.open_reference("demo@init")
            await session.until(lambda: app.texts.means is not None and app.texts.reference == "demo@init")
            assert app.main.results.means.model.reference == "demo@init"
            assert not any(app.fleet.holds(number) for number in numbers)
            await session.press("t", "ctrl+r")
            await session.until(lambda: app.texts is None and app.phase.name == "DONE")
            await session.press(")")
            assert "There is one text" in said(session)

    asyncio.run(body())


def test_what_is_measured_is_kept_when_the_application_is_left_in_the_middle(start, tmp_path):
    gate = tmp_path / "gate"

    async def body():
        async with of_set(start, tmp_path, texts=(TEXTS[0], f"%wait {gate}\nsome words"), wait=False) as session:
            await session.until(lambda: (tmp_path / "gate.begun").exists())
            number = session.app.texts.members[0].number
            session.app.keep_measured()
            await session.until(lambda: session.app.history.number_of(number) is not None)
            gate.touch()

    asyncio.run(body())


def test_a_report_of_the_mean_is_one_over_texts(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def body():
        async with of_set(start, tmp_path) as session:
            await session.press("e")
            await session.until(lambda: list(tmp_path.glob("*.html")))

    asyncio.run(body())
    assert "over 3 texts" in next(tmp_path.glob("*.html")).read_text()


def test_no_key_breaks_a_mean(start, tmp_path):
    keys = ["7", "/", "i", "escape", *"123456785][><sxvVdbB{}CRzz", "y", "escape", "Y", "escape", "i", "escape"]
    keys += ["6", *"fnjkhlgG", "4", *"hjklg0", "c", "escape"]

    async def body():
        async with of_set(start, tmp_path, (80, 24)) as session:
            for key in keys:
                await session.press(key)
            await session.until(lambda: session.app.main.is_drawn)
            while len(session.app.screen_stack) > 1:
                await session.press("escape")
            assert session.app.main.results.means is not None

    asyncio.run(body())
