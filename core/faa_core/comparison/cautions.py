"""What a reader of a comparison has to know: where the two sides differ by themselves, and what numbers cannot say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from faa_core.comparison.matching import heads_of, same_shape
from faa_core.comparison.order import RATE
from faa_core.comparison.records import Matching, Side
from faa_core.records import Analysis
from faa_core.replication import UNEVEN


def warnings_of(a: Side, b: Side, runs_a: Sequence[Analysis], runs_b: Sequence[Analysis]) -> tuple[str, ...]:
    """Differences between the sides that may cause differences between the numbers by themselves."""
    one, other = a.model, b.model
    found = [
        f"Versions of {package} differ: {one.versions.get(package, 'none')} and {other.versions.get(package, 'none')}."
        for package in sorted(one.versions.keys() | other.versions.keys())
        if one.versions.get(package) != other.versions.get(package)
    ]
    for what, left, right in (
        ("Number formats", one.dtype, other.dtype),
        ("Attention implementations", one.attention, other.attention),
        ("Ways of taking the maps", one.route, other.route),
        ("Devices", _device(one.device), _device(other.device)),
        ("Machines", a.host, b.host),
    ):
        if left != right:
            found.append(f"{what} differ: {left or 'unknown'} and {right or 'unknown'}.")
    if one.tokenizer_hash != other.tokenizer_hash:
        same = all(left.tokens.ids == right.tokens.ids for left, right in zip(runs_a, runs_b, strict=True))
        more = "on these texts their tokens are the same" if same else "every number is of each model's own tokens"
        found.append(f"Tokenizers differ: {more}.")
    for side, runs in ((a, runs_a), (b, runs_b)):
        if cut := sum(run.truncated_from is not None for run in runs):
            texts = "The text was" if len(runs) == 1 else f"{cut} of {len(runs)} texts were"
            found.append(f"{texts} cut for {side.reference}, as asked for.")
    lengths = [*zip(a.tokens, b.tokens, strict=True)]
    apart = [pair for pair in lengths if max(pair) > UNEVEN * min(pair)]
    if apart:
        most = max(apart, key=lambda pair: max(pair) / max(min(pair), 1))
        found.append(
            f"Lengths differ, most on a text of {most[0]} tokens on one side and {most[1]} on the other. Nulls take "
            "out what the mask does with it; dimensions and effective numbers of keys depend on it all the same."
        )
    return tuple(found)


def notes_of(
    a: Side, b: Side, runs: tuple[Analysis, Analysis], matching: Matching, same_tokens: bool, sketched: bool
) -> tuple[str, ...]:
    """What the reader should know of the numbers themselves.

    Args:
        a: The first model.
        b: The other one.
        runs: The first run of each.
        matching: Which heads are compared.
        same_tokens: Whether both have the same tokens on every text.
        sketched: Whether heads were sketched.
    """
    texts = len(a.tokens)
    notes = [_resolution(texts, len(matching.pairs))]
    if texts > 1 and max(a.tokens) > UNEVEN * min(a.tokens):
        notes.append(
            f"The texts have {min(a.tokens)} to {max(a.tokens)} tokens. Most statistics, and every dimension, depend "
            "on the length, which adds to the scatter over texts."
        )
    if not same_tokens:
        notes.append(
            "The tokens differ. Maps and divergences are of common segments of the text, added tokens set aside; "
            "statistics are of each model's own tokens, added ones included, beside their own null."
        )
    layers = [tuple(layer.info for layer in run.layers) for run in runs]
    if not same_shape(*layers):
        shapes = [f"{len(infos)} layers with {len(heads_of(infos))} heads" for infos in layers]
        notes.append(
            f"The shapes differ: {shapes[0]}, and {shapes[1]}. Layers go with layers of the same relative depth, and "
            f"{len(matching.alone_a)} and {len(matching.alone_b)} heads are left without a partner."
        )
    if any(pair.method == "divergence" for pair in matching.pairs):
        notes.append(
            "Heads were matched so that they attend as alike as can be, which makes differences between them smaller "
            "than between heads matched without looking."
        )
    if not sketched:
        ordered = "" if same_shape(*layers) else ", and heads of a layer go by their order"
        notes.append(f"No rows of the maps were sketched, so divergences are unknown{ordered}.")
    return tuple(notes)


def fewest_discoveries(texts: int, pairs: int) -> int:
    """How many pairs must have the smallest p-value that the texts can give before any of them is a discovery.

    By Benjamini and Hochberg k tests of m with p-value p have q = p m / k; q is at most `RATE` for k >= p m / `RATE`.

    Returns:
        At least 1; more than ``pairs`` where there can be none.
    """
    return max(1, math.ceil(2.0 ** (1 - texts) * pairs / RATE - 1e-9)) if texts > 1 else pairs + 1


def _resolution(texts: int, pairs: int) -> str:
    """What the number of texts allows to say."""
    if texts == 1:
        return (
            "One text: a difference here is one on this text, and there is no p-value and no interval, because nothing "
            "was seen of how it changes from text to text. Give several with --texts."
        )
    smallest, fewest = 2.0 ** (1 - texts), fewest_discoveries(texts, pairs)
    told = f"With {texts} texts no p-value can be below 2/2^{texts} = {smallest:.2g}"
    if fewest > pairs:
        return f"{told}, so no difference can be called a discovery at q = {RATE:g}. Give at least 6 texts."
    if fewest > 1:
        return (
            f"{told}: differences of a statistic are discoveries at q = {RATE:g} only where {fewest} or more of the "
            f"{pairs} pairs have that p-value. More texts resolve fewer."
        )
    return f"Two-sided sign-flip test over {texts} texts; q after Benjamini-Hochberg over {pairs} pairs."


def _device(name: str) -> str:
    """``cuda`` of ``cuda:1``."""
    return name.partition(":")[0]


__all__ = ["fewest_discoveries", "notes_of", "warnings_of"]
