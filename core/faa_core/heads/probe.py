"""The random-repeat probe: a random sequence twice in a row shows which heads look for what came before.

On r r, where r has no token twice, a token of the second copy has exactly one earlier copy. An induction head looks at
the token after it, ``length - 1`` back, and so predicts the next one; a duplicate-token head looks at the copy itself,
``length`` back (Olsson et al. 2022, "In-context Learning and Induction Heads"; Wang et al. 2023, "Interpretability in
the Wild"). Random tokens carry no meaning that could lead a head there for another reason.

Only rows of the second copy count, so that a perfect head scores 1. Dividing by all rows, as some tools do, gives half
of that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry import Support
from faa_core.geometry.estimate import names_of
from faa_core.geometry.matrices import Array, SupportLike, matrices_of, support_of, tensor_of
from faa_core.heads.without_key import without_key
from faa_core.records import status_code

Floats = NDArray[np.float64]


def repeat_sequences(
    vocabulary_size: int,
    special_ids: Collection[int],
    bos_id: int | None,
    length: int = 50,
    draws: int = 4,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Texts of the probe: a random sequence r, twice.

    Args:
        vocabulary_size: Ids are drawn evenly from 0 to this, without the special ones.
        special_ids: Ids that must not occur in r; the one of ``bos_id`` does not either.
        bos_id: Id in front of every text, ``None`` where the tokenizer has none.
        length: Number of tokens of r, all different.
        draws: Number of texts.
        seed: Of the draws.

    Returns:
        int64 [draws, 1 + 2 * length], or [draws, 2 * length] without ``bos_id``.

    Raises:
        ValueError: ``length`` or ``draws`` is too small, or there are fewer than ``length`` ids to draw from.
    """
    if length < 2 or draws < 1:
        raise ValueError(f"A probe has at least one draw of 2 tokens, not {draws} of {length}.")
    excluded = [*special_ids] if bos_id is None else [*special_ids, bos_id]
    ordinary = np.setdiff1d(np.arange(vocabulary_size), np.asarray(excluded, dtype=np.int64))
    if len(ordinary) < length:
        raise ValueError(f"{length} different tokens cannot be drawn from {len(ordinary)} that are not special.")
    random = np.random.default_rng(seed)
    drawn = np.stack([random.choice(ordinary, length, replace=False) for _ in range(draws)])
    head = np.empty((draws, 0), np.int64) if bos_id is None else np.full((draws, 1), bos_id, np.int64)
    return np.concatenate((head, drawn, drawn), axis=1)


@dataclass(frozen=True, eq=False)
class ProbeScore:
    """Mean weight on one key of each row of the second copy.

    Attributes:
        value: float64 [heads], 0 to 1: mean over draws of the mean over rows.
        null: float64 [heads]: the same for attention that is even over the visible keys, on the same rows.
        error: float64 [heads]: standard error of ``value`` over draws; NaN for a single draw.
        status: str [heads]: ``ok``, ``non_finite``, or ``no_rows`` where no row sees that key or, without the first
            token, none has mass left; numbers are NaN unless ``ok``.
    """

    value: Floats
    null: Floats
    error: Floats
    status: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class ProbeScores:
    """What the heads of one layer do on the probe, with the first token and without.

    Attributes:
        induction: Weight on the token after the earlier copy.
        duplicate: Weight on the earlier copy itself.
        induction_without_first: The same on rows without their weight on the first token, scaled up to one; see
            `faa_core.heads.without_key.without_key`.
        duplicate_without_first: Likewise.
        draws: Number of texts.
        length: Number of tokens of the repeated sequence.
    """

    induction: ProbeScore
    duplicate: ProbeScore
    induction_without_first: ProbeScore
    duplicate_without_first: ProbeScore
    draws: int
    length: int


