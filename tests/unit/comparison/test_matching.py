"""Which heads are compared with which."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faa_core.comparison.matching import changed, heads_of, match, relative_depth
from faa_core.comparison.records import Head, Matching
from faa_core.errors import UsageError
from faa_core.records import LayerInfo, MapKind


def layers(count: int, heads: int, kind: MapKind = "decoder", first: int = 0) -> list[LayerInfo]:
    return [LayerInfo(kind, layer, heads, "causal") for layer in range(first, first + count)]


def head(layer: int, index: int, kind: MapKind = "decoder") -> Head:
    return Head(kind, layer, index)


def chosen(matching: Matching) -> dict[Head, Head]:
    return {pair.a: pair.b for pair in matching.pairs}


def assert_one_to_one(matching: Matching, a: list[LayerInfo], b: list[LayerInfo]) -> None:
    left = [pair.a for pair in matching.pairs] + list(matching.alone_a)
    right = [pair.b for pair in matching.pairs] + list(matching.alone_b)
    assert sorted(left) == sorted(heads_of(a))
    assert sorted(right) == sorted(heads_of(b))


def costs(seed: int, a: list[LayerInfo], b: list[LayerInfo]):
    random = np.random.default_rng(seed)
    table = {
        (one.kind, one.layer, other.layer): random.uniform(0, np.log(2), (one.heads, other.heads))
        for one in a
        for other in b
        if one.kind == other.kind
    }
    return lambda kind, i, j: table[kind, i, j]


def test_layers_of_models_of_twelve_and_four_layers_by_hand() -> None:
    # Layer 1 of 4 lies at .375, as layer 4 of 12; layers 3, 4 and 5 are nearest to it.
    assert [j for _, j in relative_depth(12, 4)] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert relative_depth(4, 12) == tuple((j, i) for i, j in relative_depth(12, 4))
    assert relative_depth(3, 3) == ((0, 0), (1, 1), (2, 2))
    assert relative_depth(5, 2) == ((0, 0), (1, 0), (2, 1), (3, 1), (4, 1))


@given(st.integers(1, 60), st.integers(1, 60))
def test_every_layer_goes_to_the_nearest_depth_and_none_is_left_out(a: int, b: int) -> None:
    pairs = relative_depth(a, b)
    assert {i for i, _ in pairs} == set(range(a))
    assert {j for _, j in pairs} == set(range(b))
    assert list(pairs) == sorted(pairs)
    assert [j for _, j in pairs] == sorted(j for _, j in pairs)
    for i, j in pairs:
        here, there = (i + 0.5) / a, (np.arange(b) + 0.5) / b
        if a > b:
            assert abs(there[j] - here) == pytest.approx(np.abs(there - here).min())


def test_models_of_one_shape_go_by_index_with_the_cost_shown() -> None:
    a, b = layers(2, 3), layers(2, 3)
    table = costs(0, a, b)
    found = match(a, b, table)
    assert chosen(found) == {one: one for one in heads_of(a)}
    assert {pair.method for pair in found.pairs} == {"index"}
    assert [pair.cost for pair in found.pairs[:3]] == pytest.approx(np.diag(table("decoder", 0, 0)).tolist())
    assert (found.alone_a, found.alone_b) == ((), ())


@given(st.integers(0, 10**6))
def test_on_request_the_least_sum_of_divergences_decides(seed: int) -> None:
    a, b = layers(1, 4), layers(1, 4)
    table = costs(seed, a, b)
    cost = table("decoder", 0, 0)
    found = match(a, b, table, "divergence")
    least = min(sum(cost[i, j] for i, j in enumerate(order)) for order in permutations(range(4)))
    assert sum(pair.cost for pair in found.pairs) == pytest.approx(least)
    assert {pair.method for pair in found.pairs} == {"divergence"}
    assert_one_to_one(found, a, b)


def test_heads_that_were_shuffled_are_found_again() -> None:
    a = layers(1, 6)
    order = np.array([3, 1, 5, 0, 2, 4])
    cost = np.full((6, 6), 0.4)
    cost[np.arange(6), order] = 0.02
    found = match(a, a, lambda *_: cost, "divergence")
    assert [pair.b.head for pair in found.pairs] == order.tolist()


@given(st.integers(0, 10**6), *[st.integers(1, 6)] * 4)
def test_other_shapes_are_matched_one_to_one_within_their_layers(seed, layers_a, heads_a, layers_b, heads_b) -> None:
    a, b = layers(layers_a, heads_a), layers(layers_b, heads_b)
    found = match(a, b, costs(seed, a, b))
    assert_one_to_one(found, a, b)
    together = {(i, j) for _, i, j in found.layers}
    assert all((pair.a.layer, pair.b.layer) in together for pair in found.pairs)
    # Nobody is left without a partner who could have had one: in every group all heads of one side are taken.
    groups: dict[int, list[tuple[int, int]]] = {}
    for i, j in together:
        groups.setdefault(j if layers_a >= layers_b else i, []).append((i, j))
    for group in groups.values():
        most = min(len({i for i, _ in group}) * heads_a, len({j for _, j in group}) * heads_b)
        assert sum((pair.a.layer, pair.b.layer) in group for pair in found.pairs) == most


def test_without_sketches_heads_of_other_shapes_go_by_their_order() -> None:
    found = match(layers(2, 2), layers(2, 3))
    assert chosen(found) == {one: one for one in heads_of(layers(2, 2))}
    assert all(np.isnan(pair.cost) for pair in found.pairs)
    assert found.alone_b == (head(0, 2), head(1, 2))


def test_kinds_are_matched_within_their_kind_and_layers_without_maps_do_not_count() -> None:
    a = [*layers(2, 2, "encoder"), LayerInfo("decoder", 0, 0, "none"), *layers(2, 2, first=1), *layers(2, 1, "cross")]
    b = [*layers(1, 2), *layers(1, 1, "cross")]
    found = match(a, b, costs(1, a, b))
    assert all(pair.a.kind == pair.b.kind for pair in found.pairs)
    assert found.layers == (("decoder", 1, 0), ("decoder", 2, 0), ("cross", 0, 0), ("cross", 1, 0))
    assert [one for one in found.alone_a if one.kind == "encoder"] == list(heads_of(layers(2, 2, "encoder")))
    with pytest.raises(UsageError, match="no kind of map in common: encoder, and decoder"):
        match(layers(1, 1, "encoder"), layers(1, 1))


def test_a_head_without_mass_is_matched_last() -> None:
    cost = np.array([[np.nan, np.nan], [0.1, 0.2], [0.3, 0.1]])
    found = match(layers(1, 3), layers(1, 2), lambda *_: cost)
    assert chosen(found) == {head(0, 1): head(0, 0), head(0, 2): head(0, 1)}
    assert found.alone_a == (head(0, 0),)


def test_index_needs_one_shape() -> None:
    with pytest.raises(UsageError, match="2 decoder layers of 4 heads, and 2 decoder layers of 3 heads"):
        match(layers(2, 4), layers(2, 3), method="index")


def test_a_match_changed_by_hand_stays_one_to_one() -> None:
    a, b = layers(1, 3), layers(1, 2)
    table = np.array([[0.1, 0.5], [0.5, 0.1], [0.4, 0.4]])
    found = match(a, b, lambda *_: table)
    swapped = changed(found, head(0, 0), head(0, 1))
    assert chosen(swapped) == {head(0, 0): head(0, 1), head(0, 1): head(0, 0)}
    assert [pair.method for pair in swapped.pairs] == ["hand", "hand"]
    assert all(np.isnan(pair.cost) for pair in swapped.pairs)
    # A head that was alone takes a partner, and whoever had it is alone.
    taken = changed(found, head(0, 2), head(0, 0))
    assert chosen(taken) == {head(0, 1): head(0, 1), head(0, 2): head(0, 0)}
    assert taken.alone_a == (head(0, 0),)
    assert [pair.method for pair in taken.pairs] == ["divergence", "hand"]
    for matching in (swapped, taken):
        assert_one_to_one(matching, a, b)
    kept = changed(found, head(0, 0), head(0, 0))
    assert chosen(kept) == chosen(found)
    assert kept.pairs[0].cost == found.pairs[0].cost


@given(st.integers(0, 10**6), st.lists(st.tuples(*[st.integers(0, 5)] * 2), max_size=8))
def test_any_changes_by_hand_keep_it_one_to_one(seed: int, changes: list[tuple[int, int]]) -> None:
    a, b = layers(2, 3), layers(3, 2)
    found = match(a, b, costs(seed, a, b))
    for i, j in changes:
        one, other = heads_of(a)[i], heads_of(b)[j]
        found = changed(found, one, other)
        assert chosen(found)[one] == other
        assert_one_to_one(found, a, b)


def test_heads_that_do_not_exist_or_are_of_another_kind_are_refused() -> None:
    a = [*layers(1, 1), *layers(1, 1, "cross")]
    found = match(a, a)
    with pytest.raises(UsageError, match="other model has no decoder layer 3 head 0"):
        changed(found, head(0, 0), head(3, 0))
    with pytest.raises(UsageError, match="same kind"):
        changed(found, head(0, 0), head(0, 0, "cross"))
