from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support, box_dimension
from faa_core.geometry.pyramid import max_pyramid
from faa_core.heads import LayerMeter
from faa_core.heads.measurement import uniform_layer
from faa_core.heads.repeats import Repeats
from faa_core.records import LayerInfo, LayerResult

Measure = Callable[..., LayerResult]


def _attention(heads: int, support: Support, seed: int = 0, sharpness: float = 1.5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(heads, support.queries, support.keys, generator=generator) * sharpness
    return torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1)


SUPPORTS = {
    "causal": Support.causal(300),
    "full": Support.full(300, 300),
    "sliding": Support.sliding(300, 70),
    "cross": Support.full(200, 330),
    "cached": Support.causal(130, 300),
}


@pytest.mark.parametrize("name", SUPPORTS)
def test_strips_give_what_one_strip_gives(name: str, measure: Measure) -> None:
    support = SUPPORTS[name]
    a = _attention(3, support)
    square = support.queries == support.keys
    ids = [i * i % 23 for i in range(support.queries)] if square else []
    kind = "cross" if name == "cross" else "decoder"
    whole = measure(a, support, ids, kind=kind)
    for cuts in ([64], [64, 128], [128]):
        parts = measure(a, support, ids, kind=kind, cuts=cuts)
        np.testing.assert_allclose(parts.statistics.value, whole.statistics.value, rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(parts.statistics.status, whole.statistics.status)
        np.testing.assert_allclose(parts.without_first.value, whole.without_first.value, rtol=2e-6, atol=1e-6)
        np.testing.assert_array_equal(parts.without_first.status, whole.without_first.status)
        np.testing.assert_array_equal(parts.boxes.counts, whole.boxes.counts)
        np.testing.assert_array_equal(parts.boxes.dimensions, whole.boxes.dimensions)
        assert parts.labels == whole.labels or kind == "cross"


@settings(max_examples=12, deadline=None)
@given(n=st.integers(1, 260), window=st.integers(1, 260), seed=st.integers(0, 9), cut=st.sampled_from([0, 64, 128]))
def test_statistics_of_any_window_equal_explicit_formulas(n: int, window: int, seed: int, cut: int) -> None:
    support = Support.sliding(n, window)
    a = _attention(2, support, seed)
    meter = LayerMeter(LayerInfo("decoder", 0, 2, "sliding", window), support, (), ())
    edges = [0, cut, n] if 0 < cut < n else [0, n]
    for start, stop in pairwise(edges):
        meter.add(start, a[:, start:stop])
    table = meter.finish().statistics
    exact = a.double()
    gap = (torch.arange(n)[:, None] - torch.arange(n)).abs()
    expected = {
        "entropy": torch.special.entr(exact).sum(-1).mean(-1),
        "confidence": exact.amax(-1).mean(-1),
        "distance": (exact * gap).sum((1, 2)) / exact.sum((1, 2)),
        "sparsity": (a < 0.01).double().mean((1, 2)),
        "current_token": torch.diagonal(exact, 0, 1, 2).mean(-1),
        "column_collapse": 1 - (exact - exact.mean(1, keepdim=True)).square().sum((1, 2)) / exact.square().sum((1, 2)),
    } | {f"local_{w}": (exact * (gap <= w)).sum(-1).mean(-1) for w in (1, 4, 16, 64, 256)}
    for name, value in expected.items():
        np.testing.assert_allclose(table.value[table.row(name)], value.numpy(), rtol=2e-5, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("name", ["causal", "full", "sliding"])
def test_the_dimension_is_the_one_of_the_public_function(name: str, measure: Measure) -> None:
    support = SUPPORTS[name]
    a = _attention(3, support)
    result, alone = measure(a, support), box_dimension(a, support)
    np.testing.assert_array_equal(result.boxes.counts, alone.counts)
    np.testing.assert_array_equal(result.boxes.null_counts, alone.null_counts)
    row = result.statistics.row("D0")
    np.testing.assert_array_equal(result.statistics.value[row], alone.value.astype(np.float32))
    np.testing.assert_array_equal(result.statistics.error[row], alone.error.astype(np.float32))
    np.testing.assert_array_equal(result.statistics.null[row], alone.null.astype(np.float32))
    np.testing.assert_array_equal(result.boxes.effective, alone.effective.astype(np.float32))
    for t, threshold in enumerate(result.boxes.thresholds):
        np.testing.assert_array_equal(
            result.boxes.dimensions[:, t],
            box_dimension(a.double(), support, float(threshold)).effective.astype(np.float32),
        )


def test_null_counts_are_the_boxes_of_the_mask(measure: Measure) -> None:
    support = SUPPORTS["sliding"]
    expected = [int(level.sum()) for level in max_pyramid(support.mask().int())]
    assert measure(_attention(1, support), support).boxes.null_counts.tolist() == expected


def test_layers_of_one_text_share_their_null(measure: Measure) -> None:
    ids = [i % 13 for i in range(90)]
    uniform_layer.cache_clear()
    for seed in range(3):
        measure(_attention(2, Support.causal(90), seed), Support.causal(90), ids)
    info = uniform_layer.cache_info()
    assert (info.misses, info.hits) == (1, 2)
    assert info.maxsize is not None


@pytest.mark.parametrize(("n", "m"), [(512, 512), (100, 70), (600, 600), (1100, 40), (1, 1), (2, 3)])
@pytest.mark.parametrize("cut", [64, 512])
def test_kept_levels_are_the_max_pyramid_of_the_weights(n: int, m: int, cut: int) -> None:
    support = Support.full(n, m)
    a = _attention(2, support)
    meter = LayerMeter(LayerInfo("cross", 0, 2, "cross"), support, (), ())
    for start in range(0, n, cut):
        meter.add(start, a[:, start : start + cut])
    meter.finish()
    levels = dict(enumerate(max_pyramid(a.half().float())))
    wanted = {level: cells for level, cells in levels.items() if max(cells.shape[1:]) <= 512}
    assert meter.kept_levels.keys() == wanted.keys()
    for level, cells in wanted.items():
        assert meter.kept_levels[level].dtype == torch.float16
        assert torch.equal(meter.kept_levels[level].float(), cells)


def test_nan_shows_on_every_kept_level() -> None:
    a = _attention(2, Support.causal(600))
    a[1, 300, 17] = -float("nan")
    meter = LayerMeter(LayerInfo("decoder", 0, 2, "causal"), Support.causal(600), (), ())
    meter.add(0, a)
    meter.finish()
    for cells in meter.kept_levels.values():
        assert cells[1].isnan().any()
        assert not cells[0].isnan().any()


def test_weights_are_left_as_they_are() -> None:
    a = _attention(2, Support.causal(130))
    before = a.clone()
    meter = LayerMeter(LayerInfo("decoder", 0, 2, "causal"), Support.causal(130), (), ())
    meter.add(0, a)
    assert torch.equal(a, before)


def test_strips_out_of_order_or_missing_are_refused() -> None:
    a = _attention(2, Support.causal(130))
    meter = LayerMeter(LayerInfo("decoder", 3, 2, "causal"), Support.causal(130), (), ())
    with pytest.raises(ValueError, match="Layer 3"):
        meter.add(64, a[:, 64:])
    meter.add(0, a[:, :64])
    with pytest.raises(ValueError, match="ended at row 64 of 130"):
        meter.finish()
    with pytest.raises(ValueError, match="does not continue"):
        meter.add(64, a[:1, 64:])
    with pytest.raises(ValueError, match="3 query ids for 130"):
        LayerMeter(LayerInfo("decoder", 0, 2, "causal"), Support.causal(130), (1, 2, 3), (1, 2, 3))


def test_repeats_are_found_in_every_block() -> None:
    ids = (1, 2, 1, 3, 2, 1)
    repeats = Repeats(ids, Support.causal(6))
    pairs = [set(zip(part.row.tolist(), part.key.tolist(), strict=True)) for part in repeats.block(0, 6)]
    duplicate = {(i, j) for i in range(6) for j in range(i) if ids[i] == ids[j]}
    assert pairs[0] == duplicate
    assert pairs[1] == {(i, j + 1) for i, j in duplicate}
    later = repeats.block(3, 6)[0]
    assert {(int(r) + 3, int(k)) for r, k in zip(later.row, later.key, strict=True)} == {
        pair for pair in duplicate if pair[0] >= 3
    }