class ProbeMeter:
    """Scores of one layer from strips of rows, over any number of draws.

    Args:
        heads: Number of heads.
        length: Number of tokens of the repeated sequence.
        offset: Position of its first token: 1 behind a BOS token, 0 without.
        support: Visible keys of a draw.

    Raises:
        ValueError: The support is not that of ``offset + 2 * length`` tokens.
    """

    def __init__(self, heads: int, length: int, offset: int, support: SupportLike = "causal") -> None:
        tokens = offset + 2 * length
        self._support = support_of(support, tokens, tokens)
        self._heads = heads
        self._length = length
        self._tokens = tokens
        self._row = 0
        self._finite = np.ones(heads, bool)
        # For each draw, with the first token and without, induction and duplicate: weight, even weight, number of rows.
        self._draws: list[Floats] = []

    def add(self, row: int, weights: Array) -> None:
        """Take in the next rows of a draw; after the last row of one, the next draw starts at row 0.

        Args:
            row: First row of the strip.
            weights: [heads, rows, tokens].

        Raises:
            ValueError: The strip does not continue the one before, has another shape, or holds bad weights; see
                `faa_core.geometry.matrices.matrices_of`.
        """
        weights = tensor_of(weights)
        rows = weights.shape[1] if weights.dim() == 3 else 0
        if row != self._row or tuple(weights.shape) != (self._heads, rows, self._tokens) or row + rows > self._tokens:
            raise ValueError(
                f"A strip {list(weights.shape)} at row {row} does not continue a map of {self._heads} heads and "
                f"{self._tokens} tokens at row {self._row}."
            )
        matrices = matrices_of(weights, self._support.rows(row, row + rows))
        self._finite &= matrices.finite
        if row == 0:
            self._draws.append(np.zeros((2, 2, 3, self._heads)))
        self._draws[-1][0] += self._sums(row, 0, matrices.weights, matrices.support)
        self._draws[-1][1] += self._sums(row, 1, *without_key(matrices.weights, matrices.support))
        self._row = (row + rows) % self._tokens

    def _sums(self, row: int, dropped: int, weights: torch.Tensor, support: Support) -> Floats:
        """[2, 3, heads]: weight, even weight and number of rows of both scores.

        Args:
            row: First row of the strip.
            dropped: Number of keys dropped in front.
            weights: [heads, rows, keys].
            support: Visible keys of these rows.
        """
        position = torch.arange(row, row + weights.shape[1], device=weights.device)
        found = []
        for back in (self._length - 1, self._length):
            key = position - back - dropped
            counted = (position >= self._tokens - self._length) & (key >= support.first) & (key < support.stop)
            counts = counted & (weights.sum(-1) > 0)  # [heads, rows]
            on_key = weights.gather(2, key.clamp(0, weights.shape[2] - 1).expand(len(weights), -1)[..., None])[..., 0]
            even = 1 / support.lengths.clamp(min=1).double()
            parts = (torch.where(counts, on_key.double(), 0.0), torch.where(counts, even, 0.0), counts.double())
            found.append(torch.stack([part.sum(-1) for part in parts]))
        return torch.stack(found).cpu().numpy()

    def finish(self) -> ProbeScores:
        """Scores over the draws so far.

        Raises:
            ValueError: There was none, or the last one is not complete.
        """
        if self._row or not self._draws:
            raise ValueError(f"The draw ended at row {self._row} of {self._tokens}.")
        sums = np.stack(self._draws)  # [draws, with first or without, score, 3, heads]
        return ProbeScores(
            induction=self._score(sums[:, 0, 0]),
            duplicate=self._score(sums[:, 0, 1]),
            induction_without_first=self._score(sums[:, 1, 0]),
            duplicate_without_first=self._score(sums[:, 1, 1]),
            draws=len(sums),
            length=self._length,
        )

    def _score(self, sums: Floats) -> ProbeScore:
        """From [draws, 3, heads]; draws without rows do not count."""
        weight, even, rows = sums.swapaxes(0, 1)
        counts = rows > 0
        draws = counts.sum(0)
        status = np.where(draws > 0, status_code("ok"), status_code("no_rows"))
        status = np.where(self._finite, status, status_code("non_finite")).astype(np.uint8)
        fine = status == status_code("ok")

        def mean(part: Floats) -> Floats:
            means: Floats = np.where(counts, part / np.maximum(rows, 1), 0)
            return np.asarray(means.sum(0) / np.maximum(draws, 1))

        value = mean(weight)
        square = np.where(counts, (weight / np.maximum(rows, 1) - value) ** 2, 0).sum(0)
        error = np.sqrt(square / np.maximum(draws - 1, 1) / np.maximum(draws, 1))
        return ProbeScore(
            value=np.where(fine, value, np.nan),
            null=np.where(fine, mean(even), np.nan),
            error=np.where(fine & (draws > 1), error, np.nan),
            status=names_of(status),
        )


def probe_scores(attention: Array, length: int, offset: int, support: SupportLike = "causal") -> ProbeScores:
    """Scores of one layer from its whole map of one draw; `ProbeMeter` takes strips and several draws.

    Args:
        attention: [heads, n, n] with n = ``offset + 2 * length``.
        length: Number of tokens of the repeated sequence.
        offset: Position of its first token: 1 behind a BOS token, 0 without.
        support: Visible keys.

    Raises:
        ValueError: ``attention`` has another shape or bad weights.
    """
    attention = tensor_of(attention)
    meter = ProbeMeter(len(attention), length, offset, support)
    meter.add(0, attention)
    return meter.finish()


__all__ = ["ProbeMeter", "ProbeScore", "ProbeScores", "probe_scores", "repeat_sequences"]
