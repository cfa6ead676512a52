"""How often each null is rejected: on heads that obey it, where 5 % is right, and on heads that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from faa_core.geometry.null_tests import Null, null_test
from faa_core.geometry.support import Support
from faa_core.study.records import CalibrationRow

LEVEL = 0.05
NULLS: tuple[Null, ...] = ("row_shuffle", "row_rotation", "logit_additive", "residual")
NOISE = 2.0
"""Standard deviation of the independent logits of every family but ``cascade``."""


def calibration(
    heads: int = 60,
    side: int = 128,
    replicates: int = 99,
    seed: int = 0,
    statistics: Sequence[str] = ("D1", "D2"),
    families: Sequence[str] | None = None,
    nulls: Sequence[Null] = NULLS,
) -> Iterator[CalibrationRow]:
    """Test causal heads of every family against every null.

    Args:
        heads: Heads of each family.
        side: Rows and columns of each map.
        replicates: Surrogates of each head.
        seed: Of the heads and of their surrogates.
        statistics: Names that `null_test` takes.
        families: Names of `FAMILIES`; all by default.
        nulls: Names of nulls.

    Yields:
        One row for each family, null and statistic, as soon as it is known.
    """
    for name in families or tuple(FAMILIES):
        x = family(name, heads, side, seed)
        for null in nulls:
            for statistic in statistics:
                test = null_test(x, statistic, null, "causal", replicates, seed)
                rate = float((test.p <= LEVEL).mean())
                error = float(np.sqrt(max(rate * (1 - rate), LEVEL * (1 - LEVEL)) / heads))
                true = obeys(name, null)
                z = float(test.z[np.isfinite(test.z)].mean()) if np.isfinite(test.z).any() else None
                yield CalibrationRow(name, null, statistic, heads, side, replicates, rate, error, z, true)


def family(name: str, heads: int, side: int, seed: int = 0) -> torch.Tensor:
    """Causal attention [heads, side, side], float32, of a family of `FAMILIES`."""
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(name.encode())))
    logits = torch.from_numpy(FAMILIES[name](random, heads, side))
    return logits.masked_fill(~Support.causal(side).mask(), -torch.inf).softmax(-1).to(torch.float32)


def obeys(name: str, null: Null) -> bool:
    """Whether the heads of a family obey a null."""
    if null in ("row_shuffle", "row_rotation"):
        return name == "independent"
    return name not in ("blocks", "cascade")


Logits = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def _noise(random: np.random.Generator, heads: int, side: int) -> Logits:
    return random.normal(0, NOISE, (heads, side, side))


def _sink(side: int) -> Logits:
    return np.where(np.arange(side) == 0, 4.0, 0.0)


def _recency(side: int) -> Logits:
    return -1.5 * np.log1p(np.abs(np.subtract.outer(np.arange(side), np.arange(side))))


def _columns(random: np.random.Generator, heads: int, side: int) -> Logits:
    return _noise(random, heads, side) + random.normal(0, 1.5, (heads, 1, side))


def _blocks(random: np.random.Generator, heads: int, side: int) -> Logits:
    """More for every dyadic block, of at least 4 tokens, that query and key are both in."""
    logits, width = _noise(random, heads, side), 4
    while width < side:
        block = np.arange(side) // width
        logits += 2.0 * (block[:, None] == block)
        width *= 2
    return logits


def _cascade(random: np.random.Generator, heads: int, side: int) -> Logits:
    """Independent normal effects of every dyadic box at every scale: a log-normal cascade."""
    logits, width = np.zeros((heads, side, side)), 1
    while width < side:
        boxes = -(-side // width)
        effect = random.normal(0, 0.8, (heads, boxes, boxes))
        logits += effect.repeat(width, 1).repeat(width, 2)[:, :side, :side]
        width *= 2
    return logits


FAMILIES: dict[str, Callable[[np.random.Generator, int, int], Logits]] = {
    "independent": _noise,
    "sink": lambda random, heads, side: _noise(random, heads, side) + _sink(side),
    "recency": lambda random, heads, side: _noise(random, heads, side) + _recency(side),
    "sink and recency": lambda random, heads, side: _noise(random, heads, side) + _sink(side) + _recency(side),
    "columns": _columns,
    "blocks": _blocks,
    "cascade": _cascade,
}
"""Logits of heads [heads, side, side]: independent noise, noise plus an effect, or a cascade."""
