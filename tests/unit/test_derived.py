"""Maps made of rows on request, against small matrices worked out by hand and against the engine's own counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from faa_core.analysis import Engine
from faa_core.derived import Derived, occupied_boxes, tile_without_first
from faa_core.errors import UsageError
from faa_core.geometry.box_counter import THRESHOLDS, UNIT
from faa_core.geometry.support import Support
from faa_core.heads.meter import LayerMeter
from faa_core.heads.without_key import without_key
from faa_core.maps import KeptLayer
from faa_core.records import LayerInfo, LayerResult
from faa_core.worker.protocol import Align, Boxes, Run, Tile

TEXT = "def double(x):\n    return x + x\n\n\ndef triple(x):\n    return x + x + x\n" * 12


class Rows:
    """Rows of a given map, and how often they were asked for."""

    def __init__(self, weights: torch.Tensor) -> None:
        self.weights, self.asked = weights, 0

    nbytes = 0

    def rows(self, start: int, stop: int) -> torch.Tensor:
        self.asked += 1
        return self.weights[:, start:stop].clone()


class Heard:
    def __init__(self) -> None:
        self.layers: list[LayerResult] = []

    def layer(self, index, total, result) -> None:
        self.layers.append(result)

    def progress(self, *_) -> None: ...
    def loaded(self, *_) -> None: ...
    def started(self, *_) -> None: ...
    def check(self) -> None: ...


def kept(weights: np.ndarray) -> tuple[KeptLayer, Rows]:
    """A layer with these causal maps [heads, n, n]."""
    maps = torch.tensor(weights, dtype=torch.float32)
    heads, n, _ = maps.shape
    meter = LayerMeter(LayerInfo("decoder", 0, heads, "causal"), Support.causal(n), range(n), range(n))
    meter.add(0, maps.clone())
    rows = Rows(maps)
    return KeptLayer(meter.finish(), meter.kept_levels, rows), rows


def random_maps(n: int, heads: int = 2) -> np.ndarray:
    scores = np.random.default_rng(0).normal(size=(heads, n, n)) * 3
    scores[:, np.triu(np.ones((n, n), bool), 1)] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def rest(layer: KeptLayer, level: int = 0, head: int = 0, made: Derived | None = None, **corners: int) -> np.ndarray:
    job = Tile(
        9,
        1,
        "decoder",
        0,
        head,
        level,
        corners.get("row", 0),
        corners.get("row_stop", 9999),
        corners.get("column", 0),
        corners.get("column_stop", 9999),
    )
    return tile_without_first(made or Derived(2**20), layer, job, lambda: None)


def test_rows_are_scaled_up_and_those_with_too_little_left_are_undefined() -> None:
    weights = np.array([[[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.96, 0.03, 0.01, 0], [0.2, 0.4, 0, 0.4]]])
    nan = np.nan
    expected = [[nan] * 4, [0, 1, 0, 0], [nan] * 4, [0, 0.5, 0, 0.5]]
    layer, _ = kept(weights)
    np.testing.assert_allclose(rest(layer), expected, rtol=1e-3)
    # Undefined rows give way to defined ones of the same cell.
    np.testing.assert_allclose(rest(layer, 1), [[1, 0], [0.5, 0.5]], rtol=1e-3)
    np.testing.assert_allclose(rest(layer, 2), [[1]], rtol=1e-3)


def test_a_cell_of_rows_that_all_have_too_little_left_is_undefined() -> None:
    layer, _ = kept(np.array([[[1, 0, 0, 0], [0.99, 0.01, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0.25, 0.75]]]))
    np.testing.assert_allclose(rest(layer, 1), [[np.nan, np.nan], [1, 0.75]], rtol=1e-3)


def test_it_is_what_the_statistics_without_the_first_key_are_taken_from() -> None:
    maps = random_maps(150)
    layer, _ = kept(maps)
    expected, _ = without_key(maps, "causal")
    undefined = (expected == 0).all(-1).numpy()
    for head in range(2):
        mine = rest(layer, 0, head)
        assert (np.isnan(mine).all(1) == undefined[head]).all()
        np.testing.assert_allclose(mine[~undefined[head], 1:], expected[head][~undefined[head]], rtol=1e-3, atol=1e-7)
        assert not mine[~undefined[head], 0].any()


def test_the_coarse_levels_of_all_heads_are_made_at_once_and_fine_ones_from_their_rows() -> None:
    layer, rows = kept(random_maps(700))
    made = Derived(2**26)
    coarse = rest(layer, 1, made=made)
    asked = rows.asked
    rest(layer, 3, head=1, made=made)
    assert rows.asked == asked
    fine = rest(layer, 0, made=made, row=100, row_stop=120, column=0, column_stop=90)
    assert fine.shape == (20, 90)
    assert rows.asked == asked + 1
    np.testing.assert_array_equal(fine.reshape(10, 2, 45, 2).max((1, 3)), coarse[50:60, :45])


def test_what_is_not_finite_shows_as_such() -> None:
    weights = random_maps(8)
    weights[0, 5, 2] = np.nan
    assert np.isnan(rest(kept(weights)[0])[5]).all()
    assert np.isnan(rest(kept(weights)[0], 2)[1]).all()
    assert not np.isnan(rest(kept(weights)[0], 2, head=1)[1]).any()


def test_a_map_of_one_key_has_no_such_view() -> None:
    with pytest.raises(UsageError, match="none left"):
        rest(kept(np.ones((1, 1, 1)))[0])


def boxes(
    layer: KeptLayer, level: int, threshold: int = UNIT, head: int = 0, made: Derived | None = None
) -> np.ndarray:
    return occupied_boxes(
        made or Derived(2**20), layer, Boxes(9, 1, "decoder", 0, head, level, threshold), lambda: None
    )


def test_boxes_by_hand() -> None:
    # Lift is the weight times 1, 2, 3, 4: above 1 are (1, 1), (2, 0) and (3, 3).
    layer, _ = kept(np.array([[[1, 0, 0, 0], [0.4, 0.6, 0, 0], [0.5, 0.2, 0.3, 0], [0.25, 0.25, 0.2, 0.3]]]))
    at = np.zeros((4, 4), bool)
    at[[1, 2, 3], [1, 0, 3]] = True
    assert (boxes(layer, 0) == at).all()
    assert boxes(layer, 1).tolist() == [[True, False], [True, True]]
    assert boxes(layer, 2).tolist() == [[True]]
    above_root_two = int(np.flatnonzero(np.isclose(THRESHOLDS, 2**0.5))[0])
    assert np.argwhere(boxes(layer, 0, above_root_two)).tolist() == [[2, 0]]
    assert not boxes(layer, 2, UNIT + 2).any()


@pytest.mark.parametrize("reference", ["demo", "demo@init"])
def test_the_boxes_are_those_that_are_counted_at_every_size(reference: str) -> None:
    engine, heard = Engine(), Heard()
    engine.run(Run(1, reference, TEXT), heard)
    for result in heard.layers:
        for head, counts in enumerate(result.boxes.counts):
            place = (9, 1, "decoder", result.info.layer, head)
            drawn = [int(engine.boxes(Boxes(*place, level, UNIT)).sum()) for level in range(len(counts))]
            assert drawn == counts.tolist()


def test_boxes_too_many_to_keep_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, rows = kept(random_maps(200))
    whole = [boxes(layer, level) for level in range(9)]
    monkeypatch.setattr("faa_core.derived.CODE_BYTES", 50 * 50)
    made = Derived(2**20)
    for level in range(9):
        before = rows.asked
        assert (boxes(layer, level, made=made) == whole[level]).all()
        assert (rows.asked > before) == (level <= 2)


def test_heads_whose_counts_are_not_defined_have_no_boxes() -> None:
    weights = random_maps(70)
    weights[0] *= 2
    layer, _ = kept(weights)
    assert layer.result.boxes.counts[0].sum() == 0
    assert not boxes(layer, 3).any()
    assert boxes(layer, 3, head=1).any()


def test_what_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, _ = kept(random_maps(40))
    for level, threshold, words in ((7, UNIT, "levels 0 to 6"), (-1, UNIT, "levels"), (0, 25, "25 of them")):
        with pytest.raises(UsageError, match=words):
            boxes(layer, level, threshold)
    monkeypatch.setattr("faa_core.derived.PAYLOAD_LIMIT", 100)
    with pytest.raises(UsageError, match="one message"):
        boxes(layer, 0)
    assert boxes(layer, 1).any()


def test_segments_have_no_view_without_the_first_key() -> None:
    engine, heard = Engine(), Heard()
    engine.run(Run(1, "demo", TEXT), heard)
    segments = np.arange(heard.layers[0].queries, dtype=np.int32) // 2
    engine.align(Align(2, 1, "decoder", segments, segments))
    with pytest.raises(UsageError, match="segments"):
        engine.tile(Tile(9, 1, "decoder", 0, 0, 0, 0, 9, 0, 9, 2, without_first=True))
