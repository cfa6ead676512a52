"""Reports of what was kept: no model and no worker is there any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faa_core.comparison.alignment import align
from faa_core.comparison.compare import compare
from faa_core.replication import replicate
from faa_core.report import chosen_heads, chosen_over_texts, chosen_pairs, render
from faa_core.store import Overview, Segments, Store, overview_of
from faa_tui.reports import kept_report


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "runs.sqlite") as made:
        yield made


@pytest.fixture
def texts(run_of):
    return [run_of(("one", " two", f" {place}") * 5, dimension=1.2 + 0.1 * place) for place in range(3)]


def little(run):
    """Maps of all heads in cells of two tokens."""
    rng = np.random.default_rng(0)
    cells = -(-len(run.tokens) // 2)
    return [
        Overview("decoder", layer.info.layer, head, 2, np.tril(rng.uniform(0, 1, (cells, cells)).astype(np.float32)))
        for layer in run.layers
        for head in range(layer.info.heads)
    ]


def test_a_model_over_several_texts_has_means_and_the_little_maps_of_the_first(store, texts) -> None:
    kept = store.save_texts(replicate(texts), texts)
    for part in store.parts(kept):
        store.add_overviews(part.run, little(texts[part.place]))
    report = kept_report(store, store.entry(kept))
    (part,) = report.replicated
    assert report.title == "Attention of toy over 3 texts"
    assert part.first.text == texts[0].text
    shown = {(one.layer.info.layer, one.head) for one in chosen_over_texts(part.replication, part.first)}
    assert shown <= {(one.layer, one.head) for one in part.maps}
    assert render(report).count('<figure class="map"') == len(shown)


def test_a_comparison_of_the_same_tokens_has_the_little_maps_of_its_pairs(store, run_of) -> None:
    a, b = run_of(), run_of(dimension=1.5)
    kept = store.save_comparison(compare([a], [b]), [a], [b])
    for part in store.parts(kept):
        store.add_overviews(part.run, little(a))
    report = kept_report(store, store.entry(kept))
    (part,) = report.compared
    assert [one.pair.a for one in part.maps] == [one.pair.a for one in chosen_pairs(part.comparison)]
    assert {one.size for one in part.maps} == {2}
    assert render(report).count('data-scale="difference"') == len(part.maps) > 0


def test_a_comparison_over_segments_has_its_maps_over_segments_and_none_of_tokens(store, run_of) -> None:
    a, b = run_of(("the", " golden", " ratio")), run_of(("the", " gol", "den", " ratio"), dimension=1.5)
    comparison = compare([a], [b])
    kept = store.save_comparison(comparison, [a], [b])
    for part, run in zip(store.parts(kept), (a, b), strict=True):
        store.add_overviews(part.run, little(run))
    report = kept_report(store, store.entry(kept))  # as a faa kept it that kept no maps over segments
    assert report.compared[0].maps == ()
    assert "No maps were at hand." in render(report)
    over = align([a.tokens, b.tokens], a.text)
    store.add_segments(kept, 0, [Segments.of("decoder", (over, over))])
    shape = (len(over), len(over))
    for side, weight in ((0, 0.25), (1, 0.75)):
        heads = [getattr(pair, "ab"[side]) for pair in comparison.matching.pairs]
        store.add_segment_overviews(
            kept, side, 0, [overview_of(head.kind, head.layer, head.head, np.full(shape, weight)) for head in heads]
        )
    report = kept_report(store, store.entry(kept))
    shown = report.compared[0].maps
    assert [one.pair.a for one in shown] == [chosen.pair.a for chosen in chosen_pairs(comparison)]
    assert {one.rows for one in shown} == {("the", " golden", " ratio")}
    assert all(one.segments and np.allclose(one.b - one.a, 0.5, atol=0.01) for one in shown)
    assert "over the common segments of the text" in render(report)


def test_a_run_has_the_maps_that_were_kept(store, run_of) -> None:
    run = run_of()
    report = kept_report(store, store.entry(store.save(run, overviews=little(run))))
    page = render(report)
    assert page.count('<figure class="map"') == len(chosen_heads(run))
    assert "largest weight of 2 x 2 queries and keys" in page
