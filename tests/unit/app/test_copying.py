"""What y and Y copy of each pane, exact to the last digit, and what they write to files."""

import asyncio
import csv
import io
import shlex
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from textual.widgets import OptionList

from faa_core.records import STATUSES
from faa_tui import clipboard
from faa_tui.cli import main as command_line
from faa_tui.copying import Copy, Export, commands, exact, printable, separated
from faa_tui.screens.copy import CopyScreen
from faa_tui.session import Order, Position


@pytest.fixture(autouse=True)
def bare_terminal(monkeypatch):
    """No desktop and no tmux: the text goes to the terminal, where Textual remembers it."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "TMUX"):
        monkeypatch.delenv(name, raising=False)


async def copied(session, *keys):
    """What is on the clipboard after ``keys``."""
    session.app.copy_to_clipboard("nothing yet")
    await session.press(*keys)
    await session.until(lambda: session.app.clipboard != "nothing yet")
    return session.app.clipboard


async def chosen(session, name):
    """What was copied after that was chosen from the list, whichever way it went."""
    session.app.copy_to_clipboard("nothing yet")
    clipboard.file().unlink(missing_ok=True)
    await session.press("Y")
    screen = session.app.screen
    assert isinstance(screen, CopyScreen)
    place = [offer.name for offer in screen._offers].index(name)
    screen.query_one(OptionList).highlighted = place
    await session.press("enter")
    await session.until(lambda: session.app.clipboard != "nothing yet" or clipboard.file().exists())
    written = clipboard.file()
    return written.read_bytes().decode() if written.exists() else session.app.clipboard


def test_y_copies_the_weight_under_the_cursor_with_its_tokens(start):
    async def body():
        async with start(text="one two three four five six seven eight") as session:
            main = session.app.main
            await session.press("4", "G", "h")
            await session.until(lambda: main._map.reading is not None and main._map.reading.exact)
            query, key = main._map.cursor
            pieces = main.results.tokens.pieces
            weight, first, second = (await copied(session, "y")).split("\t")
            assert float(weight) == pytest.approx(main._map.reading.weight, abs=1e-7)
            assert first == f'query {query} "{pieces[query]}"'
            assert second == f'key {key} "{pieces[key]}"'
            assert "by OSC 52" in "".join(str(one.message) for one in session.app._notifications)
            assert await chosen(session, "weight") == weight

    asyncio.run(body())


def test_y_copies_the_obvious_thing_of_each_pane(start):
    async def body():
        async with start(size=(160, 50)) as session:
            main = session.app.main
            assert await copied(session, "1", "y") == "demo"
            assert await copied(session, "j", "y") == "demo@init"
            session.app.main.statistic = "entropy"
            await session.press("3", "j", "l")
            layer = main.results.layers["decoder", 1]
            row = layer.statistics.row("entropy")
            assert float(await copied(session, "y")) == layer.statistics.value[row, 1]
            name, mean, sees = (await copied(session, "2", "y")).split("\t")
            assert (name, sees) == ("1", "causal")
            assert float(mean) == pytest.approx(layer.statistics.value[row].mean())
            await session.press("5", *"jjjj")
            key = main._statistics.marked_key
            cells = (await copied(session, "y")).split("\t")
            marked = layer.statistics.row(key)
            numbers = (layer.statistics.value, layer.statistics.null)
            assert cells[0] == key
            assert [float(cell) for cell in cells[1:3]] == [one[marked, 1] for one in numbers]
            assert cells[-1] == STATUSES[layer.statistics.status[marked, 1]]
            await session.press("6")
            assert await copied(session, "y") == main.results.tokens.pieces[main._map.cursor[0]]

    asyncio.run(body())


def test_tables_hold_every_digit_and_say_why_a_number_is_missing(start):
    async def body():
        async with start(text="%nan\nwords to look at", layers=2, heads=4) as session:
            await session.press("5")
            text = await chosen(session, "all heads, CSV")
            rows = list(csv.DictReader(io.StringIO(text)))
            layers = session.app.main.results.layers
            assert len(rows) == sum(len(one.statistics.names) * one.info.heads for one in layers.values())
            for row in rows:
                layer = layers[row["kind"], int(row["layer"])]
                value = layer.statistics.value[layer.statistics.row(row["statistic"]), int(row["head"])]
                assert row["value"] == ("" if np.isnan(value) else str(value))
                assert row["value"] or row["status"] != "ok"
            assert any(not row["value"] for row in rows)
            tabs = await chosen(session, "all heads, tabs")
            assert list(csv.reader(io.StringIO(tabs), delimiter="\t")) == list(csv.reader(io.StringIO(text)))

    asyncio.run(body())


def test_the_row_of_a_map_is_that_of_the_query_and_sums_to_one(start):
    async def body():
        async with start() as session:
            await session.press("4")
            main = session.app.main
            await session.until(lambda: main._row_known() is not None)
            text = await chosen(session, "row of the map, tabs")
            rows = list(csv.DictReader(io.StringIO(text), delimiter="\t"))
            assert len(rows) == main._map.cursor[0] + 1  # causal
            assert sum(float(row["weight"]) for row in rows) == pytest.approx(1, abs=2e-3)

    asyncio.run(body())


def test_a_curve_is_copied_as_points_and_as_text(start):
    async def body():
        async with start(size=(160, 50)) as session:
            await session.press("5")
            result, head = session.app.main.results.at(session.app.main.position), session.app.main.position.head
            text = await chosen(session, "points: box counting, tabs")
            points = [(float(row["x"]), float(row["y"])) for row in csv.DictReader(io.StringIO(text), delimiter="\t")]
            counts = {int(count) for count in result.boxes.counts[head] if count}
            assert counts <= {round(np.exp(y)) for _, y in points}
            plot = await chosen(session, "plot: box counting")
            assert "N(s)" in plot
            assert len(plot.splitlines()) == session.app.main._curve.size.height

    asyncio.run(body())


def test_the_commands_give_in_a_shell_what_is_on_the_screen(start):
    order = Order("gpu7:gpt2", 'it\'s -- "so"')
    found = commands(order, Position("encoder", 1, 5))
    assert shlex.split(found["show"]) == ["faa", "show", "gpu7:gpt2", "--map", "e1.5", '--text=it\'s -- "so"']

    async def body():
        async with start() as session:
            await session.press("4", "greater_than_sign")
            assert await chosen(session, "command of the map") == "faa show demo --map 0.1"
            assert await chosen(session, "command of this head") == "faa examine demo 0.1"

    asyncio.run(body())


def test_a_command_that_was_copied_runs(capsys):
    order = Order("demo", "some words, and some words again")
    line = shlex.split(commands(order, Position("decoder", 1, 5))["show"])
    assert line.pop(0) == "faa"
    assert command_line.main(line) == 0
    assert "layer 1 head 5" in capsys.readouterr().out


def test_the_list_names_everything_once_and_esc_copies_nothing(start):
    async def body():
        async with start() as session:
            for pane in "123456":
                await session.press(pane, "Y")
                names = [offer.name for offer in session.app.screen._offers]
                assert len(names) == len(set(names))
                assert isinstance(session.app.screen._offers[0], Copy)
                assert names[-1] == "screen as SVG"
                session.app.copy_to_clipboard("before")
                await session.press("escape")
                assert session.app.clipboard == "before"

    asyncio.run(body())


def test_the_map_is_written_as_an_svg(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def body():
        async with start(text="one <two> three & four") as session:
            await session.press("4", "Y")
            offers = session.app.screen._offers
            place = next(at for at, one in enumerate(offers) if isinstance(one, Export) and one.action == "map_picture")
            session.app.screen.query_one(OptionList).highlighted = place
            await session.press("enter")
            await session.until(lambda: list(tmp_path.glob("*.svg")))
            (file,) = tmp_path.glob("*.svg")
            assert file.name == "faa-demo-0.0.svg"
            root = ElementTree.fromstring(file.read_text(encoding="utf-8"))
            texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
            assert any("head 0.0" in text for text in texts)
            assert any("<two>" in text for text in texts)
            (image,) = root.iter("{http://www.w3.org/2000/svg}image")
            assert image.get("href").startswith("data:image/png;base64,")

    asyncio.run(body())


def test_what_is_too_long_for_the_terminal_is_told_with_its_file(start, tmp_path):
    async def body():
        async with start(text="%layers 40\nsome words") as session:
            await session.press("3", "Y")
            screen = session.app.screen
            place = [offer.name for offer in screen._offers].index("all heads, CSV")
            screen.query_one(OptionList).highlighted = place
            await session.press("enter")
            file = tmp_path / "state" / "faa" / "copied.txt"
            await session.until(file.exists)
            await session.until(lambda: "too long" in "".join(str(one.message) for one in session.app._notifications))
            assert file.read_text().startswith("kind,layer,head,label,statistic")

    asyncio.run(body())


def test_the_table_of_heads_and_the_list_of_runs_give_their_rows(start):
    async def body():
        async with start(size=(160, 50), layers=2, heads=3) as session:
            main = session.app.main
            await session.press("7", "j")
            cells = (await copied(session, "y")).split("\t")
            assert cells[0] == f"{main.position.layer}.{main.position.head}"
            layer = main.results.at(main.position)
            assert [float(cell) for cell in cells[2:] if cell] == [
                value for value in layer.statistics.value[:, main.position.head] if np.isfinite(value)
            ]
            rows = list(csv.reader(io.StringIO(await chosen(session, "table, CSV"))))
            assert rows[0][:2] == ["head", "label"]
            assert len(rows) == 1 + 6
            await session.until(lambda: main.runs.marked is not None)
            await session.press("8")
            assert (await copied(session, "y")).split("\t")[0] == str(main.runs.marked.id)
            assert await chosen(session, "command of the run") == f"faa runs show {main.runs.marked.id}"

    asyncio.run(body())


def test_before_the_first_run_there_is_a_word_instead(start):
    async def body():
        async with start(text="%long 9\nsome words", wait=False) as session:
            await session.until_phase("FAILED")
            session.app.copy_to_clipboard("before")
            await session.press("escape", "3", "y")
            assert session.app.clipboard == "before"
            assert "nothing to copy" in "".join(str(one.message) for one in session.app._notifications)
            assert await copied(session, "1", "y") == "demo"

    asyncio.run(body())


def test_the_pair_that_is_looked_at_is_copied_from_a_comparison(start):
    async def body():
        async with start(size=(160, 50), others=("demo@init",), wait=False) as session:
            await session.until(lambda: session.app.desk is not None and session.app.desk.screen.comparison is not None)
            screen = session.app.desk.screen
            await session.until(lambda: screen.pair_index is not None and session.app.at_rest)
            await session.press("6")
            index, comparison = screen.pair_index, screen.comparison
            row = comparison.differences.row(screen.statistic)
            cells = (await copied(session, "y")).split("\t")
            assert cells[:2] == ["L0H0", "L0H0"]
            assert float(cells[7]) == comparison.differences.difference[row, index]
            assert float(await copied(session, "1", "y")) == comparison.differences.difference[row, index]
            table = await chosen(session, "pairs, CSV")
            assert len(table.splitlines()) == 1 + len(comparison.matching.pairs)
            assert await chosen(session, "command of the comparison") == "faa compare demo demo@init"
            await session.press("2")
            await session.until(lambda: screen._maps[0].reading is not None)
            assert float((await copied(session, "y")).removeprefix("≤")) >= 0

    asyncio.run(body())


def test_cells_are_exact_and_harmless():
    assert exact(np.float32(0.1)) == "0.1"
    assert exact(1 / 3) == "0.3333333333333333"
    assert exact(float("nan")) == ""
    assert separated([("a\tb", "line\nfeed", "\x1b[201~")], "\t") == "a␉b\tline⏎feed\t␛[201~\n"
    assert printable("tab\tand\nline \x1b[201~ \x9b é 雪") == "tab\tand\nline ␛[201~ \\u{9b} é 雪"
