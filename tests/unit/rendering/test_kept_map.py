"""A map that was kept in little says of no pair less than its weight was, and asks nobody for more."""

from __future__ import annotations

import math

import numpy as np
import pytest

from faa_core.store.overview import overview_of, packed, unpacked
from faa_tui.rendering.attention_map import MapAddress
from faa_tui.rendering.kept_map import KeptMap
from faa_tui.rendering.scales import SCALES
from faa_tui.rendering.viewport import Viewport

ADDRESS = MapAddress(1, "decoder", 0, 0)


class Causal:
    def __init__(self, n: int) -> None:
        self.queries = self.keys = n
        self.first_key = np.zeros(n, np.int32)
        self.stop_key = np.arange(1, n + 1, dtype=np.int32)


def kept(n: int) -> tuple[KeptMap, np.ndarray]:
    """The map of a random head after it was packed and unpacked, and the head's true weights."""
    weights = np.tril(np.random.default_rng(n).dirichlet(np.full(n, 0.1), n))
    weights = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    little = overview_of("decoder", 0, 0, weights)
    blob = packed(little.weights)
    return KeptMap(ADDRESS, Causal(n), unpacked(blob, *little.weights.shape), little.cell), weights


@pytest.mark.parametrize("n", [1, 40, 64, 100, 300])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 16])
def test_no_pair_is_read_as_less_than_it_was(n: int, size: int) -> None:
    shown, weights = kept(n)
    view = Viewport(n, n, 60, 90, size)
    for query, key in np.random.default_rng(0).integers(0, n, (200, 2)):
        reading = shown.reading(view, int(query), int(key))
        if key > query:
            assert (reading.weight, reading.exact) == (0.0, True)
            assert math.isnan(reading.lift)
        else:
            assert not reading.exact
            assert reading.weight >= weights[query, key]
            # It is close to the largest weight of the cells that it may be in.
            side = size + -(-n // 64)
            around = weights[
                max(0, query - 2 * side) : query + 2 * side + 1, max(0, key - 2 * side) : key + 2 * side + 1
            ]
            assert math.sqrt(reading.weight) <= math.sqrt(around.max()) + 0.006


def test_single_pairs_that_were_kept_are_shown_by_their_weights() -> None:
    shown, weights = kept(40)
    cells = shown.cells(Viewport(40, 40, 80, 80))
    assert cells.known.all()
    assert np.array_equal(cells.masked, np.triu(np.ones((40, 40), bool), 1))
    assert np.abs(np.sqrt(cells.weights.astype(float)) - np.sqrt(weights)).max() < 0.003


@pytest.mark.parametrize("scale", list(SCALES))
def test_every_view_is_drawn_and_nobody_is_asked_for_more(scale: str) -> None:
    shown, _ = kept(300)
    for view in (Viewport(300, 300, 60, 60).fitted(), Viewport(300, 300, 60, 60, top=200, left=100)):
        assert list(shown.lacking(view)) == []
        picture = shown.picture(view, SCALES[scale])
        assert picture.shape == (view.bottom - view.top, view.right - view.left)
        assert len(np.unique(picture)) > 2
