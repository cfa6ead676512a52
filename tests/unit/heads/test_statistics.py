from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from faa_core.catalogue import BY_KEY, RUN_KEYS
from faa_core.geometry import Support
from faa_core.records import LayerResult

Measure = Callable[..., LayerResult]
Read = Callable[..., tuple[float, float, str]]

PEER = Path(__file__).parents[2] / "data" / "faa-1.0.0"

# One head under a causal mask, and one that may look ahead.
CAUSAL = torch.tensor([[[1, 0, 0, 0], [0.75, 0.25, 0, 0], [0.5, 0.25, 0.25, 0], [0.1, 0.2, 0.3, 0.4]]])
OPEN = torch.tensor([[[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25], [0, 0, 1, 0]]])


def _entropy(*weights: float) -> float:
    return -sum(w * math.log(w) for w in weights if w)


# --- by hand ------------------------------------------------------------------------------------------------------

CAUSAL_ROWS = (_entropy(1), _entropy(0.75, 0.25), _entropy(0.5, 0.25, 0.25), _entropy(0.1, 0.2, 0.3, 0.4))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("entropy", sum(CAUSAL_ROWS) / 4),
        ("effective_keys", math.exp(sum(CAUSAL_ROWS) / 4)),
        ("normalised_entropy", sum(h / math.log(n) for h, n in zip(CAUSAL_ROWS[1:], (2, 3, 4), strict=True)) / 3),
        ("confidence", (1 + 0.75 + 0.5 + 0.4) / 4),
        ("first_token", (1 + 0.75 + 0.5 + 0.1) / 4),
        ("sink", (1 + 0.75 + 0.5 + 0.1) / 4),  # key 3: 0.4 over one row, key 1: 0.7 over three
        ("sink_position", 0),
        ("learned_sink", 0),
        ("previous_token", (0.75 + 0.25 + 0.3) / 3),
        ("current_token", (1 + 0.25 + 0.25 + 0.4) / 4),
        ("distance", (0.75 + (0.5 * 2 + 0.25) + (0.1 * 3 + 0.2 * 2 + 0.3)) / 4),
        ("sparsity", 6 / 16),
        ("concentration", 1),
        ("forward_flow", 0),
        ("self_attention", 1.9 / 4),
        ("backward_flow", 2.1 / 4),
        ("dormant_rows", 1 / 4),
        ("local_1", (1 + 1 + 0.5 + 0.7) / 4),
        ("local_4", 1),
        # |A|^2 = 1 + .625 + .375 + .3; the mean row is (.5875, .175, .1375, .1)
        ("column_collapse", 4 * (0.5875**2 + 0.175**2 + 0.1375**2 + 0.1**2) / 2.3),
        # entropy of the whole: mass 4, so each p = A/4
        ("matrix_entropy", _entropy(*(float(w) / 4 for w in CAUSAL.flatten()))),
        ("uniformity", math.exp(_entropy(*(float(w) / 4 for w in CAUSAL.flatten()))) / 16),
    ],
)
def test_causal_head_by_hand(name: str, expected: float, measure: Measure, read: Read) -> None:
    assert read(measure(CAUSAL), name)[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("previous_token", (0.4 + 0.25 + 1) / 3),
        ("current_token", (0.1 + 0.3 + 0.25 + 0) / 4),
        ("next_token", (0.2 + 0.2 + 0.25) / 3),
        ("distance", ((0.2 + 0.6 + 1.2) + (0.4 + 0.2 + 0.2) + (0.5 + 0.25 + 0.25) + 1) / 4),
        ("forward_flow", (0.9 + 0.3 + 0.25) / 4),
        ("backward_flow", (0.4 + 0.5 + 1) / 4),
        ("self_attention", 0.65 / 4),
        ("local_1", (0.3 + 0.9 + 0.75 + 1) / 4),
        ("local_256", 1),
        ("sink", 1.75 / 4),
        ("sink_position", 2),
    ],
)
def test_bidirectional_head_by_hand(name: str, expected: float, measure: Measure, read: Read) -> None:
    result = measure(OPEN, Support.full(4, 4), kind="encoder")
    assert read(result, name)[0] == pytest.approx(expected, abs=1e-6)


def test_the_last_keys_are_no_sinks(measure: Measure, read: Read) -> None:
    # A head that only looks at itself would score 1 on its last key, which one row sees.
    result = measure(torch.eye(16)[None])
    assert read(result, "sink")[0] == pytest.approx(1 / 4)
    assert read(result, "sink_position")[0] == 12


