"""The untrained model as the null of a whole run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faa_core.analysis import Engine
from faa_core.baseline import against_init
from faa_core.errors import UsageError
from faa_core.records import Analysis

TEXT = 'def mean(values):\n    """The mean."""\n    return sum(values) / len(values)\n\n\n' * 6


Run = Callable[[Engine, str, str], Analysis]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def test_untrained_heads_are_alike_and_a_trained_one_stands_out(engine: Engine, run_text: Run) -> None:
    trained, init = run_text(engine, "demo", TEXT), run_text(engine, "demo@init", TEXT)
    layers = against_init(trained, init)
    assert len(layers) == len(trained.layers)
    for layer, result in zip(layers, init.layers, strict=True):
        row = layer.names.index("entropy")
        assert layer.mean[row] == pytest.approx(result.statistics.value[row].mean())
        assert layer.sd[row] == pytest.approx(result.statistics.value[row].std(ddof=1))
    previous = [layer.z[layer.names.index("previous_token")].max() for layer in layers]
    assert max(previous) > 50
    row = layers[0].names.index("D1")
    assert layers[0].mean[row] == pytest.approx(2, abs=0.01)
    assert min(layer.difference[row].min() for layer in layers) < -0.5


def test_a_run_on_another_text_is_no_null(engine: Engine, run_text: Run) -> None:
    trained, init = run_text(engine, "demo", TEXT), run_text(engine, "demo@init", TEXT + "x = 1\n")
    with pytest.raises(UsageError, match="is no null for demo"):
        against_init(trained, init)


def test_a_statistic_that_no_untrained_head_has_is_undefined(engine: Engine, run_text: Run) -> None:
    trained, init = run_text(engine, "demo", TEXT), run_text(engine, "demo@init", TEXT)
    layer = against_init(trained, init)[0]
    row = layer.names.index("next_token")
    assert np.isnan(layer.mean[row])
    assert np.isnan(layer.z[row]).all()
