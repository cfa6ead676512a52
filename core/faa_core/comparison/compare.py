"""Two models on the same texts: one comparison from their finished runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.comparison.alignment import align
from faa_core.comparison.cautions import notes_of, warnings_of
from faa_core.comparison.differences import differences
from faa_core.comparison.matching import match, no_costs
from faa_core.comparison.records import Comparison, Head, Matching, Side
from faa_core.comparison.sketch import divergence
from faa_core.errors import UsageError
from faa_core.records import Analysis, LayerSketch, MapKind
from faa_core.replication import LEVEL, RESAMPLES
from faa_core.significance import bootstrap_mean

Sketches = Sequence[Sequence[LayerSketch]]
"""For each text the sketches of its layers, in any order; some or all may be missing."""


def compare(
    a: Sequence[Analysis],
    b: Sequence[Analysis],
    sketches_a: Sketches = (),
    sketches_b: Sketches = (),
    *,
    references: tuple[str, str] | None = None,
    hosts: tuple[str, str] = ("", ""),
    matching: Matching | None = None,
    by_divergence: bool = False,
    seed: int = 0,
) -> Comparison:
    """Compare two models on one or more texts.

    Args:
        a: Runs of the first model, one for each text.
        b: Runs of the other one on the same texts, in the same order.
        sketches_a: Sketches of the first model's heads, on the rows and keys, tokens or common segments, that those of
            the other have. Without them heads have no divergence.
        sketches_b: Sketches of the other model's heads.
        references: Models as they were asked for; by default as their workers knew them.
        hosts: Names that the two machines give themselves, "" where they are not known.
        matching: Which heads to compare, changed by hand for example; its costs are worked out anew.
        by_divergence: Match heads by divergence even where the models have the same shape. Ignored with ``matching``.
        seed: Where random draws begin.

    Raises:
        UsageError: There is no text, the runs are not of the same texts, the tokens cannot be aligned, the models have
            no kind of map in common, or sketches do not fit each other.
    """
    _check_texts(a, b)
    references = references or (a[0].model.reference, b[0].model.reference)
    side_a, side_b = (
        Side(reference, host, runs[0].model, tuple(len(run.tokens) for run in runs))
        for reference, host, runs in zip(references, hosts, (a, b), strict=True)
    )
    aligned = [align([one.tokens, other.tokens], one.text) for one, other in zip(a, b, strict=True)]
    same_tokens = all(alignment.same for alignment in aligned)
    costs = _Costs(sketches_a, sketches_b, len(a))
    infos_a, infos_b = ([layer.info for layer in runs[0].layers] for runs in (a, b))
    if matching is None:
        matching = match(
            infos_a, infos_b, costs.mean if costs.known else no_costs, "divergence" if by_divergence else None
        )
    per_text = costs.of_pairs([(pair.a, pair.b) for pair in matching.pairs])
    over_texts = bootstrap_mean(per_text, replicates=RESAMPLES, seed=seed, level=LEVEL)
    priced = zip(matching.pairs, over_texts.mean.tolist(), strict=True)
    matching = msgspec.structs.replace(
        matching, pairs=tuple(msgspec.structs.replace(pair, cost=cost) for pair, cost in priced)
    )
    return Comparison(
        a=side_a,
        b=side_b,
        aligned="tokens" if same_tokens else "segments",
        segments=tuple(len(alignment) for alignment in aligned),
        matching=matching,
        differences=differences(a, b, matching.pairs, seed),
        divergence=over_texts.mean,
        divergence_low=np.clip(over_texts.low, 0.0, np.log(2)),
        divergence_high=np.clip(over_texts.high, 0.0, np.log(2)),
        labels_a=_labels(a, [pair.a for pair in matching.pairs]),
        labels_b=_labels(b, [pair.b for pair in matching.pairs]),
        warnings=warnings_of(side_a, side_b, a, b),
        notes=notes_of(side_a, side_b, (a[0], b[0]), matching, same_tokens, costs.known),
        seed=seed,
    )


class _Costs:
    """Divergences of heads, text by text, each pair of layers worked out once."""

    def __init__(self, sketches_a: Sketches, sketches_b: Sketches, texts: int) -> None:
        self._texts = texts
        self._a, self._b = self._by_layer(sketches_a), self._by_layer(sketches_b)
        self._known: dict[tuple[MapKind, int, int], NDArray[np.float64] | None] = {}
        self.known = any(self._a) and any(self._b)

    def _by_layer(self, sketches: Sketches) -> list[dict[tuple[MapKind, int], LayerSketch]]:
        if len(sketches) not in (0, self._texts):
            raise UsageError(f"There are sketches of {len(sketches)} texts, and runs of {self._texts}.")
        found = [{(one.info.kind, one.info.layer): one for one in layers} for layers in sketches]
        return found or [{}] * self._texts

    def per_text(self, kind: MapKind, layer_a: int, layer_b: int) -> NDArray[np.float64] | None:
        """float64 [texts, heads, heads], NaN for a text without sketches; ``None`` where no text has them."""
        key = (kind, layer_a, layer_b)
        if key not in self._known:
            each = [
                divergence(one[kind, layer_a], other[kind, layer_b])
                if (kind, layer_a) in one and (kind, layer_b) in other
                else None
                for one, other in zip(self._a, self._b, strict=True)
            ]
            shape = next((found.shape for found in each if found is not None), None)
            self._known[key] = (
                None
                if shape is None
                else np.stack([np.full(shape, np.nan) if found is None else found for found in each])
            )
        return self._known[key]

    def mean(self, kind: MapKind, layer_a: int, layer_b: int) -> NDArray[np.float64] | None:
        """float64 [heads, heads]: mean over the texts where both heads have mass; NaN where none is."""
        found = self.per_text(kind, layer_a, layer_b)
        if found is None:
            return None
        texts = np.isfinite(found).sum(0)
        return np.asarray(np.nansum(found, axis=0) / np.where(texts > 0, texts, np.nan))

    def of_pairs(self, pairs: Sequence[tuple[Head, Head]]) -> NDArray[np.float64]:
        """float64 [texts, pairs]."""
        values = np.full((self._texts, len(pairs)), np.nan)
        for place, (a, b) in enumerate(pairs):
            found = self.per_text(a.kind, a.layer, b.layer)
            if found is not None:
                values[:, place] = found[:, a.head, b.head]
        return values


def _check_texts(a: Sequence[Analysis], b: Sequence[Analysis]) -> None:
    if not a or len(a) != len(b):
        raise UsageError(
            f"A comparison takes the same texts on both sides, not {len(a)} and {len(b)}.",
            "Run both models on every text.",
        )
    for place, (one, other) in enumerate(zip(a, b, strict=True)):
        # A file of attention was made from a text that it does not know.
        if one.text != other.text and one.tokens.ids and other.tokens.ids:
            raise UsageError(f"Text {place + 1} differs between the two sides.", "Run both models on every text.")


def _labels(runs: Sequence[Analysis], heads: Sequence[Head]) -> tuple[str, ...]:
    """The label that most texts give each head; of equals the one that was given first."""
    named = [{(layer.info.kind, layer.info.layer): layer.labels for layer in run.layers} for run in runs]
    return tuple(
        Counter(labels[head.kind, head.layer][head.head].name for labels in named).most_common(1)[0][0]
        for head in heads
    )


__all__ = ["Sketches", "compare"]
