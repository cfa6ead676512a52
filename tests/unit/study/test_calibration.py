from __future__ import annotations

import pytest
import torch

from faa_core.geometry import Support
from faa_core.geometry.null_tests import Null
from faa_core.study.calibration import FAMILIES, calibration, family, obeys

HEADS = 30
MOST_FALSE = 5
"""P(more than 5 of 30 at a rate of .05) is .003; the seed is fixed."""


@pytest.mark.parametrize("name", FAMILIES)
def test_families_are_causal_attention(name: str) -> None:
    x = family(name, 2, 24)
    assert torch.allclose(x.sum(-1), torch.ones(2, 24))
    assert not x[:, ~Support.causal(24).mask()].any()
    assert torch.equal(x, family(name, 2, 24))
    assert not torch.equal(x, family(name, 2, 24, seed=1))


@pytest.mark.parametrize(
    ("name", "null"),
    [
        ("independent", "row_shuffle"),
        ("independent", "row_rotation"),
        ("independent", "logit_additive"),
        ("independent", "residual"),
        ("sink and recency", "logit_additive"),
        ("sink and recency", "residual"),
    ],
)
def test_true_nulls_are_rejected_about_once_in_twenty(name: str, null: Null) -> None:
    (row,) = calibration(HEADS, 64, 99, 11, ("D0",), (name,), (null,))
    assert row.true
    assert row.rate * HEADS <= MOST_FALSE
    assert abs(row.z) < 0.8


@pytest.mark.parametrize(
    ("name", "null"),
    [
        ("recency", "row_shuffle"),
        ("recency", "row_rotation"),
        ("cascade", "row_shuffle"),
        ("cascade", "logit_additive"),
        ("cascade", "residual"),
    ],
)
def test_structure_beyond_the_null_is_found(name: str, null: Null) -> None:
    (row,) = calibration(10, 64, 59, 12, ("D0",), (name,), (null,))
    assert not row.true
    assert row.rate >= 0.9


def test_a_sink_is_found_in_the_information_dimension() -> None:
    (row,) = calibration(6, 64, 59, 13, ("D1",), ("sink",), ("row_shuffle",))
    assert row.rate == 1
    assert row.z < -5


def test_rows_come_for_every_family_null_and_statistic() -> None:
    rows = list(calibration(2, 32, 3, 0, ("D0", "D1"), ("sink", "cascade"), ("row_shuffle", "residual")))
    assert len({(row.family, row.null, row.statistic) for row in rows}) == 8
    assert [row.true for row in rows] == [obeys(row.family, row.null) for row in rows]
    assert [row.true for row in rows[:4:2]] == [False, True]