def test_next_token_is_undefined_under_a_causal_mask(measure: Measure, read: Read) -> None:
    value, null, status = read(measure(CAUSAL), "next_token")
    assert math.isnan(value)
    assert math.isnan(null)
    assert status == "no_rows"


# --- uniform causal attention over 16 tokens ----------------------------------------------------------------------

HARMONIC = sum(1 / k for k in range(1, 17))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("entropy", 1.916991),
        ("normalised_entropy", 1),
        ("confidence", 0.211296),
        ("first_token", 0.211296),
        ("sink", 0.211296),
        ("sink_position", 0),
        ("learned_sink", 0),
        ("previous_token", (HARMONIC - 1) / 15),
        ("current_token", 0.211296),
        ("distance", 3.75),
        ("column_collapse", 0.5290884),  # sum_j (sum_(i >= j) 1 / i)^2 / (16 H_16)
        ("local_1", (1 + 2 * (HARMONIC - 1)) / 16),
        ("local_16", 1),
        ("local_256", 1),
        ("dormant_rows", 1 / 16),
    ],
)
def test_golden_values_of_even_attention(name: str, expected: float, measure: Measure, read: Read) -> None:
    value, null, status = read(measure(Support.causal(16).uniform()[None]), name)
    assert value == pytest.approx(expected, abs=1e-6)
    assert null == pytest.approx(expected, abs=1e-6)
    assert status == "ok"


@pytest.mark.parametrize("support", [Support.causal(100), Support.full(70, 90), Support.sliding(150, 20)], ids=str)
def test_the_excess_of_even_attention_is_nothing(support: Support, measure: Measure) -> None:
    ids = [i % 7 for i in range(support.queries)]
    kind = "cross" if support.queries != support.keys else "decoder"
    table = measure(support.uniform()[None].repeat(2, 1, 1), support, ids, kind=kind).statistics
    assert table.names == RUN_KEYS
    defined = ~np.isnan(table.excess)
    np.testing.assert_allclose(table.excess[defined], 0, atol=1e-9)
    np.testing.assert_array_equal(np.isnan(table.value), table.status != 0)


# --- text ---------------------------------------------------------------------------------------------------------


def test_a_perfect_induction_head_scores_one(measure: Measure, read: Read) -> None:
    half = 20
    ids = [*range(half), *range(half)]
    a = torch.zeros(1, 2 * half, 2 * half)
    rows = torch.arange(half, 2 * half)
    a[0, :half, 0] = 1
    a[0, rows, rows - half + 1] = 1
    result = measure(a, ids=ids)
    assert read(result, "induction")[0] == pytest.approx(1)
    assert read(result, "duplicate_token")[0] == pytest.approx(0)


def test_a_perfect_duplicate_head_scores_one(measure: Measure, read: Read) -> None:
    ids = [5, 6, 7, 5, 6, 7]
    a = torch.zeros(1, 6, 6)
    a[0, :3, 0] = 1
    a[0, [3, 4, 5], [0, 1, 2]] = 1
    assert read(measure(a, ids=ids), "duplicate_token")[0] == pytest.approx(1)


def test_every_earlier_copy_counts_and_nothing_ahead_does(measure: Measure, read: Read) -> None:
    # Tokens a b a a: row 2 has a copy at 0, row 3 at 0 and 2; their successors are 1, and 1 and 3.
    result = measure(OPEN, Support.full(4, 4), ids=[1, 2, 1, 1], kind="encoder")
    a = OPEN[0]
    assert read(result, "duplicate_token")[0] == pytest.approx(float(a[2, 0] + a[3, 0] + a[3, 2]) / 2)
    assert read(result, "induction")[0] == pytest.approx(float(a[2, 1] + a[3, 1] + a[3, 3]) / 2)


def test_unknown_tokens_and_texts_without_repeats_say_so(measure: Measure, read: Read) -> None:
    for name in ("duplicate_token", "induction"):
        assert read(measure(CAUSAL), name)[2] == "not_measured"
        assert read(measure(CAUSAL, ids=[1, 2, 3, 4]), name)[2] == "no_rows"


