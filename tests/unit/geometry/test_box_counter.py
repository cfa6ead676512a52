from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support, box_dimension
from faa_core.geometry.box_counter import NOT_COUNTED, THRESHOLDS, UNIT, BoxCounter, threshold_codes
from faa_core.geometry.pyramid import ALIGN


def _attention(heads: int, support: Support, sharpness: float, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(heads, support.queries, support.keys, generator=generator) * sharpness
    return torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1)


def test_threshold_codes_are_exact_at_every_boundary() -> None:
    at = THRESHOLDS.astype(np.float32)
    near = [np.nextafter(at, np.float32(side)) for side in (0, np.inf)]
    random = np.random.default_rng(0).lognormal(0, 3, 50_000).astype(np.float32)
    x = np.concatenate([at, *near, random, np.float32([0, 1e-45, 1e-38, 3e38, np.inf])])
    codes = threshold_codes(torch.from_numpy(x)).numpy()
    assert codes.tolist() == (x.astype(np.float64)[:, None] > THRESHOLDS).sum(1).tolist()


@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(1, 200),
    m=st.integers(1, 200),
    cuts=st.sets(st.integers(1, 4)),
    sharpness=st.sampled_from([0.0, 1.0, 6.0]),
    seed=st.integers(0, 99),
)
def test_streamed_counts_equal_explicit_ones(n: int, m: int, cuts: set[int], sharpness: float, seed: int) -> None:
    support = Support.full(n, m)
    lift = _attention(2, support, sharpness, seed) * support.lengths[:, None]
    counter = BoxCounter(2, n, m)
    edges = [0, *sorted(cut * ALIGN for cut in cuts if cut * ALIGN < n), n]
    for start, stop in pairwise(edges):
        counter.add(start, lift[:, start:stop].clone())
    counts = counter.finish()
    for t, threshold in enumerate(THRESHOLDS):
        explicit = box_dimension(lift.double() / m, support, threshold).counts
        assert counts[:, t, 1:].tolist() == explicit[:, 1:].tolist()
    assert counts[:, UNIT, 0].tolist() == (lift > 1).sum((1, 2)).tolist()
    assert (counts[:, :UNIT, 0] == NOT_COUNTED).all()
    assert (np.diff(counts[:, :, 1:], axis=1) <= 0).all()


def test_the_set_shrinks_as_the_threshold_grows() -> None:
    a = _attention(1, Support.causal(128), 1.0, 0)
    cells = [int(box_dimension(a, "causal", float(t)).counts[0, 0]) for t in THRESHOLDS]
    assert cells == sorted(cells, reverse=True)
    assert cells[0] > cells[-1]
