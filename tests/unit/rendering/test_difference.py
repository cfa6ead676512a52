from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from faa_tui.rendering.attention_map import AttentionMap, MapAddress
from faa_tui.rendering.cells import SIGNED, encoder
from faa_tui.rendering.difference import DifferenceOfMaps
from faa_tui.rendering.ramps import MASKED, MISSING, RAMPS, UNDEFINED
from faa_tui.rendering.scales import DIFFERENCE_SCALES, SCALES, levels
from faa_tui.rendering.tiles import CACHE_BYTES, TileCache
from faa_tui.rendering.viewport import Viewport

A, B = MapAddress(1, "decoder", 0, 0), MapAddress(2, "decoder", 3, 1)


@dataclass(frozen=True)
class Shape:
    queries: int
    keys: int
    first_key: NDArray[np.int32]
    stop_key: NDArray[np.int32]


def causal_shape(tokens: int, window: int | None = None) -> Shape:
    stop = np.arange(1, tokens + 1, dtype=np.int32)
    return Shape(tokens, tokens, np.maximum(0, stop - (window or tokens)).astype(np.int32), stop)


def difference(
    a: NDArray[np.float32] | None, b: NDArray[np.float32] | None, n: int, *shapes: Shape
) -> DifferenceOfMaps:
    cache = TileCache(CACHE_BYTES)
    for address, weights in ((A, a), (B, b)):
        if weights is not None:
            cache.put(address, 0, 0, 0, weights.astype(np.float16))
    first, other = shapes or (causal_shape(n), causal_shape(n))
    return DifferenceOfMaps(AttentionMap(A, first, cache), AttentionMap(B, other, cache))


@pytest.mark.parametrize("name", ["linear", "sqrt", "log", "lift"])
def test_one_colour_means_one_value_and_nothing_is_the_middle(name: str) -> None:
    scale = DIFFERENCE_SCALES[name]
    ends = levels(np.array([scale.low, scale.high]), scale)
    assert ends.tolist() == [0, 255]
    assert levels(np.array([1.0 if scale.of_lift else 0.0]), scale)[0] in (127, 128)
    assert (np.diff(levels(np.array(scale.ticks), scale).astype(int)) > 0).all()
    assert levels(np.array([np.nan]), scale)[0] == UNDEFINED
    beyond = levels(np.array([-1e9, np.inf]), scale)
    assert beyond.tolist() == [0, 255]


def test_scales_of_weights_and_of_differences_have_the_same_names() -> None:
    assert set(DIFFERENCE_SCALES) == set(SCALES)
    d = np.array([0.04, -0.04])
    low, high = levels(d, DIFFERENCE_SCALES["sqrt"])[::-1]
    assert low == pytest.approx(127.5 * 0.8, abs=1)
    assert high == pytest.approx(127.5 * 1.2, abs=1)


def test_every_pixel_is_the_difference(causal: Callable[..., NDArray[np.float32]]) -> None:
    a, b = causal(20, 1), causal(20, 2)
    picture = difference(a, b, 20).picture(Viewport(20, 20, 20, 20), DIFFERENCE_SCALES["linear"])
    exact = b.astype(np.float16).astype(np.float32) - a.astype(np.float16)
    mask = np.triu(np.ones((20, 20), bool), 1)
    assert (picture == levels(exact, DIFFERENCE_SCALES["linear"], mask)).all()
    assert (picture[mask] == MASKED).all()


def test_larger_cells_compare_the_largest_weights(causal: Callable[..., NDArray[np.float32]]) -> None:
    a, b = (np.tril(causal(16, seed)).astype(np.float16).astype(np.float32) for seed in (1, 2))
    picture = difference(a, b, 16).picture(Viewport(16, 16, 4, 4, size=4), DIFFERENCE_SCALES["sqrt"])
    pooled = [m.reshape(4, 4, 4, 4).max((1, 3)) for m in (a, b)]
    lower = np.tril(np.ones((4, 4), bool))
    assert (picture[lower] == levels(pooled[1] - pooled[0], DIFFERENCE_SCALES["sqrt"])[lower]).all()