def test_rows_that_cannot_see_a_copy_do_not_count(measure: Measure, read: Read) -> None:
    # The copy of the last token stands outside a window of two.
    support = Support.sliding(4, 2)
    assert read(measure(support.uniform()[None], support, [1, 2, 3, 1]), "duplicate_token")[2] == "no_rows"
    assert read(measure(support.uniform()[None], support, [1, 2, 2, 1]), "duplicate_token")[0] == pytest.approx(0.5)


# --- shapes and supports ------------------------------------------------------------------------------------------


def test_cross_attention(measure: Measure, read: Read) -> None:
    torch.manual_seed(0)
    a = torch.softmax(torch.randn(3, 40, 60) * 2, -1)
    result = measure(a, Support.full(40, 60), ids=[1] * 40, kind="cross")
    for name in ("previous_token", "current_token", "next_token", "local_16", "duplicate_token", "induction"):
        assert read(result, name)[2] == "no_rows"
    assert read(result, "distance", 1)[0] == pytest.approx(
        float((a[1] * (torch.arange(40)[:, None] - torch.arange(60)).abs()).sum() / 40), rel=1e-5
    )
    assert read(result, "entropy", 2)[0] == pytest.approx(float(torch.special.entr(a[2]).sum(-1).mean()), rel=1e-5)
    assert read(result, "entropy")[1] == pytest.approx(math.log(60), rel=1e-6)


def test_one_token(measure: Measure, read: Read) -> None:
    result = measure(torch.ones(2, 1, 1), ids=[7])
    assert read(result, "entropy")[0] == pytest.approx(0, abs=1e-7)
    assert read(result, "confidence")[0] == 1
    assert read(result, "current_token")[0] == 1
    assert read(result, "normalised_entropy")[2] == "no_rows"
    assert read(result, "previous_token")[2] == "no_rows"
    assert read(result, "induction")[2] == "no_rows"
    assert read(result, "D0")[2] == "too_few_scales"
    assert read(result, "interpretability")[2] == "too_few_scales"


def test_rows_that_see_nothing_are_left_out(measure: Measure, read: Read) -> None:
    # Two tokens of padding on the left.
    mask = torch.ones(6, 6).tril().bool()
    mask[:, :2] = False
    support = Support.from_mask(mask)
    padded, bare = measure(support.uniform()[None], support), measure(Support.causal(4).uniform()[None])
    for name in ("entropy", "normalised_entropy", "confidence", "sink", "current_token", "previous_token", "distance"):
        assert read(padded, name)[0] == pytest.approx(read(bare, name)[0], abs=1e-6)
    assert read(padded, "sink_position")[0] == 2


def test_a_window_narrower_than_a_quarter_has_no_sink(measure: Measure, read: Read) -> None:
    support = Support.sliding(64, 8)
    assert read(measure(support.uniform()[None], support), "sink")[2] == "no_rows"


# --- invalid heads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        (lambda a: a[1, 3].fill_(float("nan")), "non_finite"),
        (lambda a: a[1, 3, 2:3].fill_(float("inf")), "non_finite"),
        (lambda a: a[1, 3, 60:61].fill_(float("nan")), "non_finite"),  # on a masked key
        (lambda a: a[1, 90].mul_(0.9), "not_row_stochastic"),
        (lambda a: a[1, 3, 9:10].fill_(0.5), "not_row_stochastic"),  # beside the diagonal
        (lambda a: a[1, 3, 99:100].fill_(0.5), "not_row_stochastic"),  # far from it
        (lambda a: a[1, 3, :2].copy_(torch.tensor([-0.5, 1.5]) + a[1, 3, :2]), "not_row_stochastic"),
    ],
)
def test_one_bad_head_spoils_no_other(
    spoil: Callable[[torch.Tensor], object], status: str, measure: Measure, read: Read
) -> None:
    torch.manual_seed(0)
    logits = torch.randn(3, 100, 100).masked_fill(~Support.causal(100).mask(), -torch.inf)
    good = torch.softmax(logits, -1)
    bad = good.clone()
    spoil(bad)
    expected, result = measure(good), measure(bad)
    for name in ("entropy", "D0", "sink", "sparsity", "interpretability"):
        value, _, found = read(result, name, 1)
        assert math.isnan(value)
        assert found == status
        for head in (0, 2):
            assert read(result, name, head)[::2] == pytest.approx(read(expected, name, head)[::2], nan_ok=True)
    assert result.labels[1].name == "undefined"
    assert not result.boxes.counts[1].any()
    assert np.isnan(result.boxes.effective[1])


