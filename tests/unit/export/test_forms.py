"""Every form is read again by what people read it with, and says where its numbers come from."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from pyarrow import parquet

from faa_core.analysis import Engine
from faa_core.comparison.compare import compare
from faa_core.comparison.records import Comparison
from faa_core.errors import UsageError
from faa_core.export import FORMS, analysis_file, comparisons_file, form_of, texts_file
from faa_core.findings import Findings, HeadTests, LayerTest
from faa_core.origin import Origin
from faa_core.records import STATUSES, Analysis
from faa_core.replication import Replication, replicate

TEXTS = (
    "def add(a, b):\n    return a + b\n\nfor name in names:\n    print(name, add(1, len(name)))\n",
    "import os\n\nwith open(path) as lines:\n    counts = [len(line.split()) for line in lines]\n",
)
ORIGIN = Origin({"device": "auto", "test": ["D1"]}, seed=7)


@pytest.fixture(scope="module")
def runs(run_text: Callable[..., Analysis]) -> dict[str, tuple[Analysis, ...]]:
    engine = Engine()
    return {name: tuple(run_text(engine, name, text) for text in TEXTS) for name in ("demo", "demo@init")}


@pytest.fixture(scope="module")
def run(runs: dict[str, tuple[Analysis, ...]]) -> Analysis:
    return runs["demo"][0]


@pytest.fixture(scope="module")
def comparison(runs: dict[str, tuple[Analysis, ...]]) -> Comparison:
    return compare(runs["demo"], runs["demo@init"], seed=3)


@pytest.fixture(scope="module")
def replication(runs: dict[str, tuple[Analysis, ...]]) -> Replication:
    return replicate(runs["demo"], seed=7)


@pytest.fixture(scope="module")
def findings(run: Analysis) -> Findings:
    """A test of D1 whose p-values are the numbers of heads."""

    def tested(place: int) -> LayerTest:
        numbers = np.arange(8) / 100 + place
        return LayerTest(run.layers[place].info, *(numbers for _ in range(6)), np.zeros(8, np.uint8))

    return Findings(tests=(HeadTests("D1", "row_shuffle", 19, 7, tuple(tested(place) for place in range(4))),))


def check_frame(frame: pandas.DataFrame, run: Analysis) -> None:
    """Whether a table says of every head and statistic what the run says."""
    heads = sum(layer.info.heads for layer in run.layers)
    names = len(run.layers[0].statistics.names) + len(run.layers[0].without_first.names)
    assert len(frame) == heads * names
    for layer in run.layers:
        for without, statistics in ((False, layer.statistics), (True, layer.without_first)):
            rows = frame[(frame.layer == layer.info.layer) & (frame.without_first_token == without)]
            for column, values in (("value", statistics.value), ("null", statistics.null), ("se", statistics.error)):
                table = rows.pivot(index="statistic", columns="head", values=column).loc[list(statistics.names)]
                np.testing.assert_array_equal(table.to_numpy(), values)
            table = rows.pivot(index="statistic", columns="head", values="status").loc[list(statistics.names)]
            assert (table.to_numpy() == np.array(STATUSES)[statistics.status]).all()


def check_source(found: Any, run: Analysis) -> None:
    """Whether a mapping says where the numbers come from."""
    assert found["model"] == "demo"
    assert found["revision"] == run.model.revision
    assert found["tokenizer_hash"] == run.model.tokenizer_hash
    assert found["text_sha256"] == hashlib.sha256(run.text.encode()).hexdigest()
    assert found["seed"] == 7
    for name, expected in (("parameters", ORIGIN.parameters), ("versions", run.model.versions)):
        assert (json.loads(found[name]) if isinstance(found[name], str) else found[name]) == expected


def test_csv_is_read_by_pandas_without_options_and_by_csv(run: Analysis, findings: Findings) -> None:
    content = analysis_file(run, "csv", findings, ORIGIN)
    frame = pandas.read_csv(io.BytesIO(content))
    check_frame(frame, run)
    check_source(frame.iloc[-1], run)
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert len(rows) == len(frame)
    undefined = next(row for row in rows if row["statistic"] == "next_token")  # a causal mask hides it
    assert (undefined["value"], undefined["status"]) == ("", "no_rows")
    tested = frame[frame.statistic.eq("D1") & ~frame.without_first_token]
    assert tested.p.tolist() == pytest.approx([layer + head / 100 for layer in range(4) for head in range(8)])
    assert frame[frame.statistic != "D1"].p.isna().all()


def test_parquet_is_read_by_pandas_and_has_its_source_in_the_metadata(run: Analysis, tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    path.write_bytes(analysis_file(run, "parquet", None, ORIGIN))
    check_frame(pandas.read_parquet(path), run)
    assert parquet.read_table(path).num_rows == len(pandas.read_parquet(path))
    check_source(json.loads(parquet.read_schema(path).metadata[b"faa"]), run)


def test_npz_holds_everything_bit_for_bit_without_pickle(run: Analysis, findings: Findings) -> None:
    file = np.load(io.BytesIO(analysis_file(run, "npz", findings, ORIGIN)), allow_pickle=False)
    meta = json.loads(str(file["meta"]))
    check_source(meta, run)
    assert meta["statuses"] == list(STATUSES)
    assert meta["record"]["text"] == run.text
    assert meta["record"]["tokens"]["pieces"] == list(run.tokens.pieces)
    for place, layer in enumerate(run.layers):
        told = meta["record"]["layers"][place]
        assert told["statistics"]["names"] == list(layer.statistics.names)
        assert told["statistics"]["value"] == f"layers.decoder.{place}.statistics.value"
        for name, expected in (
            (told["statistics"]["value"], layer.statistics.value),
            (told["without_first"]["null"], layer.without_first.null),
            (told["boxes"]["counts"], layer.boxes.counts),
            (told["corner"], layer.corner),
            (f"layers.decoder.{place}.spectrum.curves", layer.spectrum.curves),
        ):
            assert file[name].dtype == expected.dtype
            np.testing.assert_array_equal(file[name], expected)
    np.testing.assert_array_equal(file["findings.tests.0.layers.decoder.2.p"], findings.tests[0].layers[2].p)


def test_json_says_where_its_numbers_come_from(run: Analysis) -> None:
    check_source(json.loads(analysis_file(run, "json", None, ORIGIN)), run)


def test_chosen_heads_alone_are_written(run: Analysis) -> None:
    frame = pandas.read_csv(io.BytesIO(analysis_file(run, "csv", chosen={("decoder", 3, 2)})))
    assert set(zip(frame.layer, frame["head"], strict=True)) == {(3, 2)}


@pytest.mark.parametrize("form", FORMS)
def test_means_over_texts_in_every_form(replication: Replication, runs: dict, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"texts.{form}"
    path.write_bytes(texts_file(replication, form_of(path), ORIGIN.of_texts(runs["demo"])))
    layer = replication.layers[2]
    row = layer.names.index("entropy")
    if form == "npz":
        file = np.load(path)
        np.testing.assert_array_equal(file["layers.decoder.2.excess"], layer.excess)
        assert json.loads(str(file["meta"]))["texts_sha256"] == [hashlib.sha256(t.encode()).hexdigest() for t in TEXTS]
        return
    if form == "json":
        plain = json.loads(path.read_bytes())
        heads = [head for head in plain["heads"] if head["layer"] == 2]
        assert [head["entropy"]["excess"] for head in heads] == layer.excess[row].tolist()
        assert plain["parameters"] == ORIGIN.parameters
        return
    frame = pandas.read_csv(path) if form == "csv" else pandas.read_parquet(path)
    rows = frame[(frame.layer == 2) & (frame.statistic == "entropy")]
    np.testing.assert_array_equal(rows.excess, layer.excess[row])
    digests = "\n".join(hashlib.sha256(text.encode()).hexdigest() for text in TEXTS)
    assert set(frame.text_sha256) == {hashlib.sha256(digests.encode()).hexdigest()}


@pytest.mark.parametrize("form", FORMS)
def test_a_comparison_in_every_form(comparison: Comparison, runs: dict, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"compared.{form}"
    path.write_bytes(comparisons_file([comparison], form_of(path), ORIGIN.of_texts(runs["demo"])))
    differences = comparison.differences
    row = differences.row("entropy")
    if form == "npz":
        file = np.load(path)
        np.testing.assert_array_equal(file["differences.difference"], differences.difference)
        np.testing.assert_array_equal(file["divergence"], comparison.divergence)
        assert json.loads(str(file["meta"]))["b"]["revision"] == comparison.b.model.revision
        return
    if form == "json":
        plain = json.loads(path.read_bytes())
        found = [pair["statistics"]["entropy"]["difference"] for pair in plain["pairs"]]
        assert found == differences.difference[row].tolist()
        assert len(plain["texts_sha256"]) == 2
        return
    frame = pandas.read_csv(path) if form == "csv" else pandas.read_parquet(path)
    rows = frame[frame.statistic == "entropy"]
    np.testing.assert_array_equal(rows.difference, differences.difference[row])
    assert set(frame.revision_b) == {comparison.b.model.revision}
    assert set(frame.seed) == {3}
    assert json.loads(frame.versions_a[0]) == comparison.a.model.versions


def test_several_comparisons_share_a_file(comparison: Comparison) -> None:
    file = np.load(io.BytesIO(comparisons_file([comparison, comparison], "npz")))
    np.testing.assert_array_equal(file["1.differences.p"], comparison.differences.p)
    one, two = (len(pandas.read_csv(io.BytesIO(comparisons_file([comparison] * n, "csv")))) for n in (1, 2))
    assert two == 2 * one


def test_an_ending_that_says_no_form_is_refused() -> None:
    with pytest.raises(UsageError, match=r"found\.xls says no form"):
        form_of(Path("found.xls"))
    assert form_of(Path("found.CSV")) == "csv"


def test_without_pyarrow_parquet_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match="pyarrow") as refused:
        form_of(Path("found.parquet"))
    assert "faa-tui[parquet]" in refused.value.hint
