"""The table of all heads by itself: what its rows say, and that only those on screen are put into words."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from faa_core.catalogue import BY_KEY
from faa_core.findings import HeadTests, LayerTest
from faa_core.records import Label, LayerInfo, Statistics, status_code
from faa_tui.rendering.head_rows import head_rows
from faa_tui.row_filter import FilterError, matching
from faa_tui.session import Position
from faa_tui.widgets.heads_table import HeadsTable
from faa_tui.widgets.row_grid import RowGrid

D0 = BY_KEY["D0"]
NAMES = ("D0", "entropy", "sink", "sink_position")
LABELS = ("induction", "previous token", "mixed", "vertical")


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def made(layer):
    """Layers of heads whose D0 is 1.00, 1.01, ..., every fourth one a slope and no dimension."""

    def make(layers=2, heads=4, names=NAMES):
        found = []
        for index in range(layers):
            value = np.tile(np.arange(heads) / 100 + 1, (len(names), 1))
            status = np.zeros(value.shape, np.uint8)
            value[0, 3::4], status[0, 3::4] = np.nan, status_code("no_scaling")
            boxes = layer(4).boxes
            fields = {name: np.repeat(getattr(boxes, name), heads, 0) for name in ("counts", "first", "last")}
            boxes = msgspec.structs.replace(boxes, **fields, effective=np.full(heads, 1.25))
            found.append(
                msgspec.structs.replace(
                    layer(4),
                    info=LayerInfo("decoder", index, heads, "causal"),
                    statistics=Statistics(names, value, np.full_like(value, 1.9), np.full_like(value, 0.1), status),
                    labels=tuple(Label(LABELS[head % 4], "x", 0.5, 0.4) for head in range(heads)),
                    boxes=boxes,
                )
            )
        return found

    return make


def said(table, row):
    return {column.key: column.text(row) for column in table.columns}


def chosen(text, table):
    return np.flatnonzero(matching(text, table.filter)).tolist()


def test_a_row_has_every_statistic_of_its_head(made):
    table = head_rows(made(), D0)
    assert said(table, 5) == {
        "head": "1.1",
        "label": "previous token",
        "score": ".50",
        "D0": "1.01",
        "delta D0": "−.89",
        "entropy": "1.010",
        "sink": "1.010",
        "sink_position": "1",
        "status": "ok",
    }
    assert said(table, 2)["score"] == "·"  # no rule holds, and what does not hold has no score
    assert [column.key for column in table.columns if column.marked] == ["delta D0"]
    assert table.keys[5] == Position("decoder", 1, 1)


def test_a_slope_is_in_parentheses_satisfies_nothing_and_comes_after_dimensions(made):
    table = head_rows(made(1), D0)
    assert (said(table, 3)["D0"], said(table, 3)["delta D0"]) == ("(1.25)", "(−.65)")
    assert said(table, 3)["status"] == "no scaling"
    assert chosen("D0<1.8", table) == [0, 1, 2]
    column = next(column for column in table.columns if column.key == "D0")
    assert column.rows(True).tolist() == [2, 1, 0, 3]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("label=induction layer>=1", [4]),
        ("D<1.005", [0, 4]),
        ("dD0<-.885", [0, 1, 4, 5]),
        ("Δd0<-.885", [0, 1, 4, 5]),
        ("h>1.025", [3, 7]),
        ("entr>1.025", [3, 7]),
        ("sink>1.025", [3, 7]),
        ("sinkat>1.025 head=3", [3, 7]),
        ("status=no_scaling", [3, 7]),
        ("previous", [1, 5]),
        ("L1", [4, 5, 6, 7]),
        ("0.2", [2]),
    ],
)
def test_filters_know_symbols_and_keys_in_any_case(made, text, rows):
    assert chosen(text, head_rows(made(), D0)) == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s>1", "'s' begins "),
        ("entorpy>1", "did you mean entropy?"),
        ("q<.05", "not tested"),
    ],
)
def test_what_a_filter_does_not_know_is_explained(made, text, message):
    table = head_rows(made(), D0)
    with pytest.raises(FilterError) as caught:
        matching(text, table.filter)
    assert message in str(caught.value)


def test_q_of_tested_heads_can_be_asked_and_discoveries_stand_out(made):
    layers, nothing = made(2), np.zeros(4)
    parts = [
        LayerTest(one.info, nothing, nothing, nothing, nothing, nothing, np.array([0.01, 0.2, np.nan, 0.04]), nothing)
        for one in layers
    ]
    table = head_rows(layers, D0, (HeadTests("D1", "rotation", 199, 0, tuple(parts)),))
    assert chosen("q<.05", table) == [0, 3, 4, 7] == np.flatnonzero(table.strong).tolist()
    assert said(table, 0)["q D1"] == ".010"


def test_a_layer_that_lacks_a_statistic_has_it_undefined(made):
    table = head_rows([made(1)[0], *made(2, names=("D0", "entropy"))[1:]], D0)
    assert said(table, 0)["sink"] == "1.000"
    assert said(table, 4)["sink"] == "·"
    assert chosen("sink>0", table) == [0, 1, 2, 3]


def test_of_thousands_of_heads_only_those_on_screen_are_put_into_words(drive, made):
    async def scenario(app, pilot):
        app.widget.show(made(80, 64), D0, (), Position("decoder", 0, 0))
        await pilot.pause()
        assert len(app.widget._texts) <= app.size.height
        await pilot.press("G", "g", "s", "S", "s")
        await pilot.press("slash", *"D<1.3")
        await pilot.pause()
        assert len(app.widget._texts) <= app.size.height
        assert "of 5120 heads" in str(app.widget.query("Static").last().content)

    drive(HeadsTable(), scenario)


@pytest.mark.parametrize("size", [(46, 8), (80, 24), (200, 50)])
def test_the_lines_are_as_wide_as_the_pane(drive, made, size):
    async def scenario(app, pilot):
        app.widget.show(made(), D0, (), Position("decoder", 1, 1))
        await pilot.pause()
        grid = app.widget.query_one(RowGrid)
        assert {strip.cell_length for strip in grid.render_lines(grid.size.region)} == {size[0]}
        assert grid.row == 5
        await pilot.press("down")
        assert [message.key for message in app.sent] == [Position("decoder", 1, 2)]

    drive(HeadsTable(), scenario, size)
