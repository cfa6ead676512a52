from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support
from faa_core.heads.rollout import RolloutMeter, rollout
from faa_core.heads.without_key import without_key


def _attention(support: Support, *lead: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(*lead, support.queries, support.keys, generator=generator)
    return torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1)


def test_four_even_layers_of_eight_tokens() -> None:
    found = rollout([Support.causal(8).uniform()] * 4)
    expected = [0.3434, 0.1768, 0.1197, 0.0891, 0.0695, 0.0558, 0.0456, 0.1001]
    assert found.value[-1] == pytest.approx(expected, abs=5e-5)
    np.testing.assert_allclose(found.excess, 0, atol=1e-7)
    assert (found.layers, found.status) == (4, "ok")


def test_deep_causal_rollout_ends_at_the_first_token() -> None:
    found = rollout([Support.causal(64).uniform()] * 32)
    assert found.value[:, 0].mean() == pytest.approx(0.9975, abs=5e-5)
    assert found.value[-1, 0] == pytest.approx(0.9954, abs=5e-5)


def test_two_layers_by_hand() -> None:
    # Previous token twice: half stays, half moves one back, each time.
    previous = torch.eye(4)[[0, 0, 1, 2]]
    found = rollout([previous, previous])
    assert found.value[3].tolist() == [0, 0.25, 0.5, 0.25]
    assert found.value[1].tolist() == [0.75, 0.25, 0, 0]


def test_the_layers_multiply_as_in_the_paper() -> None:
    support = Support.causal(12)
    layers = _attention(support, 3, 4)
    mixed = layers.double().mean(1) + torch.eye(12)
    mixed = mixed / mixed.sum(-1, keepdim=True)
    expected = mixed[2] @ mixed[1] @ mixed[0]
    found = rollout(layers)
    np.testing.assert_allclose(found.value, expected.numpy(), atol=1e-12)
    np.testing.assert_allclose(found.value.sum(1), 1, atol=1e-12)
    np.testing.assert_allclose(found.excess.sum(1), 0, atol=1e-12)
    np.testing.assert_allclose(rollout(layers.double().mean(1)).value, found.value, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 20), window=st.integers(1, 20), layers=st.integers(1, 5))
def test_the_null_is_the_rollout_of_even_attention(n: int, window: int, layers: int) -> None:
    supports = [Support.sliding(n, window) if layer % 2 else Support.full(n, n) for layer in range(layers)]
    even = rollout([support.uniform() for support in supports], supports)
    other = rollout([_attention(support) for support in supports], supports)
    np.testing.assert_allclose(even.value, even.null, atol=1e-6)
    np.testing.assert_allclose(other.null, even.null, atol=1e-12)


def test_a_layer_at_a_time_gives_the_same() -> None:
    support = Support.causal(9)
    layers = _attention(support, 3, 2)
    meter = RolloutMeter(9)
    for layer in layers:
        meter.add(layer, support)
    np.testing.assert_array_equal(meter.finish().value, rollout(layers).value)


def test_padding_keeps_its_own_position() -> None:
    mask = Support.causal(5).mask()
    mask[:2] = False
    mask[:, :2] = False
    support = Support.from_mask(mask)
    found = rollout([_attention(Support.causal(5)) * 0 + support.uniform()] * 3, support)
    assert found.value[:2].tolist() == torch.eye(5)[:2].tolist()
    np.testing.assert_allclose(found.value[2:, 2:], rollout([Support.causal(3).uniform()] * 3).value, atol=1e-7)
    np.testing.assert_allclose(found.excess, 0, atol=1e-7)


def test_without_the_first_token() -> None:
    # Row 2 rests on the sink, and so keeps its own position; row 3 looks at token 1.
    a = torch.tensor([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [1, 0, 0, 0], [0.5, 0.5, 0, 0]])
    weights, rest = without_key(a, "causal")
    found = rollout([weights[1:]], rest.rows(1, 4))
    assert found.value.tolist() == [[1, 0, 0], [0, 1, 0], [0.5, 0, 0.5]]


def test_nan_in_any_layer_is_reported() -> None:
    support = Support.causal(6)
    layers = _attention(support, 3, 2)
    layers[1, 0, 4, 2] = torch.nan
    found = rollout(layers)
    assert found.status == "non_finite"
    assert np.isnan(found.value).all()
    np.testing.assert_allclose(found.null, rollout([support.uniform()] * 3).null)


def test_bad_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        rollout([])
    with pytest.raises(ValueError, match="2 supports for 3 layers"):
        rollout([torch.eye(4)] * 3, ["causal", "full"])
    with pytest.raises(ValueError, match="Layer 1 is 3 x 3, not 4 x 4"):
        rollout([torch.eye(4), torch.eye(3)])
