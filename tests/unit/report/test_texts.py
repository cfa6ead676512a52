"""A report of one model over several texts: means with intervals, and the first text to look at."""

from __future__ import annotations

import csv
import io
import json
from base64 import b64decode

import msgspec
import numpy as np
import pytest

from faa_core.records import Label
from faa_core.replication import replicate
from faa_core.report import ReplicatedPart, Report, chosen_over_texts
from faa_core.report.raw import downloads
from faa_core.report.sentences_of_texts import mean_statement, texts_sentences
from faa_core.report.tables_of_texts import mean_matrices, means_table


@pytest.fixture
def runs(run_of):
    """Four texts; the slope of every head is 1.2, 1.3, 1.4 and 1.5 on them, and more by the layer and the head."""
    return [
        run_of(("one", " two", f" {place}") * 5, dimension=1.2 + 0.1 * place, label="previous token")
        for place in range(4)
    ]


@pytest.fixture
def replication(runs):
    return replicate(runs)


def test_a_mean_stands_beside_even_attention_with_its_interval(replication) -> None:
    said = mean_statement(replication.layers[0], 0, "D1")
    layer = replication.layers[0]
    row = layer.names.index("D1")
    low, high = layer.low[row, 0], layer.high[row, 0]
    assert low < -0.65 < high < 0
    assert said == (
        f"D1, as a slope, is 1.35 on average over 4 texts, 0.65 below even attention (95% interval of that {low:.2f} "
        f"to {high:.2f})"
    )


def test_what_one_text_alone_defines_has_no_interval_and_what_none_defines_is_undefined(run_of, runs) -> None:
    poor = run_of(("one", " two", " x") * 5, status="too_few_scales")
    alone, none = replicate([runs[0], poor]), replicate([poor, poor])
    assert mean_statement(alone.layers[0], 0, "D1") == "D1 is defined on one text alone, which has no interval"
    assert mean_statement(none.layers[0], 0, "D1") == "D1 is undefined on every text"
    assert not any("nan" in line.lower() for line in texts_sentences(none))


def test_the_sentences_say_how_many_texts_and_what_the_intervals_do_not_cover(replication) -> None:
    said = texts_sentences(replication)
    assert said[0] == "6 heads were measured in 2 layers, on 4 texts of 15 tokens each."
    assert "Of 6 heads with an interval in D1" in " ".join(said)
    assert "it leaves 0 out in 6: 6 below even attention and 0 above." in " ".join(said)
    assert "The label is the same on all texts in 6 of 6 heads: previous token 6." in " ".join(said)
    assert "No interval is corrected for the number of heads" in said[-2]


def test_heads_are_shown_for_the_surest_departure_and_for_the_steadiest_label(runs) -> None:
    layers = tuple(
        msgspec.structs.replace(layer, labels=(*layer.labels[:2], Label("induction", "induction", 0.9, 0.4)))
        for layer in runs[2].layers
    )
    runs[2] = msgspec.structs.replace(runs[2], layers=layers)
    found = {one.name: one.reason for one in chosen_over_texts(replicate(runs), runs[0])}
    # The standard error is the same everywhere, so that the largest departure is the surest.
    assert next(iter(found)) == "0.0"
    assert found["0.0"].startswith("surest departure from even attention in D1 over the texts")
    assert found["0.0"].endswith("labelled 'previous token' on 4 of 4 texts")
    assert "labelled 'induction' on 1 of 4 texts" in found["0.2"]


def test_the_table_has_the_mean_its_interval_and_the_number_of_texts(replication) -> None:
    table = means_table(replication)
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    row = dict(zip(names, table.rows[0], strict=True))
    assert (row["head"], row["labels"], row["D1"], row["D1_texts"]) == ("0.0", "previous token 4", "-0.65", "4")
    assert float(row["D1_low"]) < -0.65 < float(row["D1_high"])
    assert len(table.rows) == 6


def test_means_whose_interval_holds_0_are_in_italics(replication) -> None:
    layer = replication.layers[0]
    row = layer.names.index("D1")
    layer.high[row, 1] = 0.1
    layer.low[row, 2] = layer.high[row, 2] = np.nan
    matrix = next(one for one in mean_matrices(replication) if one.anchor == "D1")
    assert [cell.doubtful for cell in matrix.rows[0][1]] == [False, True, True]


def test_the_files_have_every_mean_and_interval(replication, runs) -> None:
    report = Report("x", replicated=(ReplicatedPart(replication, runs[0]),))
    found = {one.name: b64decode(one.source.partition("base64,")[2]) for one in downloads(report)}
    assert set(found) == {"texts.json", "texts.csv"}
    assert json.loads(found["texts.json"])["texts"] == 4
    rows = list(csv.DictReader(io.StringIO(found["texts.csv"].decode())))
    first = next(row for row in rows if row["statistic"] == "D1")
    assert (first["mean"], first["excess"], first["texts"], first["label"]) == ("1.35", "-0.65", "4", "previous token")
    assert len(rows) == 6 * len(replication.layers[0].names)
