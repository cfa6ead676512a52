"""Comparisons as JSON, CSV and a table: read back, complete, and harmless."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from faa_core.comparison.compare import compare
from faa_core.comparison.records import Comparison
from faa_core.export import comparisons_to_csv, comparisons_to_json
from faa_core.export.comparison import COLUMNS
from faa_tui.cli.compare_table import comparison_table

HOSTILE = "<script>alert(1)</script>\"'&\x1b[2J\u202e"


@pytest.fixture
def comparison(runs) -> Comparison:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(7, 2, 3)), random.normal(2.0, 1.0, (7, 2, 2))
    b[:, 1, 1] = np.nan
    return compare(runs(a), runs(b, dtype="bfloat16"), references=("toy", "gpu7:toy"), hosts=("here", "there"), seed=5)


def test_json_holds_every_number_and_undefined_ones_are_null(comparison: Comparison) -> None:
    plain = json.loads(comparisons_to_json([comparison]))
    assert plain["schema"] == "faa.comparison/1"
    assert (plain["seed"], plain["texts"], plain["aligned"]) == (5, 7, "tokens")
    assert (plain["a"]["model"], plain["b"]["model"], plain["b"]["host"]) == ("toy", "gpu7:toy", "there")
    assert {"revision", "tokenizer_hash", "versions", "device", "dtype", "attention", "route"} <= plain["b"].keys()
    assert plain["warnings"] == list(comparison.warnings)
    assert plain["notes"] == list(comparison.notes)
    assert plain["alone_a"] == [{"kind": "decoder", "layer": 0, "head": 2}]
    names = {"a": "a", "b": "b", "difference": "difference", "se": "error", "low": "low", "high": "high"}
    names |= {"p": "p", "q": "q", "effect": "effect"}
    for place, pair in enumerate(plain["pairs"]):
        assert pair["divergence"]["value"] is None
        assert pair["a"]["head"] == pair["b"]["head"] == place
        for row, statistic in enumerate(comparison.differences.names):
            for key, attribute in names.items():
                found, meant = (
                    pair["statistics"][statistic][key],
                    getattr(comparison.differences, attribute)[row, place],
                )
                assert found is None if np.isnan(meant) else found == meant
            assert pair["statistics"][statistic]["texts"] == comparison.differences.used[row, place]
    assert plain["pairs"][1]["statistics"]["sink"]["difference"] is None


def test_several_comparisons_are_a_list(comparison: Comparison) -> None:
    plain = json.loads(comparisons_to_json([comparison, comparison]))
    assert plain["schema"] == "faa.comparisons/1"
    assert [one["b"]["model"] for one in plain["comparisons"]] == ["gpu7:toy"] * 2


def test_csv_has_a_row_for_each_pair_and_statistic(comparison: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(comparisons_to_csv([comparison]).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 2 * 2
    by_place = {(row["statistic"], int(row["head_a"])): row for row in rows}
    entropy = by_place["entropy", 1]
    place = comparison.differences.row("entropy"), 1
    assert float(entropy["difference"]) == comparison.differences.difference[place]
    assert float(entropy["q"]) == comparison.differences.q[place]
    assert (entropy["a"], entropy["b"], entropy["texts"]) == ("toy", "gpu7:toy", "7")
    assert by_place["sink", 1]["difference"] == entropy["divergence"] == ""


def test_the_table_fits_its_width_and_shows_hostile_names_harmlessly(comparison: Comparison, runs) -> None:
    values = np.random.default_rng(1).normal(size=(2, 2, 1))
    a = runs(values, labels=[[HOSTILE]] * 2, architecture=HOSTILE, revision=HOSTILE)
    hostile = compare(a, runs(-values), references=(HOSTILE, HOSTILE), hosts=(HOSTILE, "[bold]"))
    for one in (comparison, hostile):
        console = Console(width=100, file=io.StringIO(), color_system=None)
        console.print(comparison_table(one, ["entropy"], None, 100))
        said = console.file.getvalue()
        assert not any(character in said for character in "\x1b\u202e")
        assert all(cell_len(line.rstrip()) <= 100 for line in said.splitlines())
        assert f"{one.differences.difference[0, 0]:+.3f}" in said
    assert "warning: Machines differ" in said
    assert "[bold]" in said
