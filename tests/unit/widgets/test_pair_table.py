from __future__ import annotations

import math

import numpy as np
import pytest
from rich.cells import cell_len

from faa_core.catalogue import BY_KEY
from faa_core.comparison.records import Head
from faa_tui.head_address import named
from faa_tui.rendering.pair_rows import columns_for, pair_table
from faa_tui.rendering.row_table import joined_width, number
from faa_tui.row_filter import matching
from faa_tui.widgets.pair_table import PairTable
from faa_tui.widgets.row_grid import RowGrid

ENTROPY = BY_KEY["entropy"]


def column(table, key):
    return next(column for column in table.columns if column.key == key)


def words(table, row):
    return {column.key: column.text(row) for column in table.columns}


def shown(app):
    """Lines of the grid, without its head and without empty ones."""
    grid = app.widget.query_one(RowGrid)
    return [line for strip in grid.render_lines(grid.size.region)[1:] if (line := strip.text.rstrip())]


def head(app):
    grid = app.widget.query_one(RowGrid)
    return grid.render_lines(grid.size.region)[0].text


def note(app):
    return str(app.widget.query("Static").last().content)


def picked(app):
    return [message.key for message in app.sent]


def test_a_row_has_the_numbers_of_its_pair(comparison):
    made = comparison()
    table = pair_table(made, ENTROPY)
    assert len(table.keys) == 32
    found = words(table, 9)
    assert (found["heads"], found["partners"]) == ("L1H1", "L1H6")
    assert found["d"] == number(made.differences.difference[0, 9], 3, True)
    assert found["js"] == number(made.divergence[9], 3)
    assert words(table, 5)["a"] == "·"
    assert math.isnan(column(table, "a").order[5])
    assert all(row["a"] == row["q"] == "·" for row in (words(pair_table(made, BY_KEY["D0"]), at) for at in range(32)))
    assert [named(kind, 3, 11) for kind in ("decoder", "encoder", "cross")] == ["L3H11", "eL3H11", "xL3H11"]


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [
        (0.25, 2, False, ".25"),
        (-0.254, 2, True, "−.25"),
        (0.999, 2, True, "+1.00"),
        (12.3456, 3, False, "12.346"),
        (-0.001, 2, True, "+.00"),
        (float("nan"), 2, False, "·"),
    ],
)
def test_numbers_are_short(value, digits, signed, text):
    assert number(value, digits, signed) == text


def test_undefined_rows_come_last_either_way(comparison):
    made = comparison()
    by_size = column(pair_table(made, ENTROPY), "d")
    for falling in (True, False):
        found = by_size.rows(falling)
        assert found[-1] == 5
        sizes = np.abs(made.differences.difference[0, found[:-1]]).tolist()
        assert sizes == sorted(sizes, reverse=falling)


def test_rows_that_are_alike_keep_their_order_either_way(comparison):
    table = pair_table(comparison(), ENTROPY)
    for falling in (True, False):
        found = column(table, "label_a").rows(falling)
        labels = [words(table, row)["label_a"] for row in found]
        assert labels == sorted(labels, reverse=falling)
        first = [row for row, label in zip(found, labels, strict=True) if label == labels[0]]
        assert len(first) == 8
        assert first == sorted(first)


