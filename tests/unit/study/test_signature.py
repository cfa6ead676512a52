"""The study at a short length: 1.0.0 measures the mask, and ours does not."""

from __future__ import annotations

import math

import pytest

from faa_core.errors import UsageError
from faa_core.geometry import reference_1_0 as reference
from faa_core.study import signature
from faa_core.study.records import Progress, SignatureRow


@pytest.fixture(scope="module")
def rows() -> dict[str, SignatureRow]:
    return {row.object: row for row in signature.rows(tokens=96)}


def test_1_0_0_gives_the_same_number_for_everything(rows: dict[str, SignatureRow]) -> None:
    closed = reference.causal_dimension(96)
    for row in rows.values():
        assert row.closed_form == closed
        assert row.reference == pytest.approx((closed, closed), abs=0.005)


def test_ours_tells_training_from_its_absence(rows: dict[str, SignatureRow]) -> None:
    untrained = [row for row in rows.values() if "untrained" in row.title]
    assert len(untrained) == 10
    for row in untrained:
        assert row.information == pytest.approx((2, 2), abs=0.02)
    low, high = rows["demo"].information
    assert low < 1.5 < high < 2
    assert low < rows["noise"].information[0] < 2
    assert rows["demo"].information_null == pytest.approx(2, abs=1e-6)
    assert rows["demo"].box[0] < rows["demo"].box_null - 0.5


def test_maps_are_counted_and_a_row_says_what_it_is(rows: dict[str, SignatureRow]) -> None:
    many = {name for name, row in rows.items() if row.heads != 8}
    assert many == {"gpt2-wide", "demo@init", "demo"}
    assert {rows[name].heads for name in many} == {32}
    assert rows["bart"].heads == 8  # the decoder's own maps; not the encoder's, nor the cross-attention
    assert all(row.tokens == 96 for row in rows.values())


def test_a_seed_names_one_realisation() -> None:
    first, again, other = (next(signature.rows(["noise"], 64, seed)) for seed in (0, 0, 1))
    assert first == again
    assert first.information != other.information


def test_progress_comes_before_each_row() -> None:
    told: list[Progress] = []
    rows = signature.rows(["noise", "sharp-noise"], 32, tell=told.append)
    next(rows)
    assert [(one.done, one.total) for one in told] == [(0, 2)]
    next(rows)
    assert [(one.done, one.total) for one in told] == [(0, 2), (1, 2)]


def test_a_few_tokens_have_no_dimension_here_and_a_constant_there() -> None:
    row = next(signature.rows(["noise"], 4))
    assert row.reference == pytest.approx((reference.causal_dimension(4),) * 2)
    assert row.information == (None, None)
    assert row.box == (None, None)
    assert not math.isnan(row.closed_form)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["gpt5"],), "no object 'gpt5'"),
        ((["noise"], 3), "4 to 1024 tokens, not 3"),
        ((["noise"], 2000), "not 2000"),
        ((["noise"], 64, -1), "seed is a whole number from 0, not -1"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        next(signature.rows(*arguments))
