from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faa_core.catalogue import RUN_KEYS
from faa_core.export import head_dict
from faa_core.geometry import Support
from faa_core.heads import LayerMeter
from faa_core.records import STATUSES, LayerInfo, LayerResult

Measure = Callable[..., LayerResult]

# Rows of 1 to 4 keys; without key 0 they are -, (1), (1/2, 1/2), (2/9, 3/9, 4/9).
CAUSAL = torch.tensor([[[1, 0, 0, 0], [0.75, 0.25, 0, 0], [0.5, 0.25, 0.25, 0], [0.1, 0.2, 0.3, 0.4]]])


def _value(result: LayerResult, name: str, head: int = 0) -> tuple[float, float, str]:
    table = result.without_first
    row = table.row(name)
    return float(table.value[row, head]), float(table.null[row, head]), STATUSES[table.status[row, head]]


def _attention(heads: int, support: Support, seed: int = 0, sink: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(heads, support.queries, support.keys, generator=generator) * 1.5
    logits[:, :, 0] += sink
    return torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1)


def _expected(a: torch.Tensor, support: Support, ids: list[int]) -> dict[str, torch.Tensor]:
    """Every statistic from the map with key 0 cut out, in float64, by its definition."""
    a = a.double().clone()
    a[:, 0] = 0
    kept = a.sum(1) >= 0.05
    a = a[kept] / a[kept].sum(1, keepdim=True)
    n, m = support.queries, support.keys
    seen = support.mask().clone()
    seen[:, 0] = False
    seen = seen[kept]
    row, key = torch.arange(n)[kept][:, None], torch.arange(m)[None]
    rows = len(a)

    def mean(entries: torch.Tensor) -> torch.Tensor:
        some = (entries & seen).any(1)
        return (a * entries).sum() / some.sum()

    entropy = torch.special.entr(a).sum(1)
    several = seen.sum(1) >= 2
    viewers = seen.sum(0)
    importance = torch.where((viewers >= 0.25 * rows) & (viewers > 0), a.sum(0) / viewers, -1)
    found = {
        "entropy": entropy.mean(),
        "effective_keys": entropy.mean().exp(),
        "normalised_entropy": (entropy[several] / seen.sum(1)[several].log()).mean(),
        "confidence": a.amax(1).mean(),
        "sink": importance.max(),
        "sink_position": importance.argmax().double(),
        "previous_token": mean(key == row - 1),
        "current_token": mean(key == row),
        "distance": (a * (row - key).abs()).sum() / rows,
        "column_collapse": 1 - (a - a.mean(0)).square().sum() / a.square().sum(),
        "concentration": a.sum(0).topk(min(5, m)).values.sum() / rows,
        "self_attention": (a * (row == key)).sum() / rows,
        "backward_flow": (a * (key < row)).sum() / rows,
    } | {f"local_{w}": (a * ((row - key).abs() <= w)).sum() / rows for w in (1, 4, 16, 64, 256)}
    if ids:
        token = torch.tensor(ids)
        before = torch.cat([torch.tensor([-1]), token[:-1]])
        found["duplicate_token"] = mean((token[None] == token[row]) & (key < row))
        found["induction"] = mean((before[None] == token[row]) & (key <= row))
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("confidence", (1 + 1 / 2 + 4 / 9) / 3),
        ("entropy", (math.log(2) - sum(w / 9 * math.log(w / 9) for w in (2, 3, 4))) / 3),
        ("previous_token", (1 / 2 + 3 / 9) / 2),
        ("current_token", (1 + 1 / 2 + 4 / 9) / 3),
        ("distance", (0 + 1 / 2 + 2 / 9 * 2 + 3 / 9) / 3),
        ("local_1", (1 + 1 + 7 / 9) / 3),
        ("sink", (1 + 1 / 2 + 2 / 9) / 3),
        ("sink_position", 1),
    ],
)
def test_by_hand(name: str, expected: float, measure: Measure) -> None:
    assert _value(measure(CAUSAL), name)[0] == pytest.approx(expected, abs=1e-6)


def test_the_null_is_even_attention_without_its_first_key(measure: Measure) -> None:
    # Rows 1 to 15 are left with 1 to 15 keys.
    result = measure(_attention(1, Support.causal(16)))
    assert _value(result, "entropy")[1] == pytest.approx(sum(math.log(k) for k in range(1, 16)) / 15)
    assert _value(result, "previous_token")[1] == pytest.approx(sum(1 / k for k in range(2, 16)) / 14)
    assert _value(result, "normalised_entropy")[1] == pytest.approx(1)


SUPPORTS = {
    "causal": Support.causal(150),
    "full": Support.full(90, 90),
    "sliding": Support.sliding(200, 40),
    "cross": Support.full(70, 130),
}


