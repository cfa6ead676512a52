"""What is kept comes back as it was, and the list says what it is."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec.structs import replace

from faa_core.comparison.alignment import Alignment
from faa_core.comparison.records import Comparison
from faa_core.errors import UsageError
from faa_core.findings import Findings, HeadTests, LayerTest, RolloutToLast
from faa_core.origin import Origin
from faa_core.records import Analysis, LayerResult
from faa_core.replication import replicate
from faa_core.store import Part, Segments, Store, overview_of, side_for
from faa_core.store.overview import packed, unpacked
from faa_core.store.packing import pack, unpack
from tests.unit.store.conftest import TEXTS, examination, same

Runs = dict[str, tuple[Analysis, ...]]


def test_a_run_comes_back_bit_for_bit(path: Path, run: Analysis) -> None:
    with Store(path) as store:
        number = store.save(run)
    with Store(path) as store:
        assert same(store.analysis(number), run)
        assert store.findings(number) is None


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=40),
    value=arrays(np.float64, (33, 8), elements=st.floats(width=32)),
    heads=st.integers(0, 3),
    seconds=st.floats(0, 1e6),
    notes=st.lists(st.text(max_size=8), max_size=2),
)
def test_whatever_a_run_holds_comes_back(path, run, text, value, heads, seconds, notes) -> None:
    layer = run.layers[0]
    assert layer.statistics.value.shape == value.shape
    layers = (replace(layer, statistics=replace(layer.statistics, value=value)), *run.layers[1 : 1 + heads])
    odd = replace(run, text=text, layers=layers, seconds=seconds, notes=tuple(notes), truncated_from=900)
    with Store(path) as store:
        number = store.save(odd)
        assert same(store.analysis(number), odd)
        assert store.entry(number).texts == (hashlib.sha256(text.encode()).hexdigest(),)


def test_a_layer_kept_before_distances_were_measured_is_still_opened(run: Analysis) -> None:
    layer = run.layers[0]
    before = [name for name in layer.__struct_fields__ if name != "distance"]
    old = msgspec.defstruct("LayerResult", [(name, Any) for name in before])
    opened = unpack(pack(old(**{name: getattr(layer, name) for name in before})), LayerResult)
    assert opened.distance is None
    assert same(opened, replace(layer, distance=None))


def test_the_list_says_what_was_run_and_how(path: Path, run: Analysis) -> None:
    origin = Origin({"device": "auto", "test": ["D1"]}, seed=7, hosts=("gpu7",))
    with Store(path) as store:
        store.save(run)
        number = store.save(run, origin=origin)
        newest, oldest = store.entries()
    assert (newest.id, oldest.id) == (number, 1)
    assert (newest.kind, newest.models, newest.hosts) == ("analysis", ("demo",), ("gpu7",))
    assert newest.revisions == (run.model.revision,)
    assert newest.tokenizers == (run.model.tokenizer_hash,)
    assert newest.texts == (hashlib.sha256(TEXTS[0].encode()).hexdigest(),)
    assert newest.tokens == (len(run.tokens),)
    assert (newest.seconds, newest.seed, newest.parameters) == (run.seconds, 7, {"device": "auto", "test": ["D1"]})
    assert newest.versions == run.model.versions
    kept = datetime.strptime(newest.time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - kept) < timedelta(minutes=5)
    assert newest.origin.text_sha256 == newest.texts[0]


def test_what_else_was_asked_comes_back_with_the_untrained_model(path: Path, runs: Runs) -> None:
    run, init = runs["demo"][0], runs["demo@init"][0]
    numbers = np.array([0.5, np.nan])
    tested = LayerTest(run.layers[0].info, *(numbers for _ in range(6)), np.zeros(2, np.uint8))
    findings = Findings(
        init,
        (HeadTests("D1", "row_shuffle", 19, 4, (tested,)),),
        None,
        (RolloutToLast("decoder", *[numbers] * 2, "ok"),),
        (examination(0, 3), examination(1, 2)),
    )
    with Store(path) as store:
        number = store.save(run, findings=findings)
        assert same(store.findings(number), findings)
        assert [entry.id for entry in store.entries()] == [number]  # the baseline is a part of it


def test_a_test_that_is_made_later_takes_the_place_of_one_of_the_same_statistic_alone(path: Path, runs: Runs) -> None:
    run, init = runs["demo"][0], runs["demo@init"][0]

    def made(statistic: str, q: float) -> HeadTests:
        numbers = (np.array([q]) for _ in range(6))
        return HeadTests(
            statistic, "row_shuffle", 19, 4, (LayerTest(run.layers[0].info, *numbers, np.zeros(1, np.uint8)),)
        )

    with Store(path) as store:
        number = store.save(run, findings=Findings(init, (made("D1", 0.5),), examinations=(examination(0, 3),)))
        store.add_tests(number, made("D0", 0.25))
        store.add_tests(number, made("D1", 0.125))
        expected = Findings(init, (made("D0", 0.25), made("D1", 0.125)), examinations=(examination(0, 3),))
        assert same(store.findings(number), expected)
        bare = store.save(run)
        store.add_tests(bare, made("D0", 0.25))
        assert same(store.findings(bare), Findings(tests=(made("D0", 0.25),)))


def test_heads_that_are_examined_later_are_kept_beside_their_run(path: Path, run: Analysis) -> None:
    with Store(path) as store:
        number = store.save(run)
        assert store.findings(number) is None
        for item in (examination(1, 2), examination(0, 3), examination(1, 2, value=1.75)):
            store.add_examination(number, item)
        found = store.findings(number)
        assert same(found, Findings(examinations=(examination(0, 3), examination(1, 2, value=1.75))))
        assert store.entry(number).examined == 2
        store.delete([number])
        for late in (
            lambda: store.add_examination(number, examination(1, 2)),
            lambda: store.add_overviews(number, [overview_of("decoder", 0, 0, np.eye(4))]),
            lambda: store.set_note(number, "gone"),
        ):
            with pytest.raises(UsageError, match=f"no run {number}"):
                late()
    with sqlite3.connect(path) as connection:
        assert connection.execute("select count(*) from examination").fetchone() == (0,)


def test_a_note_is_written_beside_a_run_and_removed(path: Path, run: Analysis) -> None:
    with Store(path) as store:
        first, second = store.save(run), store.save(run)
        store.set_note(first, " the \x1b[1m odd 'one'; with \u4e2d\n")
        assert [entry.note for entry in store.entries()] == ["", "the \x1b[1m odd 'one'; with \u4e2d"]
        store.set_note(first, "")
        assert store.entry(first).note == store.entry(second).note == ""
        assert same(store.analysis(first), run)


def test_the_list_says_how_texts_begin_and_what_is_kept(path: Path, runs: Runs, comparison: Comparison) -> None:
    with Store(path) as store:
        odd = store.save(replace(runs["demo"][0], text="\n \r\n  " + "one two " * 300))
        empty = store.save(replace(runs["demo"][0], text=" \n"), overviews=[overview_of("decoder", 0, 0, np.eye(4))])
        several = store.save_texts(replicate(runs["demo"]), runs["demo"])
        pair = store.save_comparison(comparison, runs["demo"], runs["demo@init"])
        entries = {entry.id: entry for entry in store.entries(parts=True)}
    assert entries[odd].title == ("one two " * 10)
    assert (entries[empty].title, entries[empty].maps, entries[odd].maps) == ("", 1, 0)
    assert entries[several].title == entries[pair].title == "def add(a, b):"
    assert {entries[part].title for part in entries if entries[part].part_of == pair} == {
        text.splitlines()[0] for text in TEXTS
    }


def test_a_comparison_comes_back_with_its_sides(path: Path, runs: Runs, comparison: Comparison) -> None:
    with Store(path) as store:
        first = store.save(runs["demo"][0])  # kept before, as the application has it
        number = store.save_comparison(comparison, (first, runs["demo"][1]), runs["demo@init"], Origin({"match": None}))
        assert same(store.comparison(number), comparison)
        parts = store.parts(number)
        assert parts[0] == Part(0, 0, first)
        assert [(part.side, part.place) for part in parts] == [(0, 0), (0, 1), (1, 0), (1, 1)]
        sides = [*runs["demo"], *runs["demo@init"]]
        assert all(same(store.analysis(part.run), side) for part, side in zip(parts, sides, strict=True))
        entry = store.entry(number)
        assert [item.id for item in store.entries()] == [number, first]
        assert len(store.entries(parts=True)) == 5
    assert entry.models == ("demo", "demo@init")
    assert entry.hosts == ("here", "gpu7")
    assert entry.texts == tuple(hashlib.sha256(text.encode()).hexdigest() for text in TEXTS)
    assert entry.seconds == pytest.approx(sum(side.seconds for side in sides))
    assert entry.seed == 3


def test_means_over_texts_come_back(path: Path, runs: Runs) -> None:
    replication = replicate(runs["demo"], seed=5)
    with Store(path) as store:
        number = store.save_texts(replication, runs["demo"])
        assert same(store.replication(number), replication)
        assert store.entry(number).seed == 5
        assert same(replicate([store.analysis(part.run) for part in store.parts(number)], 5), replication)


def test_one_statistic_is_read_over_all_runs(path: Path, runs: Runs) -> None:
    with Store(path) as store:
        kept = {store.save(run): run for run in (*runs["demo"], *runs["demo@init"])}
        found = store.values("entropy")
        assert found.keys() == kept.keys()
        assert store.values("entropy", "encoder") == {}
    for number, run in kept.items():
        expected = [layer.statistics.value[layer.statistics.row("entropy")] for layer in run.layers]
        assert np.array_equal(found[number], np.stack(expected).astype(np.float32), equal_nan=True)


def test_maps_are_kept_in_little(path: Path, run: Analysis) -> None:
    n = 200
    weights = np.tril(np.random.default_rng(0).dirichlet(np.ones(n), n)).astype(np.float16)
    with Store(path) as store:
        number = store.save(run, overviews=[overview_of("decoder", 1, 2, np.eye(20))])
        store.add_overviews(number, [overview_of("decoder", 3, 0, weights)])
        store.add_overviews(number, [overview_of("decoder", 3, 0, weights)])  # looked at again
        small, large = store.overviews(number)
        store.add_overviews(number, [overview_of("decoder", 1, 2, np.full((5, 5), 0.5), 4)])  # a coarser one
        assert same(store.overviews(number)[0], small)
    assert (small.layer, small.head, small.cell) == (1, 2, 1)
    assert np.array_equal(small.weights, np.eye(20))
    assert (large.cell, large.weights.shape) == (4, (50, 50))
    expected = weights.astype(np.float32).reshape(50, 4, 50, 4).max((1, 3))
    assert np.abs(np.sqrt(large.weights) - np.sqrt(expected)).max() <= 0.5 / 255 + 1e-6


def test_the_maps_of_all_heads_stay_within_a_megabyte() -> None:
    assert [side_for(heads) for heads in (1, 144, 256, 257, 1024, 4096)] == [64, 64, 64, 32, 32, 16]
    noise = np.random.default_rng(0).random((16, 16)).astype(np.float32)
    assert 4096 * len(packed(noise)) < 1.1 * 1024 * 1024  # at the worst


def test_maps_over_segments_belong_to_their_comparison_and_take_little_room(
    path: Path, runs: Runs, comparison: Comparison
) -> None:
    n = 300
    over = Alignment(
        tuple("abc" * 100), tuple(np.repeat(np.arange(n, dtype=np.int32), width) for width in (1, 2)), False
    )
    noise = np.random.default_rng(0).random((n, n))  # worse than any attention
    with Store(path) as store:
        one, other = (store.save_comparison(comparison, runs["demo"], runs["demo@init"]) for _ in range(2))
        before = store._connection.execute("select page_count from pragma_page_count").fetchone()[0]
        store.add_segments(one, 1, [Segments.of("decoder", (over, over))])
        for side in (0, 1):
            maps = (overview_of("decoder", layer, head, noise) for layer in range(12) for head in range(12))
            store.add_segment_overviews(one, side, 1, maps)
        after = store._connection.execute("select page_count from pragma_page_count").fetchone()[0]
        assert (after - before) * 4096 < 2 * 1.5 * 1024 * 1024
        (joined,) = store.segments(one, 1)
        assert same(joined, Segments.of("decoder", (over, over)))
        assert joined.alignments[0].pieces == over.pieces
        assert [len(store.segment_overviews(one, side, place)) for place in (0, 1) for side in (0, 1)] == [
            0,
            0,
            144,
            144,
        ]
        assert (store.segments(other, 1), store.segment_overviews(other, 0, 1)) == ((), ())
        assert [entry.maps for entry in store.entries()] == [0, 288]
        store.delete([one])
        assert store._connection.execute("select count(*) from segment_overview").fetchone() == (0,)
        with pytest.raises(UsageError, match=f"no run {one}"):
            store.add_segments(one, 0, [])


def test_a_map_in_little_may_hold_what_is_no_number() -> None:
    odd = np.array([[np.nan, 2.0, 0.25]], np.float32)
    assert unpacked(packed(odd), 1, 3).tolist() == [[0.0, 1.0, pytest.approx(0.25, abs=0.002)]]


def test_deleting_takes_what_was_kept_only_for_it(path: Path, runs: Runs, comparison: Comparison) -> None:
    with Store(path) as store:
        alone = store.save(runs["demo"][0])
        one = store.save_comparison(comparison, (alone, runs["demo"][1]), runs["demo@init"])
        shared = [part.run for part in store.parts(one) if part.side == 0]
        other = store.save_comparison(comparison, shared, runs["demo@init"])
        with pytest.raises(UsageError, match=f"Run {alone} is a part of run"):
            store.delete([alone])
        gone = store.delete([one])
        assert alone not in gone
        assert shared[1] not in gone  # the other comparison rests on it
        assert same(store.analysis(shared[1]), runs["demo"][1])
        assert store.entry(shared[1]).part_of == other
        assert set(store.delete([other])) == {other, *(p for p in range(other + 1, other + 3)), shared[1]}
        assert [entry.id for entry in store.entries(parts=True)] == [alone]
        assert store.save(runs["demo"][0]) > other  # a number means one run for ever
        with pytest.raises(UsageError, match=f"no run {one}"):
            store.delete([alone, one])
        assert store.entry(alone)
    with sqlite3.connect(path) as connection:
        kept = connection.execute("select distinct run from record order by run").fetchall()
    assert kept == [(alone,), (other + 3,)]


def test_what_is_asked_for_wrongly_is_said(path: Path, run: Analysis) -> None:
    with Store(path) as store:
        number = store.save(run)
        with pytest.raises(UsageError, match="There is no run 12"):
            store.analysis(12)
        with pytest.raises(UsageError, match="Run 1 is of kind analysis"):
            store.comparison(number)
