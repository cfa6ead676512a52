"""Means over texts: intervals, what is counted, and the variability of patterns."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from faa_core.analysis import Engine
from faa_core.errors import UsageError
from faa_core.records import Analysis
from faa_core.replication import replicate, variability

TEXTS = (
    "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n",
    "for name in names:\n    print(name, len(name))\n    total += len(name)\n",
    "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y\n",
    "import os\n\nfor root, dirs, files in os.walk('.'):\n    print(root, len(files))\n",
)


@pytest.fixture(scope="module")
def analyses(run_text: Callable[[Engine, str, str], Analysis]) -> list[Analysis]:
    engine = Engine()
    return [run_text(engine, "demo", text) for text in TEXTS]


def test_the_mean_and_the_excess_are_those_of_the_texts(analyses: list[Analysis]) -> None:
    layer = replicate(analyses).layers[2]
    row = layer.names.index("entropy")
    values = np.array([run.layers[2].statistics.value[row] for run in analyses])
    nulls = np.array([run.layers[2].statistics.null[row] for run in analyses])
    np.testing.assert_allclose(layer.mean[row], values.mean(0))
    np.testing.assert_allclose(layer.excess[row], (values - nulls).mean(0))
    np.testing.assert_allclose(layer.error[row], (values - nulls).std(0, ddof=1) / 2)
    assert (layer.low[row] < layer.excess[row]).all()
    assert (layer.high[row] > layer.excess[row]).all()
    assert (layer.used[row] == len(TEXTS)).all()


def test_a_text_without_a_null_counts_for_the_mean_and_not_for_the_excess(analyses: list[Analysis]) -> None:
    first = analyses[0]
    statistics = first.layers[2].statistics
    row = statistics.row("entropy")
    null = statistics.null.copy()
    null[row] = np.nan
    layer = msgspec.structs.replace(first.layers[2], statistics=msgspec.structs.replace(statistics, null=null))
    lacking = msgspec.structs.replace(first, layers=(*first.layers[:2], layer, *first.layers[3:]))
    replicated = replicate([lacking, *analyses[1:]]).layers[2]
    values = np.array([run.layers[2].statistics.value[row] for run in analyses])
    nulls = np.array([run.layers[2].statistics.null[row] for run in analyses])
    np.testing.assert_allclose(replicated.mean[row], values.mean(0))
    np.testing.assert_allclose(replicated.excess[row], (values - nulls)[1:].mean(0))
    assert (replicated.used[row] == len(TEXTS) - 1).all()


def test_intervals_are_the_same_for_the_same_seed(analyses: list[Analysis]) -> None:
    first, again = replicate(analyses, seed=3), replicate(analyses, seed=3)
    np.testing.assert_array_equal(first.layers[0].low, again.layers[0].low)
    np.testing.assert_array_equal(first.layers[0].high, again.layers[0].high)


def test_a_statistic_that_no_text_defines_stays_undefined(analyses: list[Analysis]) -> None:
    layer = replicate(analyses).layers[0]
    row = layer.names.index("next_token")
    assert np.isnan(layer.mean[row]).all()
    assert np.isnan(layer.low[row]).all()
    assert (layer.used[row] == 0).all()


def test_texts_of_uneven_length_come_with_a_warning(analyses: list[Analysis]) -> None:
    assert any("depend on the length" in note for note in replicate(analyses).notes)
    alike = [analyses[0], msgspec.structs.replace(analyses[0], text="again")]
    assert not any("depend on the length" in note for note in replicate(alike).notes)


def test_labels_are_counted_over_texts(analyses: list[Analysis]) -> None:
    for layer in replicate(analyses).layers:
        for counted in layer.labels:
            assert sum(count for _, count in counted) == len(TEXTS)
            assert [count for _, count in counted] == sorted((count for _, count in counted), reverse=True)


def test_one_text_has_no_mean_over_texts(analyses: list[Analysis]) -> None:
    with pytest.raises(UsageError, match="at least two texts"):
        replicate(analyses[:1])


def test_variability_is_nothing_for_one_pattern_and_near_one_for_patterns_that_never_meet() -> None:
    n = 10
    same = np.tril(np.ones((1, n, n))) / np.arange(1, n + 1)[:, None]
    elsewhere = []
    for text in range(4):
        corner = np.zeros((1, n, n))
        corner[0, np.arange(n), (np.arange(n) + text) % n] = 1
        elsewhere.append(corner)
    assert variability([same] * 3, 1) == pytest.approx([0.0], abs=1e-12)
    # Of K texts that agree nowhere it is 1 - 1/K.
    assert variability(elsewhere, 1) == pytest.approx([0.75])
    assert np.isnan(variability([same], 1)).all()


def test_positional_heads_vary_less_than_heads_on_content(analyses: list[Analysis]) -> None:
    found = replicate(analyses)
    label = {}
    for layer in found.layers:
        for counted, value in zip(layer.labels, layer.variability, strict=True):
            label.setdefault(counted[0][0], []).append(value)
    assert max(label["previous token"]) < 0.3