@pytest.mark.parametrize("name", SUPPORTS)
@pytest.mark.parametrize("sink", [0.0, 6.0, 9.0])
def test_it_is_the_map_with_its_first_column_cut_out(name: str, sink: float, measure: Measure) -> None:
    support = SUPPORTS[name]
    a = _attention(2, support, seed=3, sink=sink)
    ids = [] if name == "cross" else [i * i % 19 for i in range(support.queries)]
    result = measure(a, support, ids, kind="cross" if name == "cross" else "encoder")
    table = result.without_first
    for head in (0, 1):
        for key, expected in _expected(a[head], support, ids).items():
            value, _, status = _value(result, key, head)
            if status == "ok":
                assert value == pytest.approx(float(expected), rel=2e-5, abs=2e-6), key
            else:
                assert name in ("cross", "sliding")
    np.testing.assert_array_equal(np.isnan(table.value), table.status != 0)


@settings(max_examples=10, deadline=None)
@given(n=st.integers(3, 140), window=st.integers(2, 140), seed=st.integers(0, 99))
def test_any_window(n: int, window: int, seed: int) -> None:
    support = Support.sliding(n, window)
    a = _attention(1, support, seed, sink=3.0)
    meter = LayerMeter(LayerInfo("decoder", 0, 1, "sliding", window), support, (), ())
    meter.add(0, a)
    result = meter.finish()
    expected = _expected(a[0], support, [])
    for key in ("entropy", "confidence", "distance", "local_4", "column_collapse", "concentration"):
        value, _, status = _value(result, key)
        assert status == "ok"
        assert value == pytest.approx(float(expected[key]), rel=5e-5, abs=5e-5), key


def test_how_much_rests_on_the_first_token_does_not_matter(measure: Measure) -> None:
    support = Support.causal(64)
    plain = _attention(2, support)
    sunk = plain * 0.5
    sunk[:, :, 0] += 0.5
    first, second = measure(plain).without_first, measure(sunk).without_first
    np.testing.assert_allclose(first.value, second.value, rtol=1e-5, atol=1e-5)


def test_rows_that_rest_on_the_first_token_do_not_count(measure: Measure) -> None:
    a = torch.zeros(1, 40, 40)
    a[0, :, 0] = 1
    a[0, 30, 0], a[0, 30, 29] = 0.5, 0.5
    a[0, 31, 0], a[0, 31, 2] = 0.96, 0.04
    result = measure(a)
    assert _value(result, "previous_token")[0] == 1
    assert result.statistics.value[result.statistics.row("dormant_rows"), 0] == pytest.approx(39 / 40)


def test_a_head_that_only_looks_at_the_first_token_has_no_rows_left(measure: Measure) -> None:
    a = torch.zeros(2, 30, 30)
    a[0, :, 0] = 1
    a[1] = Support.causal(30).uniform()
    result = measure(a, ids=[i % 7 for i in range(30)])
    table = result.without_first
    assert {STATUSES[code] for code in table.status[:, 0]} == {"no_rows"}
    assert np.isnan(table.value[:, 0]).all()
    assert _value(result, "entropy", 1)[2] == "ok"


def test_rows_that_cannot_see_the_first_token_stay_as_they_are(measure: Measure) -> None:
    support = Support.sliding(200, 20)
    a = _attention(1, support)
    rows = torch.arange(20, 200)
    later = measure(a, support)
    exact = torch.special.entr(a[0].double()).sum(1)
    early = a[0, 1:20, 1:].double() / a[0, 1:20, 1:].double().sum(1, keepdim=True)
    expected = (exact[rows].sum() + torch.special.entr(early).sum()) / 199
    assert _value(later, "entropy")[0] == pytest.approx(float(expected), rel=1e-5)


def test_a_learned_sink_is_renormalised_too(measure: Measure) -> None:
    a = _attention(1, Support.causal(50))
    whole, part = measure(a).without_first, measure(a * 0.6, learned_sink=True).without_first
    np.testing.assert_allclose(part.value, whole.value, rtol=1e-5, atol=1e-5)


def test_bad_heads_say_why(measure: Measure) -> None:
    a = _attention(2, Support.causal(50))
    a[1, 7] = float("nan")
    table = measure(a).without_first
    assert {STATUSES[code] for code in table.status[:, 1]} == {"non_finite"}
    assert _value(measure(a), "entropy", 0)[2] == "ok"


def test_names_are_those_of_the_run_and_the_export_has_them(measure: Measure) -> None:
    result = measure(_attention(1, Support.causal(32)))
    names = result.without_first.names
    assert [name for name in RUN_KEYS if name in names] == list(names)
    assert not {"first_token", "dormant_rows", "learned_sink", "D0"} & set(names)
    exported = head_dict(result, 0)
    assert exported["without_first_token"].keys() == set(names)
    assert exported["without_first_token"]["entropy"]["value"] == _value(result, "entropy")[0]
    assert exported["without_first_token"]["induction"] == {
        "value": None, "null": None, "excess": None, "status": "not_measured"
    }  # fmt: skip
    assert exported["label_evidence"]["without_first_token"] == result.labels[0].without_first
