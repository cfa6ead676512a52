from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faa_core.geometry.self_similarity import self_similarity
from faa_core.geometry.support import Support


def _softmax(logits: torch.Tensor, support: Support) -> torch.Tensor:
    return torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1)


def _set(generator: list[list[int]], level: int) -> np.ndarray:
    image = np.ones((1, 1))
    for _ in range(level):
        image = np.kron(image, np.array(generator))
    return image


@pytest.mark.parametrize(
    ("generator", "level", "factor"),
    [
        ([[1, 0], [1, 1]], 7, 2),
        ([[1, 0], [1, 1]], 7, 4),
        ([[1, 0, 1], [0, 0, 0], [1, 0, 1]], 4, 3),
        ([[1, 1, 1], [1, 0, 1], [1, 1, 1]], 4, 3),
    ],
)
def test_a_self_similar_set_is_its_own_smaller_copy(generator: list[list[int]], level: int, factor: int) -> None:
    result = self_similarity(_set(generator, level), factor=factor)
    assert float(result.value) == pytest.approx(1, abs=1e-12)
    assert result.status == "ok"


def test_a_cascade_of_weights_is_one_and_its_shuffled_rows_are_not() -> None:
    cascade = np.ones((1, 1))
    for _ in range(7):
        cascade = np.kron(cascade, np.array([[0.4, 0.3], [0.1, 0.2]]))
    assert float(self_similarity(cascade).value) == pytest.approx(1, abs=1e-12)
    shuffled = np.random.default_rng(0).permuted(cascade, axis=1)
    assert abs(float(self_similarity(shuffled).value)) < 0.1


def test_rows_of_any_mass_have_the_same_null() -> None:
    """Rows of a learned sink sum to less than one; how much less is no pattern over the keys."""
    rows = torch.linspace(0.1, 1, 64, dtype=torch.float64)[:, None]
    x = torch.rand(64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x /= x.sum(-1, keepdim=True)
    value = float(self_similarity(x).value)
    assert float(self_similarity(x * rows).value) == pytest.approx(value, abs=1e-12)
    assert abs(value) < 0.1
    x[::3] = 0
    assert abs(float(self_similarity(x).value)) < 0.15


@pytest.mark.parametrize("causal", [False, True])
def test_the_null_is_the_mean_over_shuffled_rows(causal: bool) -> None:
    n = 48
    support = Support.causal(n) if causal else Support.full(n, n)
    heads = _softmax(2 * torch.randn(300, n, n, generator=torch.Generator().manual_seed(3)), support)
    result = self_similarity(heads, support)
    error = result.value.std() / np.sqrt(len(result.value))
    assert abs(result.value.mean() - result.null[0]) < 4 * error
    assert result.value.std() < 0.1


def test_attention_that_depends_on_relative_position_only_is_hardly_stretched() -> None:
    """A power law of the distance is scale-free; the previous-token head is a line one token wide, whatever n is."""
    n = 128
    distance = np.clip(np.subtract.outer(np.arange(n), np.arange(n)), 0, None)
    power_law = np.tril(1.0 / (1 + distance))
    power_law /= power_law.sum(1, keepdims=True)
    previous = np.eye(n, k=-1)
    previous[0, 0] = 1
    scores = self_similarity(np.stack([power_law, previous]), "causal").value
    assert scores[0] > 0.95
    assert 0.4 < scores[1] < 0.7


@given(st.integers(4, 40), st.integers(4, 40), st.integers(2, 4))
def test_even_attention_does_not_vary(n: int, m: int, factor: int) -> None:
    result = self_similarity(np.full((n, m), 1 / m), factor=factor)
    assert np.isnan(result.value)
    assert result.status in ("degenerate", "too_few_scales")
    assert np.isnan(self_similarity(Support.causal(n).uniform(), "causal", factor).value)


@given(st.integers(6, 30), st.integers(6, 30), st.floats(0.01, 100), st.integers(0, 1000))
def test_it_is_a_correlation_and_knows_no_unit(n: int, m: int, scale: float, seed: int) -> None:
    x = np.random.default_rng(seed).random((n, m))
    value = float(self_similarity(x).value)
    assert -1 <= value <= 1
    assert float(self_similarity(x * scale).value) == pytest.approx(value, abs=1e-9)


def test_a_batch_keeps_its_shape_and_its_reasons() -> None:
    x = np.random.default_rng(0).random((2, 3, 40, 60))
    x[1, 2, 5, 7] = np.nan
    result = self_similarity(x)
    assert result.value.shape == result.null.shape == result.status.shape == (2, 3)
    assert result.status[1, 2] == "non_finite"
    assert np.isnan(result.value[1, 2])
    assert result.value[0, 1] == float(self_similarity(x[0, 1]).value)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="at least 2, not 1"):
        self_similarity(np.ones((4, 4)), factor=1)
    with pytest.raises(ValueError, match=r"row 1, key 0 holds -0\.5"):
        self_similarity(np.array([[1.0, 0], [-0.5, 1.5]]))
    assert self_similarity(np.ones((1, 1))).status == "too_few_scales"
    assert self_similarity(np.ones((3, 5)), factor=7).status == "too_few_scales"
