from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from faa_core.geometry import Support
from faa_core.heads.patterns import PATTERNS, pattern_recall
from faa_core.heads.without_key import without_key

N = 128


def _causal(weights: torch.Tensor) -> torch.Tensor:
    """Cut to the causal triangle, rows scaled to one."""
    weights = weights * Support.causal(len(weights)).mask()
    return weights / weights.sum(-1, keepdim=True)


def _background(n: int = N) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.rand(n, n, generator=generator)


def _a_shape() -> torch.Tensor:
    a = 0.01 * _background()
    a[:, :2] += 20
    row = torch.arange(N)
    for back in range(3):
        a[row[back:], row[back:] - back] += 10
    return _causal(a)


def _vertical_slash() -> torch.Tensor:
    a = 0.01 * _background()
    a[:, [10, 31, 64]] += 20
    row = torch.arange(N)
    for back in (0, 23, 40):  # the main one, so that every row has a key
        a[row[back:], row[back:] - back] += 10
    return _causal(a)


def _block() -> torch.Tensor:
    a = 0.001 * torch.ones(N, N)
    for block in range(1, N // 8):
        row, key = 8 * block, 8 * (block * block * 3 % (block + 1))
        a[row : row + 8, key : key + 8] += 5
    a[:8, :8] += 5
    return _causal(a)


@pytest.mark.parametrize(
    ("head", "name"), [(_a_shape, "A-shape"), (_vertical_slash, "vertical-slash"), (_block, "block")]
)
def test_textbook_heads_are_recognised(head: Callable[[], torch.Tensor], name: str) -> None:
    found = pattern_recall(head(), "causal")
    assert found.best == name
    assert found.recall[PATTERNS.index(name)] > 0.9


def test_a_previous_token_head_and_a_sink_are_a_shapes() -> None:
    a = torch.zeros(2, N, N)
    a[0, torch.arange(N), (torch.arange(N) - 1).clamp(min=0)] = 1
    a[1, :, 0] = 1
    found = pattern_recall(a, "causal")
    assert found.best.tolist() == ["A-shape", "A-shape"]
    assert found.recall[:, 0] == pytest.approx([1, 1])
    assert found.recall[:, 1] == pytest.approx([1, 1])


def test_an_induction_head_is_a_slash() -> None:
    a = torch.zeros(N, N)
    row = torch.arange(N)
    a[row[50:], row[50:] - 49] = 1
    a[row[:50], 0] = 1
    found = pattern_recall(a, "causal")
    assert found.best == "vertical-slash"
    assert found.recall[1] == pytest.approx(1)
    assert found.recall[0] < 0.6


@pytest.mark.parametrize("sharpness", [0.0, 1.0, 3.0])
def test_noise_has_no_pattern(sharpness: float) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = sharpness * torch.randn(256, 256, generator=generator)
    support = Support.causal(256)
    found = pattern_recall(torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1), support)
    assert found.best == "none"
    assert found.status == "ok"


def test_even_attention_is_its_own_null() -> None:
    for support in (Support.causal(40), Support.full(30, 50), Support.sliding(64, 16)):
        found = pattern_recall(support.uniform(), support)
        np.testing.assert_allclose(found.recall, found.null, rtol=1e-12)


def test_a_mask_of_full_even_attention_recovers_its_share() -> None:
    # Every mask of a full map covers the same number of cells, and every cell has the same weight.
    for share in (0.1, 0.125, 0.5):
        assert pattern_recall(torch.full((24, 40), 1 / 40), share=share).recall == pytest.approx([share] * 3, rel=1e-6)


def test_columns_and_diagonals_by_hand() -> None:
    rows = torch.tensor([0.1, 0.5, 0.1, 0.3]).expand(4, 4)
    # Half of the cells are two columns: the first two, or those with most mass.
    half = pattern_recall(rows, share=0.5)
    assert half.recall[:2] == pytest.approx([0.6, 0.8])
    # A quarter is the main diagonal, .1 + .5 + .1 + .3 of 4, or one column.
    quarter = pattern_recall(rows, share=0.25)
    assert quarter.recall[:2] == pytest.approx([0.25, 0.5])


def test_the_last_element_counts_for_what_fits_and_crossings_count_once() -> None:
    # 6 of 9 cells: column 0 with 1.5, then the other 2 cells of the main diagonal with 1, and half of the one above it.
    a = torch.tensor([[0.5, 0.5, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]])
    assert pattern_recall(a, share=6 / 9).recall[1] == pytest.approx((1.5 + 1 + 0.5 / 2) / 3)
    # 5 of 9 cells, all for columns: 3 of the heaviest and 2 of the 3 of the next.
    columns = torch.tensor([0.2, 0.7, 0.1]).expand(3, 3)
    assert pattern_recall(columns, share=5 / 9).recall[1] == pytest.approx(0.7 + 2 / 3 * 0.2)


def test_recall_grows_with_the_budget() -> None:
    a = _vertical_slash()
    recalls = [pattern_recall(a, "causal", share).recall for share in (0.02, 0.05, 0.1, 0.3, 0.6, 0.95)]
    assert (np.diff(recalls, axis=0) >= -1e-9).all()
    assert all((recall <= 1 + 1e-9).all() for recall in recalls)


def test_the_first_token_does_not_hide_the_rest() -> None:
    a = 0.1 * _vertical_slash()
    a[:, 0] += 0.9
    whole, rest = pattern_recall(a, "causal"), pattern_recall(*without_key(a, "causal"))
    assert whole.recall[0] > 0.9
    assert rest.recall[0] < 0.5
    assert rest.recall[1] == pytest.approx(pattern_recall(_vertical_slash(), "causal").recall[1], abs=0.03)
    assert rest.best == "vertical-slash"


def test_blocks_grow_with_the_map() -> None:
    assert [pattern_recall(torch.ones(1, m)).block for m in (1, 100, 256, 511, 512, 1024, 4096)] == [
        8, 8, 8, 8, 16, 32, 32
    ]  # fmt: skip


def test_batches_keep_their_shape_and_undefined_heads_say_why() -> None:
    a = _a_shape().repeat(2, 2, 1, 1)
    a[0, 1] = 0
    a[1, 0, 5, 2] = torch.nan
    found = pattern_recall(a, "causal")
    assert found.recall.shape == found.null.shape == (2, 2, 3)
    assert found.status.tolist() == [["ok", "no_rows"], ["non_finite", "ok"]]
    assert found.best.tolist() == [["A-shape", ""], ["", "A-shape"]]
    assert np.isnan(found.recall).any(-1).tolist() == [[False, True], [True, False]]
    assert np.isnan(found.null).any(-1).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize("share", [0, 1, -0.5, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share of the visible cells"):
        pattern_recall(torch.eye(4), "causal", share)
