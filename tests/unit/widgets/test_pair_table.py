from __future__ import annotations

import math

import pytest
from rich.cells import cell_len

from faa_core.comparison.records import Head
from faa_tui.rendering.pair_rows import (
    PAIR_COLUMNS,
    PAIR_FILTER,
    columns_for,
    head_name,
    number,
    pair_rows,
    sorted_rows,
)
from faa_tui.row_filter import parse
from faa_tui.widgets.pair_table import PairTable
from faa_tui.widgets.row_grid import RowGrid


def column(key):
    return next(column for column in PAIR_COLUMNS if column.key == key)


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
    return [message.index for message in app.sent]


def test_a_row_has_the_numbers_of_its_pair(comparison):
    made = comparison()
    rows = pair_rows(made, "entropy")
    assert len(rows) == 32
    assert (rows[9].a, rows[9].b) == (Head("decoder", 1, 1), Head("decoder", 1, 6))
    assert rows[9].difference == made.differences.difference[0, 9]
    assert rows[9].divergence == made.divergence[9]
    assert math.isnan(rows[5].value_a)
    assert all(math.isnan(row.value_a) and math.isnan(row.q) for row in pair_rows(made, "D0"))
    assert [head_name(Head(kind, 3, 11)) for kind in ("decoder", "encoder", "cross")] == ["L3H11", "eL3H11", "xL3H11"]


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
    rows = pair_rows(comparison(), "entropy")
    for falling in (True, False):
        found = sorted_rows(rows, column("d"), falling)
        assert found[-1].index == 5
        sizes = [abs(row.difference) for row in found[:-1]]
        assert sizes == sorted(sizes, reverse=falling)
    assert [row.index for row in sorted_rows(rows, None, False)] == list(range(32))


@pytest.mark.parametrize("width", [10, 30, 60, 80, 120, 200])
def test_the_weightiest_columns_stay(width):
    found = columns_for(width)
    assert {"heads", "partners", "d"} <= {one.key for one in found}
    if width >= 30:
        assert sum(one.width + 1 for one in found) - 1 <= width
    if width >= 120:
        assert found == PAIR_COLUMNS


def test_a_filter_knows_labels_heads_and_numbers(comparison):
    rows = pair_rows(comparison(), "entropy")
    wanted = parse("layer=2 q<.05 |d|>.2", PAIR_FILTER)
    assert [row.index for row in rows if wanted(row)] == [
        row.index for row in rows if row.a.layer == 2 and row.q < 0.05 and abs(row.difference) > 0.2
    ]
    assert [row.index for row in rows if parse("L2H3", PAIR_FILTER)(row)] == [19, 20]


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
        app.widget.sort_by(column("d"))
        await pilot.pause()
        assert app.widget.selected == 3
        assert "B−A▼" in head(app)
        largest = max((d, at) for at, d in enumerate(abs(made.differences.difference[0])) if d == d)[1]
        assert shown(app)[0].startswith(f"L{largest // 8}H{largest % 8} ")
        await pilot.press("S")
        assert "B−A▲" in head(app)
        assert "smallest first" in note(app)
        seen = set()
        for _ in range(len(columns_for(80)) + 1):
            await pilot.press("s")
            seen.add(head(app))
            assert app.widget.selected == 3
        assert len(seen) == len(columns_for(80)) + 1
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
