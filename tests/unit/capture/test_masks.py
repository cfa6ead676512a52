from __future__ import annotations

import pytest
import torch
from transformers.masking_utils import (
    bidirectional_mask_function,
    causal_mask_function,
    chunked_causal_mask_function,
    eager_mask,
    sliding_window_bidirectional_mask_function,
    sliding_window_causal_mask_function,
)

from faa_core.capture.masks import RowMask, Window, mask_rows, row_mask, support_of

N = 150
KINDS = {
    "causal": (causal_mask_function, None, None),
    "sliding": (sliding_window_causal_mask_function(20), 20, Window(20, False)),
    "both ways": (sliding_window_bidirectional_mask_function(8), 8, Window(17, False)),
    "chunked": (chunked_causal_mask_function(16, torch.zeros(1, dtype=torch.long)), 16, Window(16, True)),
}


def _arguments(function, local, **more):
    return dict(
        batch_size=1,
        q_length=N,
        kv_length=N,
        mask_function=function,
        local_size=local,
        dtype=torch.float32,
        **more,
    )


def test_on_another_device_rows_go_there_as_they_are_made():
    mask = row_mask(**_arguments(*KINDS["sliding"][:2]))
    for same in (mask.to(torch.device("cpu"), non_blocking=False), mask.to("cpu"), mask.to(device=torch.device("cpu"))):
        assert same is mask
    there = mask.to(torch.device("meta"), non_blocking=True)
    assert isinstance(there, RowMask)
    assert there is mask.to("meta")
    assert (there.device.type, there.rows(3, 9).device.type) == ("meta", "meta")
    assert there.rows(3, 9).shape == mask.rows(3, 9).shape
    assert (there.shape, there.dtype, there.window) == (mask.shape, mask.dtype, mask.window)
    assert not mask.materialised
    assert not there.materialised
    assert mask.to(torch.float64).dtype == torch.float64  # that is more than it can do by rows
    assert mask.materialised


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_the_eager_mask(kind):
    function, local, window = KINDS[kind]
    mask, whole = row_mask(**_arguments(function, local)), eager_mask(**_arguments(function, local))
    assert mask.window == window
    assert torch.equal(mask.rows(0, 64), whole[:, :, :64])
    assert torch.equal(mask.rows(64, N), whole[:, :, 64:])
    assert torch.equal(mask.support().mask(), whole[0, 0] == 0)
    assert not mask.materialised
    assert torch.equal(mask.full(), whole)


def test_padding_on_the_left_narrows_the_support():
    padding = torch.ones(1, N, dtype=torch.bool)
    padding[0, :5] = False
    mask = row_mask(**_arguments(causal_mask_function, None, attention_mask=padding))
    support = mask.support()
    assert support.first[10:].tolist() == [5] * (N - 10)
    assert support.lengths[:5].tolist() == [0] * 5  # such rows see nothing


def test_where_every_query_sees_every_key_there_is_no_mask():
    options = {"allow_is_bidirectional_skip": True}
    assert row_mask(**_arguments(bidirectional_mask_function, None, **options)) is None
    padding = torch.ones(1, N, dtype=torch.bool)
    padding[0, -1] = False
    mask = row_mask(**_arguments(bidirectional_mask_function, None, attention_mask=padding, **options))
    assert mask.support().lengths.tolist() == [N - 1] * N


def test_modelling_code_finds_what_it_asks_of_a_mask():
    function, local, _ = KINDS["sliding"]
    mask, whole = row_mask(**_arguments(function, local)), eager_mask(**_arguments(function, local))
    assert (mask.shape, mask.dim(), mask.ndim, mask.size(-1)) == (whole.shape, 4, 4, N)
    assert (mask.dtype, torch.device(mask.device)) == (whole.dtype, whole.device)
    assert mask.to(torch.float32) is mask
    cut = mask[:, :, :, :100]
    assert isinstance(cut, RowMask)
    assert torch.equal(cut.rows(3, 9), whole[:, :, 3:9, :100])
    assert mask[..., :N] is mask
    assert not mask.materialised


def test_anything_else_gets_the_tensor_and_is_remembered():
    function, local, _ = KINDS["causal"]
    whole = eager_mask(**_arguments(function, local))
    for use in (
        lambda mask: torch.zeros(N, N) + mask,
        lambda mask: mask + torch.zeros(N, N),
        lambda mask: torch.where(mask < 0, mask, 0.0),
        lambda mask: mask.masked_fill(mask == 1, 0.0),
        lambda mask: 0.0 + mask,
        lambda mask: mask[0:1],
    ):
        mask = row_mask(**_arguments(function, local))
        assert torch.equal(use(mask), use(whole))
        assert mask.materialised


def test_masks_that_a_model_makes_itself_are_cut_by_rows():
    whole = eager_mask(**_arguments(causal_mask_function, None))
    assert torch.equal(mask_rows(whole, 5, 9, N), whole[:, :, 5:9])
    assert torch.equal(support_of(whole, N, N).stop, torch.arange(1, N + 1))
    for_all_rows = torch.zeros(1, 1, 1, N)
    for_all_rows[..., -3:] = -10_000.0
    assert mask_rows(for_all_rows, 5, 9, N) is for_all_rows
    assert support_of(for_all_rows, N, N).stop.tolist() == [N - 3] * N
    assert support_of(None, 4, 6).stop.tolist() == [6] * 4