def test_the_other_heads_have_an_order_of_their_own(comparison):
    table = pair_table(comparison(), ENTROPY)
    assert column(table, "partners").rows(False).tolist()[:8] == [7, 6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("width", [10, 30, 60, 80, 120, 200])
def test_the_weightiest_columns_stay(comparison, width):
    every = pair_table(comparison(), ENTROPY).columns
    found = columns_for(every, width)
    assert {"heads", "partners", "d"} <= {one.key for one in found}
    if width >= 30:
        assert joined_width(found) <= width
    if width >= 120:
        assert found == every


def test_a_filter_knows_labels_heads_and_numbers(comparison):
    made = comparison()
    table = pair_table(made, ENTROPY)
    differences, pairs = made.differences, made.matching.pairs

    def chosen(text):
        return np.flatnonzero(matching(text, table.filter)).tolist()

    assert chosen("layer=2 q<.05 |d|>.2") == [
        row
        for row in range(32)
        if pairs[row].a.layer == 2 and differences.q[0, row] < 0.05 and abs(differences.difference[0, row]) > 0.2
    ]
    assert chosen("L2H3") == [19, 20]
    assert chosen("label=induction") == [
        row for row in range(32) if "induction" in (made.labels_a[row], made.labels_b[row])
    ]
    assert pairs[19].a == Head("decoder", 2, 3)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_every_pair_has_a_line_as_wide_as_the_pane(drive, comparison, size):
    async def scenario(app, pilot):
        app.widget.show(comparison(), "entropy", 3)
        await pilot.pause()
        grid = app.widget.query_one(RowGrid)
        lines = [strip.text for strip in grid.render_lines(grid.size.region)]
        assert {cell_len(line) for line in lines} == {size[0]}
        assert lines[1].startswith("L0H0    L0H7")
        assert "B−A" in lines[0]
        assert "32 pairs" in note(app)
        assert lines[6].count("·") >= 2  # undefined

    drive(PairTable(), scenario, size)


def test_moving_selects_and_showing_does_not(drive, comparison):
    async def scenario(app, pilot):
        made = comparison()
        app.widget.show(made, "entropy", 3)
        await pilot.press("down", "j", "k")
        assert picked(app) == [4, 5, 4]
        app.widget.show(made, "entropy", 20)
        assert app.widget.selected == 20
        await pilot.press("enter")
        assert picked(app) == [4, 5, 4, 20]
        await pilot.press("G", "g", "pagedown")
        assert picked(app)[-3:-1] == [31, 0]
        await pilot.click(app.widget, offset=(3, 4))
        assert app.widget.selected == picked(app)[-1]

    drive(PairTable(), scenario)


def test_sorting_keeps_the_pair(drive, comparison):
    async def scenario(app, pilot):
        made = comparison()
        app.widget.show(made, "entropy", 3)
        await pilot.pause()
        app.widget.sort_by("d")
        await pilot.pause()
        assert app.widget.selected == 3
        assert "B−A▼" in head(app)
        largest = max((d, at) for at, d in enumerate(abs(made.differences.difference[0])) if d == d)[1]
        assert shown(app)[0].startswith(f"L{largest // 8}H{largest % 8} ")
        await pilot.press("S")
        assert "B−A▲" in head(app)
        assert "smallest first" in note(app)
        seen = set()
        count = len(columns_for(pair_table(made, ENTROPY).columns, 80))
        for _ in range(count + 1):
            await pilot.press("s")
            seen.add(head(app))
            assert app.widget.selected == 3
        assert len(seen) == count + 1
        assert not picked(app)
        await pilot.click(app.widget, offset=(1, 0))
        assert "A▲" in head(app)

    drive(PairTable(), scenario, (80, 40))


def test_a_filter_narrows_explains_its_faults_and_is_cleared(drive, comparison):
    async def scenario(app, pilot):
        app.widget.show(comparison(), "entropy", 3)
        await pilot.pause()
        await pilot.press("slash", *"layer=2")
        await pilot.pause()
        assert len(shown(app)) == 8
        assert "8 of 32 pairs" in note(app)
        await pilot.press("space", *"jss")
        await pilot.press("greater_than_sign")
        await pilot.pause()
        assert "did you mean js?" in note(app)
        assert len(shown(app)) == 8  # by the words before it
        await pilot.press("escape")
        await pilot.pause()
        assert len(shown(app)) > 8
        assert "32 pairs" in note(app)
        assert app.widget.query_one(RowGrid).has_focus
        assert app.widget.selected == 3

    drive(PairTable(), scenario)


def test_a_kept_filter_is_named_and_escape_is_left_alone_without_one(drive, comparison):
    async def scenario(app, pilot):
        app.widget.show(comparison(), "entropy", 3)
        await pilot.pause()
        assert not app.widget.check_action("clear_filter", ())
        await pilot.press("slash", *"layer=2", "enter")
        await pilot.pause()
        assert app.widget.query_one(RowGrid).has_focus
        await pilot.press("down")
        assert picked(app) == [16]
        assert app.widget.check_action("clear_filter", ())
        app.widget.show(comparison(), "entropy", 16)  # another comparison keeps the filter
        await pilot.pause()
        assert len(shown(app)) == 8
        await pilot.press("escape")
        await pilot.pause()
        assert "32 pairs" in note(app)
        await pilot.press("slash", "enter")
        assert not app.widget.query("Input.-open")

    drive(PairTable(), scenario)


def test_nothing_yet_and_one_text(drive, comparison):
    async def scenario(app, pilot):
        app.widget.show(None, "entropy")
        await pilot.press("down", "enter", "S", "S")
        assert not app.sent
        assert "appear" in note(app)
        app.widget.show(comparison(texts=1), "entropy", None)
        await pilot.pause()
        assert "·" in shown(app)[0]
        await pilot.press("down")
        assert picked(app) == [0]

    drive(PairTable(), scenario, (120, 40))


def test_thousands_of_pairs_are_put_into_words_as_they_come_into_sight(drive, comparison):
    async def scenario(app, pilot):
        app.widget.show(comparison(layers=160), "entropy", 3)
        await pilot.press("G", "g")
        await pilot.pause()
        assert len(app.widget._texts) < 100

    drive(PairTable(), scenario)


def test_discoveries_stand_out(drive, comparison):
    async def scenario(app, pilot):
        made = comparison()
        app.widget.show(made, "entropy", None)
        await pilot.pause()
        grid = app.widget.query_one(RowGrid)
        for index, strip in enumerate(grid.render_lines(grid.size.region)[1:]):
            style = next(iter(strip)).style
            if index < 20:
                assert bool(style.bold) == (made.differences.q[0, index] < 0.05)

    drive(PairTable(), scenario)


@pytest.mark.parametrize("pane", [(1, 1), (10, 3), (25, 7)])
def test_panes_of_any_size(drive, comparison, pane):
    async def scenario(app, pilot):
        app.widget.show(comparison(), "entropy", 3)
        await pilot.press("down", "s", "slash", "escape")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert len(shown(app)) == 22

    drive(PairTable(), scenario, pane)
