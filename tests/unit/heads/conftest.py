from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
import torch

from faa_core.geometry import Support
from faa_core.heads import LayerMeter
from faa_core.records import STATUSES, LayerInfo, LayerResult, MapKind

Measure = Callable[..., LayerResult]


@pytest.fixture
def measure() -> Measure:
    """Run a whole map [heads, n, m] through a meter, in one strip or cut at the rows given."""

    def run(
        weights: torch.Tensor,
        support: Support | None = None,
        ids: Sequence[int] = (),
        kind: MapKind = "decoder",
        cuts: Sequence[int] = (),
        learned_sink: bool = False,
        tolerance: float = 1e-3,
    ) -> LayerResult:
        weights = weights.float()
        heads, n, m = weights.shape
        support = support or Support.causal(n, m)
        info = LayerInfo(kind, 0, heads, "causal", learned_sink=learned_sink)
        key_ids = ids if n == m else (0,) * m if ids else ()
        meter = LayerMeter(info, support, ids, key_ids, tolerance=tolerance)
        edges = [0, *cuts, n]
        for start, stop in pairwise(edges):
            meter.add(start, weights[:, start:stop])
        return meter.finish()

    return run


@pytest.fixture
def read() -> Callable[..., tuple[float, float, str]]:
    """Value, null and status of one statistic of one head."""

    def pick(result: LayerResult, name: str, head: int = 0) -> tuple[float, float, str]:
        table = result.statistics
        row = table.row(name)
        return float(table.value[row, head]), float(table.null[row, head]), STATUSES[table.status[row, head]]

    return pick
