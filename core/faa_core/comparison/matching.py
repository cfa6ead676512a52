"""Which head of one model is compared with which of another.

Layers go with layers of the same relative depth, and within them heads go with heads one to one, so that the sum of
their divergences is least. Heads have no order that means anything across two trainings: head 3 of one model may do
what head 7 of another does. Models of one shape are another matter, where one was trained on from the other: there the
same place is the same head, and that is the default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from faa_core.comparison.records import Head, HeadPair, Matching, Method
from faa_core.errors import UsageError
from faa_core.records import LayerInfo, MapKind

Costs = Callable[[MapKind, int, int], NDArray[np.float64] | None]
"""Gives float64 [heads, heads], the divergence of all heads of two layers (kind, layer, layer), or ``None``."""

_KINDS: tuple[MapKind, ...] = ("encoder", "decoder", "cross")
_UNKNOWN = 2 * np.log(2)  # dearer than any divergence: a head without mass is matched last


def no_costs(kind: MapKind, layer_a: int, layer_b: int) -> None:
    """`Costs` where nothing was sketched."""
    return None


def same_shape(a: Sequence[LayerInfo], b: Sequence[LayerInfo]) -> bool:
    """Whether two models have maps of the same kinds, layers and numbers of heads."""
    return _shape(a) == _shape(b)


def match(
    a: Sequence[LayerInfo], b: Sequence[LayerInfo], costs: Costs = no_costs, method: Method | None = None
) -> Matching:
    """Match the heads of two models, each kind of map by itself.

    Args:
        a: Layers of the first model; those without maps do not count.
        b: Layers of the other one.
        costs: Divergences, so that matches are shown with their cost.
        method: ``index`` for the same place, ``divergence`` for the assignment of least cost. By default ``index`` for
            models of the same shape, and ``divergence`` for others; where there are no costs, heads of matched layers
            are paired in their order, and that is called ``index`` too.

    Raises:
        UsageError: ``index`` is asked for and the shapes differ, or the models have no kind of map in common.
    """
    alike = same_shape(a, b)
    if method == "index" and not alike:
        raise UsageError(
            f"Heads cannot be matched by index: the models have {_described(a)}, and {_described(b)}.",
            "Match them by divergence.",
        )
    heads_a, heads_b = _by_kind(a), _by_kind(b)
    if not heads_a.keys() & heads_b.keys():
        raise UsageError(
            f"The models have no kind of map in common: {', '.join(heads_a) or 'none'}, and "
            f"{', '.join(heads_b) or 'none'}."
        )
    by_index = alike if method is None else method == "index"
    layers: list[tuple[MapKind, int, int]] = []
    pairs: list[HeadPair] = []
    for kind in _KINDS:
        if kind in heads_a and kind in heads_b:
            for group in _layer_groups(len(heads_a[kind]), len(heads_b[kind])):
                infos = [(heads_a[kind][i], heads_b[kind][j]) for i, j in group]
                layers += [(kind, one.layer, other.layer) for one, other in infos]
                pairs += _match_group(infos, costs, by_index)
    return _complete(pairs, a, b, layers)


def relative_depth(count_a: int, count_b: int) -> tuple[tuple[int, int], ...]:
    """Pairs of layers of the same relative depth.

    Layer i of L lies at (i + .5) / L. Layers of equal numbers go one to one; otherwise each layer of the deeper model
    goes to the nearest one of the other, which leaves none of them out and never runs backwards.

    Returns:
        Pairs (layer of the first, layer of the other), ascending.
    """
    # The nearest of the middles of S equal parts to a point is that of the part which the point lies in.
    if count_a >= count_b:
        return tuple((i, (2 * i + 1) * count_b // (2 * count_a)) for i in range(count_a if count_b else 0))
    return tuple((i, j) for j, i in relative_depth(count_b, count_a))


def changed(matching: Matching, a: Head, b: Head) -> Matching:
    """Compare ``a`` with ``b`` from now on, by hand.

    It stays one to one: the head that ``a`` was compared with goes to the head that ``b`` was compared with. Where one
    of the two had no partner, the other's is left alone. Costs of new pairs are NaN until the comparison is made again
    with this matching.

    Args:
        matching: What there was.
        a: Head of the first model.
        b: Head of the other one, of the same kind.

    Raises:
        UsageError: A head does not exist, or the kinds differ.
    """
    left = [pair.a for pair in matching.pairs] + list(matching.alone_a)
    right = [pair.b for pair in matching.pairs] + list(matching.alone_b)
    for head, known, side in ((a, left, "first"), (b, right, "other")):
        if head not in known:
            raise UsageError(f"The {side} model has no {head.kind} layer {head.layer} head {head.head}.")
    if a.kind != b.kind:
        raise UsageError(
            f"An {a.kind} map cannot be compared with one of kind {b.kind}.", "Choose two heads of the same kind."
        )
    old = next((pair for pair in matching.pairs if pair.a == a), None)
    taken = next((pair for pair in matching.pairs if pair.b == b), None)
    if old is not None and old is taken:
        kept = msgspec.structs.replace(old, method="hand")
        return msgspec.structs.replace(matching, pairs=tuple(kept if p is old else p for p in matching.pairs))
    pairs = [pair for pair in matching.pairs if pair is not old and pair is not taken]
    pairs.append(HeadPair(a, b, float("nan"), "hand"))
    if old is not None and taken is not None:
        pairs.append(HeadPair(taken.a, old.b, float("nan"), "hand"))
    alone_a = sorted(set(left) - {pair.a for pair in pairs}, key=_order)
    alone_b = sorted(set(right) - {pair.b for pair in pairs}, key=_order)
    return Matching(tuple(sorted(pairs, key=_pair_order)), tuple(alone_a), tuple(alone_b), matching.layers)


def heads_of(layers: Sequence[LayerInfo]) -> tuple[Head, ...]:
    """Every head of a model, in the order of the forward pass."""
    return tuple(Head(info.kind, info.layer, head) for info in layers for head in range(info.heads))


def _match_group(infos: list[tuple[LayerInfo, LayerInfo]], costs: Costs, by_index: bool) -> list[HeadPair]:
    """Match the heads of layers that belong together: one layer of one model, and one or more of the other."""
    one, other = list(dict.fromkeys(a for a, _ in infos)), list(dict.fromkeys(b for _, b in infos))
    left, right = heads_of(one), heads_of(other)
    blocks = [[costs(a.kind, a.layer, b.layer) for b in other] for a in one]
    known = all(block is not None for row in blocks for block in row)
    cost = np.block(blocks) if known else np.full((len(left), len(right)), np.nan)  # type: ignore[arg-type]
    if by_index or not known:
        places = [(k, k) for k in range(min(len(left), len(right)))]
    else:
        rows, columns = linear_sum_assignment(np.where(np.isnan(cost), _UNKNOWN, cost))
        places = list(zip(rows.tolist(), columns.tolist(), strict=True))
    method: Method = "index" if by_index or not known else "divergence"
    return [HeadPair(left[i], right[j], float(cost[i, j]), method) for i, j in places]


def _layer_groups(count_a: int, count_b: int) -> list[list[tuple[int, int]]]:
    """`relative_depth`, the pairs of each layer of the shallower model together."""
    groups: dict[int, list[tuple[int, int]]] = {}
    for i, j in relative_depth(count_a, count_b):
        groups.setdefault(j if count_a >= count_b else i, []).append((i, j))
    return list(groups.values())


def _complete(
    pairs: list[HeadPair], a: Sequence[LayerInfo], b: Sequence[LayerInfo], layers: list[tuple[MapKind, int, int]]
) -> Matching:
    taken_a, taken_b = {pair.a for pair in pairs}, {pair.b for pair in pairs}
    return Matching(
        tuple(sorted(pairs, key=_pair_order)),
        tuple(sorted((head for head in heads_of(a) if head not in taken_a), key=_order)),
        tuple(sorted((head for head in heads_of(b) if head not in taken_b), key=_order)),
        tuple(layers),
    )


def _by_kind(layers: Sequence[LayerInfo]) -> dict[MapKind, list[LayerInfo]]:
    found: dict[MapKind, list[LayerInfo]] = {}
    for info in layers:
        if info.heads:
            found.setdefault(info.kind, []).append(info)
    return {kind: sorted(infos, key=lambda info: info.layer) for kind, infos in found.items()}


def _shape(layers: Sequence[LayerInfo]) -> list[tuple[MapKind, int, int]]:
    return sorted((info.kind, info.layer, info.heads) for info in layers if info.heads)


def _described(layers: Sequence[LayerInfo]) -> str:
    kinds = _by_kind(layers)
    each = (
        f"{len(infos)} {kind} layers of {' or '.join(map(str, sorted({info.heads for info in infos})))} heads"
        for kind, infos in kinds.items()
    )
    return ", ".join(each) or "no maps"


def _order(head: Head) -> tuple[int, int, int]:
    return _KINDS.index(head.kind), head.layer, head.head


def _pair_order(pair: HeadPair) -> tuple[int, int, int]:
    return _order(pair.a)


__all__ = ["Costs", "changed", "heads_of", "match", "no_costs", "relative_depth", "same_shape"]