def test_ratios_of_lifts_are_octaves_and_clipped() -> None:
    a, b = np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32)
    a[3], b[3] = [0.1, 0.2, 0.0, 0.5], [0.4, 0.1, 0.3, 0.0]
    view, scale = Viewport(4, 4, 4, 4), DIFFERENCE_SCALES["lift"]
    row = difference(a, b, 4).picture(view, scale)[3].astype(float)
    octaves = (row / 255 - 0.5) * 12
    assert octaves == pytest.approx([2, -1, 6, -6], abs=0.03)
    assert difference(a, b, 4).picture(view, scale)[0, 0] in (127, 128)  # nothing on either side


def test_what_one_side_alone_may_not_see_counts_as_nothing(causal: Callable[..., NDArray[np.float32]]) -> None:
    weights = causal(8)
    drawn = difference(weights, weights, 8, causal_shape(8, window=2), causal_shape(8))
    picture = drawn.picture(Viewport(8, 8, 8, 8), DIFFERENCE_SCALES["linear"])
    assert picture[7, 7] in (127, 128)
    expected = levels(weights.astype(np.float16)[7, :1], DIFFERENCE_SCALES["linear"])
    assert picture[7, 0] == expected > 128
    assert picture[0, 7] == MASKED
    reading = drawn.reading(Viewport(8, 8, 8, 8), 7, 0)
    assert reading.weight == np.float16(weights[7, 0])
    assert reading.lift == pytest.approx(8 * reading.weight)
    both = drawn.reading(Viewport(8, 8, 8, 8), 0, 7)
    assert both.weight == 0
    assert math.isnan(both.lift)
    assert drawn.visible_keys(7) == range(8)


def test_what_one_side_lacks_is_missing_and_is_asked_for(causal: Callable[..., NDArray[np.float32]]) -> None:
    view = Viewport(20, 20, 20, 20)
    drawn = difference(causal(20), None, 20)
    picture = drawn.picture(view, DIFFERENCE_SCALES["sqrt"])
    assert (picture[np.tril_indices(20)] == MISSING).all()
    assert [(lack.address, lack.tiles) for lack in drawn.lacking(view) if lack.tiles] == [(B, [(0, 0)])]
    assert math.isnan(drawn.reading(view, 5, 2).weight)
    assert not math.isnan(drawn.reading(view, 5, 2).a.weight)


def test_nan_on_either_side_is_undefined(causal: Callable[..., NDArray[np.float32]]) -> None:
    a, b = causal(6, 1), causal(6, 2)
    a[3, 1] = np.nan
    for scale in DIFFERENCE_SCALES.values():
        assert difference(a, b, 6).picture(Viewport(6, 6, 6, 6), scale)[3, 1] == UNDEFINED


def test_readings_of_pairs_and_of_cells_are_not_mixed() -> None:
    # The first side has single weights, the other one only its overview.
    n = 1100
    shape, cache = causal_shape(n), TileCache(CACHE_BYTES)
    weights = np.full((n, n), 0.25, np.float16)
    weights[5, 3] = 0.75
    cache.put(A, 0, 0, 0, weights)
    for address in (A, B):
        cache.put(address, 2, 0, 0, weights.reshape(275, 4, 275, 4).max((1, 3)))
    drawn = DifferenceOfMaps(AttentionMap(A, shape, cache), AttentionMap(B, shape, cache))
    reading = drawn.reading(Viewport(n, n, 300, 300, size=4), 6, 2)
    assert (reading.weight, reading.exact) == (0, False)
    assert reading.a.weight == reading.b.weight == 0.75


def test_the_cursor_goes_to_the_pair_that_differs_most(causal: Callable[..., NDArray[np.float32]]) -> None:
    a, b = causal(16, 1), causal(16, 2)
    a[13, 10] = 5
    drawn = difference(a, b, 16)
    assert drawn.strongest(Viewport(16, 16, 4, 4, size=4), 3, 2) == (13, 10)
    assert drawn.strongest(Viewport(16, 16, 16, 16), 3, 2) == (3, 2)


def test_without_colour_glyphs_show_the_sign() -> None:
    pen = encoder(RAMPS["diverging"], "none")
    assert pen.line([0, 128, 255, MASKED, MISSING, UNDEFINED], [128, 128, 120, MASKED, MISSING, UNDEFINED]) == "O.@ ~?"
    ramp = pen.line(range(256), range(256))
    assert "".join(dict.fromkeys(ramp)) == SIGNED
    assert ramp.count(".") in (28, 29)