def test_learned_sinks_take_mass_and_are_reported(measure: Measure, read: Read) -> None:
    a = Support.causal(8).uniform()[None] * torch.linspace(0.4, 1, 8)[:, None]
    assert read(measure(a), "entropy")[2] == "not_row_stochastic"
    result = measure(a, learned_sink=True)
    assert read(result, "learned_sink")[:2] == pytest.approx((0.3, 0), abs=1e-6)
    assert read(result, "confidence")[0] == pytest.approx(float(a.amax(-1).mean()))
    assert read(measure(a * 2, learned_sink=True), "entropy")[2] == "not_row_stochastic"


def test_a_head_that_gives_all_to_its_learned_sink(measure: Measure, read: Read) -> None:
    result = measure(torch.zeros(1, 8, 8), learned_sink=True)
    assert read(result, "learned_sink")[0] == 1
    for name in ("distance", "concentration", "forward_flow", "column_collapse"):
        assert math.isnan(read(result, name)[0])
        assert read(result, name)[2] == "no_rows"


def test_half_precision_needs_a_wider_tolerance(measure: Measure, read: Read) -> None:
    a = Support.causal(8).uniform()[None] * 1.004
    assert read(measure(a), "entropy")[2] == "not_row_stochastic"
    assert read(measure(a, tolerance=1e-2), "entropy")[2] == "ok"


# --- the reference package ----------------------------------------------------------------------------------------


def _peer() -> dict[str, dict[str, dict[str, float]]]:
    return dict(json.loads((PEER / "expected.json").read_text()))


@pytest.mark.parametrize("name", sorted(_peer()))
def test_matrix_statistics_equal_the_reference_package(name: str, measure: Measure, read: Read) -> None:
    expected = _peer()[name]["metrics"]
    matrix = torch.from_numpy(np.load(PEER / "matrices.npz")[name])
    n, m = matrix.shape
    causal = not bool(matrix.triu(1).any())
    result = measure(matrix[None], Support.causal(n) if causal else Support.full(n, m), kind="encoder")
    ours = {"entropy": "matrix_entropy"} | {
        key: key
        for key in ("sparsity", "concentration", "uniformity", "forward_flow", "backward_flow", "self_attention")
    }
    for theirs, key in ours.items():
        # The reference package sums in float32 and is itself off by up to 5e-5.
        assert read(result, key)[0] == pytest.approx(expected[theirs], rel=1e-4, abs=1e-6), key
    weights = matrix.double().flatten() + 1e-10
    exact = float(torch.special.entr(weights / weights.sum()).sum())
    assert read(result, "matrix_entropy")[0] == pytest.approx(exact, rel=1e-6)
    assert read(result, "uniformity")[0] == pytest.approx(math.exp(exact) / (n * m), rel=2e-6)


def test_interpretability_follows_its_formula(measure: Measure, read: Read) -> None:
    torch.manual_seed(1)
    logits = 0.3 * torch.randn(1, 256, 256)  # a head whose dimension is defined
    a = torch.softmax(logits.masked_fill(~Support.causal(256).mask(), -torch.inf), -1)
    result = measure(a)
    assert read(result, "interpretability")[2] == "ok"
    for column in (0, 1):
        of = {name: read(result, name)[column] for name in ("sparsity", "concentration", "uniformity", "D0")}
        expected = 0.3 * of["sparsity"] + 0.3 * of["concentration"] + 0.2 * (1 - of["uniformity"])
        expected += 0.2 * (1 - abs(of["D0"] - 2) / 2)
        assert read(result, "interpretability")[column] == pytest.approx(expected)


def test_values_stay_in_the_ranges_of_the_catalogue(measure: Measure) -> None:
    torch.manual_seed(2)
    logits = torch.randn(6, 150, 150) * torch.tensor([0.1, 1, 2, 4, 8, 30])[:, None, None]
    for support, kind in ((Support.causal(150), "decoder"), (Support.full(150, 150), "encoder")):
        a = torch.softmax(logits.masked_fill(~support.mask(), -torch.inf), -1)
        table = measure(a, support, ids=[i % 11 for i in range(150)], kind=kind).statistics
        for name, row in zip(table.names, table.value, strict=True):
            entry = BY_KEY[name]
            known = row[~np.isnan(row)]
            assert entry.low is None or (known >= entry.low - 1e-6).all(), name
            assert entry.high is None or (known <= entry.high + 1e-6).all(), name
