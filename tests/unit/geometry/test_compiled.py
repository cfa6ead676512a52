from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.geometry import Support, compiled
from faa_core.geometry.box_counter import BoxCounter, Grid
from faa_core.geometry.pyramid import mass_pyramid, max_pyramid
from faa_core.geometry.scan import box_counts, power_sums, scan

pytest.importorskip("numba")

NEVER = 1 << 62


def _attention(n: int, m: int, kind: str, seed: int) -> tuple[torch.Tensor, Support]:
    support = Support.sliding(n, 9) if kind == "sliding" and n == m else Support.full(n, m)
    support = Support.causal(n, m) if kind == "causal" else support
    logits = 3 * torch.randn(3, n, m, generator=torch.Generator().manual_seed(seed))
    return torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1).nan_to_num(0), support


shapes = {
    "n": st.integers(1, 150),
    "m": st.integers(1, 300),
    "kind": st.sampled_from(["full", "causal", "sliding"]),
    "seed": st.integers(0, 99),
}


@settings(max_examples=15, deadline=None)
@given(**shapes)
def test_pyramids_are_the_same_to_the_bit(n: int, m: int, kind: str, seed: int) -> None:
    x, _ = _attention(n, m, kind, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "RENT", NEVER)
        by_torch = max_pyramid(x), mass_pyramid(x)
        patch.setattr(compiled, "RENT", -1)
        by_kernels = max_pyramid(x), mass_pyramid(x)
    for ours, theirs in zip(by_kernels, by_torch, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@settings(max_examples=15, deadline=None)
@given(**shapes, grid=st.sampled_from([Grid(), Grid(-40, 23), Grid(0, 0)]))
def test_counts_are_equal_and_sums_agree(n: int, m: int, kind: str, seed: int, grid: Grid) -> None:
    x, support = _attention(n, m, kind, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "RENT", NEVER)
        by_torch = scan(x, support.lengths, grid)
        patch.setattr(compiled, "RENT", -1)
        by_kernels = scan(x, support.lengths, grid)
        np.testing.assert_array_equal(box_counts(x, support.lengths, grid), by_kernels.counts)
        np.testing.assert_allclose(power_sums(x), by_kernels.sums, rtol=1e-14)
    np.testing.assert_array_equal(by_kernels.counts, by_torch.counts)
    # x ln x has both signs: its sums are compared on the scale of the sums of x, the mass times the logarithm.
    scale = np.maximum(
        np.abs(by_torch.sums), x.double().sum((1, 2)).numpy()[:, None, None] * np.array([0, 1, 0, 0, 0])[:, None]
    )
    difference = np.abs(by_kernels.sums - by_torch.sums)
    assert (difference[..., 0] <= 1e-6 * scale[..., 0]).all()
    assert (difference[..., 1:] <= 1e-12 * scale[..., 1:]).all()


@settings(max_examples=15, deadline=None)
@given(**shapes)
def test_streamed_counts_are_equal(n: int, m: int, kind: str, seed: int) -> None:
    x, support = _attention(n, m, kind, seed)
    lift = x * support.lengths[:, None]
    counts = []
    for rent in (NEVER, -1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "RENT", rent)
            counter = BoxCounter(3, n, m)
            for row in range(0, n, 64):
                counter.add(row, lift[:, row : row + 64].clone())
            counts.append(counter.finish())
    np.testing.assert_array_equal(*counts)


def test_every_thread_does_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.rand(5, 1024, 512, generator=torch.Generator().manual_seed(0))
    lengths = torch.full((1024,), 512)
    monkeypatch.setattr(compiled, "RENT", -1)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = scan(x, lengths), max_pyramid(x)
        torch.set_num_threads(3)
        three = scan(x, lengths), max_pyramid(x)
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(one[0].counts, three[0].counts)
    np.testing.assert_array_equal(one[0].sums, three[0].sums)
    assert all(torch.equal(a, b) for a, b in zip(one[1], three[1], strict=True))


def test_nan_spreads_in_compiled_pyramids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "RENT", -1)
    for row, column in [(0, 0), (2, 3), (4, 5), (4, 4), (6, 6)]:
        x = torch.ones(1, 7, 7)
        x[0, row, column] = torch.nan
        for level, part in enumerate(max_pyramid(x)):
            assert part.isnan().sum() == 1
            assert part[0, row >> level, column >> level].isnan()


def test_other_types_and_layouts_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "RENT", -1)
    x = torch.rand(2, 8, 8)
    assert compiled.kernels_for(x) is not None
    assert compiled.kernels_for(x.double()) is None
    assert compiled.kernels_for(x.transpose(1, 2)) is None
    assert max_pyramid(x.double())[-1].dtype == torch.float64


def test_a_short_run_does_not_import_numba() -> None:
    program = (
        "import sys, torch\n"
        "from faa_core.geometry import box_dimension\n"
        "from faa_core.geometry.scan import power_sums\n"
        "box_dimension(torch.rand(2, 64, 64)); power_sums(torch.rand(2, 64, 64))\n"
        "sys.exit('numba' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
